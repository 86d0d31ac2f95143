"""The markets of a system as a fleet meets them: readings, trades, and beside each trade what its law expects of it."""

from collections import deque
from datetime import datetime, timedelta
from typing import NamedTuple

from spacetraders_lab.core.market import Listing, MarketSnapshot, MarketTransaction, Operation, TradeGood
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.study.virtual import START

_TRADES_SHOWN = 100  # as many of the others' trades as a market lists


class Deal(NamedTuple):
    """A transaction, and the log move of a full tradeVolume that the economy's law gives it: the truth."""

    transaction: MarketTransaction
    slope: float


class Markets:
    """A system's markets at a time given in game seconds, which never goes back. Every reading is a sighting.

    Time counts from when the system has existed for `age` game seconds.
    `sightings` are the listings of all readings, oldest first; `latest` has the last one of each listing.
    """

    def __init__(self, system: System, age: float = 0.0) -> None:
        self._age = age
        self._markets = system.markets
        self._others: dict[str, deque[MarketTransaction]] = {
            symbol: deque(maxlen=_TRADES_SHOWN) for symbol in system.markets
        }
        self.sightings: list[Listing] = []
        self.latest: dict[tuple[str, str], Listing] = {}

    def read(self, waypoint: str, now: float) -> MarketSnapshot:
        """What the market shows to a ship that is there."""
        market, at = self._at(waypoint, now), self.moment(now)
        goods = {good: _trade_good(market, good) for good in market.listings}
        for good, shown in goods.items():
            self.latest[waypoint, good] = sighting = Listing(waypoint, shown, at)
            self.sightings.append(sighting)
        return MarketSnapshot(waypoint, at, goods, tuple(self._others[waypoint]))

    def read_all(self, now: float, *, older_than: float = 0.0) -> int:
        """Read every market whose last reading is that many seconds old; returns how many were read."""
        latest = {waypoint: sighting.observed_at for (waypoint, _), sighting in self.latest.items()}
        limit = self.moment(now - older_than)
        stale = [waypoint for waypoint in self._markets if waypoint not in latest or latest[waypoint] <= limit]
        for waypoint in stale:
            self.read(waypoint, now)
        return len(stale)

    def deal(self, waypoint: str, ship: str, good: str, side: Operation, units: int, now: float) -> Deal:
        """Trade at the quote that stands."""
        market = self._at(waypoint, now)
        quote = market.quote(good)
        price = quote.ask if side is Operation.BUY else quote.bid
        share = units / market.listings[good].trade_volume
        slope = abs(market.expected_move(good, side, units)) / share**market.exponent
        market.move(good, side, units)
        return Deal(MarketTransaction(waypoint, ship, good, side, units, price, units * price, self.moment(now)), slope)

    def _at(self, waypoint: str, now: float) -> Market:
        """The market as it is now; what others traded meanwhile is noted."""
        market = self._markets[waypoint]
        for visit in market.advance(self._age + now):
            total, at = visit.units * visit.price, self.moment(visit.at - self._age)
            trader = f"{visit.trader}-1"
            self._others[waypoint].append(
                MarketTransaction(waypoint, trader, visit.good, visit.operation, visit.units, visit.price, total, at)
            )
        return market

    @staticmethod
    def moment(game_seconds: float) -> datetime:
        """The time of day in rows."""
        return START + timedelta(seconds=game_seconds)


def _trade_good(market: Market, good: str) -> TradeGood:
    listing, quote = market.listings[good], market.quote(good)
    return TradeGood(
        good, listing.kind, listing.trade_volume, listing.supply, market.activity(good), quote.ask, quote.bid
    )

"""Ships at work in an economy itself: what a run's workers would do, without HTTP, database or waiting.

Every decision is the protocol's (`core.protocol`), every row is made as a run makes it; only travelling, the request
limit and the locks are played here, in plain game seconds. Nothing is estimated. It knows no faults: what happens when
something breaks is the business of the whole stack (`study.rig`).
"""

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from math import inf

from spacetraders_lab.core.commands import DockShipCommand, GetMarketQuery, NavigateShipCommand
from spacetraders_lab.core.experiment import Design, MarketPair, Step, TradeRecord
from spacetraders_lab.core.market import Listing, MarketSnapshot, MarketTransaction, Operation, TradeGood
from spacetraders_lab.core.observation import TradeContext, Visit, trade_record
from spacetraders_lab.core.protocol import NoFunds, PairDone, PairFacts, PairFailed, next_action
from spacetraders_lab.core.routing import Leg, find_route, leg_table
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import FUEL_PER_MARKET_UNIT, FlightMode
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.study.virtual import START
from spacetraders_lab.study.worlds import World

POLL_SECONDS = 5.0  # as a worker looks again at a queue that has nothing free
_TRADES_SHOWN = 100  # as many of the others' trades as a market lists


@dataclass(slots=True)
class Played:
    """What came of it. `slopes` has for each row the log move of a full tradeVolume by the economy's law: the truth.

    `sightings` are the listings of every market read, `spent` the credits net of what was earned, fuel included.
    """

    rows: list[TradeRecord] = field(default_factory=list)
    slopes: list[float] = field(default_factory=list)
    sightings: list[Listing] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0
    spent: int = 0
    completed: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def hours(self) -> float:
        return self.seconds / 3600


class RequestLimit:
    """The game's rate limit for one account: 2 requests in any second and 30 more in any minute, first come first."""

    def __init__(self) -> None:
        self._steady, self._burst = deque([-inf] * 2, 2), deque([-inf] * 30, 30)
        self._last = 0.0

    def grant(self, now: float) -> float:
        """When a request that comes now may go out."""
        steady, burst = self._steady[0] + 1.0, self._burst[0] + 60.0
        self._last = max(now, self._last, min(steady, burst))
        (self._steady if steady <= self._last else self._burst).append(self._last)
        return self._last


@dataclass(slots=True)
class _Voyager:
    """A ship and the pair that it is at; `records` are the pair's rows."""

    ship: Ship
    pair: MarketPair | None = None
    number: int = 0
    records: list[TradeRecord] = field(default_factory=list)
    market: MarketSnapshot | None = None
    visit: Visit = field(default_factory=lambda: Visit("", 0, 0))
    cannot_buy: bool = False


class Fleet:
    """A world's ships in one system. What a ship does is a generator of the game seconds at which it goes on."""

    def __init__(self, world: World, system: System) -> None:
        self.played = Played()
        self._markets = system.markets
        self._now = 0.0
        self._credits = world.credits
        self._limit = RequestLimit()
        self._legs = leg_table(tuple(system.waypoints.values()), world.speed)
        self._stations = frozenset(symbol for symbol, market in system.markets.items() if FUEL in market.listings)
        self._foreign: dict[str, deque[MarketTransaction]] = {
            symbol: deque(maxlen=_TRADES_SHOWN) for symbol in system.markets
        }
        self._locks: dict[tuple[str, str], float] = {}
        self._opens = -inf  # nothing in the queue is free before
        self._queue: deque[tuple[int, MarketPair]] = deque()
        self._voyagers = [_Voyager(_new_ship(world, system, number)) for number in range(1, world.ships + 1)]

    def play(self, pairs: Iterable[MarketPair], design: Design, *, transactions: int | None = None) -> Played:
        """Measure the pairs in their order; once there are so many transactions no pair is begun."""
        self._queue.extend(enumerate(pairs, 1))
        most = inf if transactions is None else transactions
        lives = [self._live(voyager, design, most) for voyager in self._voyagers]
        events = [(self._now, number) for number in range(len(lives))]
        while events:
            self._now, number = heappop(events)
            until = next(lives[number], None)
            if until is not None:
                heappush(events, (until, number))
        self.played.seconds = self._now
        return self.played

    # --- one ship -------------------------------------------------------------------------------------------------

    def _live(self, voyager: _Voyager, design: Design, most: float) -> Generator[float]:
        """Claim and measure pairs until none is left."""
        while self._queue and len(self.played.rows) < most:
            if self._claim(voyager):
                yield from self._measure(voyager, design)
            else:
                yield self._now + POLL_SECONDS

    def _claim(self, voyager: _Voyager) -> bool:
        """Give the ship the first pair in the queue whose two listings are free, and lock them."""
        if self._now < self._opens:
            return False
        for place, (number, pair) in enumerate(self._queue):
            listings = _listings(pair)
            if all(self._locks.get(listing, -inf) <= self._now for listing in listings):
                self._locks.update(dict.fromkeys(listings, inf))
                del self._queue[place]
                voyager.pair, voyager.number, voyager.cannot_buy = pair, number, False
                voyager.records = []
                voyager.visit = _next_visit(voyager)
                return True
        self._opens = min((end for end in self._locks.values() if end > self._now), default=inf)
        return False

    def _measure(self, voyager: _Voyager, design: Design) -> Generator[float]:
        """Do what the protocol says until the pair has ended."""
        assert voyager.pair is not None
        while True:
            facts = PairFacts(design, tuple(voyager.records), voyager.market, cannot_buy=voyager.cannot_buy)
            action = next_action(voyager.pair, facts, voyager.ship)
            match action:
                case NavigateShipCommand(destination=destination):
                    yield from self._navigate(voyager, destination)
                case DockShipCommand():
                    yield self._request()
                    voyager.ship = replace(voyager.ship, status=NavStatus.DOCKED)
                case GetMarketQuery(waypoint=waypoint):
                    yield self._request()
                    voyager.market = self._read(waypoint)
                case Step():
                    yield from self._trade(voyager, action)
                case PairDone():
                    self.played.completed += 1
                    break
                case PairFailed(reason=reason):
                    self.played.failed[voyager.pair.pair_id] = reason
                    break
                case NoFunds():
                    self.played.failed[voyager.pair.pair_id] = "the purse cannot pay for the next purchase"
                    break
        end = self._now + design.washout_seconds
        self._locks.update(dict.fromkeys(_listings(voyager.pair), end))
        self._opens = min(self._opens, end)
        # what was read of a market is worth nothing to the next pair: time has passed
        voyager.market = None

    def _navigate(self, voyager: _Voyager, destination: str) -> Generator[float]:
        voyager.market = None
        ship = voyager.ship
        route = find_route(
            self._legs,
            ship.waypoint,
            destination,
            fuel=ship.fuel,
            fuel_capacity=ship.fuel_capacity,
            fuel_stations=self._stations,
            mode=ship.flight_mode,
            docked=ship.status is NavStatus.DOCKED,
        )
        for leg in route.legs:
            yield from self._fly(voyager, leg)
        voyager.visit = _next_visit(voyager)

    def _fly(self, voyager: _Voyager, leg: Leg) -> Generator[float]:
        """Refuel if the route says so, change the mode, undock, fly."""
        ship = voyager.ship
        if leg.refuel_before:
            if ship.status is not NavStatus.DOCKED:
                yield self._request()
            yield self._request()
            self._refuel(voyager)
            ship = replace(voyager.ship, status=NavStatus.DOCKED)
        requests = 1 + (ship.flight_mode is not leg.mode) + (ship.status is NavStatus.DOCKED)
        for _ in range(requests):
            yield self._request()
        yield self._now + leg.seconds
        voyager.ship = replace(
            ship,
            waypoint=leg.destination,
            status=NavStatus.IN_ORBIT,
            flight_mode=leg.mode,
            fuel=max(0, ship.fuel - leg.fuel) if ship.fuel_capacity else 0,
        )

    def _refuel(self, voyager: _Voyager) -> None:
        ship = voyager.ship
        units = -(-(ship.fuel_capacity - ship.fuel) // FUEL_PER_MARKET_UNIT)
        market = self._market(ship.waypoint)
        self._pay(units * market.quote(FUEL).ask)
        market.move(FUEL, Operation.BUY, units)
        voyager.ship = replace(ship, fuel=ship.fuel_capacity)

    # --- one trade ------------------------------------------------------------------------------------------------

    def _trade(self, voyager: _Voyager, step: Step) -> Generator[float]:
        """Trade at the quote that stands, read the market, and record both."""
        assert voyager.market is not None and voyager.pair is not None  # the protocol has seen the market
        buys = step.operation is Operation.BUY
        before = voyager.market.goods[step.good_symbol]
        if buys and step.units * before.purchase_price > self._credits:
            voyager.cannot_buy = True
            return
        visit = Visit(voyager.visit.visit_id, voyager.visit.sequence + 1, voyager.visit.cumulative_units + step.units)
        context = TradeContext(voyager.pair, visit, before, voyager.market.observed_at)
        yield self._request()
        transaction, slope = self._deal(voyager.ship, step)
        held = voyager.ship.units_of(step.good_symbol) + (step.units if buys else -step.units)
        voyager.ship = voyager.ship.with_units(step.good_symbol, held)
        yield self._request()
        voyager.market, voyager.visit = self._read(step.market), visit
        record = trade_record(
            step,
            transaction,
            context,
            run_id="study",
            player_id=0,
            take=1,
            ship=voyager.ship,
            after=voyager.market,
        )
        voyager.records.append(record)
        self.played.rows.append(record)
        self.played.slopes.append(slope)

    def _deal(self, ship: Ship, step: Step) -> tuple[MarketTransaction, float]:
        """The transaction, and the slope that the economy's law gives it."""
        market, good, side = self._market(step.market), step.good_symbol, step.operation
        quote = market.quote(good)
        price = quote.ask if side is Operation.BUY else quote.bid
        volume = market.listings[good].trade_volume
        exponent = market.settings.exponent if market.settings.economy in ("power", "by-cell") else 1.0
        slope = abs(market.expected_move(good, side, step.units)) / (step.units / volume) ** exponent
        market.move(good, side, step.units)
        total = step.units * price
        self._pay(total if side is Operation.BUY else -total)
        at = self._moment(self._now)
        return MarketTransaction(step.market, ship.symbol, good, side, step.units, price, total, at), slope

    def _pay(self, credits: int) -> None:
        self._credits -= credits
        self.played.spent += credits

    # --- the world ------------------------------------------------------------------------------------------------

    def _request(self) -> float:
        """When the next request of the account may go out."""
        self.played.requests += 1
        return self._limit.grant(self._now)

    def _market(self, waypoint: str) -> Market:
        """The market as it is now; what others traded meanwhile is noted."""
        market = self._markets[waypoint]
        for visit in market.advance(self._now):
            self._foreign[waypoint].append(
                MarketTransaction(
                    waypoint,
                    f"{visit.trader}-1",
                    visit.good,
                    visit.operation,
                    visit.units,
                    visit.price,
                    visit.units * visit.price,
                    self._moment(visit.at),
                )
            )
        return market

    def _read(self, waypoint: str) -> MarketSnapshot:
        market, at = self._market(waypoint), self._moment(self._now)
        goods = {good: _trade_good(market, good) for good in market.listings}
        self.played.sightings.extend(Listing(waypoint, good, at) for good in goods.values())
        return MarketSnapshot(waypoint, at, goods, tuple(self._foreign[waypoint]))

    @staticmethod
    def _moment(game_seconds: float) -> datetime:
        return START + timedelta(seconds=game_seconds)


def _listings(pair: MarketPair) -> tuple[tuple[str, str], tuple[str, str]]:
    return (pair.buy_market, pair.good_symbol), (pair.sell_market, pair.good_symbol)


def _next_visit(voyager: _Voyager) -> Visit:
    return Visit(f"{voyager.number}-1-{len({row.visit_id for row in voyager.records}) + 1}", 0, 0)


def _new_ship(world: World, system: System, number: int) -> Ship:
    return Ship(
        symbol=f"LAB-{number:X}",
        waypoint=system.headquarters,
        status=NavStatus.DOCKED,
        flight_mode=FlightMode.CRUISE,
        speed=world.speed,
        fuel=world.fuel,
        fuel_capacity=world.fuel,
        cargo_capacity=world.hold,
    )


def _trade_good(market: Market, good: str) -> TradeGood:
    listing, quote = market.listings[good], market.quote(good)
    return TradeGood(
        good, listing.kind, listing.trade_volume, listing.supply, market.activity(good), quote.ask, quote.bid
    )

"""What the page shows of markets: the systems of which prices are known, all listings of one, and one listing."""

from collections import deque
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from spacetraders_lab.core.market import Activity, ListingType, Supply, TradeGood
from spacetraders_lab.core.prior import expected_listing
from spacetraders_lab.core.waypoint import system_of
from spacetraders_lab.dashboard.tally import Cursor, epoch, overlap_of
from spacetraders_lab.store import live, live_markets
from spacetraders_lab.store.live import Trade
from spacetraders_lab.store.live_markets import Quote

JSON = dict[str, Any]

ROWS_AT_ONCE = 5_000
MOST_QUOTES = 2_000
MOST_TRADES = 500
MOST_VISITS = 6
CURVE_POINTS = 12
_LATE = timedelta(minutes=1)  # an observation may be written so long after it was made


class SystemsFeed:
    """The systems of which prices are known."""

    behind = False

    def refresh(self, connection: Connection, now: datetime) -> list[JSON]:
        """All of them, those of the latest universe first."""
        return [
            {
                "universe_id": s["universe_id"],
                "universe": s["reset_date"],
                "server": s["base_url"],
                "system": s["system"],
            }
            for s in live_markets.systems_seen(connection)
        ]


class SystemFeed:
    """The newest quotes of every listing of a system, kept up as observations come in."""

    def __init__(self, universe_id: str, system: str) -> None:
        self.behind = False
        self._universe, self._system = int(universe_id), system
        self._latest: dict[tuple[str, str], Quote] = {}
        self._before: dict[tuple[str, str], Quote] = {}
        self._cursor: Cursor | None = None

    def refresh(self, connection: Connection, now: datetime) -> JSON:
        """Read what is new; returns all listings by market and good."""
        newest = live_markets.last_observation_id(connection)
        if self._cursor is None:
            self._cursor = Cursor(newest, overlap_of(connection))
            for quote in live_markets.latest_quotes(connection, self._universe, self._system):
                self._latest[quote.waypoint_symbol, quote.good_symbol] = quote
        else:
            upto = min(newest, self._cursor.end + ROWS_AT_ONCE)
            rows = live_markets.read_quotes(connection, self._universe, self._system, self._cursor.after, upto)
            for quote in self._cursor.fresh(rows, upto):
                self._note(quote)
            self.behind = upto < newest
        keys = sorted(self._latest)
        return {
            "universe_id": self._universe,
            "system": self._system,
            "listings": [_line(self._latest[key], self._before.get(key)) for key in keys],
        }

    def _note(self, quote: Quote) -> None:
        key = quote.waypoint_symbol, quote.good_symbol
        last = self._latest.get(key)
        if last is not None and last.observed_at > quote.observed_at:
            return
        if last is not None and (last.purchase_price, last.sell_price) != (quote.purchase_price, quote.sell_price):
            self._before[key] = last
        self._latest[key] = quote


class ListingFeed:
    """One listing: its quotes over time, own and others' trades, and the price law over what the trades did."""

    behind = False

    def __init__(self, universe_id: str, waypoint: str, good: str) -> None:
        self._universe, self._waypoint, self._good = int(universe_id), waypoint, good
        self._quotes: deque[Quote] = deque(maxlen=MOST_QUOTES)
        self._trades: deque[Trade] = deque(maxlen=MOST_TRADES)
        self._cursor: Cursor | None = None

    def refresh(self, connection: Connection, now: datetime) -> JSON:
        """Read what is new; returns the whole view."""
        self._read_quotes(connection)
        self._read_trades(connection)
        trades = list(self._trades)
        return {
            "universe_id": self._universe,
            "market": self._waypoint,
            "good": self._good,
            "listing": _line(self._quotes[-1], None) if self._quotes else None,
            "quotes": _changes(list(self._quotes)),
            "trades": [_mark(trade) for trade in trades],
            "others": [(epoch(t.timestamp), t.foreign_units) for t in trades if t.foreign_units],
            "visits": [_visit(visit) for visit in _visits(trades)[-MOST_VISITS:]],
        }

    def _read_quotes(self, connection: Connection) -> None:
        since = self._quotes[-1].observed_at - _LATE if self._quotes else None
        rows = live_markets.quotes_of(
            connection,
            self._universe,
            system_of(self._waypoint),
            self._waypoint,
            self._good,
            since=since,
            most=MOST_QUOTES,
        )
        known = {quote.observation_id for quote in self._quotes if since is None or quote.observed_at >= since}
        self._quotes.extend(row for row in rows if row.observation_id not in known)

    def _read_trades(self, connection: Connection) -> None:
        newest = live.last_trade_id(connection)
        place = (self._universe, self._waypoint, self._good)
        if self._cursor is None:
            self._trades.extend(live_markets.trades_at(connection, *place, most=MOST_TRADES))
            self._cursor = Cursor(newest, overlap_of(connection), (trade.experiment_id for trade in self._trades))
            return
        rows = live_markets.new_trades_at(connection, *place, self._cursor.after, newest)
        self._trades.extend(self._cursor.fresh(rows, newest))


def _line(quote: Quote, before: Quote | None) -> JSON:
    return {
        "market": quote.waypoint_symbol,
        "good": quote.good_symbol,
        "type": quote.type,
        "supply": quote.supply,
        "activity": quote.activity,
        "trade_volume": quote.trade_volume,
        "ask": quote.purchase_price,
        "bid": quote.sell_price,
        "ask_before": before.purchase_price if before else None,
        "bid_before": before.sell_price if before else None,
        "seen": epoch(quote.observed_at),
    }


def _changes(quotes: list[Quote]) -> JSON:
    """Times, asks and bids, without the observations between two that quote the same."""
    kept = [
        quote
        for i, quote in enumerate(quotes)
        if i in (0, len(quotes) - 1)
        or _prices(quote) != _prices(quotes[i - 1])
        or _prices(quote) != _prices(quotes[i + 1])
    ]
    return {
        "t": [epoch(quote.observed_at) for quote in kept],
        "ask": [quote.purchase_price for quote in kept],
        "bid": [quote.sell_price for quote in kept],
    }


def _prices(quote: Quote) -> tuple[int, int]:
    return quote.purchase_price, quote.sell_price


def _mark(trade: Trade) -> JSON:
    return {
        "id": trade.experiment_id,
        "at": epoch(trade.timestamp),
        "ship": trade.ship_symbol,
        "operation": trade.operation,
        "units": trade.units,
        "price": trade.price_per_unit,
        "before": trade.price_before,
        "after": trade.price_after,
    }


def _visits(trades: list[Trade]) -> list[list[Trade]]:
    """The trades visit by visit, in the order of the visits' first trades."""
    found: dict[tuple[str, str, str], list[Trade]] = {}
    for trade in trades:
        found.setdefault((trade.pair_id, trade.visit_id, trade.operation), []).append(trade)
    return list(found.values())


def _visit(visit: list[Trade]) -> JSON:
    """What the traded quote did over a visit, and what the price law expects from the quotes at its beginning.

    Points and curve are (trade volumes traded so far, quote in credits).
    """
    first = visit[0]
    volume = first.trade_volume_before
    points, traded = [(0.0, first.price_before)], 0
    for trade in visit:
        traded += trade.units
        if trade.price_after is not None:
            points.append((round(traded / volume, 4), trade.price_after))
    expected = expected_listing(_good(first))
    reach = traded / volume
    curve = []
    for i in range(CURVE_POINTS + 1):
        units = traded * i / CURVE_POINTS
        after = expected.after_trade(units if first.operation == "BUY" else -units)
        curve.append(
            (round(reach * i / CURVE_POINTS, 4), round(after.ask if first.operation == "BUY" else after.bid, 2))
        )
    return {
        "at": epoch(first.timestamp),
        "ship": first.ship_symbol,
        "operation": first.operation,
        "points": points,
        "curve": curve,
    }


def _good(trade: Trade) -> TradeGood:
    return TradeGood(
        trade.good_symbol,
        ListingType(trade.listing_type),
        trade.trade_volume_before,
        Supply(trade.supply_before),
        Activity(trade.activity_before) if trade.activity_before else None,
        trade.purchase_price_before,
        trade.sell_price_before,
    )

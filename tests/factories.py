"""Small makers of the core's values: a sensible default for everything, and any field by its name.

A misspelt field is an error. Nothing here decides anything; who needs behaviour builds it in the test.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from spacetraders_lab.core.experiment import ClaimedPair, MarketPair, TradeRecord
from spacetraders_lab.core.market import (
    Activity,
    Listing,
    ListingType,
    MarketSnapshot,
    MarketTransaction,
    Operation,
    Supply,
    TradeGood,
)
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.core.waypoint import Waypoint

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD, BUY_MARKET, SELL_MARKET, SHIP = "IRON_ORE", "X1-GZ7-A1", "X1-GZ7-B2", "HAULER-1"
PAIR = MarketPair.of(GOOD, BUY_MARKET, SELL_MARKET)

_TRADE_GOOD = TradeGood(GOOD, ListingType.EXPORT, 60, Supply.MODERATE, Activity.WEAK, purchase_price=50, sell_price=24)
_SHIP = Ship(SHIP, BUY_MARKET, NavStatus.DOCKED, FlightMode.CRUISE, 15, fuel=600, fuel_capacity=600, cargo_capacity=80)


def make_good(symbol: str = GOOD, **fields: Any) -> TradeGood:
    """A listing as quoted: an EXPORT of tradeVolume 60, MODERATE and WEAK, ask 50 and bid 24."""
    return replace(_TRADE_GOOD, symbol=symbol, **fields)


def make_listing(waypoint: str = BUY_MARKET, *, observed_at: datetime = NOON, **good: Any) -> Listing:
    """`make_good` at a market; further fields are the good's."""
    return Listing(waypoint, make_good(**good), observed_at)


def make_snapshot(
    waypoint: str = BUY_MARKET,
    goods: Iterable[TradeGood] = (_TRADE_GOOD,),
    *,
    observed_at: datetime = NOON,
    **fields: Any,
) -> MarketSnapshot:
    """A reply of the market with these goods live."""
    return MarketSnapshot(waypoint, observed_at, {good.symbol: good for good in goods}, **fields)


def make_transaction(operation: Operation = Operation.BUY, units: int = 6, **fields: Any) -> MarketTransaction:
    """A trade as the market reports it, `total_price` to match unless it is given."""
    price = fields.setdefault("price_per_unit", 50 if operation is Operation.BUY else 24)
    market = BUY_MARKET if operation is Operation.BUY else SELL_MARKET
    default = MarketTransaction(market, SHIP, GOOD, operation, units, price, units * price, NOON)
    return default._replace(**fields)


def make_ship(symbol: str = SHIP, **fields: Any) -> Ship:
    """A hauler (hold 80, empty; tank 600, full), docked at the buy market."""
    return replace(_SHIP, symbol=symbol, **fields)


def make_waypoint(symbol: str = BUY_MARKET, x: int = 0, y: int = 0, **fields: Any) -> Waypoint:
    """A planet with a market."""
    return replace(Waypoint(symbol, "PLANET", x, y, frozenset({"MARKETPLACE"})), **fields)


def make_claim(pair: MarketPair = PAIR, **fields: Any) -> ClaimedPair:
    """The pair in the hauler's hands: attempt 1, take 1, leased until noon."""
    return replace(ClaimedPair(1, "run-1", pair, SHIP, "owner-1", attempt=1, take=1), **fields)


def make_record(
    operation: Operation = Operation.BUY,
    fraction: float | None = 0.1,
    iteration: int = 1,
    units: int = 6,
    pair: MarketPair = PAIR,
    **fields: Any,
) -> TradeRecord:
    """One executed transaction that agrees with itself: total, prices and impact follow from operation and units."""
    buying = operation is Operation.BUY
    ask, bid = (50, 24) if buying else (100, 48)
    price_before, price_after = (ask, ask + 1) if buying else (bid, bid - 1)
    record = TradeRecord(
        run_id="run-1",
        player_id=1,
        ship_symbol=SHIP,
        good_symbol=pair.good_symbol,
        pair_id=pair.pair_id,
        buy_market=pair.buy_market,
        sell_market=pair.sell_market,
        operation=operation,
        iteration=iteration,
        batch_size_fraction=fraction,
        units=units,
        price_per_unit=price_before,
        total_credits=units * price_before,
        listing_type=ListingType.EXPORT if buying else ListingType.IMPORT,
        supply_before=Supply.MODERATE,
        activity_before=Activity.WEAK,
        trade_volume_before=60,
        price_before=price_before,
        purchase_price_before=ask,
        sell_price_before=bid,
        supply_after=Supply.MODERATE,
        activity_after=Activity.WEAK,
        trade_volume_after=60,
        price_after=price_after,
        purchase_price_after=ask + 1 if buying else ask - 2,
        sell_price_after=bid if buying else bid - 1,
        supply_change="MODERATE→MODERATE",
        price_impact_percent=(price_after - price_before) / price_before * 100,
        visit_id="visit-1",
        sequence_in_visit=1,
        cumulative_units=units,
        seconds_since_before=1.0,
        foreign_units=0,
        cargo_units=units if buying else 0,
        cargo_capacity=80,
        take=1,
        part=1,
        recovered=False,
        timestamp=NOON,
    )
    return replace(record, **fields)

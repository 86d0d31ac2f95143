"""The recorded trades as arrays, with what cannot be used counted and named. Estimates nothing.

A row is one transaction with the quotes read before and after it. Rows that cannot be used stay, marked with the
reason, so that every count adds up and the ledger of a run needs no second source.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np

from spacetraders_lab.analysis.arrays import (
    Bools,
    Column,
    Columns,
    Floats,
    Ints,
    Rows,
    codes,
    column,
    named,
    numbers,
    pairs,
    seconds,
)
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE, Exclusion
from spacetraders_lab.core.exclusions import marks
from spacetraders_lab.core.experiment import TradeRecord
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply

SIDES = (Operation.BUY, Operation.SELL)
TYPES = (ListingType.EXPORT, ListingType.IMPORT, ListingType.EXCHANGE)
SUPPLIES = (Supply.SCARCE, Supply.LIMITED, Supply.MODERATE, Supply.HIGH, Supply.ABUNDANT)
ACTIVITIES = (
    Activity.WEAK,
    Activity.GROWING,
    Activity.STRONG,
    Activity.RESTRICTED,
    None,
)  # the game gives EXCHANGE none
BUY, SELL = 0, 1
NO_ACTIVITY = ACTIVITIES.index(None)
REASONS = tuple(Exclusion)
_KEPT = -1


@dataclass(frozen=True, slots=True)
class Dataset(Rows):
    """Trades in time order; every array has one entry a row, NaN or -1 where the quotes after were not read.

    `side`, `type`, `supply` and `activity` are positions in SIDES, TYPES, SUPPLIES and ACTIVITIES; `unit` and
    `visit` positions in the names. A unit is a listing, (market, good). `x` is units / tradeVolume, `sign` +1 for BUY
    and -1 for SELL. Quotes are in credits a unit, `time` (of the trade) in seconds since 1970, `seconds` from the read
    before to the trade. `percent` is the recorded price_impact_percent. `reason` is a position in REASONS, -1 where the
    row is used.
    """

    unit_names: tuple[tuple[str, str], ...]
    visit_names: tuple[str, ...]
    visit: Ints
    sequence: Ints
    side: Ints
    type: Ints
    supply: Ints
    supply_after: Ints
    activity: Ints
    fraction: Floats
    units: Floats
    cumulative: Floats
    trade_volume: Floats
    trade_volume_after: Floats
    ask_before: Floats
    bid_before: Floats
    ask_after: Floats
    bid_after: Floats
    paid: Floats
    percent: Floats
    foreign: Floats
    seconds: Floats
    time: Floats
    reason: Ints

    @property
    def x(self) -> Floats:
        return self.units / self.trade_volume

    @property
    def sign(self) -> Floats:
        return np.where(self.side == BUY, 1.0, -1.0)

    @property
    def before(self) -> Floats:
        """The traded quote before: the ask for BUY, the bid for SELL."""
        return np.where(self.side == BUY, self.ask_before, self.bid_before)

    @property
    def after(self) -> Floats:
        """The traded quote after."""
        return np.where(self.side == BUY, self.ask_after, self.bid_after)

    @property
    def usable(self) -> Bools:
        kept: Bools = self.reason == _KEPT
        return kept

    def used(self) -> "Dataset":
        """Only the rows that no reason excludes."""
        return self.take(self.usable)

    def exclude(self, rows: Bools, reason: Exclusion) -> "Dataset":
        """The same with these rows left out for the reason, where they are not left out already."""
        return replace(self, reason=np.where(rows & self.usable, REASONS.index(reason), self.reason))


@dataclass(frozen=True, slots=True)
class Exclusions:
    """How many rows there are, and how many were left out for which reason; reasons without rows are not listed."""

    rows: int
    by_reason: dict[Exclusion, int]

    @property
    def used(self) -> int:
        return self.rows - sum(self.by_reason.values())


def count_exclusions(data: Dataset) -> Exclusions:
    """Count the rows by reason."""
    counts = np.bincount(data.reason[~data.usable], minlength=len(REASONS))
    return Exclusions(len(data), {reason: int(n) for reason, n in zip(REASONS, counts, strict=True) if n})


def dataset_of(records: Iterable[TradeRecord]) -> Dataset:
    """The dataset of recorded trades."""
    rows = list(records)
    return dataset_from_columns({name: list(map(attrgetter(name), rows)) for name in _COLUMNS})


def dataset_from_columns(columns: Columns) -> Dataset:
    """The dataset of trades given as columns named like TradeRecord's fields. Cheap for a million rows.

    A null is None, in number columns also NaN. Raises UserError for a missing column and for an unknown label.
    """
    get = {name: column(columns, name) for name in _COLUMNS}
    side = codes(get["operation"], SIDES)
    unit, unit_names = _units(get, side)
    visit, visit_names = named(get["visit_id"])
    activity = codes(get["activity_before"], ACTIVITIES[:NO_ACTIVITY])
    data = Dataset(
        unit_names=unit_names,
        visit_names=visit_names,
        unit=unit,
        visit=visit,
        sequence=numbers(get["sequence_in_visit"]).astype(np.int64),
        side=side,
        type=codes(get["listing_type"], TYPES),
        supply=codes(get["supply_before"], SUPPLIES),
        supply_after=codes(get["supply_after"], SUPPLIES),
        activity=np.where(activity < 0, NO_ACTIVITY, activity),
        fraction=numbers(get["batch_size_fraction"]),
        units=numbers(get["units"]),
        cumulative=numbers(get["cumulative_units"]),
        trade_volume=numbers(get["trade_volume_before"]),
        trade_volume_after=numbers(get["trade_volume_after"]),
        ask_before=quotes(get["purchase_price_before"]),
        bid_before=quotes(get["sell_price_before"]),
        ask_after=quotes(get["purchase_price_after"]),
        bid_after=quotes(get["sell_price_after"]),
        paid=numbers(get["price_per_unit"]),
        percent=numbers(get["price_impact_percent"]),
        foreign=numbers(get["foreign_units"]),
        seconds=numbers(get["seconds_since_before"]),
        time=seconds(get["timestamp"]),
        reason=np.full(len(side), _KEPT, dtype=np.int64),
    )
    recovered = numbers(get["recovered"]) > 0
    data = _mark(data, recovered)
    return data.take(np.lexsort((data.sequence, data.visit, data.time)))


def quotes(values: Column) -> Floats:
    """Quotes as they can be reckoned with: one below the floor, of nothing, says no more than one at it."""
    return np.maximum(LOWEST_QUOTE, numbers(values))


_COLUMNS = (
    "good_symbol", "buy_market", "sell_market", "operation", "batch_size_fraction", "units", "price_per_unit",
    "listing_type", "supply_before", "activity_before", "trade_volume_before",
    "purchase_price_before", "sell_price_before", "supply_after", "trade_volume_after", "purchase_price_after",
    "sell_price_after", "price_impact_percent", "visit_id", "sequence_in_visit", "cumulative_units",
    "seconds_since_before", "foreign_units", "recovered", "timestamp",
)  # fmt: skip


def _units(get: Columns, side: Ints) -> tuple[Ints, tuple[tuple[str, str], ...]]:
    """The listing of each row: the market where it was traded, and the good."""
    both, markets = named([*get["buy_market"], *get["sell_market"]])
    market = np.where(side == BUY, both[: len(side)], both[len(side) :])
    good, goods = named(get["good_symbol"])
    unit, market_of, good_of = pairs(market, good, max(1, len(goods)))
    return unit, tuple((markets[m], goods[g]) for m, g in zip(market_of, good_of, strict=True))


def _mark(data: Dataset, recovered: Bools) -> Dataset:
    found = marks(
        recovered=recovered,
        unread=np.isnan(data.ask_after) | np.isnan(data.bid_after),
        leftover=np.isnan(data.fraction),
        foreign=data.foreign,
        grown=~np.isnan(data.trade_volume_after) & (data.trade_volume_after != data.trade_volume),
        seconds=data.seconds,
        before=data.before,
        after=data.after,
    )
    for reason, rows in found:
        data = data.exclude(rows, reason)
    return data

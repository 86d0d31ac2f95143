"""How precise a plan's estimates can be expected to be, before anything is measured. Assumes; measures nothing.

half-width^2 = z^2 (cv^2 / X + rounding^2), and tau^2 / G more for a listing that was not measured: X tradeVolumes and G
listings in the cell, cv the noise of one full step, tau the spread between listings. Both are assumed here, on the
cautious side: the game's own law has shown neither.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from spacetraders_lab.core.market import Activity, CellKey, ListingKey, ListingType, Operation, Supply, TradeGood
from spacetraders_lab.core.menus import expected_move
from spacetraders_lab.core.planning import PairPlan

STEP_NOISE = 0.20
SPREAD_BETWEEN_LISTINGS = 0.30
_Z = 1.96


@dataclass(frozen=True, slots=True)
class ExpectedPrecision:
    """One side x type x supply x activity: what will be traded, and the half-widths of 95 % intervals as shares."""

    side: Operation
    type: ListingType
    supply: Supply
    activity: Activity | None
    listings: int
    volumes: float
    measured: float
    new: float


@dataclass(slots=True)
class _Sums:
    keys: set[ListingKey]
    volumes: float = 0.0
    moved: float = 0.0
    rounding: float = 0.0


def expected_precision(plans: Iterable[PairPlan], quotes: Mapping[ListingKey, TradeGood]) -> list[ExpectedPrecision]:
    """The precision to expect of each cell that the plan trades in, labels as they stand now; infinite for no move."""
    cells: dict[CellKey, _Sums] = defaultdict(lambda: _Sums(set()))
    for planned in plans:
        source, target = planned.pair.listings
        for load in planned.loads:
            _add(cells, quotes, source, Operation.BUY, sum(load.purchases))
            _add(cells, quotes, target, Operation.SELL, sum(load.sales))
    return [_expected(key, cells[key]) for key in sorted(cells, key=_order)]


def _add(
    cells: dict[CellKey, _Sums],
    quotes: Mapping[ListingKey, TradeGood],
    key: ListingKey,
    side: Operation,
    units: int,
) -> None:
    good = quotes[key]
    cell = cells[side, good.type, good.supply, good.activity]
    cell.keys.add(key)
    cell.volumes += units / good.trade_volume
    cell.moved += expected_move(good, side, units) / good.price(side)
    cell.rounding += 2 / 12 / good.price(side) ** 2


def _expected(key: CellKey, sums: _Sums) -> ExpectedPrecision:
    measured = math.inf
    if sums.volumes and sums.moved:
        measured = _Z * math.sqrt(STEP_NOISE**2 / sums.volumes + sums.rounding / sums.moved**2)
    new = math.hypot(measured, _Z * SPREAD_BETWEEN_LISTINGS / math.sqrt(len(sums.keys)))
    return ExpectedPrecision(*key, len(sums.keys), sums.volumes, measured, new)


def _order(key: CellKey) -> tuple[str, str, int, str]:
    side, kind, supply, activity = key
    return side, kind, list(Supply).index(supply), activity or ""

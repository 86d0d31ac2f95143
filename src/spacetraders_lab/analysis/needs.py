"""How much each cell is wanted by an adaptive run: how far its interval is from its target. Chooses nothing."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from spacetraders_lab.analysis.analyse import measure_impact, usable_part
from spacetraders_lab.analysis.candidates import cell_of
from spacetraders_lab.analysis.dataset import SIDES, dataset_of
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import CellEstimate
from spacetraders_lab.analysis.metaorders import combine_quotes, metaorders_of
from spacetraders_lab.analysis.observations import observations_of
from spacetraders_lab.analysis.quiet import drift_variance, quiet_reads
from spacetraders_lab.core.allocation import AllocationPlan
from spacetraders_lab.core.analysis_plan import FEWEST_UNITS, FEWEST_VOLUMES
from spacetraders_lab.core.experiment import PlaceboBracket, TradeRecord
from spacetraders_lab.core.market import CellKey

NEVER_SEEN, MOST_NEED = 4.0, 5.0


def cell_estimates(rows: Sequence[TradeRecord], placebos: Sequence[PlaceboBracket]) -> dict[CellKey, CellEstimate]:
    """The impact by cell from rows and placebo brackets, as the final analysis estimates it with b = 1.

    Whether b is 1 hardly changes how wide an interval is, and to ask takes as long as all the rest.
    """
    data = usable_part(dataset_of(rows), None)
    drift2 = drift_variance(quiet_reads(data, observations_of(())), placebos)
    cells = measure_impact(data, combine_quotes(metaorders_of(data)), drift2).cells
    return {(cell.side, cell.type, cell.supply, cell.activity): cell for cell in cells}


def is_precise(estimate: Estimate | None, target: float, floor: float) -> bool:
    """Whether the half-width is at most the larger of `target` times the estimate and `floor` (a slope)."""
    return _shortfall(estimate, target, floor) <= 1


def cell_needs(estimates: Mapping[CellKey, CellEstimate], plan: AllocationPlan) -> dict[CellKey, float]:
    """How much each cell is wanted: its half-width in targets, at most 5; 4 when never seen, 0 when done.

    Done takes the target, 3 listings (or all that are in the cell now) and 8 tradeVolumes.
    """
    existing = Counter(cell_of(listing, side) for listing in plan.listings for side in SIDES)
    return {key: _need(cell, plan, existing[key]) for key, cell in estimates.items()}


def _need(cell: CellEstimate, plan: AllocationPlan, existing: int) -> float:
    if not cell.transactions:
        return NEVER_SEEN
    need = _shortfall(cell.measured, plan.target, plan.floor)
    is_broad = cell.markets >= min(FEWEST_UNITS, existing) and cell.trade_volumes >= FEWEST_VOLUMES
    if need <= 1:
        return 0.0 if is_broad else 1.0
    return min(need, MOST_NEED)


def _shortfall(estimate: Estimate | None, target: float, floor: float) -> float:
    if estimate is None or math.isnan(estimate.high - estimate.low):
        return math.inf
    return (estimate.high - estimate.low) / 2 / max(target * estimate.value, floor)

"""How precision grew with the trades: which share of the cells was known well enough after how many transactions."""

import math
from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.analyse import measure_impact
from spacetraders_lab.analysis.dataset import Dataset
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import CellEstimate, Findings, percent_estimate
from spacetraders_lab.analysis.metaorders import combine_quotes, metaorders_of

RELATIVE_TARGET = 0.10  # of the estimate
ABSOLUTE_TARGET = 0.2  # percentage points a tradeVolume: a relative target is absurd for what hardly moves


@dataclass(frozen=True, slots=True)
class Precision:
    """After so many transactions, `within` of the `cells` that the whole run observed were within the target."""

    transactions: int
    within: int
    cells: int


def is_within_target(cell: CellEstimate) -> bool:
    """Whether the interval for the markets measured is narrower than the larger of both targets, either way."""
    return cell.measured is not None and _excess(percent_estimate(cell.side, cell.measured)) <= 1.0


def precision_trace(data: Dataset, findings: Findings, steps: int = 8) -> tuple[Precision, ...]:
    """Fit the cells again to the first eighth of the rows, to the first two, and so on; `data` is in time order.

    The exponent of size and the drift are taken as `findings` has them of all rows, so the last point is its cells.
    """
    observed = {_key(cell) for cell in findings.cells if cell.transactions}
    trace = []
    for rows in np.linspace(0, len(data), steps + 1).astype(int)[1:]:
        known = [cell for cell in _cells(data.take(np.arange(rows)), findings) if _key(cell) in observed]
        trace.append(Precision(int(rows), sum(map(is_within_target, known)), len(observed)))
    return tuple(trace)


def transactions_to_go(cells: tuple[CellEstimate, ...], share: float = 0.1) -> int | None:
    """Transactions until so much more of the cells observed is within the target; None where no trades would do it.

    Each cell is taken to go on getting the share of the trades that it had, its interval narrowing like one over the
    square root of their number.
    """
    excess = sorted(
        _excess(percent_estimate(cell.side, cell.measured)) if cell.measured else math.inf
        for cell in cells
        if cell.transactions
    )
    wanted = min(len(excess), sum(e <= 1.0 for e in excess) + math.ceil(share * len(excess))) - 1
    if not excess or not math.isfinite(excess[wanted]):
        return None
    transactions = sum(cell.transactions for cell in cells)
    return math.ceil(transactions * max(0.0, excess[wanted] ** 2 - 1))


def _cells(data: Dataset, findings: Findings) -> tuple[CellEstimate, ...]:
    drift2 = next((fit.drift_sd**2 for fit in findings.sides), 0.0)
    return measure_impact(data, combine_quotes(metaorders_of(data, findings.exponent)), drift2).cells


def _key(cell: CellEstimate) -> tuple[object, ...]:
    return cell.side, cell.type, cell.supply, cell.activity


def _excess(percent: Estimate) -> float:
    """The half-width of an interval in percent over its target."""
    half = (percent.high - percent.low) / 2
    return half / max(RELATIVE_TARGET * abs(percent.value), ABSOLUTE_TARGET) if math.isfinite(half) else math.inf

"""How precision grew with the trades: which share of the cells was known well enough after how many transactions."""

import math
from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.cells import cell_table
from spacetraders_lab.analysis.dataset import SIDES, Dataset
from spacetraders_lab.analysis.findings import CellEstimate, Estimate, percent_estimate
from spacetraders_lab.analysis.impact import fit_impact
from spacetraders_lab.analysis.runs import combine_quotes, runs_of

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


def precision_trace(data: Dataset, steps: int = 8) -> tuple[Precision, ...]:
    """Fit the cells again to the first eighth of the rows, to the first two, and so on; `data` is in time order."""
    observed = {_key(cell) for cell in _cells(data) if cell.transactions}
    trace = []
    for rows in np.linspace(0, len(data), steps + 1).astype(int)[1:]:
        known = [cell for cell in _cells(data.take(np.arange(rows))) if _key(cell) in observed]
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


def _cells(data: Dataset) -> list[CellEstimate]:
    runs = combine_quotes(runs_of(data))
    found: list[CellEstimate] = []
    for side in range(len(SIDES)):
        own = runs.take(runs.side == side)
        found += cell_table(data, own, side, fit_impact(own))
    return found


def _key(cell: CellEstimate) -> tuple[object, ...]:
    return cell.side, cell.type, cell.supply, cell.activity


def _excess(percent: Estimate) -> float:
    """The half-width of an interval in percent over its target."""
    half = (percent.high - percent.low) / 2
    return half / max(RELATIVE_TARGET * abs(percent.value), ABSOLUTE_TARGET) if math.isfinite(half) else math.inf

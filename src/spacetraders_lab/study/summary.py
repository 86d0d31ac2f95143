"""From the scores of many replications to bias, error, coverage and power, each with its Monte-Carlo error."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median, quantiles

from spacetraders_lab.analysis.ratio import MIN_UNITS
from spacetraders_lab.core.analysis_plan import GOOD_ENOUGH
from spacetraders_lab.core.market import CellKey
from spacetraders_lab.study.score import CellScore, Interval, Score, naive_truth

ALPHA = 0.05
OFTEN = 150  # occurrences from which on a cell's own coverage says something

Look = Callable[[CellScore], tuple[Interval | None, float | None]]
"""An estimate and the truth that it is after."""


def measured(cell: CellScore) -> tuple[Interval | None, float | None]:
    """The mean over the markets measured."""
    return cell.measured, cell.true_measured


def new_market(cell: CellScore) -> tuple[Interval | None, float | None]:
    """The mean over markets like them."""
    return cell.new, cell.true_new


def ratio(cell: CellScore) -> tuple[Interval | None, float | None]:
    """The ratio of sums, read as the mean over markets like them."""
    return cell.ratio, cell.true_new


def naive(cell: CellScore) -> tuple[Interval | None, float | None]:
    """The mean of price_impact_percent, read as percent per tradeVolume."""
    return cell.naive, naive_truth(cell)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its Monte-Carlo standard error; replications are independent, what is in one is not."""

    value: float
    error: float
    count: int


@dataclass(frozen=True, slots=True)
class Performance:
    """How an estimator did: relative bias and error over cells with at least 3 markets, coverage over all cells.

    `worst` and `tenth` are the lowest and the 10th percentile of the coverage of single cells that have 3 markets and
    occurred often (None: none did).
    """

    bias: float
    rmse: float
    coverage: Rate
    worst: float | None
    tenth: float | None


def performance(scores: Sequence[Score], look: Look) -> Performance | None:
    """How the estimator did over the replications; None where it has no truth or never answered."""
    hits: list[list[bool]] = []
    errors: list[float] = []
    by_cell: dict[CellKey, list[bool]] = defaultdict(list)
    for found in scores:
        hits.append([])
        for cell in found.cells:
            interval, truth = look(cell)
            if interval is None or truth is None:
                continue
            value, low, high = interval
            hit = low <= truth <= high
            hits[-1].append(hit)
            if cell.markets >= MIN_UNITS:
                errors.append(value / truth - 1)
                by_cell[cell.side, cell.type, cell.supply, cell.activity].append(hit)
    if not errors:
        return None
    own = sorted(fmean(cell) for cell in by_cell.values() if len(cell) >= OFTEN)
    return Performance(
        bias=fmean(errors),
        rmse=math.sqrt(fmean(error * error for error in errors)),
        coverage=clustered_rate(hits),
        worst=own[0] if own else None,
        tenth=quantiles(own, n=10, method="inclusive")[0] if len(own) > 1 else None,
    )


@dataclass(frozen=True, slots=True)
class Overview:
    """What a design does in a world. `precise` is the mean share of the eligible cells whose interval is narrow enough.

    The last five are medians of the replications; `failed` counts pairs.
    """

    replications: int
    precise: float
    measured: Performance | None
    new: Performance | None
    transactions: float
    requests: float
    hours: float
    spent: float
    failed: float


def overview(scores: Sequence[Score], *, target: float) -> Overview:
    """Everything that matters of a study in one row."""
    return Overview(
        replications=len(scores),
        precise=fmean(share_of_precise_cells(found, target) for found in scores),
        measured=performance(scores, measured),
        new=performance(scores, new_market),
        transactions=median(found.transactions for found in scores),
        requests=median(found.requests for found in scores),
        hours=median(found.hours for found in scores),
        spent=median(found.spent for found in scores),
        failed=median(found.failed for found in scores),
    )


def share_of_precise_cells(found: Score, target: float) -> float:
    """The share of the eligible cells whose half-width is at most target times estimate, or GOOD_ENOUGH."""
    eligible = [cell for cell in found.cells if cell.is_eligible]
    precise = sum(
        cell.measured is not None
        and (cell.measured[2] - cell.measured[1]) / 2 <= max(target * cell.measured[0], GOOD_ENOUGH)
        for cell in eligible
    )
    return precise / max(1, len(eligible) + found.unseen)


def clustered_rate(hits: Sequence[Sequence[bool]]) -> Rate:
    """The share of hits over all, with the standard error of a ratio whose clusters are independent."""
    count = sum(map(len, hits))
    if not count:
        return Rate(math.nan, math.nan, 0)
    share = sum(map(sum, hits)) / count
    clusters = len(hits)
    spread = sum((sum(one) - share * len(one)) ** 2 for one in hits)
    error = math.sqrt(clusters / (clusters - 1) * spread) / count if clusters > 1 else math.nan
    return Rate(share, error, count)


def rejections(scores: Sequence[Score], test: str) -> Rate:
    """How often a test rejects its null at 5 %, among the replications in which it could be made."""
    return clustered_rate([[p < ALPHA] for found in scores if (p := found.tests.get(test)) is not None])

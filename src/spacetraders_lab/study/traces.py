"""How many cells a design has measured well enough after so many transactions, and how designs compare in that."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from statistics import fmean, median

import msgspec

from spacetraders_lab.analysis.needs import cell_estimates, is_precise
from spacetraders_lab.core.analysis_plan import GOOD_ENOUGH
from spacetraders_lab.core.experiment import PlaceboBracket, TradeRecord
from spacetraders_lab.core.market import CellKey
from spacetraders_lab.study.engine import play_missing
from spacetraders_lab.study.replicate import Study, replicate
from spacetraders_lab.study.results import Results
from spacetraders_lab.study.score import eligible_cells
from spacetraders_lab.study.simulation import study_key

TARGET = 0.10  # half-width as a share of the estimate
STEP = 60  # transactions


class Trace(msgspec.Struct, frozen=True):
    """One replication: the share of its eligible cells that are precise after each number of transactions."""

    seed: int
    cells: int
    counts: tuple[int, ...]
    shares: tuple[float, ...]

    @property
    def final(self) -> float:
        return self.shares[-1]

    def needed(self, share: float) -> int | None:
        """The first of the counts from which on the share stays reached; None when it never does."""
        reached = None
        for count, found in zip(self.counts, self.shares, strict=True):
            if found < share:
                reached = None
            elif reached is None:
                reached = count
        return reached


def traces(
    study: Study,
    seeds: Sequence[int],
    results: Results,
    *,
    step: int | None = STEP,
    jobs: int = 1,
    on_result: Callable[[int], None] = lambda seed: None,
) -> list[Trace]:
    """A trace of each replication, every `step` transactions (None: only at the end)."""
    key = f"trace {step} {study_key(study)}"
    found = play_missing(key, partial(play_trace, study, step), seeds, results, jobs=jobs, on_result=on_result)
    return [msgspec.json.decode(one, type=Trace) for one in found]


def play_trace(study: Study, step: int | None, seed: int) -> bytes:
    """One replication, played and traced."""
    played = replicate(study, seed)
    cells, last = eligible_cells(played), len(played.rows)
    counts = (*(range(step, last, step) if step else ()), last)
    shares = tuple(_share_after(count, played.rows, played.placebos, cells) for count in counts)
    return msgspec.json.encode(Trace(seed, len(cells), counts, shares))


def _share_after(
    count: int, rows: Sequence[TradeRecord], placebos: Sequence[PlaceboBracket], cells: Collection[CellKey]
) -> float:
    seen = [bracket for bracket in placebos if rows and bracket.after_at <= rows[count - 1].timestamp]
    return share_precise(rows[:count], seen, cells)


def share_precise(rows: Sequence[TradeRecord], placebos: Sequence[PlaceboBracket], cells: Collection[CellKey]) -> float:
    """The share of these cells whose interval for the markets measured is narrow enough; 0 without cells."""
    estimates = cell_estimates(rows, placebos)
    precise = sum(is_precise(estimates[key].measured, TARGET, GOOD_ENOUGH) for key in cells)
    return precise / len(cells) if cells else 0.0


def needed_for_the_same(
    end: Sequence[Trace], other: Sequence[Trace], *, part: float = 1.0
) -> tuple[float, float] | None:
    """(transactions of the one design, of the other) for that part of what the one reaches at its end.

    Medians over the common seeds; None where the other does not get there in half of the replications or more.
    """
    final = {trace.seed: trace for trace in end}
    pairs = [(final[trace.seed].counts[-1], trace.needed(part * final[trace.seed].final)) for trace in other]
    needed = [float("inf") if count is None else count for _, count in pairs]
    if median(needed) == float("inf"):
        return None
    return median(count for count, _ in pairs), median(needed)


def needed_on_average(found: Sequence[Trace], share: float) -> int | None:
    """The first number of transactions at which the mean share over all replications reaches this; None: never."""
    longest = max(found, key=lambda trace: trace.counts[-1]).counts
    for i, count in enumerate(longest):
        if fmean(trace.shares[min(i, len(trace.shares) - 1)] for trace in found) >= share:
            return count
    return None

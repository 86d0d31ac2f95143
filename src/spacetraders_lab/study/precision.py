"""How many cells a design has measured well enough after so many transactions."""

from collections.abc import Collection, Sequence

from spacetraders_lab.analysis.allocation import CellKey, cell_estimates, is_precise
from spacetraders_lab.core.analysis_plan import GOOD_ENOUGH
from spacetraders_lab.core.experiment import PlaceboBracket, TradeRecord

TARGET = 0.10  # half-width as a share of the estimate


def share_precise(
    rows: Sequence[TradeRecord],
    placebos: Sequence[PlaceboBracket],
    cells: Collection[CellKey],
    *,
    target: float = TARGET,
    floor: float = GOOD_ENOUGH,
) -> float:
    """The share of these cells whose interval for the markets measured is narrow enough; 0 without cells."""
    estimates = cell_estimates(rows, placebos)
    precise = sum(key in estimates and is_precise(estimates[key].measured, target, floor) for key in cells)
    return precise / len(cells) if cells else 0.0


def trace(
    rows: Sequence[TradeRecord],
    placebos: Sequence[PlaceboBracket],
    cells: Collection[CellKey],
    counts: Sequence[int],
    *,
    target: float = TARGET,
    floor: float = GOOD_ENOUGH,
) -> list[float]:
    """`share_precise` after each number of transactions; from the last row on the share stays."""
    shares: list[float] = []
    for count in counts:
        if shares and count > len(rows) >= 0 and counts[len(shares) - 1] >= len(rows):
            shares.append(shares[-1])
            continue
        until = rows[min(count, len(rows)) - 1].timestamp if rows else None
        seen = [bracket for bracket in placebos if until is not None and bracket.after_at <= until]
        shares.append(share_precise(rows[:count], seen, cells, target=target, floor=floor))
    return shares


def first_count(counts: Sequence[int], shares: Sequence[float], share: float) -> int | None:
    """The first of the counts from which on the share stays reached; None when it never does."""
    reached = None
    for count, found in zip(counts, shares, strict=True):
        if found < share:
            reached = None
        elif reached is None:
            reached = count
    return reached

"""What a take has bought and not yet sold, and whether the hold agrees. Sums only; nothing is decided here."""

from collections.abc import Sequence
from dataclasses import dataclass

from spacetraders_lab.core.experiment import TradeRecord
from spacetraders_lab.core.market import Operation


@dataclass(frozen=True, slots=True)
class HeldCell:
    """Units of one bought cell that are still aboard; `parts_sold` sales of it are recorded."""

    fraction: float
    iteration: int
    units: int
    parts_sold: int


def bought_cells(records: Sequence[TradeRecord]) -> set[tuple[float, int]]:
    """The (fraction, iteration) cells whose purchase is recorded."""
    return {
        (row.batch_size_fraction, row.iteration)
        for row in records
        if row.operation is Operation.BUY and row.batch_size_fraction is not None
    }


def held_cells(records: Sequence[TradeRecord]) -> list[HeldCell]:
    """The cells that are bought and not wholly sold, in the order of their purchase."""
    bought: dict[tuple[float, int], int] = {}
    sold: dict[tuple[float, int], list[int]] = {}
    for row in records:
        if row.batch_size_fraction is None:
            continue
        cell = (row.batch_size_fraction, row.iteration)
        if row.operation is Operation.BUY:
            bought[cell] = row.units
        else:
            sold.setdefault(cell, []).append(row.units)
    return [
        HeldCell(*cell, units - sum(sold.get(cell, ())), len(sold.get(cell, ())))
        for cell, units in bought.items()
        if units > sum(sold.get(cell, ()))
    ]

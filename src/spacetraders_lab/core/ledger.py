"""What a take has bought and not yet sold, and what of its menu is left to do. Sums only; nothing is decided here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from spacetraders_lab.core.experiment import Cell, Menu, Skip, TradeRecord
from spacetraders_lab.core.market import Operation


@dataclass(frozen=True, slots=True)
class HeldCell:
    """A cell to sell: units that are aboard for it; `parts_sold` sales of it are recorded."""

    fraction: float
    iteration: int
    units: int
    parts_sold: int


def cells_done(records: Sequence[TradeRecord], skips: Sequence[Skip], operation: Operation) -> set[Cell]:
    """The cells of one side that have a row: executed (at least in part) or skipped."""
    executed = {row.cell for row in records if row.operation is operation and row.cell is not None}
    return executed | {skip.cell for skip in skips if skip.operation is operation}


def cells_left(menu: Menu, records: Sequence[TradeRecord], skips: Sequence[Skip], operation: Operation) -> list[Cell]:
    """The planned cells of one side that have no row yet, in trading order."""
    done = cells_done(records, skips, operation)
    return [cell for cell in menu.planned_on(operation) if cell not in done]


def held_cells(menu: Menu, records: Sequence[TradeRecord], skips: Sequence[Skip] = ()) -> list[HeldCell]:
    """The cells to sell, in trading order; what no cell will sell is a leftover.

    On a menu without sizes of its own for the sale, a cell is held until what was bought for it is sold; else all that
    is aboard is held for the next sale.
    """
    if menu.sells is None:
        return _held_as_bought(records, {skip.cell for skip in skips if skip.operation is Operation.SELL})
    left = cells_left(menu, records, skips, Operation.SELL)
    units = sum(row.units if row.operation is Operation.BUY else -row.units for row in records if row.cell is not None)
    return [HeldCell(*left[0], units, 0)] if left and units > 0 else []


def units_held(menu: Menu, records: Sequence[TradeRecord], skips: Sequence[Skip] = ()) -> int:
    """Units aboard that the take will still sell as cells."""
    return sum(cell.units for cell in held_cells(menu, records, skips))


def _held_as_bought(records: Sequence[TradeRecord], given_up: Collection[Cell]) -> list[HeldCell]:
    bought: dict[Cell, int] = {}
    sold: dict[Cell, list[int]] = {}
    for row in records:
        cell = row.cell
        if cell is None:
            continue
        if row.operation is Operation.BUY:
            bought[cell] = row.units
        else:
            sold.setdefault(cell, []).append(row.units)
    held = []
    for cell, units in bought.items():
        parts = sold.get(cell, ())
        left = units - sum(parts)
        if left > 0 and cell not in given_up:
            held.append(HeldCell(*cell, left, len(parts)))
    return held

"""What a take has bought and not yet sold, by sums over its rows."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import Design, TradeRecord
from spacetraders_lab.core.ledger import HeldCell, cells_done, held_cells
from spacetraders_lab.core.market import Operation
from tests.factories import make_record

Cell = tuple[float, int]


def bought(cell: Cell, units: int) -> TradeRecord:
    return make_record(Operation.BUY, *cell, units)


def sold(cell: Cell, units: int, part: int = 1) -> TradeRecord:
    return make_record(Operation.SELL, *cell, units, part=part)


A, B, C = (0.1, 1), (0.1, 2), (0.5, 1)
MENU = Design().menu


def test_nothing_recorded_nothing_held() -> None:
    assert cells_done([], (), Operation.BUY) == set()
    assert held_cells(MENU, []) == []


def test_cells_are_held_in_the_order_of_their_purchase() -> None:
    rows = [bought(C, 30), bought(A, 6), bought(B, 7)]
    assert held_cells(MENU, rows) == [HeldCell(*C, 30, 0), HeldCell(*A, 6, 0), HeldCell(*B, 7, 0)]
    assert cells_done(rows, (), Operation.BUY) == {A, B, C}


def test_a_sale_takes_from_its_own_cell_and_counts_as_a_part() -> None:
    rows = [bought(A, 6), bought(C, 30), sold(C, 13), sold(C, 13, part=2)]
    assert held_cells(MENU, rows) == [HeldCell(*A, 6, 0), HeldCell(*C, 4, 2)]


def test_a_cell_that_is_wholly_sold_is_bought_but_not_held() -> None:
    rows = [bought(A, 6), sold(A, 6)]
    assert held_cells(MENU, rows) == []
    assert cells_done(rows, (), Operation.BUY) == {A}


def test_only_a_purchase_makes_a_cell_bought() -> None:
    assert cells_done([sold(A, 6)], (), Operation.BUY) == set()


def test_iterations_and_fractions_are_kept_apart() -> None:
    assert held_cells(MENU, [bought(A, 6), bought(B, 6), sold(B, 6)]) == [HeldCell(*A, 6, 0)]
    assert held_cells(MENU, [bought(A, 6), bought(C, 6), sold(C, 6)]) == [HeldCell(*A, 6, 0)]


def test_leftovers_are_nobodys_cell() -> None:
    leftover = make_record(Operation.SELL, None, 0, 30)
    assert held_cells(MENU, [leftover, bought(A, 6), leftover]) == [HeldCell(*A, 6, 0)]
    assert cells_done([leftover], (), Operation.BUY) == set()


@st.composite
def takes(draw: st.DrawFn) -> list[TradeRecord]:
    """Purchases of distinct cells, sales of them in any parts and any order, leftovers in between."""
    cells = draw(st.lists(st.tuples(st.sampled_from([0.1, 0.25, 0.5, 1.0]), st.integers(1, 3)), unique=True))
    rows: list[TradeRecord] = []
    sales: list[TradeRecord] = []
    for cell in cells:
        parts = draw(st.lists(st.integers(1, 60), max_size=4))
        rows.append(bought(cell, max(1, sum(parts) + draw(st.integers(0, 60)))))
        sales += [sold(cell, units, part) for part, units in enumerate(parts, start=1)]
    leftovers = [make_record(Operation.SELL, None, 0, 5)] * draw(st.integers(0, 2))
    return rows + draw(st.permutations(sales + leftovers))


@given(takes())
def test_held_is_bought_less_sold_cell_by_cell(rows: list[TradeRecord]) -> None:
    balance: Counter[Cell] = Counter()
    for row in rows:
        if row.batch_size_fraction is not None:
            sign = 1 if row.operation is Operation.BUY else -1
            balance[row.batch_size_fraction, row.iteration] += sign * row.units
    held = held_cells(MENU, rows)
    assert {(cell.fraction, cell.iteration): cell.units for cell in held} == {k: n for k, n in balance.items() if n}
    assert all(cell.units > 0 for cell in held)
    purchases = [(row.batch_size_fraction, row.iteration) for row in rows if row.operation is Operation.BUY]
    assert [(cell.fraction, cell.iteration) for cell in held] == [cell for cell in purchases if balance[cell]]
    assert cells_done(rows, (), Operation.BUY) == set(purchases)
    for cell in held:
        parts = [row for row in rows if row.operation is Operation.SELL and row.batch_size_fraction == cell.fraction]
        assert cell.parts_sold == sum(row.iteration == cell.iteration for row in parts)

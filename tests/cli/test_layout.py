"""Tables at every width: nothing is cut, numbers are never broken, ids only where words do not do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.cli.layout import lines

RUN = "8e914a2b-c110-4835-a050-e901ac98c123"
HEADINGS = ("run_id", "system", "status", "pairs", "done", "failed", "trades", "started")
ROW = (RUN, "X1-NA24", "COMPLETED", "360", "12", "0", "8,640", "11-26 14:29")
NUMBERS = ("pairs", "done", "failed", "trades")

cells = st.text("ab-_:/ 1,.→", max_size=30)


def drawn(headings: tuple[str, ...], rows: list[tuple[str, ...]], right: tuple[str, ...], room: int) -> list[str]:
    return [line for _, line in lines(headings, rows, right, room)]


def letters(*texts: str) -> list[str]:
    return sorted(re.sub(r"\s", "", "".join(texts)))


@given(st.lists(st.tuples(cells, cells, cells), max_size=4), st.integers(1, 120))
def test_nothing_is_ever_cut(rows: list[tuple[str, ...]], room: int) -> None:
    headings = ("what it is", "next", "units")
    assert letters(*drawn(headings, rows, ("units",), room)) == letters(*headings, *(c for row in rows for c in row))


def test_with_room_enough_every_row_is_one_line() -> None:
    heading, row = drawn(HEADINGS, [ROW], NUMBERS, 10_000)
    assert re.split(r"\s{2,}", row) == list(ROW)
    assert heading.index("started") == row.index("11-26")
    assert heading.index("pairs") + 5 == row.index("360") + 3


def test_a_long_remedy_is_wrapped_between_words() -> None:
    remedy = f"spacetraders experiment resume --run-id {RUN}, and let the ship sell what it has"
    table = drawn(("finding", "what", "next"), [("cargo", "SHIP-1 holds 12 IRON that nobody bought", remedy)], (), 80)
    assert max(map(len, table)) <= 80
    assert any(RUN in line for line in table)


@pytest.mark.parametrize("room", [80, 60])
def test_where_it_must_be_an_id_is_broken_after_a_dash_and_a_number_never(room: int) -> None:
    table = drawn(HEADINGS, [ROW], NUMBERS, room)
    assert all(any(re.search(rf"(^|\s){number}(\s|$)", line) for line in table) for number in ("360", "8,640", "12"))
    begun = [line.split()[0] for line in table[1:] if line.strip()]
    assert begun[0] in RUN and begun[0].endswith("-")
    assert max(map(len, table)) <= 80


def test_an_empty_row_is_an_empty_line_and_no_rows_are_a_heading() -> None:
    assert drawn(("a", "b"), [("", "")], (), 80) == ["a  b", ""]
    assert drawn(("a", "b"), [], (), 80) == ["a  b"]

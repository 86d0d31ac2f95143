"""Symbols of places: what is one, what is none, and that the refusal shows what one looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.waypoint import checked_system, system_of
from tests.factories import make_waypoint

names = st.text("ABCXYZ0189", min_size=1, max_size=6)


@given(names, names, names)
def test_a_waypoint_lies_in_the_system_that_its_symbol_begins_with(sector: str, system: str, point: str) -> None:
    assert system_of(f"{sector}-{system}-{point}") == checked_system(f"{sector}-{system}") == f"{sector}-{system}"


@pytest.mark.parametrize(
    "symbol",
    ["", "X1", "X1-GZ7", "X1-GZ7-", "-GZ7-A1", "X1-GZ7-A1-B2", "x1-gz7-a1", " X1-GZ7-A1", "X1-GZ7-A1\n", "X1_GZ7_A1"],
)
def test_what_is_no_waypoint_is_refused_with_an_example(symbol: str) -> None:
    with pytest.raises(UserError, match=r"no waypoint symbol; one looks like X1-AD75-A1") as refusal:
        system_of(symbol)
    assert repr(symbol) in str(refusal.value)


@pytest.mark.parametrize(
    "symbol", ["", "X1", "X1-", "-GZ7", "X1-GZ7-A1", "x1-gz7", "X1-GZ7 ", "X1-GZ7\n", "X1 GZ7", "../X1-GZ7"]
)
def test_what_is_no_system_is_refused_with_an_example(symbol: str) -> None:
    with pytest.raises(UserError, match=r"no system symbol; one looks like X1-AD75") as refusal:
        checked_system(symbol)
    assert repr(symbol) in str(refusal.value)


def test_a_market_is_where_the_trait_says_so() -> None:
    assert make_waypoint(traits=frozenset({"MARKETPLACE", "SHIPYARD"})).has_market
    assert not make_waypoint(traits=frozenset({"SHIPYARD"})).has_market
    assert not make_waypoint(traits=frozenset()).has_market

"""The words that everybody uses: which price, what is aboard, which cells, what a pair is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design, MarketPair
from spacetraders_lab.core.market import MarketSnapshot, Operation
from tests.factories import GOOD, NOON, make_good, make_ship


def test_a_buyer_pays_the_purchase_price_and_a_seller_receives_the_sell_price() -> None:
    good = make_good(purchase_price=100, sell_price=49)
    assert good.price(Operation.BUY) == 100
    assert good.price(Operation.SELL) == 49


def test_what_a_market_lists_is_known_without_a_visit() -> None:
    snapshot = MarketSnapshot("X1-GZ7-A1", NOON, imports=("IRON", "GOLD"), exports=("PLATE",), exchange=("FUEL",))
    assert snapshot.listed == ("FUEL", "GOLD", "IRON", "PLATE")
    assert not snapshot.goods


def test_a_pair_is_named_by_its_good_and_its_two_markets() -> None:
    assert MarketPair.of("IRON", "A", "B") == MarketPair("IRON:A:B", "IRON", "A", "B")
    assert MarketPair.of("IRON", "B", "A") != MarketPair.of("IRON", "A", "B")


def test_the_cells_of_the_original_grid() -> None:
    """Four fractions, three times each, fraction by fraction: with their sales, 24 transactions a pair."""
    assert len(Design().cells) == 12
    assert Design((0.25, 0.1), 2).cells == ((0.25, 1), (0.25, 2), (0.1, 1), (0.1, 2))


holds = st.dictionaries(st.sampled_from([GOOD, "FUEL", "GOLD"]), st.integers(1, 50))


@given(holds, st.integers(0, 50))
def test_a_trade_changes_the_hold_by_its_own_good_only(inventory: dict[str, int], units: int) -> None:
    ship = make_ship(inventory=inventory, cargo_capacity=200)
    after = ship.with_units(GOOD, units)
    assert after.units_of(GOOD) == units
    assert {good: n for good, n in after.inventory.items() if good != GOOD} == {
        good: n for good, n in inventory.items() if good != GOOD
    }
    assert 0 not in after.inventory.values(), "what is not aboard is not listed"
    assert after.cargo_units + after.free_space == 200
    assert ship.units_of(GOOD) == inventory.get(GOOD, 0), "the ship before the trade is another value"


def test_a_ship_is_in_the_system_of_its_waypoint() -> None:
    assert make_ship(waypoint="X1-GZ7-A1").system == "X1-GZ7"
    with pytest.raises(UserError):
        _ = make_ship(waypoint="nowhere").system

"""Lanes: the best way to carry each good, by the quotes alone."""

from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.lanes import best_lanes
from spacetraders_lab.core.market import ListingType
from tests.factories import make_listing


def test_the_best_lane_buys_at_the_lowest_ask_and_sells_at_the_highest_bid() -> None:
    mine = make_listing("X1-A-A1", symbol="IRON", type=ListingType.EXPORT, purchase_price=80, sell_price=40)
    shop = make_listing("X1-A-B2", symbol="IRON", type=ListingType.IMPORT, purchase_price=320, sell_price=160)
    depot = make_listing("X1-A-C3", symbol="IRON", type=ListingType.EXCHANGE, purchase_price=122, sell_price=118)
    (lane,) = best_lanes([shop, depot, mine])
    assert (lane.source.waypoint, lane.target.waypoint, lane.spread) == ("X1-A-A1", "X1-A-B2", 80)
    assert lane.is_natural


def test_a_lane_against_the_flow_is_not_natural() -> None:
    cheap = make_listing("X1-A-A1", symbol="IRON", type=ListingType.IMPORT, purchase_price=100, sell_price=50)
    dear = make_listing("X1-A-B2", symbol="IRON", type=ListingType.EXPORT, purchase_price=300, sell_price=150)
    (lane,) = best_lanes([cheap, dear])
    assert not lane.is_natural


def test_what_one_transaction_earns_decides_the_order() -> None:
    """A thin market with a wide spread is worth less than a deep one with a narrower spread."""
    thin = [
        make_listing("X1-A-A1", symbol="GOLD", trade_volume=6, purchase_price=100, sell_price=50),
        make_listing("X1-A-B2", symbol="GOLD", trade_volume=60, purchase_price=400, sell_price=200),
    ]
    deep = [
        make_listing("X1-A-A1", symbol="IRON", trade_volume=60, purchase_price=100, sell_price=50),
        make_listing("X1-A-B2", symbol="IRON", trade_volume=60, purchase_price=300, sell_price=150),
    ]
    assert [lane.good for lane in best_lanes(thin + deep)] == ["IRON", "GOLD"]
    assert best_lanes(thin)[0].units_a_visit == 6


def test_fuel_and_goods_with_one_market_have_no_lane() -> None:
    assert best_lanes([make_listing("X1-A-A1", symbol="FUEL"), make_listing("X1-A-B2", symbol="FUEL")]) == []
    assert best_lanes([make_listing("X1-A-A1", symbol="IRON")]) == []


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500)), min_size=2, max_size=6))
def test_no_other_pair_of_markets_has_a_wider_spread(quotes: list[tuple[int, int]]) -> None:
    listings = [
        make_listing(f"X1-A-A{i}", symbol="IRON", purchase_price=ask, sell_price=bid)
        for i, (ask, bid) in enumerate(quotes)
    ]
    (lane,) = best_lanes(listings)
    widest = max(b.good.sell_price - a.good.purchase_price for a in listings for b in listings if a is not b)
    assert lane.spread == widest

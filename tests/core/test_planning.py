"""What an experiment will cost, against small cases worked out by hand and against the protocol that will run it."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import Design, MarketPair, Menu
from spacetraders_lab.core.market import ListingType, TradeGood
from spacetraders_lab.core.planning import (
    WORST_CASE,
    Load,
    PairPlan,
    Plan,
    Way,
    loads,
    make_plan,
    requests_needed,
    running_peaks,
)
from spacetraders_lab.core.prior import expected_listing
from spacetraders_lab.core.protocol import PairDone
from tests.core.toy import ToyGame
from tests.factories import GOOD, PAIR, make_good, make_ship

A, B, C = "X1-GZ7-A1", "X1-GZ7-B2", "X1-GZ7-C3"
MARKETS = (A, B, C)
ONE_CELL = Design(fractions=(1.0,), iterations=1)
AB, BA, AC = (MarketPair.of(GOOD, *legs) for legs in ((A, B), (B, A), (A, C)))


def exchange(ask: int = 1000, bid: int = 900, trade_volume: int = 10) -> TradeGood:
    """A listing whose quotes are easy to follow: a per cent a trade volume."""
    return make_good(type=ListingType.EXCHANGE, purchase_price=ask, sell_price=bid, trade_volume=trade_volume)


def plan(
    *pairs: MarketPair,
    design: Design = ONE_CELL,
    ships: int = 1,
    hold: int = 80,
    fuel_price: float = 0.0,
    **quotes: TradeGood,
) -> Plan:
    """Quotes are given by the last letter and digit of the market: A1=..., B2=..., C3=..."""
    listed = {market: quotes.get(market[-2:], exchange()) for market in MARKETS}
    keyed = {(market, GOOD): good for market, good in listed.items()}
    return make_plan(pairs, keyed, design.menu, ways, ships=ships, hold=hold, fuel_price=fuel_price)


def ways(start: str, end: str) -> Way:
    """Every flight burns 200 of the tank."""
    return Way(182, 1, 3, 200)


def cells_by_load(trade_volume: int, design: Design, hold: int) -> list[list[int]]:
    return [list(load.purchases) for load in loads(design.menu, trade_volume, 1000, hold)]


# Loads


def test_loads_of_the_grid_by_hand() -> None:
    grid = Design()
    assert cells_by_load(60, grid, 80) == [[6, 6, 6, 15, 15, 15], [30, 30], [30], [60], [60], [60]]
    assert cells_by_load(60, grid, 40) == [[6, 6, 6, 15], [15, 15], [30], [30], [30], [40], [40], [40]]
    assert cells_by_load(4, grid, 80) == [[1, 1, 1, 1, 1, 1, 2, 2, 2, 4, 4, 4]]
    assert cells_by_load(60, grid, 6) == [[6]] * 12


@given(st.integers(1, 200), st.integers(1, 225), st.integers(1, 3))
def test_loads_hold_every_cell_in_order_and_none_is_needlessly_short(tv: int, hold: int, iterations: int) -> None:
    design = Design(iterations=iterations)
    trips = cells_by_load(tv, design, hold)
    assert len([units for trip in trips for units in trip]) == len(design.cells)
    assert all(1 <= sum(trip) <= hold for trip in trips)
    assert all(sum(trip) + following[0] > hold for trip, following in pairwise(trips))


# Counts


def test_one_small_cell_by_hand() -> None:
    """One purchase and one sale."""
    one = plan(AB)
    (pair,) = one.pairs
    assert (pair.transactions, pair.visits) == (2, 2)
    assert one.transactions == 2
    assert (pair.spent, pair.earned) == (10_000, 9_000)


def test_the_grid_by_hand() -> None:
    """Six loads of a hold of 80; each sale of 30 or 60 takes two or three transactions at a tradeVolume of 20."""
    grid = plan(AB, design=Design(), A1=exchange(trade_volume=60), B2=exchange(trade_volume=20))
    (pair,) = grid.pairs
    sales = 3 + 3 + 3 * 2 + 3 * 3
    assert (pair.transactions, pair.visits) == (12 + sales, 12)


def test_the_requests_of_a_run_that_is_over_count_its_refuels_too() -> None:
    assert requests_needed(transactions=24, visits=12, flights=11, refuels=4) == 24 + (24 + 12) + 33 + 4


def test_nothing_planned_costs_nothing() -> None:
    nothing = plan()
    assert nothing.transactions == 0
    assert (nothing.expected_loss, nothing.peak_outlay, nothing.worst_case, nothing.pairs_within(0)) == (0, 0, 0, 0)


designs = st.builds(
    Design,
    fractions=st.lists(st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=4, unique=True).map(
        tuple
    ),
    iterations=st.integers(1, 3),
)


@given(designs, st.integers(1, 200), st.integers(1, 200), st.integers(1, 225))
def test_the_plan_counts_what_the_protocol_will_do(design: Design, buy_tv: int, sell_tv: int, hold: int) -> None:
    sell_tv = max(sell_tv, buy_tv // 16)
    game = ToyGame(design, (buy_tv, sell_tv), make_ship(waypoint="X1-GZ7-D4", cargo_capacity=hold))
    assert game.play() == PairDone()
    quotes = {
        (PAIR.buy_market, GOOD): exchange(trade_volume=buy_tv),
        (PAIR.sell_market, GOOD): exchange(trade_volume=sell_tv),
    }
    (pair,) = make_plan([PAIR], quotes, design.menu, ways, ships=1, hold=hold).pairs
    assert (pair.transactions, pair.visits) == (len(game.records), game.visits)


# Credits


def test_every_trade_fills_at_the_quote_that_the_one_before_it_left() -> None:
    """Two cells of a tradeVolume each: 10 at 1000, 10 at 1010; sold 10 at 900, 10 at 900 / 1.01."""
    (pair,) = plan(AB, design=Design((1.0,), 2)).pairs
    assert pair.trips == ((pytest.approx(10_000 + 10_100), pytest.approx(9_000 + 9_000 / 1.01)),)


def test_the_parts_of_a_sale_fill_one_after_the_other() -> None:
    (pair,) = plan(AB, B2=exchange(trade_volume=5)).pairs
    assert pair.earned == pytest.approx(5 * 900 + 5 * 900 / 1.01)


def test_a_pair_begins_at_the_quotes_that_the_pair_before_left() -> None:
    """A to B, back from B to A, and again: B's ask is down by what was sold there, A's bid up by what was bought."""
    first, back, again = plan(AB, BA, AB).pairs
    assert (first.spent, first.earned) == (10_000, 9_000)
    assert back.spent == pytest.approx(10_000 / 1.01)
    assert back.earned == pytest.approx(9_000 * 1.01)
    assert (again.spent, again.earned) == (pytest.approx(first.spent), pytest.approx(first.earned))


def test_what_the_guards_will_end_is_not_priced() -> None:
    """At 10 % a tradeVolume the fifth purchase would begin 0.38 (log) above the first, and no later load is begun."""
    source = make_good(type=ListingType.EXPORT, purchase_price=1000, sell_price=400, trade_volume=10)
    menu = Menu(tuple((1.0, i) for i in range(1, 9)), highest_ask=1250, lowest_bid=720)
    step = expected_listing(source).after_trade(10).ask / 1000
    within = next(n for n in range(1, 9) if expected_listing(source).after_trade(10 * n).ask > 1000 * math.exp(0.35))
    assert 1 < step < 1.25 and within < 8
    quotes = {(A, GOOD): source, (B, GOOD): exchange()}
    free, guarded = (
        make_plan([AB], quotes, m, ways, ships=1, hold=200).pairs[0] for m in (replace(menu, highest_ask=None), menu)
    )
    assert len(free.loads[0].purchases) == 8
    assert guarded.loads == (Load((10,) * within, (10,) * within),)


def test_a_side_that_is_displaced_already_is_not_begun_and_what_is_aboard_is_sold_all_the_same() -> None:
    menu = Menu(((1.0, 1),), ((0.5, 1), (0.5, 2)), highest_ask=999, lowest_bid=720)
    quotes = {(A, GOOD): exchange(), (B, GOOD): exchange()}
    (shut,) = make_plan([AB], quotes, menu, ways, ships=1, hold=80).pairs
    assert (shut.loads, shut.spent, shut.fuel) == ((), 0, 0)
    (stuck,) = make_plan([AB], quotes, replace(menu, highest_ask=2000, lowest_bid=901), ways, ships=1, hold=80).pairs
    assert stuck.loads == (Load((10,), (10,)),), "one sale of leftovers, not two measured ones"


def test_a_washout_brings_quotes_back_towards_where_they_were() -> None:
    """Two hours halve a displacement; so the second pair pays less than without, and more than the first."""
    quotes = {(market, GOOD): exchange() for market in MARKETS}
    again = [
        make_plan([AB, AC], quotes, ONE_CELL.menu, ways, ships=1, hold=80, washout_hours=hours).pairs[1].spent
        for hours in (0.0, 2.0, 1e6)
    ]
    assert again == pytest.approx([10_100, 10_000 * 1.01**0.5, 10_000])


def test_goods_and_markets_do_not_touch_each_others_quotes() -> None:
    other = MarketPair.of("FUEL", A, B)
    keys = [(market, good) for market in (A, B, C) for good in (GOOD, "FUEL")]
    quotes = {key: exchange() for key in keys}
    planned = make_plan([AB, other, AC], quotes, ONE_CELL.menu, ways, ships=1, hold=80)
    first, second, third = planned.pairs
    assert second.trips == first.trips
    assert third.spent == pytest.approx(10_100), "A's ask is one tradeVolume up"
    assert third.earned == 9_000, "C's bid has not been touched"


def test_the_quotes_given_are_left_as_they_are() -> None:
    quotes = {(market, GOOD): exchange() for market in MARKETS}
    before = dict(quotes)
    make_plan([AB], quotes, ONE_CELL.menu, ways, ships=1, hold=80)
    assert quotes == before


def test_the_plan_prices_by_the_law_of_the_listing() -> None:
    source = make_good(purchase_price=100, sell_price=46, trade_volume=10)
    (pair,) = plan(AB, design=Design((1.0,), 2), A1=source).pairs
    assert pair.spent == pytest.approx(10 * 100 + 10 * expected_listing(source).after_trade(10).ask)


def priced(*trips: tuple[float, float]) -> PairPlan:
    return PairPlan(PAIR, (Load((1,), (1,)),) * len(trips), trips)


def test_what_a_pair_has_out_at_most_counts_its_earlier_loads() -> None:
    """Three loads of 100 that bring 60 each: the third is bought when 80 are gone already."""
    losing = priced((100, 60), (100, 60), (100, 60))
    assert losing.peak(1.0) == 180
    assert losing.loss(1.0) == 120
    assert priced((100, 150), (120, 150)).peak(1.0) == 100
    assert losing.peak(1.25) == pytest.approx(125 + 2 * (125 - 48))
    assert losing.loss(1.25) == pytest.approx(3 * (125 - 48))


def test_peaks_by_hand_for_one_ship_and_for_two() -> None:
    pairs = [priced((100, 70)), priced((50, 90)), priced((200, 150))]
    assert running_peaks(pairs, 1, 1.0) == [100, 100, 190]
    assert running_peaks(pairs, 2, 1.0) == [100, 150, 280]
    assert running_peaks(pairs, 3, 1.0) == [100, 150, 350]
    planned = Plan(tuple(pairs), ships=2)
    assert planned.peak_outlay == 280
    assert planned.expected_loss == 30 - 40 + 50


def test_profits_of_a_pair_under_way_pay_for_nothing_yet() -> None:
    """Two ships at two winning pairs may both have bought before either has sold."""
    winning = [priced((100, 200))] * 2
    assert running_peaks(winning, 2, 1.0) == [100, 200]
    assert running_peaks(winning, 1, 1.0) == [100, 100]


trips = st.lists(st.tuples(st.floats(1, 1e6), st.floats(1, 1e6)), min_size=1, max_size=4)
pair_plans = st.lists(trips.map(lambda loads: priced(*loads)), max_size=12)


@given(pair_plans, st.integers(1, 6))
def test_peaks_only_grow_with_pairs_with_ships_and_with_caution(pairs: list[PairPlan], ships: int) -> None:
    peaks = running_peaks(pairs, ships, 1.0)
    assert len(peaks) == len(pairs)
    assert peaks == sorted(peaks)
    slack = 1 + 1e-9
    for other in (running_peaks(pairs, ships, WORST_CASE), running_peaks(pairs, ships + 1, 1.0)):
        assert all(mild <= wild * slack + 1e-6 for mild, wild in zip(peaks, other, strict=True))


@given(pair_plans)
def test_with_one_ship_the_peak_is_the_deepest_point_of_the_purse(pairs: list[PairPlan]) -> None:
    purse = deepest = 0.0
    for paid, earned in (trip for pair in pairs for trip in pair.trips):
        purse -= paid
        deepest = min(deepest, purse)
        purse += earned
    assert Plan(tuple(pairs), ships=1).peak_outlay == pytest.approx(-deepest)


@given(pair_plans, st.integers(1, 6))
def test_the_purse_is_never_further_down_than_the_peak_at_the_end(pairs: list[PairPlan], ships: int) -> None:
    planned = Plan(tuple(pairs), ships)
    assert planned.peak_outlay >= planned.expected_loss - 1e-6
    assert planned.worst_case >= planned.peak_outlay - 1e-6


@given(pair_plans, st.integers(1, 6), st.floats(0, 1e7))
def test_what_fits_is_the_longest_beginning_whose_worst_case_is_within_the_budget(
    pairs: list[PairPlan], ships: int, budget: float
) -> None:
    planned = Plan(tuple(pairs), ships)
    count = planned.pairs_within(budget)
    assert replace(planned, pairs=planned.pairs[:count]).worst_case <= budget
    assert count == len(pairs) or replace(planned, pairs=planned.pairs[: count + 1]).worst_case > budget


def test_a_budget_of_exactly_the_worst_case_is_enough() -> None:
    planned = plan(AB, BA, AB)
    assert planned.pairs_within(planned.worst_case) == 3
    assert planned.pairs_within(planned.worst_case - 1) < 3
    assert planned.pairs_within(10_000 * WORST_CASE - 1) == 0


def test_fuel_counts_as_money_that_leaves_the_purse() -> None:
    """A flight takes 200 of the tank, two market units; the pair is flown there and back."""
    without, dear = (plan(AB, fuel_price=price) for price in (0.0, 72.0))
    (pair,) = dear.pairs
    assert pair.fuel == 2 * 2 * 72.0
    assert dear.expected_loss == pytest.approx(without.expected_loss + pair.fuel)
    assert dear.worst_case == pytest.approx(without.worst_case + WORST_CASE * pair.fuel)

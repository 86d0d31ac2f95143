"""Which pairs a survey is made of: every side of every listing, natural lanes first, in a balanced order."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.core.lanes import Lane
from spacetraders_lab.core.market import Listing, ListingType, Operation
from spacetraders_lab.core.survey import numbered, separate_lanes, stratified_order, survey_pairs
from tests.factories import make_listing

goods = st.sampled_from(["IRON", "GOLD", "FOOD"])
kinds = st.lists(st.sampled_from(ListingType), min_size=2, max_size=8)


def market(number: int) -> str:
    return f"X1-GZ7-M{number}"


def listed(good: str, kinds: list[ListingType]) -> list[Listing]:
    return [
        make_listing(market(i), symbol=good, type=kind, purchase_price=100 + 7 * i, sell_price=50 + 3 * i)
        for i, kind in enumerate(kinds)
    ]


def sides(lanes: list[Lane]) -> Counter[tuple[str, str, Operation]]:
    return Counter(
        side
        for lane in lanes
        for side in (
            (lane.good, lane.source.waypoint, Operation.BUY),
            (lane.good, lane.target.waypoint, Operation.SELL),
        )
    )


systems = st.dictionaries(goods, kinds, min_size=1).map(
    lambda system: {good: listed(good, found) for good, found in system.items()}
)


@given(systems, st.integers(1, 3))
def test_every_side_of_every_listing_is_used_as_often_as_asked_or_once_more(
    system: dict[str, list[Listing]], rounds: int
) -> None:
    used = sides(survey_pairs(system, rounds))
    everything = {(good, x.waypoint, side) for good, found in system.items() for x in found for side in Operation}
    assert used.keys() == everything
    assert set(used.values()) <= {rounds, rounds + 1}


@given(systems)
def test_natural_lanes_come_first_and_the_most_profitable_of_them(system: dict[str, list[Listing]]) -> None:
    lanes = survey_pairs(system, 1)
    natural = [lane.is_natural for lane in lanes]
    assert natural == sorted(natural, reverse=True)
    gains = [lane.spread * lane.units_a_visit for lane in lanes if lane.is_natural]
    assert gains == sorted(gains, reverse=True)


@given(systems)
def test_separate_lanes_share_no_listing(system: dict[str, list[Listing]]) -> None:
    lanes = separate_lanes(survey_pairs(system, 1))
    ends = [(lane.good, x.waypoint) for lane in lanes for x in (lane.source, lane.target)]
    assert len(ends) == len(set(ends))
    assert len(lanes) >= len(system)


def test_a_pair_that_comes_again_is_numbered_on() -> None:
    pair, other = MarketPair.of("IRON", market(1), market(2)), MarketPair.of("IRON", market(2), market(1))
    assert [p.pair_id for p in numbered([pair, other, pair])] == [pair.pair_id, other.pair_id, f"{pair.pair_id}#2"]
    assert [p.pair_id for p in numbered([pair], {pair.pair_id: 4})] == [f"{pair.pair_id}#5"]
    assert [p.pair_id for p in numbered(numbered([pair, pair]))] == [pair.pair_id, f"{pair.pair_id}#2"]


pairs_of_a_kind = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), unique=True, max_size=30)


@given(pairs_of_a_kind, st.integers(0, 99))
def test_strata_take_turns_and_nothing_is_lost(cells: list[tuple[str, int]], seed: int) -> None:
    stratum = {MarketPair.of(cell, market(i), market(99)): cell for cell, i in cells}
    order = stratified_order(list(stratum), lambda pair: (stratum[pair],), seed)
    assert sorted(p.pair_id for p in order) == sorted(p.pair_id for p in stratum)
    seen: Counter[str] = Counter()
    left = Counter(stratum.values())
    for pair in order:
        seen[stratum[pair]] += 1
        unfinished = [seen[cell] for cell in left if seen[cell] < left[cell]]
        assert all(seen[stratum[pair]] <= count + 1 for count in unfinished)


def test_the_order_is_drawn_from_the_seed_and_not_from_how_it_was_asked() -> None:
    pairs = [MarketPair.of("IRON", market(i), market(j)) for i in range(5) for j in range(5) if i != j]
    order = stratified_order(pairs, lambda pair: (pair.buy_market,), 1)
    assert order == stratified_order(pairs[::-1], lambda pair: (pair.buy_market,), 1)
    assert order != stratified_order(pairs, lambda pair: (pair.buy_market,), 2)
    assert all(a.buy_market != b.buy_market for a, b in pairwise(order[:5]))

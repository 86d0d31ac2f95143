"""Which markets stand for a good: the rules of choice over every mixture of markets, and the order of the pairs."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, combinations, pairwise, product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.core.market import Activity, Listing, ListingType, Supply
from spacetraders_lab.core.planning import Way
from spacetraders_lab.core.selection import MarketSelector, balanced_order, queue_order
from tests.factories import make_listing

Group = tuple[Supply, Activity | None]
GRID: list[Group] = list(product(Supply, [*Activity, None]))

select = MarketSelector().select_representative_markets
pair_up = MarketSelector().generate_market_pairs


def listing(number: int, group: Group, trade_volume: int = 60) -> Listing:
    supply, activity = group
    kind = ListingType.EXCHANGE if activity is None else ListingType.EXPORT
    return make_listing(f"X1-GZ7-M{number:03}", supply=supply, activity=activity, type=kind, trade_volume=trade_volume)


def one_of_each(groups: Sequence[Group]) -> list[Listing]:
    return [listing(i, group) for i, group in enumerate(groups)]


def group_of(item: Listing) -> Group:
    return item.good.supply, item.good.activity


def groups_of(items: Sequence[Listing]) -> Counter[Group]:
    return Counter(map(group_of, items))


def levels(items: Sequence[Listing]) -> set[Supply | Activity | None]:
    return {level for item in items for level in group_of(item)}


@st.composite
def markets(draw: st.DrawFn) -> list[Listing]:
    """Any number of markets in any groups, at three trade volumes so that ties and orders both occur."""
    kinds = draw(st.lists(st.tuples(st.sampled_from(GRID), st.sampled_from([20, 60, 180])), max_size=30))
    return [listing(i, group, volume) for i, (group, volume) in enumerate(kinds)]


subsets_of_the_grid = st.sets(st.sampled_from(GRID), min_size=1).map(lambda groups: sorted(groups, key=str))

# One activity at every supply level and one supply level at every activity: whichever way it is covered, each of the
# eight ends needs a market of its own. No mixture needs more.
DOUBLE_STAR: list[Group] = [(supply, Activity.WEAK) for supply in Supply if supply is not Supply.HIGH]
DOUBLE_STAR += [(Supply.HIGH, activity) for activity in [*Activity, None] if activity is not Activity.WEAK]


@settings(max_examples=500)
@given(subsets_of_the_grid)
@example(DOUBLE_STAR)
@example([*DOUBLE_STAR, (Supply.HIGH, Activity.WEAK)])
def test_every_supply_level_and_every_activity_is_represented(groups: list[Group]) -> None:
    items = one_of_each(groups)
    chosen = select(items)
    assert levels(chosen) == levels(items)
    assert len(chosen) == min(len(items), 8)


@pytest.mark.parametrize(("supply", "activity"), GRID)
def test_the_hardest_mixture_fits_into_eight_wherever_its_centres_lie(
    supply: Supply, activity: Activity | None
) -> None:
    """A choice that took the crossing of the two centres first would need nine."""
    star = [group for group in GRID if (group[0] is supply) != (group[1] is activity)]
    for groups in (star, [*star, (supply, activity)]):
        chosen = select(one_of_each(groups))
        assert len(star) == len(chosen) == 8
        assert {group_of(item) for item in chosen} == set(star)


@given(markets())
def test_the_rules_of_choice(items: list[Listing]) -> None:
    chosen = select(items)
    present, taken = groups_of(items), groups_of(chosen)
    assert len({item.waypoint for item in chosen}) == len(chosen)
    assert set(chosen) <= set(items)
    assert min(4, len(items)) <= len(chosen) <= 8
    assert levels(chosen) == levels(items)
    if len(chosen) > 4:
        assert max(taken.values()) <= 2
    if max(taken.values(), default=0) >= 2:
        assert set(taken) == set(present), "every group comes before the second market of any"
    if max(taken.values(), default=0) > 2:
        assert all(taken[group] >= min(2, present[group]) for group in present), "second markets come before third ones"
    if len(chosen) < 8:
        assert all(taken[group] >= min(2, present[group]) for group in present), "room is used for second markets"


@given(markets())
def test_within_a_group_the_larger_trade_volume_goes_first(items: list[Listing]) -> None:
    chosen = select(items)
    for group, count in groups_of(chosen).items():
        volumes = sorted((item.good.trade_volume for item in items if group_of(item) == group), reverse=True)
        taken = sorted((item.good.trade_volume for item in chosen if group_of(item) == group), reverse=True)
        assert taken == volumes[:count]


@given(markets().flatmap(lambda items: st.tuples(st.just(items), st.permutations(items))))
def test_the_choice_does_not_depend_on_the_order_of_the_markets(case: tuple[list[Listing], list[Listing]]) -> None:
    items, shuffled = case
    assert select(items) == select(shuffled)
    assert [item.waypoint for item in select(items)] == sorted(item.waypoint for item in select(items))


def test_nothing_to_choose_from() -> None:
    assert select([]) == []


def test_fewer_than_four_markets_are_all_taken_even_when_they_are_alike() -> None:
    alike = [listing(i, (Supply.SCARCE, Activity.WEAK)) for i in range(3)]
    assert select(alike) == alike


def test_a_single_group_gives_its_four_largest() -> None:
    """A third and a fourth market of a group are taken only to reach four."""
    items = [listing(i, (Supply.SCARCE, None), trade_volume=10 * i) for i in range(1, 11)]
    assert [item.good.trade_volume for item in select(items)] == [70, 80, 90, 100]


def test_two_groups_give_two_each_and_three_groups_six() -> None:
    groups: list[Group] = [(Supply.SCARCE, Activity.WEAK), (Supply.HIGH, Activity.WEAK), (Supply.HIGH, Activity.STRONG)]
    crowd = [listing(10 * i + k, group) for i, group in enumerate(groups) for k in range(5)]
    assert list(groups_of(select(crowd[:10])).values()) == [2, 2]
    assert list(groups_of(select(crowd)).values()) == [2, 2, 2]


def test_when_the_groups_are_more_than_eight_the_largest_of_the_rest_are_added() -> None:
    """Five on the diagonal show everything; of the other twenty groups the three with most volume fill up."""
    diagonal = list(zip(Supply, [*Activity, None], strict=True))
    others = [group for group in GRID if group not in diagonal]
    items = one_of_each(diagonal) + [listing(100 + i, group, 61 + i) for i, group in enumerate(others)]
    chosen = groups_of(select(items))
    assert levels(select(items)) == levels(items)
    assert set(others[-3:]) <= set(chosen)


def by_volume_alone(items: Sequence[Listing]) -> list[Listing]:
    """The choice that is not made: the largest tradeVolume first, whatever the levels."""
    return sorted(items, key=lambda item: -item.good.trade_volume)[:8]


def test_diversity_comes_before_volume() -> None:
    """Twenty groups whose largest volumes sit at one supply level: volume alone would show that level only."""
    groups = list(product(Supply, Activity))
    items = one_of_each(groups)
    crowded = [group for group in groups if group[0] is Supply.ABUNDANT][:3]
    items += [listing(100 + 10 * i + k, group, trade_volume=180) for i, group in enumerate(crowded) for k in range(3)]

    naive = by_volume_alone(items)
    assert len(groups_of(naive)) == 3
    assert {item.good.supply for item in naive} == {Supply.ABUNDANT}

    chosen = select(items)
    assert {item.good.supply for item in chosen} == set(Supply)
    assert {item.good.activity for item in chosen} == set(Activity)
    assert len(groups_of(chosen)) == len(chosen) == 8


# Pairs


def test_five_markets_give_twenty_pairs() -> None:
    names = ["X1-GZ7-A1", "X1-GZ7-B2", "X1-GZ7-C3", "X1-GZ7-D4", "X1-GZ7-E5"]
    pairs = pair_up(names, "IRON_ORE")
    assert len({pair.pair_id for pair in pairs}) == len(pairs) == 20
    assert all(pair.buy_market != pair.sell_market for pair in pairs)
    assert pairs[0] == MarketPair("IRON_ORE:X1-GZ7-A1:X1-GZ7-B2", "IRON_ORE", "X1-GZ7-A1", "X1-GZ7-B2")


@given(st.lists(st.sampled_from("ABCDEFGH")))
def test_pairs_are_all_ordered_choices_of_two_distinct_markets(names: list[str]) -> None:
    pairs = pair_up(names, "FUEL")
    distinct = set(names)
    assert len(pairs) == len(distinct) * (len(distinct) - 1)
    assert {(pair.buy_market, pair.sell_market) for pair in pairs} == {(a, b) for a in names for b in names if a != b}
    assert all(pair.pair_id == f"FUEL:{pair.buy_market}:{pair.sell_market}" for pair in pairs)


# The order of the pairs


def imbalances(pairs: Sequence[MarketPair]) -> list[dict[str, int]]:
    """Purchases minus sales of every market, after each pair."""
    so_far: Counter[str] = Counter()
    result = []
    for pair in pairs:
        so_far[pair.buy_market] += 1
        so_far[pair.sell_market] -= 1
        result.append(dict(so_far))
    return result


def runaway(pairs: Sequence[MarketPair]) -> int:
    return max(abs(n) for state in imbalances(pairs) for n in state.values())


@st.composite
def pair_sets(draw: st.DrawFn) -> list[MarketPair]:
    full = pair_up("ABCDEF"[: draw(st.integers(2, 6))], draw(st.sampled_from(["IRON", "GOLD", "FUEL"])))
    return draw(st.lists(st.sampled_from(full), unique=True))


@pytest.mark.parametrize("markets", range(2, 9))
def test_along_a_full_grid_no_listing_is_filled_or_emptied_twice_in_a_row(markets: int) -> None:
    grid = pair_up("ABCDEFGH"[:markets], "IRON")
    order = balanced_order([grid])
    assert sorted(order, key=str) == sorted(grid, key=str)
    assert order[0] == grid[0], "what is given first goes first"
    assert runaway(order) == 1
    assert all(before.sell_market == after.buy_market for before, after in pairwise(order))
    assert runaway(grid) == markets - 1, "the plain order buys from one listing that often in a row"


@given(pair_sets())
@example([MarketPair.of("IRON", *legs) for legs in ("MX", "MY", "MZ", "AM", "BM", "CM")])
def test_no_market_is_ever_further_out_of_balance_than_where_it_ends(pairs: list[MarketPair]) -> None:
    """An incomplete set need not close; its chains still never pile up at a market what the set does not ask for."""
    order = balanced_order([pairs])
    assert sorted(order, key=str) == sorted(pairs, key=str)
    states = imbalances(order)
    for state in states:
        for market, surplus in state.items():
            end = states[-1][market]
            assert min(0, end) - 1 <= surplus <= max(0, end) + 1


@given(pair_sets())
def test_the_walk_breaks_only_where_it_must(pairs: list[MarketPair]) -> None:
    """One chain for each purchase that a market has more than sales, one for each part of the set that closes."""
    order = balanced_order([pairs])
    breaks = sum(before.sell_market != after.buy_market for before, after in pairwise(order))
    final = imbalances(order)[-1] if order else {}
    assert breaks < max(1, sum(n for n in final.values() if n > 0) + closed_parts(pairs, final))


def closed_parts(pairs: Sequence[MarketPair], final: dict[str, int]) -> int:
    """Connected parts of the pair set in which every market buys as often as it sells."""
    part = {market: market for market in final}
    for _, pair in product(part, pairs):
        part[pair.buy_market] = part[pair.sell_market] = min(part[pair.buy_market], part[pair.sell_market])
    return len(set(part.values()) - {part[market] for market, n in final.items() if n})


@given(st.lists(st.integers(0, 6), max_size=4))
def test_goods_take_turns_until_they_run_out(counts: list[int]) -> None:
    by_good = {f"GOOD_{i}": pair_up("ABC", f"GOOD_{i}")[:count] for i, count in enumerate(counts)}
    order = balanced_order(list(by_good.values()))
    so_far = Counter(dict.fromkeys(by_good, 0))
    for pair in order:
        so_far[pair.good_symbol] += 1
        for a, b in combinations([good for good in by_good if so_far[good] < len(by_good[good])], 2):
            assert abs(so_far[a] - so_far[b]) <= 1
    for good, pairs in by_good.items():
        assert [pair for pair in order if pair.good_symbol == good] == balanced_order([pairs])


def test_no_pairs_no_order() -> None:
    assert balanced_order([]) == balanced_order([[]]) == []


def walks_of(sizes: Sequence[int]) -> list[list[MarketPair]]:
    """All pairs of goods that are traded at so many markets each."""
    return [pair_up([f"X1-GZ7-M{i}" for i in range(size)], f"GOOD_{n}") for n, size in enumerate(sizes)]


def goods_of(pairs: Sequence[MarketPair]) -> list[str]:
    return [pair.good_symbol for pair in pairs]


some_goods = st.lists(st.integers(2, 6), min_size=1, max_size=5)


@given(some_goods, st.integers(0, 80))
def test_for_one_ship_pairs_are_queued_good_by_good_each_where_the_last_one_ended(sizes: list[int], most: int) -> None:
    chosen = balanced_order(walks_of(sizes))[:most]
    queued = queue_order(chosen)
    assert Counter(queued) == Counter(chosen)
    for before, after in pairwise(queued):
        assert before.sell_market == after.buy_market or before.good_symbol != after.good_symbol
    goods = goods_of(queued)
    assert goods == sorted(goods, key=goods.index)


@given(some_goods, st.integers(0, 80), st.integers(1, 40))
def test_however_goods_are_mixed_each_keeps_its_own_walk(sizes: list[int], most: int, ships: int) -> None:
    chosen = balanced_order(walks_of(sizes))[:most]
    queued = queue_order(chosen, ships)
    assert Counter(queued) == Counter(chosen)
    for good in set(goods_of(chosen)):
        alone = queue_order(pair for pair in chosen if pair.good_symbol == good)
        assert [pair for pair in queued if pair.good_symbol == good] == alone


def test_goods_whose_pairs_exclude_each_other_longest_go_first() -> None:
    """Two markets: two rounds of one pair. Eight: fourteen rounds of four. Three: six rounds of one."""
    assert list(dict.fromkeys(goods_of(queue_order(chain(*walks_of([2, 8, 3])))))) == ["GOOD_1", "GOOD_2", "GOOD_0"]
    hub = [MarketPair.of("HUB", f"X1-GZ7-M{i}", "X1-GZ7-HUB") for i in range(7)]
    assert goods_of(queue_order([*chain(*walks_of([3])), *hub]))[:7] == ["HUB"] * 7, "all seven sell at one market"


def test_a_good_of_fewer_and_longer_flights_goes_before_one_of_more_and_shorter() -> None:
    """Four markets far apart take longer, by however many ships, than six that are near."""
    near, far = pair_up([f"X1-GZ7-N{i}" for i in range(6)], "NEAR"), pair_up([f"X1-GZ7-F{i}" for i in range(4)], "FAR")

    def ways(start: str, end: str) -> Way:
        return Way(1800.0 if "-F" in start else 30.0, 1, 4, 0)

    assert goods_of(queue_order([*near, *far]))[0] == "NEAR"
    assert goods_of(queue_order([*near, *far], ways=ways))[: len(far)] == ["FAR"] * len(far)


def test_a_fleet_has_pairs_to_fly_at_once_until_the_end() -> None:
    """A last good alone would let three ships of six work: it has six markets."""
    walks = walks_of([6] * 8)
    queued = goods_of(queue_order(chain(*walks), ships=6))
    assert queued[: 5 * 30] == sorted(queued[: 5 * 30]), "good by good before"
    for place in range(5 * 30, len(queued), 3):
        assert len(set(queued[place : place + 3])) == 3

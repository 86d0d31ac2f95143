"""The allocation: it goes where the interval is widest for its target, and stops by precision alone."""

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacetraders_lab.analysis.allocation import allocate, feasible_pairs
from spacetraders_lab.analysis.needs import cell_estimates, cell_needs
from spacetraders_lab.core.allocation import Allocation, AllocationPlan
from spacetraders_lab.core.experiment import Design, DesignName, MarketPair, TradeRecord
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from spacetraders_lab.core.planning import Way
from spacetraders_lab.study.replicate import Allocator, Study, replicate
from spacetraders_lab.study.virtual import START
from spacetraders_lab.study.worlds import BASE
from tests.factories import make_record

STUDY = Study(BASE, Design(name=DesignName.ADAPTIVE), transactions=600, allocator=Allocator.RANDOM)


def first_readings(played):
    """The listings of what was played as they were seen first, by market and good."""
    return {(x.waypoint, x.good.symbol): x for x in reversed(played.sightings) if x.good.symbol != "FUEL"}


MANY = replicate(STUDY, 6)
FIRST = first_readings(MANY)
LAST = {(x.waypoint, x.good.symbol): x for x in MANY.sightings if x.good.symbol != "FUEL"}
ESTIMATES = cell_estimates(MANY.rows, ())
MARKETS = sorted({market for market, _ in FIRST})
EASY, HARD = 5.0, 0.001  # targets that everything meets, and that nothing meets


def plan(first=FIRST, **changed) -> AllocationPlan:
    """The run after the rows of MANY, with all listings back at rest, as they were seen first."""
    markets = sorted({market for market, _ in first})
    usual = AllocationPlan(
        listings=tuple(first.values()),
        reference={key: x.good for key, x in first.items()},
        placebos=(),
        locked={},
        queued=(),
        target=0.1,
        floor=0.002,
        hold=80,
        credits_left=10**9,
        may_lose=True,
        wanted=8,
        ways={pair: Way(60.0, 1, 4, 80) for pair in permutations(markets, 2)},
        ships=3,
        here=markets[0],
        seed=1,
        turn=0,
        now=START,
    )
    return replace(usual, **changed)


def sides(pair: MarketPair) -> set[tuple[str, str]]:
    return {(pair.buy_market, pair.good_symbol), (pair.sell_market, pair.good_symbol)}


def cells_of(pair: MarketPair) -> list[tuple[object, ...]]:
    ends = ((Operation.BUY, pair.buy_market), (Operation.SELL, pair.sell_market))
    goods = [(side, FIRST[market, pair.good_symbol].good) for side, market in ends]
    return [(side, good.type, good.supply, good.activity) for side, good in goods]


def visit_with(moves: tuple[float, ...], name: str, market: str) -> list[TradeRecord]:
    """Purchases of a tradeVolume each that move an ask of 10,000 by these factors."""
    asks = np.round(10_000 * np.cumprod([1.0, *moves])).astype(int).tolist()
    bids = [ask // 2 for ask in asks]
    return [
        make_record(
            buy_market=market,
            visit_id=name,
            units=60,
            iteration=i,
            sequence_in_visit=i,
            purchase_price_before=asks[i - 1],
            sell_price_before=bids[i - 1],
            purchase_price_after=asks[i],
            sell_price_after=bids[i],
            price_per_unit=asks[i - 1],
        )
        for i in range(1, len(asks))
    ]


def test_equal_arguments_give_equal_pairs_and_another_turn_others():
    first = allocate(MANY.rows, plan())
    assert allocate(MANY.rows, plan()) == first
    assert len(first.pairs) == 8
    assert allocate(MANY.rows, plan(turn=1)) != first
    assert allocate(MANY.rows, plan(seed=2)) != first


def test_a_run_without_rows_begins_everywhere():
    pairs = allocate([], plan(wanted=100)).pairs
    assert len(pairs) >= 12 * 6 // 2 - 6  # nearly every listing is in one of them
    used = [listing for pair in pairs for listing in sides(pair)]
    assert len(used) == len(set(used))


def test_the_pairs_finish_cells_that_are_within_reach():
    """Nearly every side is of a cell that is wanted, which at random a half is, and of one that wants little more."""
    needs = cell_needs(ESTIMATES, plan())
    pairs = [pair for turn in range(5) for pair in allocate(MANY.rows, plan(turn=turn)).pairs]
    chosen = [needs[cell] for pair in pairs for cell in cells_of(pair)]
    present = [needs[cell] for cell in _present()]
    assert sum(map(bool, chosen)) / len(chosen) > max(0.8, 1.2 * sum(map(bool, present)) / len(present))
    assert median(filter(None, chosen)) < median(filter(None, present))


def _present() -> list[tuple[object, ...]]:
    goods = [x.good for x in FIRST.values()]
    return [(side, good.type, good.supply, good.activity) for side in Operation for good in goods]


def test_a_cell_never_seen_is_wanted_and_one_at_its_target_is_not():
    easy, hard = cell_needs(ESTIMATES, plan(target=EASY)), cell_needs(ESTIMATES, plan(target=HARD, floor=0.0))
    for key, cell in ESTIMATES.items():
        if not cell.transactions:
            assert easy[key] == hard[key] == 4
            continue
        assert hard[key] == 5
        existing = sum(key == present for present in _present())
        is_broad = cell.trade_volumes >= 8 and cell.markets >= min(3, existing)
        assert easy[key] == (0 if is_broad else 1), "precise with too little data is not done"
    assert set(easy.values()) == {0, 1, 4}


def test_three_listings_visited_once_each_do_not_make_a_cell_done():
    """Their steps are noisy by a fifth, which one visit to each cannot tell: the interval was ±2 %, of noise unseen."""
    rows = [
        row
        for visit, moves in enumerate([(1.05, 1.04, 1.06), (1.07, 1.06, 1.06), (1.04, 1.03, 1.05)])
        for row in visit_with(moves, f"v{visit}", f"X1-TEST-B{visit}")
    ]
    estimates = cell_estimates(rows, ())
    key = (Operation.BUY, ListingType.EXPORT, Supply.MODERATE, Activity.WEAK)
    assert (estimates[key].markets, estimates[key].trade_volumes) == (3, 9.0)
    assert cell_needs(estimates, plan(listings=()))[key] > 1


def test_it_ends_when_everything_within_reach_is_done():
    seen = {key for key, need in cell_needs(ESTIMATES, plan(target=EASY)).items() if not need}
    done = tuple(x for x in FIRST.values() if _cell(Operation.BUY, x) in seen and _cell(Operation.SELL, x) in seen)
    assert len(done) > 20
    known = plan(listings=done, reference={key: x.good for key, x in FIRST.items() if x in done}, target=EASY)
    assert allocate(MANY.rows, known).ended == "every cell within reach is known as well as was asked for"
    assert allocate(MANY.rows, replace(known, target=HARD, floor=0.0)).pairs


def in_one_state(supply: Supply) -> AllocationPlan:
    """All listings in one supply level, of whose cells nothing is wanted any more; they were planned in all levels."""
    listings = tuple(replace(x, good=replace(x.good, supply=supply)) for x in FIRST.values())
    return plan(listings=listings, target=EASY)


@pytest.mark.parametrize(("supply", "emptier"), [(Supply.SCARCE, False), (Supply.ABUNDANT, True)])
def test_states_that_no_listing_shows_are_had_again_by_trading_towards_them(supply, emptier, monkeypatch):
    """Only LIMITED to HIGH are wanted: full listings are bought from and empty ones sold to, until they are reached."""
    aim = in_one_state(supply)
    needs = dict.fromkeys(ESTIMATES, 0.0) | {key: 2.0 for key in ESTIMATES if key[2] is Supply.MODERATE}
    monkeypatch.setattr("spacetraders_lab.analysis.allocation.cell_needs", lambda *_: needs)
    pairs = allocate(MANY.rows, aim).pairs
    wanted = {(good.type, good.activity) for good in aim.reference.values() if good.supply is Supply.MODERATE}
    ends = [(pair.buy_market if emptier else pair.sell_market, pair.good_symbol) for pair in pairs]
    assert pairs
    for end in ends:
        good = FIRST[end].good
        assert (good.type, good.activity) in wanted
    nothing = replace(aim, reference={key: x.good for key, x in zip(FIRST, aim.listings, strict=True)})
    assert "as well as was asked for" in (allocate(MANY.rows, nothing).ended or ""), "nobody planned to see it"


def test_steering_that_leads_nowhere_is_given_up(monkeypatch):
    """The last 120 trades were of no cell that is wanted: it is the end if they have not finished any either."""
    needs = dict.fromkeys(ESTIMATES, 0.0) | {key: 2.0 for key in ESTIMATES if key[2] is Supply.MODERATE}
    monkeypatch.setattr("spacetraders_lab.analysis.allocation.cell_needs", lambda *_: needs)
    others = [row for row in MANY.rows if row.supply_before is not Supply.MODERATE]
    moderate = [row for row in MANY.rows if row.supply_before is Supply.MODERATE][:1]
    ended = allocate(moderate + others[:120], plan()).ended or ""
    assert ended.startswith("the states left to measure are not to be had; ") and "MODERATE" in ended
    assert allocate(moderate + others[:119], plan()).pairs
    assert allocate(others[:120] + moderate, plan()).pairs
    answers = iter([needs, dict.fromkeys(ESTIMATES, 2.0)])
    monkeypatch.setattr("spacetraders_lab.analysis.allocation.cell_needs", lambda *_: next(answers))
    assert allocate(moderate + others[:120], plan()).pairs, "they have finished other cells"


def _cell(side: Operation, listing) -> tuple[object, ...]:
    return side, listing.good.type, listing.good.supply, listing.good.activity


FULL = (Operation.BUY, ListingType.EXPORT, Supply.ABUNDANT, Activity.WEAK)  # selling leads there, which is another side
OF_FULL = {key for key, x in FIRST.items() if _cell(Operation.BUY, x) == FULL}


def test_it_waits_for_a_listing_that_is_worth_far_more_than_what_is_free(monkeypatch):
    """One visit would finish the one cell; others are so far from it that a visit is next to nothing."""
    needs = dict.fromkeys(ESTIMATES, 5.0) | {FULL: 1.05}
    monkeypatch.setattr("spacetraders_lab.analysis.allocation.cell_needs", lambda *_: needs)
    assert OF_FULL & {(pair.buy_market, pair.good_symbol) for pair in allocate(MANY.rows, plan()).pairs}
    locked = dict.fromkeys(OF_FULL, plan().now + timedelta(minutes=1))
    assert allocate(MANY.rows, plan(locked=locked)) == Allocation()
    monkeypatch.setattr("spacetraders_lab.analysis.allocation.cell_needs", lambda *_: needs | {FULL: 5.0})
    assert allocate(MANY.rows, plan(locked=locked)).pairs, "nothing is worth waiting for"


def test_what_is_under_way_is_counted_on(monkeypatch):
    needs = dict.fromkeys(ESTIMATES, 0.0) | {FULL: 1.05}
    monkeypatch.setattr("spacetraders_lab.analysis.allocation.cell_needs", lambda *_: needs)
    pair = allocate(MANY.rows, plan()).pairs[0]
    assert (pair.buy_market, pair.good_symbol) in OF_FULL
    assert allocate(MANY.rows, plan(queued=(pair,))) == Allocation(), "it will finish the only cell that is wanted"


def test_a_pair_that_begins_where_another_ends_is_preferred(monkeypatch):
    """It spares a flight: the same pair flown the other way takes others with it."""
    monkeypatch.setattr("spacetraders_lab.analysis.allocation.cell_estimates", lambda *_: ESTIMATES)
    good, *_ = sorted({good for _, good in FIRST})
    here, there, *_ = sorted(market for market, symbol in FIRST if symbol == good)
    to_and_fro = MarketPair.of(good, here, there), MarketPair.of(good, there, here)

    def starts(at: str, queued: MarketPair) -> int:
        turns = [
            allocate(MANY.rows, plan(queued=(queued,), here=queued.sell_market, wanted=1, turn=turn)).pairs
            for turn in range(40)
        ]
        return sum(pair.buy_market == at for pairs in turns for pair in pairs)

    from_its_end = sum(starts(pair.sell_market, pair) for pair in to_and_fro)
    from_its_beginning = sum(starts(pair.buy_market, pair) for pair in to_and_fro)
    assert from_its_end > 2 * from_its_beginning


def test_it_ends_with_the_run_s_time():
    assert (allocate(MANY.rows, plan(until=plan().now)).ended or "").startswith("the time of the run is over; ")
    assert allocate(MANY.rows, plan(until=plan().now + timedelta(seconds=1))).pairs


def test_at_an_end_that_others_set_it_says_how_far_it_has_come():
    """How many of the cells within reach are done, and the neediest of the others by name."""
    found = allocate(MANY.rows, plan(over="enough"))
    assert found.pairs == ()
    words = re.fullmatch(r"enough; (\d+) of (\d+) cells within .* asked for; farthest from it: (.*)", found.ended or "")
    assert words is not None
    needs = cell_needs(ESTIMATES, plan())
    within = {cell for pair in feasible_pairs(plan()) for cell in cells_of(pair)}
    assert (int(words[1]), int(words[2])) == (sum(not needs[cell] for cell in within), len(within))
    named = [" ".join(filter(None, cell)) for cell in sorted(within, key=lambda cell: -needs[cell])]
    assert set(words[3].split(", ")) <= set(named[: len(within) - int(words[1])])
    assert "asked for; farthest" not in (allocate(MANY.rows, plan(over="enough", target=EASY, listings=())).ended or "")


@settings(max_examples=25)
@given(st.sets(st.sampled_from(sorted(FIRST)), max_size=60), st.integers(1, 30))
def test_it_never_names_a_listing_that_is_locked_or_queued_nor_more_pairs_than_wanted(busy, wanted):
    locked = {key: plan().now + timedelta(minutes=1) for key in busy}
    free_again = {key: plan().now for key in set(FIRST) - busy}
    queued = allocate([], plan(wanted=5, locked=locked)).pairs
    found = allocate([], plan(wanted=wanted, locked=locked | free_again, queued=queued))
    assert found.ended is None
    assert len(found.pairs) <= wanted
    used = [listing for pair in (*found.pairs, *queued) for listing in sides(pair)]
    assert len(used) == len(set(used))
    assert not busy & set(used)


@pytest.mark.parametrize("operation", Operation)
def test_it_leaves_a_side_alone_that_is_pushed_too_far_and_takes_the_other(operation):
    far = 1.3

    def pushed(good):
        factor = far if operation is Operation.BUY else 1 / far
        ask, bid = round(1000 * good.purchase_price * factor), round(1000 * good.sell_price * factor)
        return replace(good, purchase_price=ask, sell_price=bid)

    fine = {key: replace(x.good, purchase_price=1000 * x.good.purchase_price, sell_price=1000 * x.good.sell_price)
            for key, x in FIRST.items()}  # fmt: skip
    displaced = set(sorted(FIRST)[::2])
    listings = tuple(replace(x, good=pushed(x.good) if key in displaced else fine[key]) for key, x in FIRST.items())
    pairs = allocate([], plan(listings=listings, reference=fine, wanted=100)).pairs
    bought = {(pair.buy_market, pair.good_symbol) for pair in pairs}
    sold = {(pair.sell_market, pair.good_symbol) for pair in pairs}
    guarded, other = (bought, sold) if operation is Operation.BUY else (sold, bought)
    assert pairs and not guarded & displaced
    assert other & displaced
    everything = tuple(replace(x, good=pushed(x.good)) for x in FIRST.values())
    stuck = plan(listings=everything, reference=fine)
    assert allocate([], stuck) == Allocation(), "they will come back"
    assert allocate([], replace(stuck, now=START + timedelta(hours=6))).pairs, "nobody has looked for hours"
    assert "costs more" in (allocate([], replace(stuck, credits_left=0)).ended or "")
    later = MANY.rows[-1].timestamp + timedelta(hours=13)
    forever = replace(stuck, now=later, listings=tuple(replace(x, observed_at=later) for x in everything))
    assert "have not come back" in (allocate(MANY.rows, forever).ended or ""), "nothing of it passes"
    soon = MANY.rows[-1].timestamp + timedelta(minutes=13)
    fresh = replace(forever, now=soon, listings=tuple(replace(x, observed_at=soon) for x in everything))
    assert allocate(MANY.rows, fresh) == Allocation()
    assert "have not come back" in (allocate(MANY.rows, replace(fresh, speed=60.0)).ended or ""), "13 game hours"
    assert allocate([], replace(stuck, now=START + timedelta(minutes=6), speed=60.0)).pairs


def test_it_keeps_to_the_credits_and_to_profit_where_nothing_may_be_lost():
    for pair in allocate([], plan(wanted=100, credits_left=1_000)).pairs:
        good = FIRST[pair.buy_market, pair.good_symbol].good
        assert min(80, 3 * good.trade_volume) * good.purchase_price <= 1_000
    earning = allocate([], plan(wanted=100, may_lose=False)).pairs
    assert earning
    for pair in earning:
        ask = FIRST[pair.buy_market, pair.good_symbol].good.purchase_price
        assert FIRST[pair.sell_market, pair.good_symbol].good.sell_price > ask


def test_a_small_budget_is_not_spent_on_a_few_pairs_that_lose_much():
    """What twelve pairs lose, in three systems together: which many credits are well spent on."""
    lost = Counter()
    for played in (MANY, replicate(STUDY, 1), replicate(STUDY, 2)):
        first = first_readings(played)
        for credits_left in (50_000, 10**9):
            pairs = allocate(played.rows, plan(first, wanted=12, credits_left=credits_left)).pairs
            assert len(pairs) >= 9
            for pair in pairs:
                good, other = (first[end].good for end in pair.listings)
                loss = min(80, 3 * good.trade_volume) * (good.purchase_price - other.sell_price)
                lost[credits_left] += max(0, loss)
    assert lost[50_000] < lost[10**9] / 2
    assert lost[10**9] > 100_000


def far_from_all_but(near: set[str]) -> dict[tuple[str, str], Way]:
    """Ways on which markets that are not `near` are an hour away, also from each other."""
    return {
        (start, end): Way(60.0, 1, 4, 80) if {start, end} <= near else Way(3600.0, 6, 24, 800)
        for start, end in permutations(MARKETS, 2)
    }


def test_of_pairs_that_tell_as_much_those_come_first_that_take_less_time():
    near = set(MARKETS[:4])
    chosen = allocate([], plan(ways=far_from_all_but(near))).pairs
    assert all({pair.buy_market, pair.sell_market} <= near for pair in chosen[:6])
    apart = allocate([], plan(ways=far_from_all_but(set()))).pairs
    assert not all({pair.buy_market, pair.sell_market} <= near for pair in apart[:6])


def test_pairs_of_one_ship_make_a_chain_from_where_it_is():
    """Most pairs begin where the one before sells: of eight markets it would be one in eight by chance."""
    begun = []
    for here in MARKETS:
        pairs = allocate([], plan(ways=far_from_all_but(set()), ships=1, here=here, wanted=4)).pairs
        begun += zip((here, *(pair.sell_market for pair in pairs)), (pair.buy_market for pair in pairs), strict=False)
    assert len(begun) == 4 * len(MARKETS)
    assert sum(end == start for end, start in begun) > 0.7 * len(begun)


def test_where_no_ship_is_known_of_a_pair_is_as_far_as_its_own_flight():
    near = set(MARKETS[:4])
    chosen = allocate([], plan(ways=far_from_all_but(near), here=None)).pairs
    assert {chosen[0].buy_market, chosen[0].sell_market} <= near


def test_no_nearness_makes_up_for_what_is_worth_far_less(monkeypatch):
    """One visit far away would finish the one cell; others are so far from it that a visit is next to nothing."""
    needs = dict.fromkeys(ESTIMATES, 5.0) | {FULL: 1.05}
    monkeypatch.setattr("spacetraders_lab.analysis.allocation.cell_needs", lambda *_: needs)
    near = set(MARKETS) - {market for market, _ in OF_FULL}
    assert len(near) > 1
    (pair,) = allocate(MANY.rows, plan(ways=far_from_all_but(near), here=min(near), wanted=1)).pairs
    assert (pair.buy_market, pair.good_symbol) in OF_FULL

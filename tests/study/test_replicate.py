"""The fast path plays what the whole stack plays: the same trades at the same prices, in a thousandth of the time."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import asdict, fields, replace
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName, PlaceboBracket, TradeRecord
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.selection import MarketSelector, queue_order
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.universe import Universe
from spacetraders_lab.store.brackets import placebo_brackets
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.study.assignments import Assignment
from spacetraders_lab.study.fleet import Fleet, Played, RequestLimit
from spacetraders_lab.study.replicate import Allocator, Study, replicate
from spacetraders_lab.study.rig import Rig
from spacetraders_lab.study.virtual import START
from spacetraders_lab.study.worlds import BASE, LAW, WORLDS, World

DESIGN = Design((0.5, 1.0), 2)
SEEDED_GRID = Design((0.25, 1.0), 1, seeded=True)
LADDER = Design(name=DesignName.LADDER, washout_seconds=600, claim_order=ClaimOrder.NEAREST)
ADAPTIVE = Design(name=DesignName.ADAPTIVE, washout_seconds=2700)
YOUNG = replace(BASE, age_hours=0.0)  # as a rig finds it
# of a whole run, besides who flew when: requests go over a wire, and its ships are asked for before they start
NOT_PLAYED = {"run_id", "player_id", "timestamp", "seconds_since_before"}


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    opened = open_database(sqlite_url, durable=False)
    yield opened
    opened.close()


def rig_of(database: Database, world: World, seed: int) -> Rig:
    own = ("ships", "credits", "open_registration")
    settings = {name: value for name, value in asdict(world.settings_of(seed)).items() if name not in own}
    return Rig(database, ships=world.ships, credits=10**9, **settings | {"hold": world.hold})


def in_a_rig(database: Database, world: World, seed: int, count: int) -> tuple[list[TradeRecord], int, float]:
    """The rows, requests and hours of a run over the first pairs, through client, server, store and workers."""
    rig = rig_of(database, world, seed)
    run = rig.queue([task.pair for task in first_pairs(rig.universe.home, count)], DESIGN, budget=10**9)
    requests, begun = rig.requests().total(), rig.clock.now()
    rig.fly(run)
    hours = (rig.clock.now() - begun).total_seconds() / 3600
    return rig.records(run), rig.requests().total() - requests, hours


def played(world: World, seed: int, count: int) -> Played:
    system = Universe.create(world.settings_of(seed), START).home
    return Fleet(world, system).play(DESIGN, first_pairs(system, count))


def first_pairs(system: System, count: int) -> list[Assignment]:
    goods = sorted({good for market in system.markets.values() for good in market.listings} - {"FUEL"})
    places = {good: [name for name, market in system.markets.items() if good in market.listings] for good in goods}
    selector = MarketSelector()
    pairs = queue_order(pair for good in goods for pair in selector.generate_market_pairs(places[good], good))
    return [Assignment(number, pair) for number, pair in enumerate(pairs[:count], 1)]


def comparable(rows: list[TradeRecord], but: Set[str] = frozenset()) -> list[tuple[object, ...]]:
    names = [field.name for field in fields(TradeRecord) if field.name not in NOT_PLAYED | but]
    return [tuple(getattr(row, name) for name in names) for row in rows]


@pytest.mark.parametrize("world", [YOUNG, LAW], ids=lambda world: world.name)
def test_one_ship_makes_the_same_rows_as_through_the_whole_stack(sqlite, world):
    alone = replace(world, ships=1)
    rows, requests, hours = in_a_rig(sqlite, alone, seed=3, count=12)
    fast = played(alone, seed=3, count=12)
    assert comparable(fast.rows) == comparable(rows)
    assert fast.requests == pytest.approx(requests, rel=0.02)
    assert fast.hours == pytest.approx(hours, rel=0.02)


def test_several_ships_trade_the_same_and_take_as_long(sqlite):
    """Who claims first is a matter of milliseconds, so prices differ; what is traded and what it takes do not."""
    rows, requests, hours = in_a_rig(sqlite, YOUNG, seed=4, count=16)
    fast = played(YOUNG, seed=4, count=16)

    def trades(rows: list[TradeRecord]) -> list[tuple[object, ...]]:
        return sorted((r.pair_id, r.operation, r.batch_size_fraction, r.iteration, r.part, r.units) for r in rows)

    assert trades(fast.rows) == trades(rows)
    assert fast.requests == pytest.approx(requests, rel=0.1)
    assert fast.hours == pytest.approx(hours, rel=0.15)


@pytest.mark.parametrize(("design", "count"), [(LADDER, 2), (SEEDED_GRID, 1)], ids=["ladder", "seeded grid"])
def test_a_planned_run_makes_the_same_rows_as_through_the_whole_stack(sqlite, design, count):
    """Menus, guards, placebo brackets and leftovers too. Nothing ticks, for the rig has to scout first."""
    calm = replace(LAW, ships=1, settings=replace(LAW.settings, tick_minutes=1e6))
    rig = rig_of(sqlite, calm, seed=5)
    rig.scout()
    goods = tuple(sorted(rig.goods())[:count])
    run = rig.launch(rig.prepare(design=design, seed=5, budget=10**9, goods=goods))
    rig.fly(run)
    fast = replicate(Study(calm, design, goods=goods), 5)
    assert len(fast.rows) > 30
    names = {"visit_id", "ship_symbol"}
    assert comparable(fast.rows, names) == comparable(rig.records(run), names)
    with sqlite.reading() as connection:
        placebos = placebo_brackets(connection, run.run_id)
    # a reading is found again by its time, and in virtual time the trade after it may have the same
    assert [(x.market, x.before) for x in own(fast.placebos)] == [(x.market, x.before) for x in own(placebos)]
    skipped = rig.rows("SELECT reason, count(*) AS n FROM experiment_skips GROUP BY reason")
    assert fast.skips == {row["reason"]: row["n"] for row in skipped}


def own(placebos: Sequence[PlaceboBracket]) -> list[PlaceboBracket]:
    """All that was read but FUEL: the rig has flown before."""
    return [x for x in placebos if x.before.symbol != "FUEL"]


def test_every_planned_trade_is_a_row_or_a_skip():
    for design in (LADDER, SEEDED_GRID, ADAPTIVE):
        found = replicate(Study(BASE, design, transactions=300), 2)
        executed = {
            (row.pair_id, row.operation, row.batch_size_fraction, row.iteration)
            for row in found.rows
            if row.batch_size_fraction is not None
        }
        assert found.planned == len(executed) + found.skips.total()
        assert not found.failed


def test_the_same_seed_makes_the_same_rows_and_another_seed_others():
    study = Study(BASE, ADAPTIVE, transactions=100)
    assert replicate(study, 5) == replicate(study, 5)
    assert comparable(replicate(study, 5).rows) != comparable(replicate(study, 6).rows)


def test_no_pair_is_begun_once_there_are_enough_transactions():
    few = replicate(Study(BASE, DESIGN, transactions=50), 1)
    most_of_a_pair = BASE.ships * 2 * 2 * len(DESIGN.cells)
    assert 50 <= len(few.rows) < 50 + most_of_a_pair
    assert few.completed == len({row.pair_id for row in few.rows})


def test_no_listing_is_traded_by_two_ships_at_once_nor_before_it_is_washed_out():
    design = replace(ADAPTIVE, washout_seconds=900)
    by_listing: dict[object, list[TradeRecord]] = defaultdict(list)
    for row in replicate(Study(BASE, design, transactions=500, allocator=Allocator.RANDOM), 2).rows:
        market = row.buy_market if row.operation is Operation.BUY else row.sell_market
        by_listing[market, row.good_symbol].append(row)
    handed_over = 0
    for rows in by_listing.values():
        for before, after in pairwise(sorted(rows, key=lambda row: row.timestamp)):
            if before.pair_id != after.pair_id:
                handed_over += 1
                assert (after.timestamp - before.timestamp).total_seconds() > 900
    assert handed_over > 20


def test_the_truth_beside_each_row_is_what_the_trade_would_do_without_chance():
    settings = replace(BASE.settings, noise=0.0, drift=0.0, npc_traders=0, price_level=10_000.0)
    exact = replicate(Study(replace(BASE, settings=settings), DESIGN, transactions=200), 3)
    assert len(exact.slopes) == len(exact.rows)
    for row, slope in zip(exact.rows, exact.slopes, strict=True):
        moved = math.log(row.price_after / row.price_before)
        share = row.units / row.trade_volume_before
        sign = 1 if row.operation is Operation.BUY else -1
        assert sign * moved == pytest.approx(slope * share, rel=0.01, abs=2e-6)


def test_trades_of_others_are_seen_as_a_market_lists_them():
    settings = replace(BASE.settings, npc_traders=60, npc_trade_minutes=1)
    busy = replicate(Study(replace(BASE, settings=settings), DESIGN, transactions=400), 3)
    assert any(row.foreign_units for row in busy.rows)
    assert not any(row.foreign_units for row in replicate(Study(LAW, DESIGN, transactions=400), 3).rows)


def test_a_purse_that_is_empty_ends_pairs_with_the_reason_and_keeps_what_was_measured():
    poor = replicate(Study(replace(BASE, credits=5_000), DESIGN), 1)
    assert set(poor.failed.values()) == {"the purse cannot pay for the next purchase"}
    pairs = 12 * 6 * 5
    assert poor.completed + len(poor.failed) == pairs
    assert 0 < poor.completed < pairs


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_every_world_can_be_played(world):
    assert len(replicate(Study(world, DESIGN, transactions=20), 1).rows) >= 20


@given(st.lists(st.floats(0, 30), max_size=200))
def test_requests_never_go_beyond_the_limit_and_never_wait_without_need(gaps):
    limit, now, granted = RequestLimit(), 0.0, []
    for gap in gaps:
        now += gap
        granted.append(limit.grant(now))
        assert granted[-1] >= now
    assert granted == sorted(granted)
    came = list(accumulate(gaps))
    for number, at in enumerate(granted):
        earlier = granted[:number]
        assert sum(at - 60 < other for other in earlier) < 30 + 2 * 60 + 2
        if at > came[number]:
            assert any(at in (other, other + 1, other + 60) for other in earlier)

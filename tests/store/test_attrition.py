"""Attrition: every planned trade has a row, executed or skipped with a reason; menus come back as they were written."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from spacetraders_lab.core.experiment import (
    ClaimedPair,
    ClaimOrder,
    Design,
    DesignName,
    MarketPair,
    Menu,
    MenuKind,
    RunStatus,
    Skip,
    SkipReason,
)
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.attrition import (
    Attrition,
    attrition,
    menu_json,
    record_planned_skips,
    record_skips,
    skips_of,
    stored_menu,
)
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.export import select_run
from spacetraders_lab.store.lease import require_lease
from spacetraders_lab.store.work_queue import WorkQueueRepository
from tests.factories import GOOD, NOON, PAIR, make_record
from tests.store.memory import after, enter_run
from tests.waiting import until_blocked

T = TypeVar("T")
U = TypeVar("U")

MENU = Menu(((1.0, 1), (1.0, 2)), ((1.0, 1), (0.5, 1)), MenuKind.PRECISION, 62.5, 19.2)
OTHER = MarketPair.of(GOOD, "X1-GZ7-C3", "X1-GZ7-D4")
TWO_CELLS = Design(fractions=(0.5, 1.0), iterations=1)
FIRST_BUY = Skip(Operation.BUY, (1.0, 1), SkipReason.GUARD)

cells = st.lists(st.tuples(st.floats(0.01, 1.0), st.integers(1, 9)), max_size=5).map(tuple)


@given(st.builds(Menu, cells, st.none() | cells, st.sampled_from(MenuKind), st.none() | st.floats(1, 1e6)))
def test_a_menu_comes_back_as_it_was_written(menu: Menu) -> None:
    assert stored_menu(menu_json(menu)) == menu


def test_a_design_comes_back_as_it_was_written(database: Database) -> None:
    design = Design((0.5,), 1, DesignName.ADAPTIVE, 2700.0, ClaimOrder.NEAREST, rounds=2, target=0.05)
    enter_run(database, design=design)
    with database.reading() as connection:
        assert ExperimentRepository(connection).get_run("run-1").design == design


def enter(database: Database, pairs: Sequence[MarketPair] = (PAIR, OTHER), **fields: object) -> None:
    """A run whose first pair has a menu of its own and whose second is traded as the design says."""
    run = enter_run(database, design=TWO_CELLS, **fields)
    with database.transaction() as connection:
        WorkQueueRepository(connection).enqueue_pairs(
            run.run_id, run.player_id, pairs, now=NOON, menus={PAIR.pair_id: MENU}, max_attempts=1
        )


def claim(database: Database, *, now: datetime = NOON, ship: str = "HAULER-1") -> ClaimedPair:
    with database.transaction() as connection:
        claimed = WorkQueueRepository(connection).claim_next_pair("run-1", ship, owner=ship, now=now, lease_seconds=60)
    assert claimed is not None
    return claimed


def look(database: Database) -> Attrition:
    with database.reading() as connection:
        return attrition(connection, "run-1")


def test_the_claim_carries_the_pairs_own_menu(database: Database) -> None:
    enter(database)
    assert claim(database).menu == MENU
    assert claim(database, ship="HAULER-2").menu is None


def test_at_the_beginning_everything_is_pending(database: Database) -> None:
    enter(database)
    assert look(database) == Attrition(planned=4 + 4, executed=0)
    assert look(database).pending == 8


def test_parts_of_a_sale_are_one_cell_and_leftovers_none(database: Database) -> None:
    enter(database)
    claim(database)
    with database.transaction() as connection:
        for row in (
            make_record(Operation.BUY, 1.0, 1),
            make_record(Operation.SELL, 1.0, 1, 3),
            make_record(Operation.SELL, 1.0, 1, 3, part=2),
            make_record(Operation.SELL, None, 0, 3),
        ):
            ExperimentRepository(connection).record_transaction(row)
    assert look(database) == Attrition(planned=8, executed=2)


def test_rows_and_skips_of_an_earlier_take_do_not_count(database: Database) -> None:
    enter(database, pairs=[PAIR])
    first = claim(database)
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record(Operation.BUY, 1.0, 2))
        record_skips(connection, first, [FIRST_BUY], now=NOON)
        queue = WorkQueueRepository(connection)
        queue.release(first, now=NOON)
        again = queue.claim_next_pair("run-1", "HAULER-2", owner="o2", now=NOON, lease_seconds=60)
        assert again is not None
        assert skips_of(connection, first) == [FIRST_BUY]
        assert skips_of(connection, again) == []
    assert look(database) == Attrition(planned=4, executed=0)


def test_what_is_left_out_from_the_beginning_counts_for_every_take(database: Database) -> None:
    enter(database)
    with database.transaction() as connection:
        record_planned_skips(connection, "run-1", {PAIR.pair_id: (FIRST_BUY,)}, now=NOON)
    taken = claim(database)
    with database.reading() as connection:
        assert skips_of(connection, taken) == [FIRST_BUY]
    assert look(database).skipped == {SkipReason.GUARD: 1}


def test_a_planned_trade_is_skipped_once_for_the_first_reason(database: Database) -> None:
    enter(database)
    taken = claim(database)
    with database.transaction() as connection:
        record_skips(connection, taken, [FIRST_BUY, replace(FIRST_BUY, reason=SkipReason.CARGO)], now=NOON)
    with database.reading() as connection:
        assert skips_of(connection, taken) == [FIRST_BUY]


def test_a_pair_that_fails_leaves_no_planned_trade_without_a_row(database: Database) -> None:
    enter(database)
    taken = claim(database)
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record(Operation.BUY, 1.0, 1))
        record_skips(connection, taken, [Skip(Operation.BUY, (1.0, 2), SkipReason.CARGO)], now=NOON)
        WorkQueueRepository(connection).mark_failed(taken, "the game refused", now=NOON)
    assert look(database) == Attrition(planned=8, executed=1, skipped={SkipReason.CARGO: 1, SkipReason.PAIR_FAILED: 2})
    assert look(database).pending == 4, "the other pair"


def test_a_pair_whose_attempts_are_spent_leaves_none_either(database: Database) -> None:
    enter(database)
    claim(database)
    with database.transaction() as connection:
        assert WorkQueueRepository(connection).sweep("run-1", now=after(61)) == 1
    assert look(database).skipped == {SkipReason.GAVE_UP: 4}
    assert look(database).pending == 4


def test_a_trade_that_turns_out_to_have_happened_is_executed_and_not_skipped(database: Database) -> None:
    """Its reply was lost, the pair was given up, and the hold told later."""
    enter(database, pairs=[PAIR])
    claim(database)
    with database.transaction() as connection:
        WorkQueueRepository(connection).sweep("run-1", now=after(61))
        ExperimentRepository(connection).record_transaction(make_record(Operation.BUY, 1.0, 1, recovered=True))
    assert look(database) == Attrition(planned=4, executed=1, skipped={SkipReason.GAVE_UP: 3})


def test_a_run_that_is_over_leaves_no_planned_trade_without_a_row(database: Database) -> None:
    enter(database)
    taken = claim(database)
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record(Operation.BUY, 1.0, 1))
        WorkQueueRepository(connection).release(taken, now=NOON)
        ExperimentRepository(connection).set_status("run-1", RunStatus.SUSPENDED, "maintenance", now=NOON)
    assert look(database).pending == 7, "a run that waits has its trades before it"
    with database.transaction() as connection:
        ExperimentRepository(connection).cancel("run-1", "the universe was reset", now=NOON)
    assert look(database) == Attrition(planned=8, executed=1, skipped={SkipReason.RUN_ENDED: 7})


def test_a_take_that_begins_after_the_run_was_cancelled_is_left_out_as_a_whole(database: Database) -> None:
    """The ship has lost its cargo, and has not heard yet that the run is over."""
    enter(database, pairs=[PAIR])
    taken = claim(database)
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record(Operation.BUY, 1.0, 1))
        ExperimentRepository(connection).cancel("run-1", "enough", now=NOON)
    with database.transaction() as connection:
        anew = WorkQueueRepository(connection).begin_anew(taken, now=NOON)
        assert len(skips_of(connection, anew)) == 4
    assert look(database) == Attrition(4, 0, {SkipReason.RUN_ENDED: 4})


def end(database: Database) -> None:
    with database.transaction() as connection:
        assert ExperimentRepository(connection).cancel("run-1", "enough", now=after(1))


def take_over(database: Database) -> ClaimedPair | None:
    """The second ship asks for what the first one has put down: a new take."""
    with database.transaction() as connection:
        return WorkQueueRepository(connection).claim_next_pair(
            "run-1", "HAULER-2", owner="2", now=after(2), lease_seconds=60
        )


@pytest.fixture
def two(postgres_url: str) -> Iterator[Database]:
    """A database on which two can be in a transaction at once, with a pair that a ship has begun and put down."""
    with closing(open_database(postgres_url)) as database:
        enter(database, pairs=[PAIR])
        taken = claim(database)
        with database.transaction() as connection:
            ExperimentRepository(connection).record_transaction(make_record(Operation.BUY, 1.0, 1))
            WorkQueueRepository(connection).release(taken, now=NOON)
        yield database


def in_the_same_instant(
    database: Database, first: Callable[[Connection], T], second: Callable[[Database], U]
) -> tuple[T, U]:
    """What both return: the second comes while the first is done but not committed, and waits for it."""
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as connection:
            done = first(connection)
            late = pool.submit(second, database)
            until_blocked(database, late)
        return done, late.result()


@pytest.mark.postgres
class TestInTheSameInstant:
    def test_nobody_begins_a_take_while_the_run_is_being_cancelled(self, two: Database) -> None:
        _, taken = in_the_same_instant(
            two, lambda c: ExperimentRepository(c).cancel("run-1", "enough", now=after(1)), take_over
        )
        assert taken is None
        assert look(two) == Attrition(4, 1, {SkipReason.RUN_ENDED: 3})

    def test_who_cancels_while_a_take_begins_sees_the_new_one(self, two: Database) -> None:
        def take(connection: Connection) -> ClaimedPair | None:
            claims = WorkQueueRepository(connection)
            return claims.claim_next_pair("run-1", "HAULER-2", owner="2", now=after(1), lease_seconds=60)

        taken, _ = in_the_same_instant(two, take, end)
        assert taken is not None
        assert taken.take == 2
        assert look(two) == Attrition(4, 0, {SkipReason.RUN_ENDED: 4})

    def test_who_cancels_while_a_pair_is_begun_anew_sees_that_too(self, two: Database) -> None:
        taken = claim(two)
        in_the_same_instant(two, lambda c: WorkQueueRepository(c).begin_anew(taken, now=after(1)), end)
        assert look(two) == Attrition(4, 0, {SkipReason.RUN_ENDED: 4})

    def test_a_trade_and_a_cancellation_do_not_stand_in_each_others_way(self, two: Database) -> None:
        """The trade holds its lease and is about to be counted against the budget; both are written."""
        taken = claim(two)
        with ThreadPoolExecutor(1) as pool:
            with two.transaction() as connection:
                require_lease(connection, taken, now=after(1))
                ExperimentRepository(connection).record_transaction(make_record(Operation.BUY, 1.0, 2))
                late = pool.submit(end, two)
                until_blocked(two, late)
                Budget(connection, "run-1").settle(reserved=0, paid=10)
            late.result()
        assert look(two) == Attrition(4, 2, {SkipReason.RUN_ENDED: 2})


def test_what_stood_before_closed_listings_to_the_end_says_so(database: Database) -> None:
    """Its own listings do not count, nor does a pair that was at work."""
    enter(database, pairs=[PAIR, MarketPair.of(GOOD, PAIR.sell_market, "X1-GZ7-D4"), MarketPair.of("GOLD", "A", "B")])
    claim(database)
    with database.transaction() as connection:
        assert ExperimentRepository(connection).cancel("run-1", "enough", now=after(5))
    assert look(database) == Attrition(12, 0, {SkipReason.LOCKED: 4, SkipReason.RUN_ENDED: 8})


def test_the_game_that_breaks_on_a_pair_is_named_as_the_reason(database: Database) -> None:
    enter(database, pairs=[PAIR])
    taken = claim(database)
    with database.transaction() as connection:
        WorkQueueRepository(connection).put_off(taken, "HTTP 500", now=after(1), not_before=after(2))
    assert look(database) == Attrition(4, 0, {SkipReason.API_ERROR: 4})


def test_exported_rows_add_up_to_what_was_planned(database: Database) -> None:
    """A trade under way when the run was cancelled was written down as left out, and took place: it is a trade."""
    enter(database, pairs=[PAIR])
    claim(database)
    with database.transaction() as connection:
        ExperimentRepository(connection).cancel("run-1", "enough", now=NOON)
        ExperimentRepository(connection).record_transaction(make_record(Operation.BUY, 1.0, 1))
    assert look(database) == Attrition(4, 1, {SkipReason.RUN_ENDED: 3})
    assert [select_run(database, "run-1", table).rows for table in ("transactions", "skips")] == [1, 3]

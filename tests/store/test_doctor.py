"""What the doctor finds out of order, and what it leaves alone."""

import pytest

from spacetraders_lab.core.experiment import Design, IntentState, Menu, Skip, SkipReason
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.attrition import record_skips
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.doctor import LedgerGap, MissingCells, StaleLease, ledger_gaps, missing_cells, stale_leases
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from tests.factories import NOON, PAIR, make_record
from tests.store.memory import LEASE, Queue, after, apart, enter_run, make_step

DESIGN = Design((0.1, 1.0), 1)


def record(database: Database, *records: object) -> None:
    with database.transaction() as connection:
        for row in records:
            ExperimentRepository(connection).record_transaction(row)  # type: ignore[arg-type]


def trade(database: Database, *, recorded: bool = True, state: IntentState = IntentState.HAPPENED) -> None:
    """The hauler's first trade, from the claim to the row."""
    claim = Queue(database).must_claim()
    with database.transaction() as connection:
        intents = IntentRepository(connection)
        intent = intents.open(claim, make_step(), units_before=0, price_limit=50, quote_before={}, now=NOON)
        intents.resolve(intent.intent_id, state, now=NOON)
        if recorded:
            ExperimentRepository(connection).record_transaction(make_record())


class TestStaleLeases:
    def test_only_leases_that_have_ended_are_stale(self, database: Database) -> None:
        enter_run(database, apart(3), max_attempts=1)
        queue = Queue(database)
        dead = queue.must_claim("S-1")
        queue.must_claim("S-2", after(1))
        with database.reading() as connection:
            assert stale_leases(connection, "run-1", now=after(LEASE - 1)) == []
            found = stale_leases(connection, "run-1", now=after(LEASE))
        assert found == [StaleLease(dead.pair.pair_id, "S-1", after(LEASE), 1, 1)]
        assert found[0].is_spent

    def test_a_lease_with_attempts_left_is_not_spent(self, database: Database) -> None:
        enter_run(database, apart(1))
        Queue(database).must_claim("S-1")
        with database.reading() as connection:
            (found,) = stale_leases(connection, "run-1", now=after(LEASE))
        assert not found.is_spent


class TestMissingCells:
    WHOLE = (
        make_record(units=6),
        make_record(fraction=1.0, units=60),
        make_record(Operation.SELL, units=6),
        make_record(Operation.SELL, 1.0, units=40),
        make_record(Operation.SELL, 1.0, units=20, part=2),
    )

    @pytest.fixture
    def completed(self, database: Database) -> Database:
        enter_run(database, [PAIR], design=DESIGN)
        queue = Queue(database)
        queue.do("mark_complete", queue.must_claim(), now=NOON)
        return database

    @staticmethod
    def found(database: Database) -> list[MissingCells]:
        with database.reading() as connection:
            return missing_cells(connection, "run-1")

    def test_a_whole_pair_is_in_order_whatever_leftovers_it_sold(self, completed: Database) -> None:
        record(completed, *self.WHOLE, make_record(Operation.SELL, None, 0, units=9))
        assert self.found(completed) == []

    def test_a_cell_never_bought_is_missing(self, completed: Database) -> None:
        record(completed, self.WHOLE[0], self.WHOLE[2])
        assert self.found(completed) == [MissingCells(PAIR.pair_id, 1, 1, 2, 6, 6)]

    def test_units_never_sold_are_missing(self, completed: Database) -> None:
        record(completed, *self.WHOLE[:4])
        assert self.found(completed) == [MissingCells(PAIR.pair_id, 1, 2, 2, 66, 46)]

    def test_what_was_skipped_is_not_missing(self, database: Database) -> None:
        run = enter_run(database)
        menu = Menu(((0.1, 1), (1.0, 1)), ((0.5, 1), (0.5, 2)))
        with database.transaction() as connection:
            WorkQueueRepository(connection).enqueue_pairs(
                run.run_id, run.player_id, [PAIR], now=NOON, menus={PAIR.pair_id: menu}
            )
        queue = Queue(database)
        claim = queue.must_claim()
        record(database, make_record(Operation.BUY, 0.1, units=6), make_record(Operation.SELL, 0.5, units=4))
        queue.do("mark_complete", claim, now=NOON)
        assert self.found(database) == [MissingCells(PAIR.pair_id, 1, 1, 2, 6, 4)]
        skipped = [Skip(Operation.BUY, (1.0, 1), SkipReason.CARGO), Skip(Operation.SELL, (0.5, 2), SkipReason.GUARD)]
        with database.transaction() as connection:
            record_skips(connection, claim, skipped, now=NOON)
        assert self.found(database) == []

    def test_a_rest_that_the_sales_of_a_ladder_left_over_is_not_missing(self, database: Database) -> None:
        """The tradeVolume fell on the way: the same shares of it are fewer units, and the rest went as leftovers."""
        run = enter_run(database)
        with database.transaction() as connection:
            WorkQueueRepository(connection).enqueue_pairs(
                run.run_id,
                run.player_id,
                [PAIR],
                now=NOON,
                menus={PAIR.pair_id: Menu(((0.1, 1),), ((0.1, 1),))},
            )
        queue = Queue(database)
        claim = queue.must_claim()
        record(
            database,
            make_record(Operation.BUY, 0.1, units=6),
            make_record(Operation.SELL, 0.1, units=4),
            make_record(Operation.SELL, None, 0, units=2),
        )
        queue.do("mark_complete", claim, now=NOON)
        assert self.found(database) == []

    def test_rows_of_an_abandoned_take_do_not_count(self, completed: Database) -> None:
        record(completed, *(make_record(take=2, iteration=n) for n in (1, 2)))
        assert self.found(completed) == [MissingCells(PAIR.pair_id, 1, 0, 2, 0, 0)]

    def test_pairs_that_are_not_completed_are_not_judged(self, database: Database) -> None:
        enter_run(database, apart(3), design=DESIGN)
        queue = Queue(database)
        queue.do("mark_failed", queue.must_claim("S-1"), "why", now=NOON)
        queue.must_claim("S-2")
        assert self.found(database) == []


class TestLedgerGaps:
    @staticmethod
    def found(database: Database) -> list[LedgerGap]:
        with database.reading() as connection:
            return ledger_gaps(connection, "run-1")

    def test_a_recorded_trade_is_in_order(self, database: Database) -> None:
        enter_run(database, [PAIR])
        trade(database)
        assert self.found(database) == []

    def test_a_trade_without_a_row_is_a_gap(self, database: Database) -> None:
        enter_run(database, [PAIR])
        trade(database, recorded=False)
        assert self.found(database) == [LedgerGap(PAIR.pair_id, 1, 1, 0)]

    def test_a_row_without_a_trade_is_a_gap(self, database: Database) -> None:
        enter_run(database, [PAIR])
        trade(database, state=IntentState.DID_NOT)
        assert self.found(database) == [LedgerGap(PAIR.pair_id, 1, 0, 1)]

    @pytest.mark.parametrize("state", [IntentState.DID_NOT, IntentState.CONFLICT])
    def test_a_trade_that_did_not_happen_needs_no_row(self, database: Database, state: IntentState) -> None:
        enter_run(database, [PAIR])
        trade(database, recorded=False, state=state)
        assert self.found(database) == []

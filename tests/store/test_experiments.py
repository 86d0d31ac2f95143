"""Runs and their rows: what is written is read back, and what was measured is never altered."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import Connection, delete, text, update
from sqlalchemy.exc import DBAPIError

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design, DesignName, RunStatus, TradeRecord
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import Duplicate
from spacetraders_lab.store.schema import market_experiments as trades
from tests.factories import GOOD, NOON, PAIR, make_record
from tests.store.memory import after, enter_run


def record(database: Database, *records: TradeRecord) -> None:
    with database.transaction() as connection:
        for row in records:
            ExperimentRepository(connection).record_transaction(row)


class TestRuns:
    def test_a_run_is_read_as_it_was_written(self, database: Database) -> None:
        run = enter_run(database, design=Design((0.25, 1.0), 2, DesignName.LADDER), ships=("A-1", "A-2"))
        with database.reading() as connection:
            experiments = ExperimentRepository(connection)
            assert experiments.get_run("run-1") == run
            assert experiments.get_plan("run-1") == {"pairs": 0}

    def test_a_run_id_is_used_once(self, database: Database) -> None:
        enter_run(database)
        with pytest.raises(Duplicate):
            enter_run(database)

    @pytest.mark.parametrize("verb", ["get_run", "get_plan"])
    def test_an_unknown_run_is_the_users_error(self, database: Database, verb: str) -> None:
        with database.reading() as connection, pytest.raises(UserError, match="experiment list"):
            getattr(ExperimentRepository(connection), verb)("nonsense")

    def test_runs_are_listed_newest_first(self, database: Database) -> None:
        for number, hour in enumerate((0, 7200, 3600)):
            enter_run(database, run_id=f"run-{number}", created_at=after(hour))
        with database.reading() as connection:
            listed = [run.run_id for run in ExperimentRepository(connection).list_runs()]
        assert listed == ["run-1", "run-2", "run-0"]


class TestStatus:
    @staticmethod
    def set_to(database: Database, *steps: RunStatus) -> None:
        for step in steps:
            with database.transaction() as connection:
                ExperimentRepository(connection).set_status("run-1", step, f"because {step}", now=after(5))

    @staticmethod
    def read(database: Database) -> tuple[RunStatus, str | None, bool]:
        with database.reading() as connection:
            run = ExperimentRepository(connection).get_run("run-1")
        return run.status, run.status_reason, run.finished_at == after(5)

    def test_a_run_may_be_suspended_and_resumed(self, database: Database) -> None:
        enter_run(database)
        self.set_to(database, RunStatus.SUSPENDED)
        assert self.read(database) == (RunStatus.SUSPENDED, "because SUSPENDED", False)
        self.set_to(database, RunStatus.RUNNING)
        assert self.read(database) == (RunStatus.RUNNING, "because RUNNING", False)

    @pytest.mark.parametrize("end", [RunStatus.COMPLETED, RunStatus.CANCELLED])
    def test_an_end_is_final_and_may_be_said_twice(self, database: Database, end: RunStatus) -> None:
        enter_run(database)
        self.set_to(database, end, end)
        assert self.read(database) == (end, f"because {end}", True)
        with pytest.raises(UserError, match=f"is {end} and cannot become RUNNING"):
            self.set_to(database, RunStatus.RUNNING)

    def test_an_unknown_run_has_no_status(self, database: Database) -> None:
        with pytest.raises(UserError, match="experiment list"):
            self.set_to(database, RunStatus.RUNNING)


class TestRecords:
    def test_every_field_comes_back_as_it_went_in(self, database: Database) -> None:
        enter_run(database, [PAIR])
        full = make_record()
        leftover = make_record(Operation.SELL, None, 0)
        recovered = make_record(
            iteration=2,
            activity_before=None,
            supply_after=None,
            activity_after=None,
            trade_volume_after=None,
            price_after=None,
            purchase_price_after=None,
            sell_price_after=None,
            supply_change=None,
            price_impact_percent=None,
            recovered=True,
            timestamp=NOON.replace(microsecond=123456),
        )
        record(database, full, leftover, recovered)
        with database.reading() as connection:
            experiments = ExperimentRepository(connection)
            assert experiments.records_of("run-1", PAIR.pair_id, 1) == [full, leftover, recovered]
            assert list(experiments.records("run-1")) == [full, leftover, recovered]
            assert experiments.get_transaction_count("run-1") == 3

    def test_takes_pairs_and_runs_are_kept_apart(self, database: Database) -> None:
        enter_run(database, [PAIR])
        enter_run(database, [PAIR], run_id="run-2")
        record(
            database,
            make_record(),
            make_record(take=2),
            make_record(pair_id="GOLD:A:B"),
            make_record(run_id="run-2"),
        )
        with database.reading() as connection:
            experiments = ExperimentRepository(connection)
            assert experiments.records_of("run-1", PAIR.pair_id, 1) == [make_record()]
            assert experiments.records_of("run-1", PAIR.pair_id, 2) == [make_record(take=2)]
            assert experiments.get_transaction_count("run-1") == 3

    def test_a_long_run_is_read_in_portions_whole_and_in_order(self, database: Database) -> None:
        enter_run(database, [PAIR])
        wanted = [make_record(iteration=number) for number in range(1, 2_501)]
        record(database, *wanted)
        with database.reading() as connection:
            assert list(ExperimentRepository(connection).records("run-1")) == wanted

    def test_a_cell_is_measured_once_a_take(self, database: Database) -> None:
        enter_run(database, [PAIR])
        record(database, make_record())
        with pytest.raises(Duplicate):
            record(database, make_record(timestamp=after(9)))
        record(database, make_record(take=2), make_record(part=2), make_record(iteration=2), make_record(fraction=0.25))
        record(database, make_record(Operation.SELL))

    def test_leftovers_are_no_cells_and_never_collide(self, database: Database) -> None:
        enter_run(database, [PAIR])
        record(database, *[make_record(Operation.SELL, None, 0)] * 2)


class TestInsertOnly:
    """What was measured is never altered."""

    ATTEMPTS: tuple[Callable[[Connection], object], ...] = (
        lambda connection: connection.execute(update(trades).values(price_after=1)),
        lambda connection: connection.execute(delete(trades)),
        lambda connection: connection.execute(text("DELETE FROM market_experiments WHERE experiment_id > 0")),
    )

    @pytest.mark.parametrize("attempt", ATTEMPTS)
    def test_rows_can_be_neither_changed_nor_removed(
        self, database: Database, attempt: Callable[[Connection], object]
    ) -> None:
        enter_run(database, [PAIR])
        record(database, make_record())
        with pytest.raises(DBAPIError), database.transaction() as connection:
            attempt(connection)
        with database.reading() as connection:
            assert list(ExperimentRepository(connection).records("run-1")) == [make_record()]

    @pytest.mark.postgres
    def test_nor_all_at_once(self, postgres_url: str) -> None:
        with closing(open_database(postgres_url)) as database:
            enter_run(database, [PAIR])
            record(database, make_record())
            with pytest.raises(DBAPIError), database.transaction() as connection:
                connection.execute(text("TRUNCATE market_experiments"))


def test_a_fraction_is_found_by_the_number_that_the_user_types(database: Database) -> None:
    """A four-byte REAL on PostgreSQL would not equal 0.1."""
    enter_run(database, [PAIR])
    record(database, make_record(fraction=0.1), replace(make_record(fraction=0.25), good_symbol=GOOD))
    with database.reading() as connection:
        found = connection.execute(text("SELECT count(*) FROM market_experiments WHERE batch_size_fraction = 0.1"))
        assert found.scalar_one() == 1

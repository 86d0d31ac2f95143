"""Care of what was recorded: nothing goes by itself, nothing of a run goes but with the run, and flaws are seen."""

from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design, RunStatus
from spacetraders_lab.store import care
from spacetraders_lab.store.care import Flaw
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.status import summarise_runs
from spacetraders_lab.store.world import World
from tests.factories import BUY_MARKET, GOOD, NOON, PAIR, SELL_MARKET, make_good, make_record, make_snapshot
from tests.store.memory import RESET, SERVER, Queue, after, apart, enter_run
from tests.store.test_doctor import record, trade

HOUR, DAY = 3600.0, 86_400.0


def rows(database: Database, table: str) -> int:
    with database.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def observe(database: Database, *at: datetime, market: str = BUY_MARKET, good: str = GOOD) -> None:
    """See a listing at these times."""
    with database.transaction() as connection:
        world = World(connection)
        universe = world.universe_id(SERVER, RESET)
        for moment in at:
            world.save_snapshot(universe, make_snapshot(market, [make_good(good)], observed_at=moment), "visit")


def compact(database: Database, older_than: datetime) -> int:
    with database.transaction() as connection:
        numbers = care.superfluous(connection, older_than)
        care.thin(connection, numbers)
    return len(numbers)


class TestBackup:
    def test_a_copy_holds_what_was_committed_also_while_somebody_writes(self, sqlite_url: str, tmp_path: Path) -> None:
        with closing(open_database(sqlite_url)) as database, closing(open_database(sqlite_url)) as other:
            enter_run(database, apart(3))
            with other.reading() as connection:
                connection.execute(text("SELECT * FROM experiment_runs")).all()
                size = care.back_up(database, tmp_path / "copy.db")
            enter_run(database, apart(3), run_id="later")
        assert size == (tmp_path / "copy.db").stat().st_size
        with closing(open_database(path=tmp_path / "copy.db")) as copy:
            assert care.look_over(copy) == []
            assert (rows(copy, "experiment_runs"), rows(copy, "experiment_work_queue")) == (1, 3)
        assert not list(tmp_path.glob("*.part"))

    def test_no_file_is_overwritten(self, sqlite_url: str, tmp_path: Path) -> None:
        (tmp_path / "copy.db").write_text("mine")
        with closing(open_database(sqlite_url)) as database, pytest.raises(UserError, match="exists"):
            care.back_up(database, tmp_path / "copy.db")
        assert (tmp_path / "copy.db").read_text() == "mine"

    def test_a_folder_that_is_not_there_is_explained(self, sqlite_url: str, tmp_path: Path) -> None:
        with closing(open_database(sqlite_url)) as database, pytest.raises(UserError, match="cannot write"):
            care.back_up(database, tmp_path / "nowhere" / "copy.db")

    def test_what_can_be_neither_written_nor_removed_is_explained(self, sqlite_url: str, tmp_path: Path) -> None:
        """As on a file system that is read only."""
        (tmp_path / "copy.db.part").mkdir()
        with closing(open_database(sqlite_url)) as database, pytest.raises(UserError, match="cannot write"):
            care.back_up(database, tmp_path / "copy.db")

    @pytest.mark.postgres
    def test_postgresql_has_its_own_and_no_password_is_shown(self, postgres_url: str, tmp_path: Path) -> None:
        with closing(open_database(postgres_url)) as database, pytest.raises(UserError, match="pg_dump") as refused:
            care.back_up(database, tmp_path / "lab.dump")
        assert '"$SPACETRADERS_DATABASE_URL"' in str(refused.value)


class TestLookOver:
    def test_a_sound_database_has_no_flaws(self, database: Database) -> None:
        enter_run(database, [PAIR])
        trade(database)
        assert care.look_over(database) == []

    def test_a_completed_pair_without_its_rows_is_seen(self, database: Database) -> None:
        enter_run(database, [PAIR], design=Design((0.1, 1.0), 1))
        Queue(database).do("mark_complete", Queue(database).must_claim(), now=NOON)
        assert care.look_over(database) == [
            Flaw("run run-1", f"{PAIR.pair_id} is COMPLETED with 0 of 2 cells, 0 units bought and 0 sold")
        ]

    def test_a_trade_without_its_row_is_seen(self, database: Database) -> None:
        enter_run(database, [PAIR])
        trade(database, recorded=False)
        (flaw,) = care.look_over(database)
        assert "1 trades that happened and 0 rows" in flaw.what

    def test_a_reference_into_the_void_is_seen(self, sqlite_url: str) -> None:
        with closing(open_database(sqlite_url)) as database:
            enter_run(database, [PAIR])
            with database.reading() as connection:
                connection.rollback()
                connection.connection.driver_connection.executescript(  # type: ignore[union-attr]
                    "PRAGMA foreign_keys = OFF; DELETE FROM players; PRAGMA foreign_keys = ON"
                )
            assert {flaw.what for flaw in care.look_over(database)} == {"belongs to a row of players that is not there"}


class TestCompact:
    def test_one_an_hour_is_kept_of_each_listing(self, database: Database) -> None:
        observe(database, *(after(minute * 60) for minute in range(0, 180, 10)))
        observe(database, after(0), after(60), market=SELL_MARKET)
        observe(database, after(0), after(60), good="COPPER")
        assert compact(database, after(DAY)) == 15 + 1 + 1
        with database.reading() as connection:
            kept = World(connection).history(World(connection).universe_id(SERVER, RESET), BUY_MARKET, GOOD, most=99)
        assert sorted(listing.observed_at for listing in kept) == [after(0), after(HOUR), after(2 * HOUR)]
        assert compact(database, after(DAY)) == 0

    def test_what_is_younger_stays(self, database: Database) -> None:
        observe(database, after(0), after(60), after(120))
        assert compact(database, after(120)) == 1

    @pytest.mark.parametrize("market", [BUY_MARKET, SELL_MARKET])
    def test_what_was_seen_of_a_runs_system_stays_a_day_before_it_and_after_it_too(
        self, database: Database, market: str
    ) -> None:
        run = enter_run(database, [PAIR])
        with database.transaction() as connection:
            ExperimentRepository(connection).set_status(run.run_id, RunStatus.COMPLETED, None, now=after(HOUR))
        for begin in (-1.5 * DAY, -0.5 * DAY, 0, 0.5 * DAY, 2 * DAY):
            observe(database, after(begin), after(begin + 60), market=market)
        observe(database, after(0), after(60), market=market, good="UNTOUCHED")
        observe(database, after(0), after(60), market="X1-ELSE-A1")
        assert compact(database, after(30 * DAY)) == 3, "only the far ends, and the other system"

    def test_of_a_run_that_is_not_over_everything_stays(self, database: Database) -> None:
        enter_run(database, [PAIR])
        observe(database, *(after(days * DAY + seconds) for days in (1, 100, 1000) for seconds in (0, 60)))
        assert compact(database, after(2000 * DAY)) == 0


class TestArchive:
    def test_a_run_is_put_away_and_taken_back(self, database: Database) -> None:
        enter_run(database, [PAIR])
        for now in (NOON, None):
            with database.transaction() as connection:
                care.archive(connection, "run-1", now=now)
            with database.reading() as connection:
                assert [run.archived_at for run in summarise_runs(connection)] == [now]

    def test_a_run_that_does_not_exist_is_the_users_error(self, database: Database) -> None:
        with database.transaction() as connection, pytest.raises(UserError, match="there is no experiment run-9"):
            care.archive(connection, "run-9", now=NOON)


class TestDelete:
    """The one way in which measured rows go, and they go with all of their run."""

    @pytest.fixture
    def two_runs(self, database: Database) -> Database:
        enter_run(database, [PAIR])
        trade(database)
        Queue(database).do("sweep", "run-1", now=NOON)
        enter_run(database, apart(2), run_id="run-2")
        record(database, make_record(run_id="run-2"))
        observe(database, NOON)
        return database

    def test_everything_of_the_run_goes_and_nothing_else(self, two_runs: Database) -> None:
        with two_runs.reading() as connection:
            assert care.rows_of(connection, "run-1") == {
                "experiment_runs": 1,
                "experiment_work_queue": 1,
                "experiment_intents": 1,
                "listing_locks": 2,
                "market_experiments": 1,
            }
            others = care.rows_of(connection, "run-2")
        with two_runs.transaction() as connection:
            care.delete_run(connection, "run-1", now=after(HOUR))
        with two_runs.reading() as connection:
            assert care.rows_of(connection, "run-2") == others
            with pytest.raises(UserError, match="there is no experiment run-1"):
                care.rows_of(connection, "run-1")
        assert rows(two_runs, "market_observations") == 1
        assert rows(two_runs, "listing_locks") == 0
        assert not any("not there" in flaw.what for flaw in care.look_over(two_runs))

    def test_measured_rows_go_no_other_way(self, two_runs: Database) -> None:
        for statement in (
            "DELETE FROM market_experiments",
            "DELETE FROM market_experiments WHERE run_id = 'run-2'",
            "UPDATE market_experiments SET units = 1",
        ):
            with pytest.raises(DBAPIError, match="insert-only"), two_runs.transaction() as connection:
                connection.execute(text(statement))
        with pytest.raises(DBAPIError, match="insert-only"), two_runs.transaction() as connection:
            connection.execute(text("UPDATE experiment_runs SET is_going = true WHERE run_id = 'run-1'"))
            connection.execute(text("DELETE FROM market_experiments"))  # of the other run as well
        assert rows(two_runs, "market_experiments") == 2

    def test_a_run_that_ships_are_working_on_is_refused(self, two_runs: Database) -> None:
        with two_runs.transaction() as connection, pytest.raises(UserError, match="HAULER-1 are at work on run-1"):
            care.delete_run(connection, "run-1", now=after(1))

    def test_a_deletion_that_fails_half_way_changes_nothing(self, two_runs: Database) -> None:
        before = [rows(two_runs, table) for table in ("market_experiments", "experiment_intents", "experiment_runs")]
        with pytest.raises(ZeroDivisionError), two_runs.transaction() as connection:
            care.delete_run(connection, "run-1", now=after(HOUR))
            raise ZeroDivisionError
        after_it = [rows(two_runs, table) for table in ("market_experiments", "experiment_intents", "experiment_runs")]
        assert after_it == before
        with two_runs.reading() as connection:
            assert not connection.execute(text("SELECT 1 FROM experiment_runs WHERE is_going")).all()

"""What older releases said in texts alone, why a run sleeps and why a pair failed, has its word after the upgrade."""

from contextlib import closing

import pytest
from sqlalchemy import text

from spacetraders_lab.core.experiment import RunStatus, SkipReason
from spacetraders_lab.core.halt import Halt
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.status import failed_pairs
from tests.factories import NOON
from tests.store.memory import Queue, after, apart, enter_run

BEFORE = "0015"


def forget(database: Database) -> None:
    """Make the database what the release before the words would have written."""
    with database.transaction() as connection:
        connection.execute(text("ALTER TABLE placebo_brackets DROP COLUMN before_ship_symbol"))
        connection.execute(text("ALTER TABLE experiment_runs DROP COLUMN resumed_at"))
        connection.execute(text("ALTER TABLE experiment_runs DROP COLUMN halted_by"))
        connection.execute(text("ALTER TABLE experiment_work_queue DROP COLUMN failed_for"))
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{BEFORE}'"))


@pytest.mark.parametrize("halt", [halt for halt in Halt if halt is not Halt.UNIVERSE_RESET])
def test_why_a_run_sleeps(database_url: str, halt: Halt) -> None:
    with closing(open_database(database_url, durable=False)) as database:
        for run_id in ("run-1", "run-2"):
            enter_run(database, run_id=run_id)
        with database.transaction() as connection:
            ExperimentRepository(connection).suspend("run-1", halt, "so it is")
        forget(database)
    with closing(open_database(database_url, durable=False)) as database, database.reading() as connection:
        rows = connection.execute(text("SELECT run_id, halted_by FROM experiment_runs ORDER BY run_id")).all()
        assert [tuple(row) for row in rows] == [("run-1", halt.value), ("run-2", None)]
        run = ExperimentRepository(connection).get_run("run-1")
        assert (run.status, run.status_reason) == (RunStatus.SUSPENDED, f"{halt.value}: so it is")
        assert ExperimentRepository(connection).goes_on("run-1") is (halt is Halt.MAINTENANCE)


def test_why_a_pair_failed(database_url: str) -> None:
    with closing(open_database(database_url, durable=False)) as database:
        enter_run(database, apart(8), max_attempts=1)
        queue = Queue(database)
        queue.do("mark_failed", queue.must_claim("S-1"), "the hold disagrees", now=NOON)
        queue.do("mark_failed", queue.must_claim("S-1"), "refused", now=NOON, failed_for=SkipReason.TV_LIMIT)
        queue.do("put_off", queue.must_claim("S-1"), "HTTP 502", now=NOON, not_before=NOON)
        queue.do("do_without", queue.must_claim("S-1"), "too dear", now=NOON, washout_seconds=0.0)
        queue.must_claim("S-1")
        queue.do("sweep", "run-1", now=after(3600))
        queue.do("mark_complete", queue.must_claim("S-1"), now=NOON)
        queue.must_claim("S-1")
        queue.do("end_waiting", "run-1", "the limit is reached", SkipReason.LIMIT, now=NOON)
        with database.reading() as connection:
            before = failed_pairs(connection, "run-1")
        forget(database)
    with closing(open_database(database_url, durable=False)) as database, database.reading() as connection:
        assert failed_pairs(connection, "run-1") == before
        statement = "SELECT failed_for FROM experiment_work_queue ORDER BY position"
        words = list(connection.execute(text(statement)).scalars())
    assert words == ["pair_failed", "tv_limit", "api_error", "credits", "gave_up", None, None, "limit"]
    assert [pair.was_done_without for pair in before] == [False, False, False, True, False, True]
    assert [pair.error_message for pair in before if pair.was_done_without] == [
        "not measured: too dear",
        "not measured: the limit is reached",
    ]

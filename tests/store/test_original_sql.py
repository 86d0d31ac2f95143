"""The SQL that the original design shows its users runs unchanged on both databases."""

import csv
import os
import re
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from tests.factories import NOON, make_record
from tests.postgres import Server
from tests.store.memory import Queue, after, apart, enter_run

PROGRESS = """
SELECT
    COUNT(*) FILTER (WHERE status = 'PENDING') as pending,
    COUNT(*) FILTER (WHERE status = 'CLAIMED') as in_progress,
    COUNT(*) FILTER (WHERE status = 'COMPLETED') as completed,
    COUNT(*) FILTER (WHERE status = 'FAILED') as failed
FROM experiment_work_queue
WHERE run_id = ?;
"""
SHIPS = """
SELECT
    claimed_by as ship,
    COUNT(*) as pairs_completed
FROM experiment_work_queue
WHERE run_id = ? AND status = 'COMPLETED'
GROUP BY claimed_by
ORDER BY pairs_completed DESC;
"""
TRANSACTIONS = """
SELECT *
FROM market_experiments
WHERE run_id = ?
ORDER BY timestamp ASC;
"""
RUNS = """
SELECT run_id, COUNT(*) as transactions, MIN(timestamp) as started, MAX(timestamp) as last_update
FROM market_experiments
GROUP BY run_id
ORDER BY started DESC;
"""
# Every column that the original design names, table by table.
COLUMNS = {
    "experiment_work_queue": "queue_id run_id player_id pair_id good_symbol buy_market sell_market status claimed_by"
    " claimed_at completed_at attempts error_message created_at",
    "market_experiments": "experiment_id run_id player_id ship_symbol good_symbol pair_id buy_market sell_market"
    " operation iteration batch_size_fraction units price_per_unit total_credits supply_before activity_before"
    " trade_volume_before price_before supply_after activity_after price_after supply_change price_impact_percent"
    " timestamp",
}


def play(database: Database) -> Database:
    """Two runs; in the first, one ship has completed two pairs, another one; one failed, one is under way."""
    enter_run(database, apart(6))
    enter_run(database, apart(1), run_id="run-2")
    queue = Queue(database)
    for ship in ("S-1", "S-2", "S-1"):
        queue.do("mark_complete", queue.must_claim(ship), now=NOON)
    queue.do("mark_failed", queue.must_claim("S-1"), "why", now=NOON)
    queue.must_claim("S-1")
    with database.transaction() as connection:
        for second in (2, 1, 3):
            record = make_record(iteration=second, timestamp=after(second))
            ExperimentRepository(connection).record_transaction(record)
        ExperimentRepository(connection).record_transaction(make_record(run_id="run-2", timestamp=after(9)))
    return database


@pytest.fixture
def played(database: Database) -> Database:
    return play(database)


def ask(database: Database, statement: str, *values: str) -> list[dict[str, Any]]:
    if not database.is_sqlite:
        statement = statement.replace("?", "%s")  # only the driver's sign for a value differs
    with database.reading() as connection:
        return [dict(row) for row in connection.exec_driver_sql(statement, values).mappings()]


def test_progress(played: Database) -> None:
    assert ask(played, PROGRESS, "run-1") == [{"pending": 1, "in_progress": 1, "completed": 3, "failed": 1}]


def test_per_ship_performance(played: Database) -> None:
    assert ask(played, SHIPS, "run-1") == [
        {"ship": "S-1", "pairs_completed": 2},
        {"ship": "S-2", "pairs_completed": 1},
    ]


def test_all_transactions_of_a_run_in_time_order(played: Database) -> None:
    assert [row["iteration"] for row in ask(played, TRANSACTIONS, "run-1")] == [1, 2, 3]


def test_all_experiments_the_latest_first(played: Database) -> None:
    found = ask(played, RUNS)
    assert [(row["run_id"], row["transactions"]) for row in found] == [("run-2", 1), ("run-1", 3)]


def test_a_run_by_its_id_written_into_the_statement(played: Database) -> None:
    assert len(ask(played, "SELECT * FROM market_experiments WHERE run_id = 'run-1';")) == 3


@pytest.mark.parametrize("table", COLUMNS)
def test_every_column_of_the_original_design_is_there(played: Database, table: str) -> None:
    row, *_ = ask(played, f"SELECT * FROM {table}")
    assert set(COLUMNS[table].split()) <= set(row)


@pytest.mark.postgres
class TestPsql:
    """What the original design types into psql, with the real one."""

    @pytest.fixture
    def psql(self, postgres_server: Server, postgres_url: str, tmp_path: Path) -> Callable[..., str]:
        with closing(open_database(postgres_url, durable=False)) as database:
            play(database)

        def run(*commands: str) -> str:
            done = subprocess.run(
                [postgres_server.programs / "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", postgres_url],
                input="\n".join(commands),
                capture_output=True,
                text=True,
                cwd=tmp_path,
                env={"PATH": os.environ["PATH"], "PGTZ": "UTC"},
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        return run

    def test_the_queries_of_the_design(self, psql: Callable[..., str]) -> None:
        assert psql(PROGRESS.replace("?", "'run-1'")) == "1|1|3|1\n"
        assert psql(SHIPS.replace("?", "'run-1'")) == "S-1|2\nS-2|1\n"
        assert psql(RUNS).splitlines() == [
            "run-2|1|2026-03-01 12:00:09+00|2026-03-01 12:00:09+00",
            "run-1|3|2026-03-01 12:00:01+00|2026-03-01 12:00:03+00",
        ]
        assert len(psql("SELECT * FROM market_experiments WHERE run_id = 'run-1';").splitlines()) == 3

    def test_copying_a_run_to_a_file(self, psql: Callable[..., str], tmp_path: Path) -> None:
        """As it is printed there: one line, and the file lies in the folder where psql was called."""
        said = psql("\\copy (SELECT * FROM market_experiments WHERE run_id = 'run-1') TO 'results.csv' CSV HEADER;")
        assert said == "COPY 3\n"
        with (tmp_path / "results.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert set(COLUMNS["market_experiments"].split()) <= set(rows[0])
        record = make_record(iteration=2, timestamp=after(2))
        found = next(row for row in rows if row["iteration"] == "2")
        assert (found["pair_id"], found["supply_change"]) == (record.pair_id, record.supply_change)
        assert int(found["price_per_unit"]) == record.price_per_unit
        assert float(found["price_impact_percent"]) == record.price_impact_percent

    def test_every_statement_of_the_page_on_postgresql(self, psql: Callable[..., str], tmp_path: Path) -> None:
        page = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text()
        blocks = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
        said = psql(*(re.sub("550e8400[^']*", "run-1", block) for block in blocks))
        assert {"S-1|2", "COPY 3", "CREATE ROLE", "GRANT"} <= set(said.splitlines())
        assert (tmp_path / "results.csv").exists()

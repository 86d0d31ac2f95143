"""The SQL that the original design shows its users runs unchanged on both databases."""

from typing import Any

import pytest

from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from tests.factories import NOON, make_record
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


@pytest.fixture
def played(database: Database) -> Database:
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

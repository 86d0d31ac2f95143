"""A claim stays cheap however long the queue is: each probe is served by its own index, on both databases.

Ordered by the primary key, PostgreSQL would walk it past every ended pair (measured: 12 times slower in mid-run).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event, text

from spacetraders_lab.store.database import Database
from tests.store.memory import Queue, after, enter_run

LENGTH = 50_000
FILL = text(
    """
    INSERT INTO experiment_work_queue (run_id, player_id, pair_id, good_symbol, buy_market, sell_market, status,
        claimed_by, completed_at, attempts, created_at, position, not_before, max_attempts, take)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :length)
    SELECT run_id, player_id, 'pair ' || n, 'GOOD_' || (n % 12), 'A' || (n % 7), 'B' || (n % 5),
        CASE WHEN n <= :ended THEN 'COMPLETED' ELSE 'PENDING' END,
        CASE WHEN n <= :ended THEN 'S-' || (n % 9) END,
        CASE WHEN n <= :ended THEN created_at END,
        CASE WHEN n <= :ended THEN 1 ELSE 0 END,
        created_at, n, created_at, 5, 1
    FROM experiment_runs, numbers
    """
)


@pytest.fixture
def queue(database: Database) -> Queue:
    """A long queue half done, and the planner's statistics from before it was filled, as in a run's first minutes."""
    enter_run(database)
    with database.transaction() as connection:
        connection.execute(FILL, {"length": LENGTH, "ended": LENGTH // 2})
    return Queue(database)


@contextmanager
def plans(queue: Queue) -> Iterator[list[str]]:
    """The plan of every statement on the queue that is executed in the block, as the database tells it."""
    found: list[str] = []
    explain = "EXPLAIN QUERY PLAN " if queue.database.is_sqlite else "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "

    @event.listens_for(Engine, "before_cursor_execute")
    def explain_first(_connection, cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def]
        # Only statements that change nothing when they are analysed: the searches, without the update around them.
        if search := re.match(r"WITH found AS\s*\((.*?)\)\s*UPDATE", statement, re.DOTALL):
            names = re.findall(r"%\((\w+)\)s", search[1])
            values = {name: parameters[name] for name in names} if names else parameters[: search[1].count("?")]
            cursor.execute(explain + search[1], values)
            found.append("\n".join(str(row[-1]) for row in cursor.fetchall()))

    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", explain_first)


def test_each_probe_of_a_claim_is_served_by_its_index(queue: Queue) -> None:
    with plans(queue) as found:
        assert queue.must_claim("S-1").pair.pair_id == f"pair {LENGTH // 2 + 1}"
    own, expired, pending = found
    assert "ix_work_queue_ship" in own
    assert re.search("ix_work_queue_claimed|uq_work_queue_ship", expired)  # each holds the claimed pairs only
    assert "ix_work_queue_pending" in pending
    for plan in found:
        assert not re.search(
            r"SCAN experiment_work_queue(?! USING)|Seq Scan on experiment_work_queue|pk_experiment", plan
        )
        # What PostgreSQL says that it looked at in vain.
        assert all(int(rows) < 100 for rows in re.findall(r"Rows Removed by \w+: (\d+)", plan))
    assert "TEMP B-TREE" not in pending
    assert "Sort" not in pending


def test_pairs_that_share_a_locked_listing_are_passed_over_without_a_scan(queue: Queue) -> None:
    claims = [queue.must_claim(f"NEW-{number}", after(0)) for number in range(5)]
    assert len({claim.pair.good_symbol + claim.pair.buy_market for claim in claims}) == 5

"""How many pairs a second the work queue hands out and takes back, against the bare driver, with many workers at once.

    python -m bench.queue [WORKERS] [PAIRS] [LENGTH]

Each worker claims a pair and completes it until its share is done, in transactions of their own, first with the lab's
own repository, then with the shortest statements that do the same on the same table with nothing but sqlite3 or
psycopg. Commits are durable. Workers are threads of a few processes, each with a connection of its own. A SQLite file
and a PostgreSQL server are made and removed; that server does not wait for its disk. In a queue that is longer than
the pairs to be worked off, half of the others have ended and half wait behind.
"""

import multiprocessing
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text
from tests.postgres import running_server
from tests.store.memory import apart, enter_run

from spacetraders_lab.store.database import BUSY_SECONDS, open_database
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.work_queue import WorkQueueRepository

WORKERS, PAIRS = 64, 10_000
PROCESSES = 8
LEASE_SECONDS = 600.0

Cycle = Callable[[], int | None]  # claims and completes one pair: its queue_id, or None when there was none


@dataclass(frozen=True)
class Row:
    """One way on one database, `pairs` in the queue: pairs a second, how many were claimed twice or never, refusals."""

    database: str
    way: str
    workers: int
    pairs: int
    pairs_a_second: float
    doubles: int
    missing: int
    refused: int

    def __str__(self) -> str:
        speed = f"{self.pairs_a_second:,.0f}"
        return (
            f"| {self.database} | {self.way} | {self.workers} | {self.pairs:,} | {speed} | {self.doubles} "
            f"| {self.missing} | {self.refused} |"
        )


def measure(workers: int = WORKERS, pairs: int = PAIRS, length: int = 0) -> Iterator[Row]:
    """A row for each database and way, in this order: lab, bare."""
    with tempfile.TemporaryDirectory() as folder, running_server() as server, server.database() as postgres:
        for name, url in (("SQLite", f"sqlite:///{Path(folder) / 'lab.db'}"), ("PostgreSQL", postgres)):
            for way in ("lab", "bare"):
                yield _row(url, name, way, workers, pairs, max(pairs, length))


def _row(url: str, name: str, way: str, workers: int, pairs: int, length: int) -> Row:
    run_id = f"{way}-{time.time_ns()}"
    with closing(open_database(url)) as database:
        enter_run(database, apart(length), run_id=run_id)
        with database.transaction() as connection:
            connection.execute(text(_END), {"run": run_id, "last": (length - pairs) // 2})
        if not database.is_sqlite:  # as autovacuum would soon, and in the middle of what is measured
            with closing(psycopg.connect(url, autocommit=True)) as own:
                own.execute("VACUUM (ANALYZE) experiment_work_queue")
                own.execute("CHECKPOINT")
    context, processes = multiprocessing.get_context("spawn"), min(PROCESSES, workers)
    with context.Pool(processes, _wait_at, (context.Barrier(processes),)) as pool:
        shares = [len(range(n, workers, processes)) for n in range(processes)]
        jobs = [(url, way, run_id, n, share, -(-pairs // workers)) for n, share in enumerate(shares)]
        found = pool.starmap(_work, jobs, chunksize=1)
    claimed = [number for share in found for number in share.claimed]
    seconds = max(share.ended for share in found) - min(share.began for share in found)
    doubles, refused = len(claimed) - len(set(claimed)), sum(share.refused for share in found)
    missing = pairs - len(set(claimed)) if length == pairs else 0
    return Row(name, way, workers, length, len(claimed) / seconds, doubles, missing, refused)


@dataclass(frozen=True)
class _Share:
    """What the threads of one process claimed, how often the database refused, and from when to when."""

    claimed: list[int]
    refused: int
    began: float
    ended: float


_everybody: Any = None  # where the processes wait until all are connected


def _wait_at(barrier: Any) -> None:
    global _everybody
    _everybody = barrier


def _work(url: str, way: str, run_id: str, process: int, threads: int, most: int) -> _Share:
    cycles = [(_lab if way == "lab" else _bare)(url, run_id, f"S-{process}-{n}") for n in range(threads)]
    _everybody.wait()
    began = time.time()
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda cycle: _work_off(cycle, most), cycles))
    return _Share([n for numbers, _ in found for n in numbers], sum(n for _, n in found), began, time.time())


def _work_off(cycle: Cycle, most: int) -> tuple[list[int], int]:
    numbers, refused = [], 0
    while len(numbers) < most:
        try:
            number = cycle()
        except (DatabaseUnavailable, sqlite3.OperationalError, psycopg.OperationalError):
            refused += 1
            continue
        if number is None:
            break
        numbers.append(number)
    return numbers, refused


def _lab(url: str, run_id: str, ship: str) -> Cycle:
    database = open_database(url)

    def cycle() -> int | None:
        now = datetime.now(UTC)
        with database.transaction() as connection:
            claim = WorkQueueRepository(connection).claim_next_pair(
                run_id, ship, owner=ship, now=now, lease_seconds=LEASE_SECONDS
            )
        if claim is None:
            return None
        with database.transaction() as connection:
            WorkQueueRepository(connection).mark_complete(claim, now=datetime.now(UTC))
        return claim.queue_id

    with database.reading() as connection:
        connection.execute(text("SELECT 1"))
    return cycle


_END = "UPDATE experiment_work_queue SET status = 'COMPLETED' WHERE run_id = :run AND position <= :last"
_CLAIM = """
WITH found AS {materialized} (
    SELECT queue_id FROM experiment_work_queue WHERE run_id = {value} AND status = 'PENDING'
    ORDER BY position, queue_id LIMIT 1 {skip}
)
UPDATE experiment_work_queue
SET status = 'CLAIMED', claimed_by = {value}, lease_until = {value}, attempts = attempts + 1
WHERE queue_id = (SELECT queue_id FROM found) RETURNING queue_id
"""
_COMPLETE = "UPDATE experiment_work_queue SET status = 'COMPLETED', completed_at = {value} WHERE queue_id = {value}"


def _bare(url: str, run_id: str, ship: str) -> Cycle:
    return (_bare_sqlite if url.startswith("sqlite") else _bare_postgres)(url, run_id, ship)


def _bare_sqlite(url: str, run_id: str, ship: str) -> Cycle:
    connection = sqlite3.connect(
        url.removeprefix("sqlite:///"), timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = FULL")
    claim, complete = _CLAIM.format(materialized="", skip="", value="?"), _COMPLETE.format(value="?")

    def do(statement: str, *values: Any) -> list[Any]:
        connection.execute("BEGIN IMMEDIATE")
        rows = connection.execute(statement, values).fetchall()
        connection.execute("COMMIT")
        return rows

    def cycle() -> int | None:
        now = datetime.now(UTC).isoformat()
        rows = do(claim, run_id, ship, now)
        if not rows:
            return None
        do(complete, now, rows[0][0])
        return int(rows[0][0])

    return cycle


def _bare_postgres(url: str, run_id: str, ship: str) -> Cycle:
    connection = psycopg.connect(url, autocommit=True)
    claim = _CLAIM.format(materialized="MATERIALIZED", skip="FOR UPDATE SKIP LOCKED", value="%s")
    complete = _COMPLETE.format(value="%s")

    def cycle() -> int | None:
        now = datetime.now(UTC)
        row = connection.execute(claim, (run_id, ship, now)).fetchone()  # type: ignore[call-overload]
        if row is None:
            return None
        connection.execute(complete, (now, row[0]))  # type: ignore[call-overload]
        return int(row[0])

    return cycle


def main() -> None:
    """Print the table."""
    print("| database | way | workers | pairs | pairs/s | doubles | missing | refused |")
    print("|---|---|---|---|---|---|---|---|")
    for row in measure(*(int(word) for word in sys.argv[1:])):
        print(row, flush=True)


if __name__ == "__main__":
    main()

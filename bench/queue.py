"""How many pairs a second the work queue hands out and takes back, against the bare driver, with many workers at once.

    python -m bench.queue [WORKERS] [PAIRS] [DATABASE_URL ...]

Each worker claims a pair and completes it until none is left, in transactions of their own, first with the lab's own
repository, then with the shortest statements that do the same on the same table with nothing but sqlite3 or psycopg.
Commits are durable. Workers are threads of a few processes, each with a connection of its own. Without URLs a SQLite
file and a PostgreSQL server are made and removed; that server does not wait for its disk.
"""

import multiprocessing
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
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
    """One way on one database: pairs a second, pairs that were claimed more than once or never, and refusals."""

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


def measure(workers: int = WORKERS, pairs: int = PAIRS, urls: Sequence[str] = ()) -> Iterator[Row]:
    """A row for each database and way, in this order: lab, bare."""
    with _urls(urls) as chosen:
        for url in chosen:
            name = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
            for way in ("lab", "bare"):
                yield _row(url, name, way, workers, pairs)


@contextmanager
def _urls(urls: Sequence[str]) -> Iterator[Sequence[str]]:
    if urls:
        yield urls
        return
    with tempfile.TemporaryDirectory() as folder, running_server() as server, server.database() as postgres:
        yield [f"sqlite:///{Path(folder) / 'lab.db'}", postgres]


def _row(url: str, name: str, way: str, workers: int, pairs: int) -> Row:
    run_id = f"{way}-{time.time_ns()}"
    with closing(open_database(url)) as database:
        enter_run(database, apart(pairs), run_id=run_id)
    context, processes = multiprocessing.get_context("spawn"), min(PROCESSES, workers)
    with context.Pool(processes, _wait_at, (context.Barrier(processes),)) as pool:
        shares = [len(range(n, workers, processes)) for n in range(processes)]
        found = pool.starmap(_work, [(url, way, run_id, n, share) for n, share in enumerate(shares)], chunksize=1)
    claimed = [number for share in found for number in share.claimed]
    seconds = max(share.ended for share in found) - min(share.began for share in found)
    doubles, refused = len(claimed) - len(set(claimed)), sum(share.refused for share in found)
    return Row(name, way, workers, pairs, len(claimed) / seconds, doubles, pairs - len(set(claimed)), refused)


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


def _work(url: str, way: str, run_id: str, process: int, threads: int) -> _Share:
    cycles = [(_lab if way == "lab" else _bare)(url, run_id, f"S-{process}-{n}") for n in range(threads)]
    _everybody.wait()
    began = time.time()
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(_until_empty, cycles))
    return _Share([n for numbers, _ in found for n in numbers], sum(n for _, n in found), began, time.time())


def _until_empty(cycle: Cycle) -> tuple[list[int], int]:
    numbers, refused = [], 0
    while True:
        try:
            number = cycle()
        except (DatabaseUnavailable, sqlite3.OperationalError, psycopg.OperationalError):
            refused += 1
            continue
        if number is None:
            return numbers, refused
        numbers.append(number)


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
    numbers = [int(word) for word in sys.argv[1:3]]
    workers, pairs = (numbers + [WORKERS, PAIRS][len(numbers) :])[:2]
    print("| database | way | workers | pairs | pairs/s | doubles | missing | refused |")
    print("|---|---|---|---|---|---|---|---|")
    for row in measure(workers, pairs, sys.argv[3:]):
        print(row, flush=True)


if __name__ == "__main__":
    main()

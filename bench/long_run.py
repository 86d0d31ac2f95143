"""A run with as many rows as one wants, made from a short one that was really flown: its pairs are copied."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from bench.laboratory import all_pairs, laboratory, queue
from spacetraders_lab.study.rig import Rig

PAIRS = 42  # of 24 transactions: a thousand rows
_COPIES = """
    WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < :last)
    INSERT INTO {table} ({columns})
    SELECT {values} FROM {table} CROSS JOIN copies WHERE run_id = :run
"""


@contextmanager
def long_run(rows: int) -> Iterator[tuple[Rig, str, int]]:
    """A laboratory, the id of its run, and how many transactions that has: about `rows`, in thousands."""
    with laboratory(ships=3) as rig:
        run = queue(rig, all_pairs(rig)[:PAIRS])
        rig.fly(run)
        multiply(rig, run.run_id, round(rows / 1000))
        yield rig, run.run_id, rig.rows("SELECT count(*) AS n FROM market_experiments")[0]["n"]


def multiply(rig: Rig, run_id: str, times: int) -> None:
    """Copy the pairs of a run and what they recorded, each copy under ids of its own."""
    if times <= 1:
        return
    for table, key in (("experiment_work_queue", "queue_id"), ("market_experiments", "experiment_id")):
        columns = [row["name"] for row in rig.rows(f"PRAGMA table_info({table})") if row["name"] != key]
        values = [{"pair_id": "pair_id || '-' || n", "visit_id": "visit_id || '-' || n"}.get(c, c) for c in columns]
        statement = _COPIES.format(table=table, columns=", ".join(columns), values=", ".join(values))
        with rig.database.transaction() as connection:
            connection.execute(text(statement), {"last": times - 1, "run": run_id})

"""How runs stand, in figures: what `experiment status` and `experiment list` show. Reads only, in SQL only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, literal_column, select

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import QueueStatus, RunStatus
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.schema import market_experiments as trades

_PAIRS = {
    status: func.count().filter(queue.c.status == literal_column(f"'{status.value}'")).label(status.value)
    for status in QueueStatus
}


@dataclass(frozen=True, slots=True)
class ShipStatus:
    """What one ship has done for a run, and the pair that it holds now (None: none)."""

    ship_symbol: str
    completed: int
    failed: int
    transactions: int
    working_on: str | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a line; `pairs` by status, all four. The times are those of its first and last transaction."""

    run_id: str
    system_symbol: str
    status: RunStatus
    status_reason: str | None
    created_at: datetime
    pairs: dict[QueueStatus, int]
    transactions: int
    started: datetime | None
    last_update: datetime | None
    archived_at: datetime | None

    @property
    def total(self) -> int:
        return sum(self.pairs.values())


def summarise_runs(connection: Connection) -> list[RunSummary]:
    """Every run of the database, the newest first, in one statement."""
    return _summaries(connection)


def summarise_run(connection: Connection, run_id: str) -> RunSummary:
    """One run; raises UserError when there is none of that id."""
    found = _summaries(connection, run_id)
    if not found:
        raise UserError(f"there is no experiment {run_id}; `spacetraders experiment list` shows them")
    return found[0]


def summarise_ships(connection: Connection, run_id: str) -> list[ShipStatus]:
    """Every ship that has touched the run, the one with most completed pairs first."""
    traded = (
        select(trades.c.ship_symbol, func.count().label("transactions"))
        .where(trades.c.run_id == run_id)
        .group_by(trades.c.ship_symbol)
        .subquery()
    )
    worked = (
        select(
            queue.c.claimed_by.label("ship_symbol"),
            _PAIRS[QueueStatus.COMPLETED],
            _PAIRS[QueueStatus.FAILED],
            func.min(queue.c.pair_id).filter(queue.c.status == literal_column("'CLAIMED'")).label("working_on"),
        )
        .where(queue.c.run_id == run_id, queue.c.claimed_by.is_not(None))
        .group_by(queue.c.claimed_by)
        .subquery()
    )
    # A ship whose pairs others took over has transactions and no pair, a beginner a pair and no transaction.
    ships = select(worked.c.ship_symbol).union(select(traded.c.ship_symbol)).subquery()
    rows = connection.execute(
        select(
            ships.c.ship_symbol,
            func.coalesce(worked.c.COMPLETED, 0).label("completed"),
            func.coalesce(worked.c.FAILED, 0).label("failed"),
            func.coalesce(traded.c.transactions, 0).label("transactions"),
            worked.c.working_on,
        )
        .select_from(ships.outerjoin(worked, worked.c.ship_symbol == ships.c.ship_symbol))
        .outerjoin(traded, traded.c.ship_symbol == ships.c.ship_symbol)
        .order_by(literal_column("completed").desc(), ships.c.ship_symbol)
    )
    return [ShipStatus(*row) for row in rows]


def _summaries(connection: Connection, run_id: str | None = None) -> list[RunSummary]:
    pairs = select(queue.c.run_id, *_PAIRS.values()).group_by(queue.c.run_id)
    traded = select(
        trades.c.run_id,
        func.count().label("transactions"),
        func.min(trades.c.timestamp).label("started"),
        func.max(trades.c.timestamp).label("last_update"),
    ).group_by(trades.c.run_id)
    if run_id is not None:
        pairs, traded = pairs.where(queue.c.run_id == run_id), traded.where(trades.c.run_id == run_id)
    p, t = pairs.subquery(), traded.subquery()
    found = (
        select(runs, p, t)
        .select_from(runs.outerjoin(p, p.c.run_id == runs.c.run_id).outerjoin(t, t.c.run_id == runs.c.run_id))
        .order_by(runs.c.created_at.desc(), runs.c.run_id)
    )
    if run_id is not None:
        found = found.where(and_(runs.c.run_id == run_id))
    return [
        RunSummary(
            run_id=row[runs.c.run_id],
            system_symbol=row[runs.c.system_symbol],
            status=row[runs.c.status],
            status_reason=row[runs.c.status_reason],
            created_at=row[runs.c.created_at],
            pairs={status: row[p.c[status.value]] or 0 for status in QueueStatus},
            transactions=row[t.c.transactions] or 0,
            started=row[t.c.started],
            last_update=row[t.c.last_update],
            archived_at=row[runs.c.archived_at],
        )
        for row in connection.execute(found).mappings()
    ]

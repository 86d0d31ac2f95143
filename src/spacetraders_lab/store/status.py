"""How runs stand, in figures: what `experiment status` and `experiment list` show. Reads only, in SQL only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import CTE, ColumnElement, Connection, ScalarSelect, func, literal, literal_column, select

from spacetraders_lab.core.experiment import OPEN_STATUSES, MarketPair, QueueStatus, RunStatus, SkipReason
from spacetraders_lab.store.failures import unknown_run
from spacetraders_lab.store.schema import RUN_COLUMNS
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.schema import market_experiments as trades

T = TypeVar("T")

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
class PairsSummary:
    """Pairs of a run by status, all four, and by ship those that it completed, the ship with most of them first."""

    by_status: dict[QueueStatus, int]
    completed: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_status.values())


@dataclass(frozen=True, slots=True)
class FailedPair:
    """A pair that ended without its measurements, and why."""

    pair: MarketPair
    ship_symbol: str | None
    attempts: int
    error_message: str
    failed_for: SkipReason

    @property
    def was_done_without(self) -> bool:
        """Whether the run's limits left no room for it: the others a ship had and could not measure."""
        return self.failed_for in (SkipReason.LIMIT, SkipReason.CREDITS)


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


def summarise_run(connection: Connection, run_id: str, ships: Sequence[ShipStatus] | None = None) -> RunSummary:
    """One run; raises UserError when there is none of that id.

    With its `ships`, as `summarise_ships` found them, their transactions are not counted a second time.
    """
    counted = None if ships is None else literal(sum(ship.transactions for ship in ships))
    found = _summaries(connection, run_id, counted)
    if not found:
        raise unknown_run(run_id)
    return found[0]


def money_of_open_runs(connection: Connection) -> dict[str, tuple[int, int]]:
    """By run that has not ended: its outlay and its budget, credits."""
    is_open = runs.c.status.in_(OPEN_STATUSES)
    found = connection.execute(select(runs.c.run_id, runs.c.outlay, runs.c.budget).where(is_open))
    return {run_id: (outlay, budget) for run_id, outlay, budget in found}


def summarise_pairs(connection: Connection, run_id: str) -> PairsSummary:
    """The pairs of a run, read once, and no transaction counted: of those there may be a million."""
    of_run = select(queue.c.claimed_by, *_PAIRS.values()).where(queue.c.run_id == run_id).group_by(queue.c.claimed_by)
    by_status, completed = Counter[QueueStatus](), Counter[str]()
    for row in connection.execute(of_run).mappings():
        by_status.update({status: row[status.value] for status in QueueStatus})
        if row["claimed_by"] is not None:
            completed[row["claimed_by"]] = row[QueueStatus.COMPLETED.value]
    ships = _ships_that_traded(run_id)
    for ship in connection.execute(select(ships.c.ship_symbol).where(ships.c.ship_symbol.is_not(None))).scalars():
        completed[ship] += 0  # its pairs were taken over by others
    return PairsSummary(
        {status: by_status[status] for status in QueueStatus},
        dict(sorted(completed.items(), key=lambda ship: (-ship[1], ship[0]))),
    )


def failed_pairs(connection: Connection, run_id: str) -> list[FailedPair]:
    """The pairs that FAILED, in the queue's order."""
    q = queue.c
    found = select(q.pair_id, q.good_symbol, q.buy_market, q.sell_market, q.claimed_by, q.attempts, q.error_message)
    in_order = found.add_columns(q.failed_for).order_by(q.position, q.queue_id)
    rows = connection.execute(in_order.where(q.run_id == run_id, q.status == QueueStatus.FAILED))
    return [FailedPair(MarketPair(*row[:4]), *row[4:]) for row in rows]


def summarise_ships(connection: Connection, run_id: str) -> list[ShipStatus]:
    """Every ship that has touched the run, the one with most completed pairs first."""
    traded = _transactions_by_ship(run_id)
    worked = (
        select(
            queue.c.claimed_by.label("ship_symbol"),
            _PAIRS[QueueStatus.COMPLETED],
            _PAIRS[QueueStatus.FAILED],
            func.min(queue.c.pair_id).filter(queue.c.status == literal_column("'CLAIMED'")).label("working_on"),
        )
        .where(queue.c.run_id == run_id, queue.c.claimed_by.is_not(None))
        .group_by(queue.c.claimed_by)
        .cte()
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


def _summaries(
    connection: Connection, run_id: str | None = None, transactions: ColumnElement[int] | None = None
) -> list[RunSummary]:
    pairs = select(queue.c.run_id, *_PAIRS.values()).group_by(queue.c.run_id)
    if run_id is not None:
        pairs = pairs.where(queue.c.run_id == run_id)
    p = pairs.subquery()
    found = (
        select(
            *RUN_COLUMNS,
            p,
            (_of_its_trades(func.count()) if transactions is None else transactions).label("transactions"),
            # one by one, each of them is one end of an index
            _of_its_trades(func.min(trades.c.timestamp)).label("started"),
            _of_its_trades(func.max(trades.c.timestamp)).label("last_update"),
        )
        .select_from(runs.outerjoin(p, p.c.run_id == runs.c.run_id))
        .order_by(runs.c.created_at.desc(), runs.c.run_id)
    )
    if run_id is not None:
        found = found.where(runs.c.run_id == run_id)
    return [
        RunSummary(
            run_id=row[runs.c.run_id],
            system_symbol=row[runs.c.system_symbol],
            status=row[runs.c.status],
            status_reason=row[runs.c.status_reason],
            created_at=row[runs.c.created_at],
            pairs={status: row[p.c[status.value]] or 0 for status in QueueStatus},
            transactions=row["transactions"],
            started=row["started"],
            last_update=row["last_update"],
            archived_at=row[runs.c.archived_at],
        )
        for row in connection.execute(found).mappings()
    ]


def _transactions_by_ship(run_id: str) -> CTE:
    """ship_symbol and transactions of every ship that has traded for the run.

    From ship to ship along their index, and each one's entries counted: to group a million rows takes twice as long.
    """
    ships = _ships_that_traded(run_id)
    its_own = select(func.count()).where(trades.c.run_id == run_id, trades.c.ship_symbol == ships.c.ship_symbol)
    return (
        select(ships.c.ship_symbol, its_own.scalar_subquery().label("transactions"))
        .where(ships.c.ship_symbol.is_not(None))
        .cte()
    )


def _ships_that_traded(run_id: str) -> CTE:
    """ship_symbol of every ship that has traded for the run, and NULL at the end."""
    in_run = trades.c.run_id == run_id
    first = select(func.min(trades.c.ship_symbol).label("ship_symbol")).where(in_run).cte(recursive=True)
    after = select(func.min(trades.c.ship_symbol)).where(in_run, trades.c.ship_symbol > first.c.ship_symbol)
    return first.union_all(select(after.scalar_subquery()).where(first.c.ship_symbol.is_not(None)))


def _of_its_trades(value: ColumnElement[T]) -> ScalarSelect[T]:
    """The value over the trades of the run that the outer statement is at."""
    return select(value).where(trades.c.run_id == runs.c.run_id).correlate(runs).scalar_subquery()

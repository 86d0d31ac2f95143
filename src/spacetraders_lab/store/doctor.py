"""What is out of order in a run's memory, as plain findings. Reads only; what to do about them is the run's to say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, case, func, literal_column, select

from spacetraders_lab.core.experiment import IntentState, Menu
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.attrition import skip_counts, stored_design, stored_menu, was_executed
from spacetraders_lab.store.schema import experiment_intents as intents
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import experiment_skips as skips
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.schema import market_experiments as trades


@dataclass(frozen=True, slots=True)
class StaleLease:
    """A pair whose owner has not been heard of; the next claim takes it over, or the sweep fails it when spent."""

    pair_id: str
    ship_symbol: str
    lease_until: datetime
    attempts: int
    max_attempts: int

    @property
    def is_spent(self) -> bool:
        return self.attempts >= self.max_attempts


@dataclass(frozen=True, slots=True)
class MissingCells:
    """A completed pair whose last take lacks cells, or sold another number of units than it bought."""

    pair_id: str
    take: int
    cells_bought: int
    cells_wanted: int
    units_bought: int
    units_sold: int


@dataclass(frozen=True, slots=True)
class LedgerGap:
    """A take whose trades that happened and whose recorded rows are not equally many."""

    pair_id: str
    take: int
    trades_happened: int
    rows_recorded: int


def stale_leases(connection: Connection, run_id: str, *, now: datetime) -> list[StaleLease]:
    """The pairs of the run that are CLAIMED under a lease that has ended, in the queue's order."""
    rows = connection.execute(
        select(queue.c.pair_id, queue.c.claimed_by, queue.c.lease_until, queue.c.attempts, queue.c.max_attempts)
        .where(queue.c.run_id == run_id, queue.c.status == literal_column("'CLAIMED'"), queue.c.lease_until <= now)
        .order_by(queue.c.position, queue.c.queue_id)
    )
    return [StaleLease(*row) for row in rows]


def ships_at_work(connection: Connection, run_id: str, *, now: datetime) -> list[str]:
    """The ships that hold a lease in the run, on whatever pair, by name.

    A pair that has ended keeps who ended it, and may be leased to another ship, which still has cargo of it.
    """
    held = select(queue.c.owner).where(queue.c.run_id == run_id, queue.c.lease_until > now)
    return sorted({owner.partition("/")[0] for owner in connection.execute(held).scalars()})


def missing_cells(connection: Connection, run_id: str) -> list[MissingCells]:
    """The completed pairs of the run that do not hold all that they were to be traded at, in the queue's order.

    A purchase that was skipped is not wanted any more; where a sale was, what it would have sold went as leftovers.
    """
    design = stored_design(connection.execute(select(runs.c.design).where(runs.c.run_id == run_id)).scalar_one())
    bought, sold = trades.c.operation == Operation.BUY, trades.c.operation == Operation.SELL
    # Cells are bought in one part each, so that counting purchases counts cells.
    rows = connection.execute(
        select(
            queue.c.pair_id,
            queue.c.take,
            queue.c.menu,
            _skipped(Operation.BUY).label("purchases_skipped"),
            _skipped(Operation.SELL).label("sales_skipped"),
            func.count().filter(bought).label("cells"),
            func.coalesce(func.sum(case((bought, trades.c.units), else_=0)), 0).label("units_bought"),
            func.coalesce(func.sum(case((sold, trades.c.units), else_=0)), 0).label("units_sold"),
        )
        .outerjoin(
            trades,
            (trades.c.run_id == queue.c.run_id)
            & (trades.c.pair_id == queue.c.pair_id)
            & (trades.c.take == queue.c.take)
            & trades.c.batch_size_fraction.is_not(None),
        )
        .where(queue.c.run_id == run_id, queue.c.status == literal_column("'COMPLETED'"))
        .group_by(queue.c.queue_id)
        .order_by(queue.c.position, queue.c.queue_id)
    )
    found = [(row, stored_menu(row.menu) or design.menu) for row in rows]
    return [
        MissingCells(row.pair_id, row.take, row.cells, wanted, row.units_bought, row.units_sold)
        for row, menu in found
        if row.cells != (wanted := len(menu.buys) - row.purchases_skipped) or _has_unsold_cells(row, menu)
    ]


def _has_unsold_cells(row: Row[Any], menu: Menu) -> bool:
    """Whether cells that are to be sold as they were bought were not.

    Where sales have cells of their own, a rest is sold as leftovers when the tradeVolume has changed meanwhile.
    """
    return menu.sells is None and not row.sales_skipped and row.units_bought != row.units_sold


def _skipped(side: Operation) -> ScalarSelect[int]:
    """How many planned trades of this side the pair's last take leaves out."""
    return (
        select(func.count())
        .where(skips.c.queue_id == queue.c.queue_id, skips.c.operation == side, skip_counts, ~was_executed)
        .correlate(queue)
        .scalar_subquery()
    )


def ledger_gaps(connection: Connection, run_id: str) -> list[LedgerGap]:
    """The takes of the run with a trade that happened and was not recorded, or the other way round."""
    happened = (
        select(queue.c.pair_id, intents.c.take, literal_column("1").label("trades"), literal_column("0").label("rows"))
        .join(queue, queue.c.queue_id == intents.c.queue_id)
        .where(intents.c.run_id == run_id, intents.c.state == IntentState.HAPPENED)
    )
    recorded = select(trades.c.pair_id, trades.c.take, literal_column("0"), literal_column("1")).where(
        trades.c.run_id == run_id
    )
    both = happened.union_all(recorded).subquery()
    trades_happened, rows_recorded = func.sum(both.c.trades), func.sum(both.c.rows)
    rows = connection.execute(
        select(both.c.pair_id, both.c.take, trades_happened, rows_recorded)
        .group_by(both.c.pair_id, both.c.take)
        .having(trades_happened != rows_recorded)
        .order_by(both.c.pair_id, both.c.take)
    )
    return [LedgerGap(pair_id, take, int(trades), int(rows)) for pair_id, take, trades, rows in rows]

"""Planned trades and what became of them: a menu's cells are executed or skipped, none is lost from sight.

What is planned is the menu of each pair in the queue; what counts is the pair's last take.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from spacetraders_lab.core.experiment import (
    Cell,
    ClaimedPair,
    Design,
    Menu,
    MenuKind,
    QueueStatus,
    RunStatus,
    Skip,
    SkipReason,
)
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.listing_locks import listings_are_free
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import experiment_skips as skips
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.schema import market_experiments as trades
from spacetraders_lab.store.types import UtcDateTime
from spacetraders_lab.store.upsert import insert_into

RUN_IS_OVER = frozenset({SkipReason.LOCKED, SkipReason.RUN_ENDED})  # as `skip_what_is_left` writes

# A skip of a pair counts that was decided when the pair was planned, or in its last take.
skip_counts = or_(skips.c.take == 0, skips.c.take == queue.c.take)

_of_skip = queue.alias("of_skip")
# A trade under way when its pair or its run ended may have both rows: then it was executed. Correlates to skips.
was_executed = exists(
    select(trades.c.experiment_id)
    .join(_of_skip, and_(trades.c.run_id == _of_skip.c.run_id, trades.c.pair_id == _of_skip.c.pair_id))
    .where(
        _of_skip.c.queue_id == skips.c.queue_id,
        trades.c.take == _of_skip.c.take,
        trades.c.operation == skips.c.operation,
        trades.c.batch_size_fraction == skips.c.batch_size_fraction,
        trades.c.iteration == skips.c.iteration,
    )
    .correlate(skips)
)
_TAKE = bindparam("of_take", type_=Integer)
_SKIPS = Prepared(
    select(skips)
    .where(skips.c.queue_id == bindparam("of_pair"), skips.c.take.in_((literal_column("0"), _TAKE)))
    .order_by(skips.c.skip_id)
)
_IS_CANCELLED = (
    select(runs.c.status == RunStatus.CANCELLED)
    .where(runs.c.run_id == bindparam("of_run"))
    .with_for_update(key_share=True)
)


@dataclass(frozen=True, slots=True)
class Attrition:
    """Planned trades of a run: executed, skipped by reason, and still to come."""

    planned: int
    executed: int
    skipped: Mapping[SkipReason, int] = field(default_factory=dict)

    @property
    def pending(self) -> int:
        return self.planned - self.executed - sum(self.skipped.values())


def menu_json(menu: Menu) -> dict[str, Any]:
    """A menu as it is stored."""
    return {
        "buys": [list(cell) for cell in menu.buys],
        "sells": None if menu.sells is None else [list(cell) for cell in menu.sells],
        "kind": menu.kind.value,
        "highest_ask": menu.highest_ask,
        "lowest_bid": menu.lowest_bid,
    }


def stored_menu(stored: Mapping[str, Any] | None) -> Menu | None:
    """The menu that `menu_json` wrote; None for a pair that is traded as the design says."""
    if stored is None:
        return None
    sells = stored["sells"]
    return Menu(
        _cells(stored["buys"]),
        None if sells is None else _cells(sells),
        MenuKind(stored["kind"]),
        stored["highest_ask"],
        stored["lowest_bid"],
    )


def stored_design(stored: Mapping[str, Any]) -> Design:
    """The design of a run as its row has it."""
    return Design(**{**stored, "fractions": tuple(stored["fractions"])})


def record_skips(connection: Connection, claim: ClaimedPair, skipped: Iterable[Skip], *, now: datetime) -> None:
    """Write down planned trades that the claim's take leaves out; call it under the claim's lease."""
    _insert(connection, claim.run_id, claim.queue_id, claim.take, skipped, now)


def record_planned_skips(
    connection: Connection, run_id: str, skipped: Mapping[str, Sequence[Skip]], *, now: datetime
) -> None:
    """Write down what is left out from the beginning, by pair_id; the pairs are in the queue already."""
    wanted = [pair_id for pair_id, skips_of_pair in skipped.items() if skips_of_pair]
    found = connection.execute(
        select(queue.c.queue_id, queue.c.pair_id).where(queue.c.run_id == run_id, queue.c.pair_id.in_(wanted))
    ).all()
    for row in found:
        _insert(connection, run_id, row.queue_id, 0, skipped[row.pair_id], now)


def skips_of(connection: Connection, claim: ClaimedPair) -> list[Skip]:
    """The planned trades that the claim's take leaves out, in the order in which they were written down."""
    return _skips(connection, claim.queue_id, claim.take)


def skip_the_rest(connection: Connection, queue_ids: Iterable[int], reason: SkipReason, *, now: datetime) -> None:
    """Write a row for every planned trade of these pairs that has none: they end here."""
    for queue_id in queue_ids:
        row = connection.execute(
            select(queue, runs.c.design).join(runs, runs.c.run_id == queue.c.run_id).where(queue.c.queue_id == queue_id)
        ).one()
        done = _executed(connection, row) | {(s.operation, s.cell) for s in _skips(connection, queue_id, row.take)}
        rest = [Skip(*planned, reason) for planned in _menu(row).planned if planned not in done]
        _insert(connection, row.run_id, queue_id, row.take, rest, now)


def is_cancelled(connection: Connection, run_id: str) -> bool:
    """Whether the run was ended before its time; if it was not, nobody does so before the transaction ends."""
    return bool(connection.execute(_IS_CANCELLED, {"of_run": run_id}).scalar_one())


def skip_if_cancelled(connection: Connection, claim: ClaimedPair, *, now: datetime) -> None:
    """Write down that nothing is traded in a take that begins after the run was cancelled."""
    if is_cancelled(connection, claim.run_id):
        skip_the_rest(connection, [claim.queue_id], SkipReason.RUN_ENDED, now=now)


def skip_what_is_left(connection: Connection, run_id: str, *, now: datetime) -> None:
    """Write a row for every planned trade of a run that is over and has none; LOCKED where the listings were closed."""
    closed = ~listings_are_free(runs.c.universe_id, literal(now, UtcDateTime()))
    kept_out = set(
        connection.execute(
            select(queue.c.queue_id)
            .join(runs, runs.c.run_id == queue.c.run_id)
            .where(queue.c.run_id == run_id, queue.c.status == QueueStatus.PENDING, closed)
        ).scalars()
    )
    left = unfinished_pairs(connection, run_id)
    skip_the_rest(connection, [pair for pair in left if pair in kept_out], SkipReason.LOCKED, now=now)
    skip_the_rest(connection, [pair for pair in left if pair not in kept_out], SkipReason.RUN_ENDED, now=now)


def unfinished_pairs(connection: Connection, run_id: str) -> list[int]:
    """The queue_ids of the run's pairs that have not ended."""
    ended = (QueueStatus.COMPLETED, QueueStatus.FAILED)
    rows = select(queue.c.queue_id).where(queue.c.run_id == run_id, queue.c.status.not_in(ended))
    return list(connection.execute(rows.order_by(queue.c.queue_id)).scalars())


def attrition(
    connection: Connection,
    run_id: str,
    transactions: int | None = None,
    skipped: Mapping[SkipReason, int] | None = None,
) -> Attrition:
    """What became of the planned trades of a run.

    Who has counted the run's `transactions` in the same snapshot hands them in, for they may be very many; and so does
    who knows what was `skipped`.
    """
    return Attrition(
        _count_planned(connection, run_id),
        _count_executed(connection, run_id, transactions),
        left_out(connection, run_id) if skipped is None else skipped,
    )


def left_out(connection: Connection, run_id: str) -> dict[SkipReason, int]:
    """How many planned trades of a run were skipped, by reason.

    A trade whose outcome became known only after its pair had been given up is executed, whatever was written then.
    """
    found = connection.execute(
        select(skips.c.reason, func.count().label("trades"))
        .join(queue, queue.c.queue_id == skips.c.queue_id)
        .where(skips.c.run_id == run_id, skip_counts, ~was_executed)
        .group_by(skips.c.reason)
        .order_by(skips.c.reason)
    )
    return {row.reason: row.trades for row in found}


def _count_planned(connection: Connection, run_id: str) -> int:
    """Pairs with the same menu are read as one: a run may have very many of them."""
    menu = cast(queue.c.menu, Text)
    pairs = select(menu.label("menu"), func.count().label("pairs")).where(queue.c.run_id == run_id).group_by(menu)
    design = connection.execute(select(runs.c.design).where(runs.c.run_id == run_id)).scalar_one()
    return sum(
        row.pairs * len((stored_menu(json.loads(row.menu or "null")) or stored_design(design).menu).planned)
        for row in connection.execute(pairs)
    )


def _count_executed(connection: Connection, run_id: str, transactions: int | None) -> int:
    """The cells that each pair's last take has traded: every one of them begins with part 1.

    They are all transactions but the few that begin no cell and what earlier takes had traded: few pairs were given
    back.
    """
    in_run = trades.c.run_id == run_id
    no_cell = or_(trades.c.batch_size_fraction.is_(None), trades.c.part > literal_column("1"))  # as its index has it
    of_earlier_takes = (
        select(func.count())
        .where(in_run, ~no_cell, trades.c.pair_id == queue.c.pair_id, trades.c.take < queue.c.take)
        .correlate(queue)
        .scalar_subquery()
    )
    earlier = select(func.coalesce(func.sum(of_earlier_takes), 0)).where(queue.c.run_id == run_id, queue.c.take > 1)
    if transactions is None:
        transactions = connection.execute(select(func.count()).where(in_run)).scalar_one()
    beside = connection.execute(select(func.count()).where(in_run, no_cell)).scalar_one()
    return transactions - beside - int(connection.execute(earlier).scalar_one())


def _menu(row: Row[Any]) -> Menu:
    return stored_menu(row.menu) or stored_design(row.design).menu


def _cells(stored: Iterable[Sequence[Any]]) -> tuple[Cell, ...]:
    return tuple((float(fraction), int(iteration)) for fraction, iteration in stored)


def _skips(connection: Connection, queue_id: int, take: int) -> list[Skip]:
    rows = _SKIPS.rows(connection, {"of_pair": queue_id, "of_take": take})
    return [Skip(row.operation, (row.batch_size_fraction, row.iteration), row.reason) for row in rows]


def _executed(connection: Connection, row: Row[Any]) -> set[tuple[Operation, Cell]]:
    """The cells that a pair's last take has traded, wholly or in part."""
    found = connection.execute(
        select(trades.c.operation, trades.c.batch_size_fraction, trades.c.iteration).where(
            trades.c.run_id == row.run_id,
            trades.c.pair_id == row.pair_id,
            trades.c.take == literal(row.take),
            trades.c.batch_size_fraction.is_not(None),
        )
    )
    return {(r.operation, (r.batch_size_fraction, r.iteration)) for r in found}


def _insert(
    connection: Connection, run_id: str, queue_id: int, take: int, skipped: Iterable[Skip], now: datetime
) -> None:
    rows = [
        {
            "run_id": run_id,
            "queue_id": queue_id,
            "take": take,
            "operation": skip.operation,
            "batch_size_fraction": skip.cell[0],
            "iteration": skip.cell[1],
            "reason": skip.reason,
            "created_at": now,
        }
        for skip in skipped
    ]
    if rows:  # a run that is cancelled has a row for every trade that its ships have not left out yet
        connection.execute(insert_into(connection, skips).on_conflict_do_nothing(), rows)

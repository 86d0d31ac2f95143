"""Who may trade a listing (a good at a market) now: one pair at a time, whatever run it belongs to.

A lock lives as long as its pair's lease, and is written in the transactions that write the lease: a dead worker's
locks end with its lease, and whoever takes over the pair takes over its locks. Only `work_queue` writes here.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, or_, select, update

from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.schema import listing_locks as locks
from spacetraders_lab.store.types import UtcDateTime
from spacetraders_lab.store.upsert import insert_into

_take_statements: dict[str, Prepared] = {}  # by the dialect's name: built once, for it is executed very often


def _take_statement(connection: Connection) -> Prepared:
    statement = insert_into(connection, locks).values({column.name: bindparam(column.name) for column in locks.c})
    new = statement.excluded
    is_free = locks.c.held_until <= bindparam("now", type_=UtcDateTime)
    return Prepared(
        statement.on_conflict_do_update(
            index_elements=locks.primary_key,
            set_={"queue_id": new.queue_id, "held_until": new.held_until},
            where=or_(is_free, locks.c.queue_id == new.queue_id, _is_kept_for_nobody(new.queue_id)),
        ).returning(locks.c.queue_id)
    )


def _is_kept_for_nobody(queue_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a lock is the washout of the very run of that pair, which has ended: its ships only sell what is left.

    The run's row must be locked before: who holds a pair that another ship takes in the same moment would not be seen.
    """
    own, holder = queue.alias("own"), queue.alias("holder")
    return exists().where(
        own.c.queue_id == queue_id,
        holder.c.queue_id == locks.c.queue_id,
        holder.c.run_id == own.c.run_id,
        holder.c.owner.is_(None),
        runs.c.run_id == own.c.run_id,
        runs.c.finished_at.is_not(None),
    )


_HOLD = Prepared(
    update(locks)
    .where(locks.c.queue_id == bindparam("holder"))
    .values(held_until=bindparam("until", type_=UtcDateTime))
)


def listings_are_free(universe_id: ColumnElement[Any], now: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition on a row of the queue that no other pair holds one of its two listings."""
    return ~exists().where(
        locks.c.universe_id == universe_id,
        locks.c.market_symbol.in_((queue.c.buy_market, queue.c.sell_market)),
        locks.c.good_symbol == queue.c.good_symbol,
        locks.c.held_until > now,
        locks.c.queue_id != queue.c.queue_id,
    )


def take(
    connection: Connection, universe_id: int, queue_id: int, pair: MarketPair, *, now: datetime, until: datetime
) -> bool:
    """Lock both listings of a pair until then; False when another pair holds one (the caller rolls back).

    The primary key decides between two that come at once: the later waits for the earlier one's commit, then sees it.
    Markets are taken in the order of their names, so that two never wait for each other.
    """
    return all(
        take_one(connection, universe_id, queue_id, market, pair.good_symbol, now=now, until=until)
        for market in sorted({pair.buy_market, pair.sell_market})
    )


def take_one(
    connection: Connection, universe_id: int, queue_id: int, market: str, good: str, *, now: datetime, until: datetime
) -> bool:
    """Lock one more listing for a pair until then; False when another pair holds it."""
    values = {
        "universe_id": universe_id,
        "market_symbol": market,
        "good_symbol": good,
        "queue_id": queue_id,
        "held_until": until,
        "now": now,
    }
    name = connection.dialect.name
    if name not in _take_statements:
        _take_statements[name] = _take_statement(connection)
    return _take_statements[name].first(connection, values) is not None


def held(connection: Connection, universe_id: int, now: datetime) -> dict[tuple[str, str], datetime]:
    """Until when each listing (market, good) is locked that is locked now."""
    rows = connection.execute(select(locks).where(locks.c.universe_id == universe_id, locks.c.held_until > now))
    return {(row.market_symbol, row.good_symbol): row.held_until for row in rows}


def hold(connection: Connection, queue_id: int, until: datetime) -> None:
    """Let a pair's locks end at that time: the renewed lease's end, or now (plus washout) to give them up."""
    _HOLD.change(connection, {"holder": queue_id, "until": until})

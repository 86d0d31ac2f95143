"""What a watcher asks of the database again and again: small reads, each through an index. Writes nothing.

Rows that are only ever added are read by their ids, from where the last look ended; the rest is counted in SQL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Row, Text, func, literal_column, select, text, type_coerce

from spacetraders_lab.core.experiment import QueueStatus
from spacetraders_lab.store.claim import CLAIMED, PENDING
from spacetraders_lab.store.failures import unknown_run
from spacetraders_lab.store.schema import RUN_COLUMNS, market_experiments, players, universes
from spacetraders_lab.store.schema import experiment_intents as intents
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.schema import listing_locks as locks
from spacetraders_lab.store.types import Word

_STAMP = {
    "sqlite": "PRAGMA data_version",
    "postgresql": "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text"
    " ELSE pg_current_wal_insert_lsn()::text END",
}


def change_stamp(connection: Connection) -> str:
    """A mark that differs when another connection has committed something; it may differ for less.

    On PostgreSQL a commit moves it an instant before its rows can be seen: look once more after a change.
    """
    return str(connection.execute(text(_STAMP[connection.dialect.name])).scalar_one())


class Trade(NamedTuple):
    """One row of `market_experiments` as the page needs it, by the names of its columns; words are plain text."""

    experiment_id: int
    ship_symbol: str
    good_symbol: str
    pair_id: str
    buy_market: str
    sell_market: str
    operation: str
    batch_size_fraction: float | None
    units: int
    price_per_unit: int
    total_credits: int
    listing_type: str
    supply_before: str
    activity_before: str | None
    trade_volume_before: int
    trade_volume_after: int | None
    price_before: int
    price_after: int | None
    purchase_price_before: int
    sell_price_before: int
    supply_after: str | None
    activity_after: str | None
    purchase_price_after: int | None
    sell_price_after: int | None
    visit_id: str
    seconds_since_before: float
    foreign_units: int
    recovered: bool
    timestamp: datetime

    @property
    def market(self) -> str:
        """Where it took place."""
        return self.buy_market if self.operation == "BUY" else self.sell_market


class Claim(NamedTuple):
    """A pair in a ship's hands."""

    claimed_by: str
    pair_id: str
    good_symbol: str
    buy_market: str
    sell_market: str


class OpenIntent(NamedTuple):
    """A trade that was sent, or is about to be, and whose effect is not known yet."""

    ship_symbol: str
    operation: str
    good_symbol: str
    market: str
    units: int


class TradeCount(NamedTuple):
    """How many trades a run has recorded, and the time of the last."""

    trades: int
    last: datetime

    def plus(self, at: datetime) -> "TradeCount":
        """One more, made at that time."""
        return TradeCount(self.trades + 1, max(self.last, at))


class PairCount(NamedTuple):
    """So many pairs of a good, last held by that ship (None: by nobody yet), stand at that status."""

    good_symbol: str
    ship_symbol: str | None
    status: str
    pairs: int
    first_position: int


@dataclass(frozen=True, slots=True)
class QueueMarks:
    """A queue in three numbers that cost next to nothing; while they stand still, so does the queue, as a rule."""

    total: int
    pending: int
    claimed: int


def run_row(connection: Connection, run_id: str) -> dict[str, Any]:
    """A run's own row with its universe's `base_url` and `reset_date`; raises UserError when there is none."""
    statement = (
        select(runs, universes.c.base_url, universes.c.reset_date).join(universes).where(runs.c.run_id == run_id)
    )
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise unknown_run(run_id)
    return dict(row)


def run_rows(connection: Connection) -> list[dict[str, Any]]:
    """Every run's own row with its `agent_symbol` and its universe's `reset_date`, the newest first."""
    statement = (
        select(*RUN_COLUMNS, players.c.agent_symbol, universes.c.reset_date)
        .select_from(runs)
        .join(players, players.c.player_id == runs.c.player_id)
        .join(universes, universes.c.universe_id == runs.c.universe_id)
        .order_by(runs.c.created_at.desc(), runs.c.run_id)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def count_trades(connection: Connection) -> dict[str, TradeCount]:
    """The trades of every run, counted through an index from the first to the last: once, not every second."""
    statement = select(market_experiments.c.run_id, func.count(), func.max(market_experiments.c.timestamp)).group_by(
        market_experiments.c.run_id
    )
    return {run_id: TradeCount(count, last) for run_id, count, last in connection.execute(statement)}


def trades_between(connection: Connection, after: int, upto: int) -> list[Row[Any]]:
    """experiment_id, run_id and timestamp of the trades of all runs with after < experiment_id <= upto."""
    key = market_experiments.c.experiment_id
    statement = select(key, market_experiments.c.run_id, market_experiments.c.timestamp).where(key > after, key <= upto)
    return list(connection.execute(statement))


def first_trade_id(connection: Connection, run_id: str) -> int | None:
    """The lowest experiment_id of a run; None before its first trade."""
    found = select(func.min(market_experiments.c.experiment_id)).where(market_experiments.c.run_id == run_id)
    return connection.execute(found).scalar()


def last_trade_id(connection: Connection) -> int:
    """The highest experiment_id of the database, 0 when there is none."""
    return connection.execute(select(func.max(market_experiments.c.experiment_id))).scalar() or 0


def read_trades(connection: Connection, run_id: str, after: int, upto: int) -> list[Trade]:
    """The trades of a run with after < experiment_id <= upto, by id."""
    key = market_experiments.c.experiment_id
    # The run is compared as an expression: through an index on it a database would walk the whole run each time.
    of_run = type_coerce(market_experiments.c.run_id, Text).concat("") == run_id
    statement = select(*columns(market_experiments, Trade)).where(key > after, key <= upto, of_run).order_by(key)
    return [Trade._make(row) for row in connection.execute(statement)]


def queue_marks(connection: Connection, run_id: str) -> QueueMarks:
    """How many pairs a run has, and how many of them are PENDING and CLAIMED."""

    def count(*where: Any) -> int:
        counted = select(func.count()).select_from(queue).where(queue.c.run_id == run_id, *where)
        return connection.execute(counted).scalar_one()

    return QueueMarks(count(), count(PENDING), count(CLAIMED))


def count_pairs(connection: Connection, run_id: str) -> list[PairCount]:
    """Pairs of a run by good, ship and status, the goods in the order in which they came into the queue."""
    statement = (
        select(
            queue.c.good_symbol,
            queue.c.claimed_by,
            type_coerce(queue.c.status, Text),
            func.count(),
            func.min(queue.c.position),
        )
        .where(queue.c.run_id == run_id)
        .group_by(queue.c.good_symbol, queue.c.claimed_by, queue.c.status)
    )
    return sorted((PairCount._make(row) for row in connection.execute(statement)), key=lambda row: row.first_position)


def pair_states(connection: Connection, run_id: str) -> dict[str, str]:
    """By good, one letter for each pair in the queue's order: Pending, claimed (A for active), Completed, Failed."""
    statement = (
        select(queue.c.good_symbol, func.substr(type_coerce(queue.c.status, Text), 1, 2))
        .where(queue.c.run_id == run_id)
        .order_by(queue.c.position, queue.c.queue_id)
    )
    letters = {"PE": "P", "CL": "A", "CO": "C", "FA": "F"}
    found: dict[str, list[str]] = {}
    for good, state in connection.execute(statement):
        found.setdefault(good, []).append(letters[state])
    return {good: "".join(states) for good, states in found.items()}


def claims(connection: Connection, run_id: str) -> list[Claim]:
    """The pairs that ships hold now, by ship."""
    statement = select(*(queue.c[name] for name in Claim._fields)).where(queue.c.run_id == run_id, CLAIMED)
    return [Claim._make(row) for row in connection.execute(statement.order_by(queue.c.claimed_by))]


def open_intents(connection: Connection, run_id: str) -> list[OpenIntent]:
    """The trades under way now, by ship."""
    statement = select(*columns(intents, OpenIntent)).where(
        intents.c.run_id == run_id, intents.c.state == literal_column("'OPEN'")
    )
    return [OpenIntent._make(row) for row in connection.execute(statement.order_by(intents.c.ship_symbol))]


def last_failures(connection: Connection, run_id: str, most: int) -> list[dict[str, Any]]:
    """The pairs that FAILED, the latest first, at most so many: pair_id, good, ship, attempts, reason, time."""
    statement = (
        select(
            queue.c.pair_id,
            queue.c.good_symbol,
            queue.c.claimed_by,
            queue.c.attempts,
            queue.c.error_message,
            queue.c.completed_at,
        )
        .where(queue.c.run_id == run_id, queue.c.status == QueueStatus.FAILED)
        .order_by(queue.c.completed_at.desc(), queue.c.queue_id)
        .limit(most)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def resting_until(connection: Connection, run: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the last listing is free that pending pairs of the run wait for; None when they wait for none."""
    waits = (
        (queue.c.run_id == run["run_id"])
        & PENDING
        & (queue.c.good_symbol == locks.c.good_symbol)
        & locks.c.market_symbol.in_((queue.c.buy_market, queue.c.sell_market))
    )
    closed = (locks.c.universe_id == run["universe_id"], locks.c.held_until > now)
    return connection.execute(select(func.max(locks.c.held_until)).join(queue, waits).where(*closed)).scalar()


def columns(table: Any, row: Any) -> list[Any]:
    """The columns that a row type names, without the cost of turning words into members of an enumeration."""
    return [_as_text(table.c[name]) for name in row._fields]


def _as_text(column: Column[Any]) -> Any:
    return type_coerce(column, Text) if isinstance(column.type, Word) else column

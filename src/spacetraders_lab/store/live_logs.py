"""What a watcher asks of the containers' logs again and again: the newest lines, and older ones. Writes nothing."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from spacetraders_lab.store.schema import container_logs, containers

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SEARCHED = 100_000  # lines at most in one search, from the newest: a word that never occurs must not read them all


class LogLine(NamedTuple):
    """One line of a container's log."""

    log_id: int
    container_id: str
    level: str
    message: str
    fields: dict[str, Any]
    logged_at: datetime


def last_log_id(connection: Connection) -> int:
    """The highest log_id of the database, 0 when there is none."""
    return connection.execute(select(func.max(container_logs.c.log_id))).scalar() or 0


def find_logs(
    connection: Connection,
    *,
    container_id: str | None = None,
    least_level: str | None = None,
    contains: str | None = None,
    after: int = 0,
    before: int | None = None,
    most: int = 500,
) -> list[LogLine]:
    """The newest lines that fit, at most so many, by id; ids lie between `after` and `before`, both excluded.

    Words (in messages, in either case of letters) and levels are looked for among the newest `SEARCHED` lines.
    """
    key = container_logs.c.log_id
    where = [key > after]
    if before is not None:
        where.append(key < before)
    if container_id is not None:
        where.append(container_logs.c.container_id == container_id)
    if least_level in LEVELS[1:]:
        where.append(func.upper(container_logs.c.level).not_in(LEVELS[: LEVELS.index(least_level)]))
    if contains:
        where.append(container_logs.c.message.icontains(contains, autoescape=True))
    if contains or least_level in LEVELS[1:]:
        where.append(key > last_log_id(connection) - SEARCHED)
    statement = select(*(container_logs.c[name] for name in LogLine._fields)).where(*where)
    rows = connection.execute(statement.order_by(key.desc()).limit(most))
    return [LogLine._make(row) for row in rows][::-1]


def containers_with_logs(connection: Connection) -> list[dict[str, Any]]:
    """Every container, the newest first: container_id, run_id, ship_symbol, state."""
    names = ("container_id", "run_id", "ship_symbol", "state")
    statement = select(*(containers.c[name] for name in names)).order_by(
        containers.c.created_at.desc(), containers.c.ship_symbol
    )
    return [dict(row) for row in connection.execute(statement).mappings()]

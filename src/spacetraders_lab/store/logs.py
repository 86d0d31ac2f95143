"""What containers have said: lines are added in batches and read back by container. Knows no logger."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select

from spacetraders_lab.store.schema import container_logs as logs
from spacetraders_lab.store.schema import containers


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a container's log; `fields` say what it is about (run, pair, ship, and whatever else was given)."""

    container_id: str
    level: str
    message: str
    logged_at: datetime
    fields: Mapping[str, str] = field(default_factory=dict)
    log_id: int = 0


class LogRepository:
    """The logs of containers; one transaction is the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, lines: Collection[LogLine]) -> int:
        """Add lines; those of containers that were removed meanwhile are left out. Returns how many were added."""
        named = {line.container_id for line in lines}
        known = set(
            self._connection.execute(
                select(containers.c.container_id).where(containers.c.container_id.in_(named))
            ).scalars()
        )
        rows = [
            {
                "container_id": line.container_id,
                "level": line.level,
                "message": line.message,
                "fields": dict(line.fields),
                "logged_at": line.logged_at,
            }
            for line in lines
            if line.container_id in known
        ]
        if rows:
            self._connection.execute(insert(logs), rows)
        return len(rows)

    def read(
        self, container_id: str, *, after: int = 0, levels: Collection[str] = (), last: int | None = None
    ) -> list[LogLine]:
        """Lines of a container in their order: those after a line, of some levels, or only the last ones."""
        wanted = [logs.c.container_id == container_id, logs.c.log_id > after]
        if levels:
            wanted.append(logs.c.level.in_(levels))
        newest_first = select(logs).where(*wanted).order_by(logs.c.log_id.desc())
        rows = self._connection.execute(newest_first if last is None else newest_first.limit(last)).all()
        return [
            LogLine(row.container_id, row.level, row.message, row.logged_at, row.fields, row.log_id)
            for row in reversed(rows)
        ]

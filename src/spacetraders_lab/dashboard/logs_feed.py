"""What the page shows of the containers' logs: the newest lines. Older ones it asks for by themselves."""

from collections import deque
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from spacetraders_lab.dashboard.tally import Cursor, epoch, overlap_of
from spacetraders_lab.store import live_logs
from spacetraders_lab.store.live_logs import LogLine

NEWEST = 200  # lines in a view; the page fills a gap to what it has by asking for the lines between


class LogsFeed:
    """The newest lines of all containers, and the containers there are."""

    behind = False

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=NEWEST)
        self._cursor: Cursor | None = None

    def refresh(self, connection: Connection, now: datetime) -> dict[str, Any]:
        """Read what is new; returns the newest lines by id."""
        newest = live_logs.last_log_id(connection)
        if self._cursor is None:
            self._lines.extend(live_logs.find_logs(connection, most=NEWEST))
            self._cursor = Cursor(newest, overlap_of(connection), (line.log_id for line in self._lines))
        else:
            rows = live_logs.find_logs(connection, after=self._cursor.after, before=newest + 1, most=NEWEST)
            self._lines.extend(self._cursor.fresh(rows, newest))
        return {
            "containers": live_logs.containers_with_logs(connection),
            "lines": [as_json(line) for line in sorted(self._lines)],
        }


def as_json(line: LogLine) -> dict[str, Any]:
    """A line as the page has it."""
    return line._asdict() | {"logged_at": epoch(line.logged_at)}

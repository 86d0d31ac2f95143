"""What the page shows of all runs: a line for each, the newest first."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from spacetraders_lab.core.experiment import OPEN_STATUSES
from spacetraders_lab.dashboard.tally import Cursor, epoch, overlap_of
from spacetraders_lab.store import live
from spacetraders_lab.store.work_queue import WorkQueueRepository


class RunsFeed:
    """Every run of the database with its pairs by status and its trades."""

    behind = False

    def __init__(self) -> None:
        self._cursor: Cursor | None = None
        self._trades: dict[str, live.TradeCount] = {}
        self._pairs: dict[str, tuple[live.QueueMarks, dict[str, int]]] = {}

    def refresh(self, connection: Connection, now: datetime) -> list[dict[str, Any]]:
        """Count what is new; returns all lines."""
        self._count_trades(connection)
        lines = []
        for run in live.run_rows(connection):
            counted = self._trades.get(run["run_id"])
            lines.append(
                {
                    "run_id": run["run_id"],
                    "system": run["system_symbol"],
                    "agent": run["agent_symbol"],
                    "status": run["status"],
                    "reason": run["status_reason"],
                    "created": epoch(run["created_at"]),
                    "finished": epoch(run["finished_at"]),
                    "universe": run["reset_date"],
                    "ships": len(run["ships"]),
                    "outlay": run["outlay"],
                    "budget": run["budget"],
                    "trades": counted.trades if counted else 0,
                    "last_trade": epoch(counted.last) if counted else None,
                    "pairs": self._count_pairs(connection, run),
                }
            )
        return lines

    def _count_trades(self, connection: Connection) -> None:
        newest = live.last_trade_id(connection)
        if self._cursor is None:
            self._trades, overlap = live.count_trades(connection), overlap_of(connection)
            counted = live.trades_between(connection, newest - overlap, newest)
            self._cursor = Cursor(newest, overlap, (row.experiment_id for row in counted))
            return
        for row in self._cursor.fresh(live.trades_between(connection, self._cursor.after, newest), newest):
            known = self._trades.get(row.run_id)
            self._trades[row.run_id] = known.plus(row.timestamp) if known else live.TradeCount(1, row.timestamp)

    def _count_pairs(self, connection: Connection, run: dict[str, Any]) -> dict[str, int]:
        """Pairs by status, counted anew only where they can have changed: a ship may still be at one of a run's end."""
        run_id = run["run_id"]
        known = self._pairs.get(run_id)
        if known and run["status"] not in OPEN_STATUSES and not (known[0].pending or known[0].claimed):
            return known[1]
        marks = live.queue_marks(connection, run_id)
        if known is None or known[0] != marks:
            self._pairs[run_id] = marks, WorkQueueRepository(connection).get_queue_status(run_id)
        return self._pairs[run_id][1]

"""Daemons that are at work on this database: who they are, and until when they were heard of. Starts none."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from spacetraders_lab.core.container import WantedState
from spacetraders_lab.store.schema import daemons
from spacetraders_lab.store.types import UtcDateTime
from spacetraders_lab.store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that drives containers. `keys` are fingerprints of the tokens it holds; none can be read off them."""

    daemon_id: str
    host: str
    pid: int
    keys: tuple[str, ...]
    wanted_state: WantedState
    started_at: datetime
    lease_until: datetime


class DaemonRepository:
    """The daemons of a database; one transaction is the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def beat(self, daemon: Daemon) -> None:
        """Say that the daemon lives, until when, and what keys it holds; what was asked of it stands."""
        new = {
            "daemon_id": daemon.daemon_id,
            "host": daemon.host,
            "pid": daemon.pid,
            "keys": list(daemon.keys),
            "wanted_state": daemon.wanted_state,
            "started_at": daemon.started_at,
            "lease_until": daemon.lease_until,
        }
        statement = insert_into(self._connection, daemons).values(new)
        again = {name: statement.excluded[name] for name in ("keys", "lease_until")}
        self._connection.execute(statement.on_conflict_do_update(index_elements=daemons.primary_key, set_=again))

    def forget(self, *, now: datetime) -> None:
        """Strike off the daemons that were not heard of within their lease."""
        self._connection.execute(delete(daemons).where(daemons.c.lease_until <= now))

    def leave(self, daemon_id: str) -> None:
        """Strike off a daemon that has ended."""
        self._connection.execute(delete(daemons).where(daemons.c.daemon_id == daemon_id))

    def live(self, *, now: datetime, host: str | None = None) -> list[Daemon]:
        """The daemons (of one machine) that were heard of within their lease, the oldest first."""
        statement = _LIVE if host is None else _LIVE.where(daemons.c.host == host)
        rows = self._connection.execute(statement, {"now": now})
        return [
            Daemon(r.daemon_id, r.host, r.pid, tuple(r.keys), r.wanted_state, r.started_at, r.lease_until) for r in rows
        ]

    def ask_to_stop(self, daemon_id: str) -> None:
        """Want the daemon stopped; it sees that within seconds."""
        mine = daemons.c.daemon_id == daemon_id
        self._connection.execute(update(daemons).where(mine).values(wanted_state=WantedState.STOPPED))


# asked by every daemon every few seconds, and so built once
_LIVE = (
    select(daemons)
    .where(daemons.c.lease_until > bindparam("now", type_=UtcDateTime))
    .order_by(daemons.c.started_at, daemons.c.daemon_id)
)

"""Containers: which ship's worker is wanted, and which daemon drives it, under leases. Starts nothing itself.

A daemon's writes carry its id and a live lease; a write that finds no such row changes nothing and raises LeaseLost.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from spacetraders_lab.core.container import OPEN_STATES, Container, ContainerState, Restart, WantedState, restart_number
from spacetraders_lab.core.errors import LeaseLost, UserError
from spacetraders_lab.core.experiment import ExperimentRun
from spacetraders_lab.store.experiments import goes_on
from spacetraders_lab.store.failures import is_duplicate
from spacetraders_lab.store.schema import container_logs, containers, players, universes
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.types import UtcDateTime

_FIELDS = tuple(field.name for field in fields(Container))
_COLUMNS = tuple(containers.c[name] for name in _FIELDS)
# Literals and not bound values: a generic plan cannot match a bound value to a partial index.
_PENDING = containers.c.state == literal_column("'PENDING'")
_RUNNING = containers.c.state == literal_column("'RUNNING'")
_OPEN = containers.c.state.in_((literal_column("'PENDING'"), literal_column("'RUNNING'")))
_WANTED = containers.c.wanted_state == literal_column("'RUNNING'")
_RUN_HAS_ENDED = exists().where(runs.c.run_id == containers.c.run_id, runs.c.finished_at.is_not(None))
_NEXT_STATE = case(
    (~_WANTED, literal_column("'STOPPED'")),
    (_RUN_HAS_ENDED, literal_column("'COMPLETED'")),  # others have ended it while this one's daemon was dead
    else_=literal_column("'PENDING'"),
)

LOST_DAEMON = "its daemon was not heard of any more"


@dataclass(frozen=True, slots=True)
class Driven:
    """A container in a daemon's hands, and whether it is to go on: it is wanted, and so is its run."""

    container: Container
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A player for whom so many containers could be started now."""

    player_id: int
    agent_symbol: str
    server: str
    reset_date: str
    containers: int


class ContainerRepository:
    """Containers as seen by the user's commands and by daemons; one transaction is the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- what the user wants --------------------------------------------------------------------------------------

    def start(
        self,
        run: ExperimentRun,
        ships: Iterable[str],
        *,
        now: datetime,
        keep_for: str | None = None,
        keep_seconds: float = 0.0,
    ) -> list[Container]:
        """Want one container for each ship of the run, made where there is none; one that runs goes on running.

        `keep_for`: no other daemon may have it within `keep_seconds`.
        """
        until = now + timedelta(seconds=keep_seconds) if keep_for else None
        return [self._start(run, ship, now, {"owner": keep_for, "lease_until": until}) for ship in ships]

    def _start(self, run: ExperimentRun, ship: str, now: datetime, keep: dict[str, Any]) -> Container:
        wanted = {"wanted_state": WantedState.RUNNING, "restarts": 0, "not_before": now}
        known = (containers.c.run_id == run.run_id, containers.c.ship_symbol == ship)
        again = wanted | keep | {"state": ContainerState.PENDING, "exit_reason": None}
        self._connection.execute(update(containers).where(*known, ~_RUNNING).values(again))
        self._connection.execute(update(containers).where(*known, _RUNNING).values(wanted))
        found = self._connection.execute(select(*_COLUMNS).where(*known)).first()
        return _container(found) if found else self._create(run, ship, now, again)

    def _create(self, run: ExperimentRun, ship: str, now: datetime, values: dict[str, Any]) -> Container:
        new = values | {
            "container_id": f"container_{uuid.uuid4().hex[:12]}",
            "run_id": run.run_id,
            "player_id": run.player_id,
            "ship_symbol": ship,
            "command": {"type": "ShipExperimentWorkerCommand", "run_id": run.run_id, "ship_symbol": ship},
            "created_at": now,
        }
        made = self._connection.execute(insert(containers).values(new).returning(*_COLUMNS)).one()
        return _container(made)

    def stop(self, container_id: str, *, now: datetime) -> Container:
        """Want the container stopped; one that no daemon drives is STOPPED at once. Raises UserError."""
        self._stop(now, containers.c.container_id == container_id)
        return self.get(container_id)

    def stop_of_run(self, run_id: str, *, but: Collection[str] = (), now: datetime) -> None:
        """Want every container of the run stopped but those of these ships."""
        self._stop(now, containers.c.run_id == run_id, containers.c.ship_symbol.not_in(but))

    def _stop(self, now: datetime, *where: ColumnElement[bool]) -> None:
        wanted = {"wanted_state": WantedState.STOPPED}
        at_once = {"state": ContainerState.STOPPED, "stopped_at": now, "owner": None, "lease_until": None}
        self._connection.execute(update(containers).where(*where).values(wanted))
        nobody_drives_it = or_(_PENDING, and_(_RUNNING, containers.c.lease_until <= now))
        self._connection.execute(update(containers).where(*where, nobody_drives_it).values(at_once))

    def remove(self, container_id: str) -> int:
        """Delete a container and its log; returns how many lines. Raises UserError for one that is still at work."""
        state = self.get(container_id).state
        if state in OPEN_STATES:
            raise UserError(
                f"{container_id} is {state}; stop it first: spacetraders daemon stop-container {container_id}"
            )
        lines = self._connection.execute(delete(container_logs).where(container_logs.c.container_id == container_id))
        self._connection.execute(delete(containers).where(containers.c.container_id == container_id))
        return lines.rowcount

    def get(self, container_id: str) -> Container:
        """The container; raises UserError when there is none of that id."""
        found = self._connection.execute(select(*_COLUMNS).where(containers.c.container_id == container_id)).first()
        if found is None:
            raise UserError(f"there is no container {container_id}; `spacetraders daemon list` shows them")
        return _container(found)

    def ids_that_begin(self, text: str) -> list[str]:
        """The ids of the containers that begin with the text, in their order."""
        id_ = containers.c.container_id
        begins = func.substr(id_, 1, len(text)) == text
        return list(self._connection.execute(select(id_).where(begins).order_by(id_)).scalars())

    def list_containers(self, run_id: str | None = None) -> list[Container]:
        """Every container (of a run), the newest first."""
        wanted = [] if run_id is None else [containers.c.run_id == run_id]
        order = (containers.c.created_at.desc(), containers.c.ship_symbol)
        return [_container(row) for row in self._connection.execute(select(*_COLUMNS).where(*wanted).order_by(*order))]

    def count_by_state(self) -> dict[ContainerState, int]:
        """Containers by state, all five of them."""
        rows = self._connection.execute(select(containers.c.state, func.count()).group_by(containers.c.state)).all()
        return dict.fromkeys(ContainerState, 0) | {state: int(count) for state, count in rows}

    # --- what daemons do ------------------------------------------------------------------------------------------

    def waiting(self, owner: str, *, now: datetime, run_id: str | None = None) -> list[Waiting]:
        """The players (of a run) for whom a daemon could start something now."""
        statement = _WAITING if run_id is None else _WAITING.where(containers.c.run_id == run_id)
        return [Waiting(*row) for row in self._connection.execute(statement, {"by_owner": owner, "now": now})]

    def adopt(
        self,
        owner: str,
        player_ids: Collection[int],
        *,
        now: datetime,
        lease_seconds: float,
        run_id: str | None = None,
        besides: Collection[str] = (),
    ) -> Container | None:
        """Give the daemon the container that waits longest, of these players, leased; None when there is none.

        `besides` names containers that it must not get: it still winds them up. A ship has one driver: while a
        container of it runs, those of other runs wait.
        """
        until = now + timedelta(seconds=lease_seconds)
        # A CTE, as in a claim: PostgreSQL may run a locking sub-select twice, and lock more rows than its LIMIT.
        found = (
            select(containers.c.container_id)
            .join(runs, runs.c.run_id == containers.c.run_id)
            .where(
                *_ADOPTABLE,
                *([] if run_id is None else [containers.c.run_id == run_id]),
                containers.c.player_id.in_(player_ids),
                containers.c.container_id.not_in(besides),
            )
            .order_by(containers.c.created_at, containers.c.ship_symbol)
            .limit(1)
            .with_for_update(skip_locked=True, of=containers)
            .cte("found")
        )
        taken = (
            update(containers)
            .where(containers.c.container_id == select(found.c.container_id).scalar_subquery())
            .values(state=ContainerState.RUNNING, owner=owner, lease_until=until, started_at=now, stopped_at=None)
            .returning(*_COLUMNS)
        )
        try:
            with self._connection.begin_nested():
                row = self._connection.execute(taken, {"by_owner": owner, "now": now}).first()
        except IntegrityError as error:
            if is_duplicate(error):  # another daemon has begun to drive the ship, for another run, in the same moment
                return None
            raise
        return _container(row) if row else None

    def renew(self, owner: str, *, now: datetime, lease_seconds: float) -> None:
        """Extend the leases that the daemon still has to `lease_seconds` from now."""
        until = now + timedelta(seconds=lease_seconds)
        held = (containers.c.owner == owner, containers.c.lease_until > now, _OPEN)
        self._connection.execute(update(containers).where(*held).values(lease_until=until))

    def driven_by(self, owner: str, *, now: datetime) -> list[Driven]:
        """What the daemon holds under a live lease."""
        rows = self._connection.execute(_DRIVEN, {"by_owner": owner, "now": now}).all()
        return [Driven(_container(row), bool(row.goes_on)) for row in rows]

    def driven_ships(self, player_id: int, ships: Collection[str], *, now: datetime) -> dict[str, str]:
        """Those of the player's ships that a live daemon drives, and the run that each flies for."""
        rows = self._connection.execute(
            select(containers.c.ship_symbol, containers.c.run_id).where(
                containers.c.player_id == player_id,
                containers.c.ship_symbol.in_(ships),
                containers.c.lease_until > now,
                _RUNNING,
            )
        )
        return {row.ship_symbol: row.run_id for row in rows}

    def release(self, container_id: str, owner: str, *, now: datetime, reason: str | None = None) -> None:
        """Put the container down: STOPPED where that is wanted, else PENDING, for any daemon. Raises LeaseLost."""
        self._end(container_id, owner, now, state=_NEXT_STATE, exit_reason=reason)

    def complete(self, container_id: str, owner: str, *, now: datetime) -> None:
        """The worker has found nothing left to do. Raises LeaseLost."""
        self._end(container_id, owner, now, state=ContainerState.COMPLETED, restarts=0, exit_reason=None)

    def broke_off(self, container_id: str, owner: str, reason: str, restart: Restart | None, *, now: datetime) -> None:
        """The worker broke off: it waits for its restart, or has FAILED when there is none. Raises LeaseLost."""
        if restart is None:
            self._end(container_id, owner, now, state=ContainerState.FAILED, exit_reason=reason)
            return
        later = now + timedelta(seconds=restart.wait_seconds)
        self._end(
            container_id,
            owner,
            now,
            state=_NEXT_STATE,
            exit_reason=reason,
            restarts=restart.number,
            not_before=later,
        )

    def complete_rest(self, run_id: str, *, now: datetime) -> None:
        """The run has ended: what still waited of it is COMPLETED."""
        ended = {"state": ContainerState.COMPLETED, "stopped_at": now, "owner": None, "lease_until": None}
        self._connection.execute(update(containers).where(containers.c.run_id == run_id, _PENDING).values(ended))

    def sweep(self, *, now: datetime) -> int:
        """Free the containers of daemons that were not heard of for a lease; returns how many.

        That counts as a restart, the first in a row where the worker had lasted, to the end of its lease.
        """
        lost = (_RUNNING, containers.c.lease_until <= now)
        freed = {"state": _NEXT_STATE, "owner": None, "lease_until": None, "stopped_at": now}
        count = 0
        for row in self._connection.execute(select(*_COLUMNS).where(*lost)).all():
            restarts = restart_number(row.restarts, (row.lease_until - row.started_at).total_seconds())
            one = update(containers).where(containers.c.container_id == row.container_id, *lost)
            count += self._connection.execute(one.values(**freed, exit_reason=LOST_DAEMON, restarts=restarts)).rowcount
        return count

    def abandoned(self, *, now: datetime) -> bool:
        """Whether there is anything to sweep."""
        return bool(self._connection.execute(_ABANDONED, {"now": now}).scalar_one())

    def ships_wanted(self, run_id: str) -> list[str]:
        """The ships of the run's containers that are wanted and have not ended."""
        wanted = select(containers.c.ship_symbol).where(containers.c.run_id == run_id, _WANTED, _OPEN)
        return list(self._connection.execute(wanted.order_by(containers.c.ship_symbol)).scalars())

    def unattended_runs(self) -> dict[str, str | None]:
        """Runs that are to go on although every container of theirs has ended or was removed.

        With each, why one of these FAILED, if any did.
        """
        return {row[0]: row[1] for row in self._connection.execute(_UNATTENDED)}

    def _end(self, container_id: str, owner: str, now: datetime, **values: Any) -> None:
        held = (containers.c.container_id == container_id, containers.c.owner == owner, containers.c.lease_until > now)
        ended = {"owner": None, "lease_until": None, "stopped_at": now} | values
        if self._connection.execute(update(containers).where(*held, _RUNNING).values(ended)).rowcount != 1:
            raise LeaseLost(f"{container_id} is no longer driven by this daemon")


def _container(row: Any) -> Container:
    return Container(**{name: getattr(row, name) for name in _FIELDS})


# --- what a daemon asks every few seconds is built once: to build it costs more than to execute it --------------------

_NOW = bindparam("now", type_=UtcDateTime)
_IS_OWNER: ColumnElement[bool] = containers.c.owner == bindparam("by_owner")
_other = containers.alias("other")
_IS_DRIVEN = exists().where(
    _other.c.player_id == containers.c.player_id,
    _other.c.ship_symbol == containers.c.ship_symbol,
    _other.c.state == literal_column("'RUNNING'"),
)
_ADOPTABLE = (
    _PENDING,
    _WANTED,
    goes_on(),
    containers.c.not_before <= _NOW,
    or_(containers.c.owner.is_(null()), _IS_OWNER, containers.c.lease_until <= _NOW),
    ~_IS_DRIVEN,
)
_PLAYER = (players.c.player_id, players.c.agent_symbol, universes.c.base_url, universes.c.reset_date)
_WAITING = (
    select(*_PLAYER, func.count())
    .select_from(containers)
    .join(runs, runs.c.run_id == containers.c.run_id)
    .join(players, players.c.player_id == containers.c.player_id)
    .join(universes, universes.c.universe_id == players.c.universe_id)
    .where(*_ADOPTABLE)
    .group_by(*_PLAYER)
    .order_by(players.c.player_id)
)
_DRIVEN = (
    select(*_COLUMNS, and_(_WANTED, goes_on()).label("goes_on"))
    .join(runs, runs.c.run_id == containers.c.run_id)
    .where(_IS_OWNER, containers.c.lease_until > _NOW, _RUNNING)
    .order_by(containers.c.created_at, containers.c.ship_symbol)
)
_ABANDONED = select(exists().where(_RUNNING, containers.c.lease_until <= _NOW))
_HAS_FAILED = and_(_WANTED, containers.c.state == literal_column("'FAILED'"))
_UNATTENDED = (
    select(runs.c.run_id, func.max(case((_HAS_FAILED, containers.c.exit_reason))))
    .select_from(runs.outerjoin(containers, containers.c.run_id == runs.c.run_id))
    .where(goes_on())
    .group_by(runs.c.run_id)
    .having(func.count(case((and_(_WANTED, _OPEN), containers.c.container_id))) == 0)
)

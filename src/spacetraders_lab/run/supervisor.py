"""Drives containers: adopts them by lease, one task each, starts again what broke off, winds up what is not wanted.

Cancelled, it drops everything as a killed process would: whoever comes next finds it in the database.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from sqlalchemy import Connection

from spacetraders_lab.core.container import MOST_RESTARTS, Container, restart_after
from spacetraders_lab.core.errors import LeaseLost
from spacetraders_lab.run.app import Lab, LeaseTimes, Memory
from spacetraders_lab.run.fleet import Fleet, broken_off, close_if_ended, left_alone, put_aside
from spacetraders_lab.run.heartbeat import BEATS_PER_LEASE
from spacetraders_lab.run.logs import LogBook, about
from spacetraders_lab.run.worker import ShipExperimentWorkerCommand, WorkerReport
from spacetraders_lab.store.containers import ContainerRepository, Driven, Waiting
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import DatabaseUnavailable

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # between two looks at what is wanted


class Crews(Protocol):
    """Whoever knows which players can fly now."""

    def ready(self, players: Sequence[Waiting]) -> dict[int, Lab]: ...


@dataclass(slots=True)
class _Driving:
    """A container at work in this process; `stop` asks its ship to finish its trade and leave."""

    container: Container
    lab: Lab
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None


class Supervisor:
    """The containers of one process. `owner` is its id in the database; with `run_id` it drives those of one run only.

    `peers` counts the processes that share the containers: each takes its part. `on_beat` is done in the transaction
    that renews the leases.
    """

    def __init__(
        self,
        memory: Memory,
        crews: Crews,
        owner: str,
        times: LeaseTimes,
        *,
        run_id: str | None = None,
        most_restarts: int = MOST_RESTARTS,
        chance: Random | None = None,
        logbook: LogBook | None = None,
        on_beat: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        self.owner, self.peers = owner, 1
        self._memory, self._clock, self._crews, self._times = memory, memory.clock, crews, times
        self._run_id, self._most_restarts = run_id, most_restarts
        self._chance, self._logbook, self._on_beat = chance or Random(), logbook, on_beat
        self._labs: dict[int, Lab] = {}
        self._driving: dict[str, _Driving] = {}
        self._fleets: dict[str, Fleet] = {}
        self._trusted_until = memory.clock.monotonic()

    @property
    def driven(self) -> list[Container]:
        """The containers at work here."""
        return [driving.container for driving in self._driving.values()]

    async def run(self, stop: asyncio.Event) -> None:
        """Drive containers until `stop` is set, or, for one run, until none of it is left; puts down what it drives."""
        beating = asyncio.create_task(self._beat_for_ever())
        try:
            while not stop.is_set() and not await self._is_done():
                await self._look()
                await self._wait(stop, beating)
            if not stop.is_set():
                await self._look()  # once more, for what has become of the run
            await self._put_all_down(stop)
        finally:
            tasks = [beating, *(d.task for d in self._driving.values() if d.task is not None)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for fleet in list(self._fleets.values()):
                await fleet.close()

    # --- what is wanted -------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Adopt what waits, start what is held, stop what is not wanted or no longer held."""
        try:
            await self._write_log()
            await self._adopt()
            now = self._clock.now()
            held = await self._memory.read(lambda c: ContainerRepository(c).driven_by(self.owner, now=now))
        except DatabaseUnavailable as error:
            self._doubt(error)
            return
        for driven in held:
            self._see_to(driven)
        lost = set(self._driving) - {driven.container.container_id for driven in held}
        for container_id in lost:
            self._driving[container_id].stop.set()

    async def _write_log(self) -> None:
        if self._logbook is not None:
            await self._logbook.write(self._memory)

    async def _adopt(self) -> None:
        now = self._clock.now()

        def look(connection: Connection) -> tuple[bool, list[Waiting]]:
            repository = ContainerRepository(connection)
            waiting = repository.waiting(self.owner, now=now, run_id=self._run_id)
            return repository.abandoned(now=now) or bool(left_alone(connection)), waiting

        is_stale, waiting = await self._memory.read(look)
        ready = self._crews.ready(waiting)
        self._labs |= ready
        share = math.ceil(sum(w.containers for w in waiting if w.player_id in ready) / self.peers)

        def adopt(connection: Connection) -> None:
            repository = ContainerRepository(connection)
            repository.sweep(now=now)
            put_aside(connection, now=now)  # who resumed one since that look is not overruled
            for _ in range(share):
                repository.adopt(
                    self.owner,
                    list(ready),
                    now=now,
                    lease_seconds=self._times.lease,
                    run_id=self._run_id,
                    besides=list(self._driving),
                )

        if is_stale or share:
            await self._memory.write(adopt)

    def _see_to(self, driven: Driven) -> None:
        container = driven.container
        driving = self._driving.get(container.container_id)
        if driving is None:
            driving = self._driving[container.container_id] = _Driving(container, self._labs[container.player_id])
            driving.task = asyncio.create_task(self._drive(driving))
        if not driven.goes_on:
            driving.stop.set()

    def _doubt(self, error: DatabaseUnavailable) -> None:
        """Without the database the ships may go on for as long as nobody else can have their containers."""
        log.warning("the database is out of reach: %s", error)
        if self._clock.monotonic() + self._times.margin >= self._trusted_until:
            for driving in self._driving.values():
                driving.stop.set()

    async def _is_done(self) -> bool:
        """Whether nothing is left of the one run."""
        run_id = self._run_id
        if run_id is None or self._driving:
            return False
        try:
            return not await self._memory.read(
                lambda c: ContainerRepository(c).ships_wanted(run_id) and ExperimentRepository(c).goes_on(run_id)
            )
        except DatabaseUnavailable:
            return False

    async def _wait(self, stop: asyncio.Event, beating: asyncio.Future[None]) -> None:
        """Until it is time for the next look: after a while, when a container has ended, or at a stop."""
        ending = [driving.task for driving in self._driving.values() if driving.task is not None]
        pause = asyncio.ensure_future(self._clock.sleep(LOOK_SECONDS))
        stopping = asyncio.ensure_future(stop.wait())
        awaited: set[asyncio.Future[Any]] = {pause, stopping, beating, *ending}
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (pause, stopping):
            waiting.cancel()
        if beating.done():
            beating.result()  # it only ends by an error

    async def _put_all_down(self, stop: asyncio.Event) -> None:
        """Wind up. A command that was stopped leaves nothing to daemons: its user goes on when he likes."""
        run_id = self._run_id
        if run_id is not None and stop.is_set():
            now = self._clock.now()
            with suppress(DatabaseUnavailable):
                await self._memory.write(lambda c: ContainerRepository(c).stop_of_run(run_id, now=now))
        for driving in self._driving.values():
            driving.stop.set()
        tasks = [driving.task for driving in self._driving.values() if driving.task is not None]
        if tasks:
            await asyncio.wait(tasks)
        with suppress(DatabaseUnavailable):
            await self._write_log()

    # --- leases ---------------------------------------------------------------------------------------------------

    async def _beat_for_ever(self) -> None:
        while True:
            await self._beat()
            await self._clock.sleep(self._times.lease / BEATS_PER_LEASE)

    async def _beat(self) -> None:
        asked_at, now = self._clock.monotonic(), self._clock.now()

        def work(connection: Connection) -> None:
            ContainerRepository(connection).renew(self.owner, now=now, lease_seconds=self._times.lease)
            self._on_beat(connection)

        try:
            await self._memory.write(work)
            self._trusted_until = asked_at + self._times.lease
        except DatabaseUnavailable as error:
            log.warning("the leases could not be renewed: %s", error)

    # --- one container --------------------------------------------------------------------------------------------

    async def _drive(self, driving: _Driving) -> None:
        container, began = driving.container, self._clock.monotonic()
        names = {"run_id": container.run_id, "ship_symbol": container.ship_symbol}
        try:
            with about(container_id=container.container_id, **names):
                log.info("%s begins, driven by %s", container.ship_symbol, self.owner)
                report = await self._work(driving)
                await self._put_down(driving, report, self._clock.monotonic() - began)
        except (LeaseLost, DatabaseUnavailable) as error:
            log.warning("%s: %s", container.container_id, error)  # whoever sweeps next finds it as it is
        finally:
            del self._driving[container.container_id]
            await self._dismiss(container.run_id)

    async def _work(self, driving: _Driving) -> WorkerReport:
        ship = driving.container.ship_symbol
        command = _command(driving.container)
        if command is None:
            return WorkerReport(ship, error="the container was made by a newer program; upgrade this one")
        fleet = await self._fleet(driving)
        (result,) = await asyncio.gather(fleet.work(command.ship_symbol, driving.stop), return_exceptions=True)
        return result if isinstance(result, WorkerReport) else broken_off(ship, result)

    async def _fleet(self, driving: _Driving) -> Fleet:
        run_id = driving.container.run_id
        run = await self._memory.read(lambda c: ExperimentRepository(c).get_run(run_id))
        return self._fleets.setdefault(run_id, Fleet(driving.lab, run))

    async def _dismiss(self, run_id: str) -> None:
        """Close the fleet of a run when its last ship has left."""
        if not any(driving.container.run_id == run_id for driving in self._driving.values()):
            fleet = self._fleets.pop(run_id, None)
            if fleet is not None:
                await fleet.close()

    async def _put_down(self, driving: _Driving, report: WorkerReport, worked_seconds: float) -> None:
        """Write down how the container ended."""
        container, now = driving.container, self._clock.now()
        container_id = container.container_id

        def work(connection: Connection) -> None:
            repository = ContainerRepository(connection)
            if report.error is not None:
                restart = restart_after(
                    container.restarts, worked_seconds, most=self._most_restarts, chance=self._chance.random()
                )
                repository.broke_off(container_id, self.owner, report.error, restart, now=now)
            elif driving.stop.is_set() or report.condition is not None:
                reason = None if report.condition is None else str(report.condition)
                repository.release(container_id, self.owner, now=now, reason=reason)
            else:
                repository.complete(container_id, self.owner, now=now)

        if report.error is not None:
            log.error("%s broke off: %s", container.ship_symbol, report.error)
        log.info(
            "%s has ended: %d pairs completed, %d failed",
            container.ship_symbol,
            report.pairs_completed,
            report.pairs_failed,
        )
        await self._write_log()  # before its end: who follows a container's log leaves when it has ended
        await self._memory.write(work)
        await close_if_ended(driving.lab, container.run_id)


def _command(container: Container) -> ShipExperimentWorkerCommand | None:
    """The worker's command, from the data that the container holds."""
    match container.command:
        case {"type": "ShipExperimentWorkerCommand", "run_id": run_id, "ship_symbol": ship}:
            return ShipExperimentWorkerCommand(run_id, ship)
    return None

"""The ships that one process has at work on a run: what the world does to one concerns all, and they go on together."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from sqlalchemy import Connection

from spacetraders_lab.core.errors import LabError, Maintenance, UniverseReset, WorldCondition
from spacetraders_lab.core.experiment import OPEN_STATUSES, ExperimentRun, RunStatus
from spacetraders_lab.core.halt import Halt
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.heartbeat import Pulse
from spacetraders_lab.run.interrupt import Interrupted, unless_stopped
from spacetraders_lab.run.suspend import LOOK_AGAIN_SECONDS, game_is_back, go_on, suspend
from spacetraders_lab.run.worker import ShipExperimentWorkerCommand, ShipWorker, WorkerReport
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository

log = logging.getLogger(__name__)


async def run_workers(lab: Lab, run: ExperimentRun, ships: Sequence[str], stop: asyncio.Event) -> list[WorkerReport]:
    """Let every ship work until the run has ended, is suspended, or `stop` is set; returns what each ship did.

    A ship that fails does not stop the others.
    """
    async with open_fleet(lab, run) as fleet:
        reports = await asyncio.gather(*(fleet.work(ship, stop) for ship in ships))
    await close_if_ended(lab, run.run_id)
    return reports


class _Round:
    """Ships at work from a start to the condition of the world that halts them all."""

    def __init__(self) -> None:
        self.halt = asyncio.Event()
        self.at_work = 0
        self.conditions: list[WorldCondition] = []
        self.met: list[datetime] = []  # when each of them was
        self.is_on_record = asyncio.Event()
        self.settling: asyncio.Task[bool] | None = None

    @property
    def condition(self) -> WorldCondition:
        """What halted it. A reset is final and maintenance passes: what the user must know goes before the rest."""
        return min(self.conditions, key=lambda c: (not isinstance(c, UniverseReset), isinstance(c, Maintenance)))

    def stop_for(self, condition: WorldCondition, met_at: datetime) -> None:
        """Halt it for a condition of the world."""
        self.conditions.append(condition)
        self.met.append(met_at)
        self.halt.set()


@asynccontextmanager
async def open_fleet(lab: Lab, run: ExperimentRun) -> AsyncIterator["Fleet"]:
    """A fleet for the length of the block."""
    fleet = Fleet(lab, run)
    try:
        yield fleet
    finally:
        await fleet.close()


class Fleet:
    """Ships come and leave at any time (`work`). Maintenance is waited for; every other condition of the world suspends
    the run until the user resumes it, and a reset closes it.
    """

    def __init__(self, lab: Lab, run: ExperimentRun) -> None:
        self._lab, self._run = lab, run
        self._crew: set[str] = set()
        self._pulse = Pulse(lab)
        self._round = _Round()
        if run.status is RunStatus.SUSPENDED:  # whoever waited for the end of the maintenance is gone
            self._round.stop_for(Maintenance("the game was under maintenance"), lab.clock.now())

    async def work(self, ship: str, stop: asyncio.Event) -> WorkerReport:
        """Let one ship work until the run has ended, is suspended, or `stop` is set."""
        report = WorkerReport(ship)
        while True:
            current = self._round
            report.add(await self._work_for(current, ship, stop))
            if not current.halt.is_set() or report.error is not None:
                return report
            if not await self._goes_on(current, stop):
                report.condition = current.condition
                return report

    async def close(self) -> None:
        """Stop waiting for the game."""
        settling = self._round.settling
        if settling is not None:
            settling.cancel()
            await asyncio.gather(settling, return_exceptions=True)

    async def _work_for(self, current: _Round, ship: str, stop: asyncio.Event) -> WorkerReport:
        self._crew.add(ship)
        current.at_work += 1
        try:
            with _first_of(stop, current.halt) as either:
                command = ShipExperimentWorkerCommand(self._run.run_id, ship)
                worker = ShipWorker(
                    self._lab, self._run, command, either, self._pulse, crew=self._crew, halt=current.halt
                )
                (result,) = await asyncio.gather(worker.work(), return_exceptions=True)
        finally:
            self._crew.discard(ship)
            current.at_work -= 1
        report = result if isinstance(result, WorkerReport) else broken_off(ship, result)
        if report.condition is not None:
            current.stop_for(report.condition, report.met_at or self._lab.clock.now())
        if current.halt.is_set() and current.at_work == 0 and current.settling is None:
            current.settling = asyncio.create_task(self._settle(current))
        return report

    async def _goes_on(self, current: _Round, stop: asyncio.Event) -> bool:
        """Whether a new round has begun after this one, which is over when its last ship has left it."""
        await current.is_on_record.wait()
        assert current.settling is not None
        try:
            return await unless_stopped(stop, _result_of(current.settling))
        except Interrupted:
            return False

    async def _settle(self, current: _Round) -> bool:
        """Put the reason on record and wait for the game, where that helps; True when the ships may go on."""
        try:
            try:
                await suspend(self._lab, self._run.run_id, current.condition, max(current.met))
            finally:
                current.is_on_record.set()
            if not isinstance(current.condition, Maintenance):
                return False
            try:
                await self._wait_for_the_game()
            except WorldCondition as condition:
                met_at = self._lab.clock.now()
                current.stop_for(condition, met_at)
                await suspend(self._lab, self._run.run_id, condition, met_at)
                return False
            return await go_on(self._lab, self._run.run_id)
        finally:
            self._round = _Round()

    async def _wait_for_the_game(self) -> None:
        """Look every minute whether the game is back; raises a WorldCondition when it is another one."""
        while not await game_is_back(self._lab, self._run):
            await self._lab.clock.sleep(LOOK_AGAIN_SECONDS / self._lab.game.client.speed)


async def close_if_ended(lab: Lab, run_id: str) -> None:
    """Mark the run COMPLETED if it is over."""
    now = lab.clock.now()
    await lab.write(lambda c: mark_ended(c, run_id, now=now))


def left_alone(connection: Connection) -> dict[str, str]:
    """Runs that nobody flies for any more although they go on, each with the reason.

    Those whose last ship broke off too often; and those that have ended without being marked so, because who ended the
    last pair was killed in that moment.
    """
    unattended = ContainerRepository(connection).unattended_runs()
    queue = WorkQueueRepository(connection)
    return {run_id: why or "" for run_id, why in unattended.items() if why or queue.unfinished(run_id) == 0}


def put_aside(connection: Connection, *, now: datetime) -> None:
    """Mark the runs that are left alone: COMPLETED where every pair has ended, else SUSPENDED with the reason."""
    for run_id, why in left_alone(connection).items():
        mark_ended(connection, run_id, now=now)
        ExperimentRepository(connection).suspend(run_id, Halt.NO_SHIP_LEFT, why)


def is_over(connection: Connection, run_id: str) -> bool:
    """Whether every pair has ended, and no ship that is to go on has, or may have, cargo of the run to sell."""
    if WorkQueueRepository(connection).unfinished(run_id):
        return False
    intents, ships = IntentRepository(connection), ContainerRepository(connection).ships_wanted(run_id)
    return not any(intents.may_carry_cargo(run_id, ship) for ship in ships)


def mark_ended(connection: Connection, run_id: str, *, now: datetime) -> None:
    """Mark a run COMPLETED that is over; containers that still wait have nothing to do then."""
    experiments = ExperimentRepository(connection)
    status = experiments.get_run(run_id).status
    if status is RunStatus.CANCELLED or not is_over(connection, run_id):
        return
    if status in OPEN_STATUSES:
        experiments.set_status(run_id, RunStatus.COMPLETED, experiments.ended_because(run_id), now=now)
    ContainerRepository(connection).complete_rest(run_id, now=now)


async def _result_of(task: "asyncio.Task[bool]") -> bool:
    """Await a task without cancelling it when the waiting is cancelled."""
    return await asyncio.shield(task)


@contextmanager
def _first_of(*events: asyncio.Event) -> Iterator[asyncio.Event]:
    """An event that is set as soon as one of these is."""
    first = asyncio.Event()

    async def follow(event: asyncio.Event) -> None:
        await event.wait()
        first.set()

    tasks = [asyncio.ensure_future(follow(event)) for event in events]
    if any(event.is_set() for event in events):
        first.set()
    try:
        yield first
    finally:
        for task in tasks:
            task.cancel()


def broken_off(ship: str, error: BaseException) -> WorkerReport:
    """The report of a worker that ended by an exception: explained when it is one of ours, else with its kind."""
    if not isinstance(error, Exception):
        raise error
    if isinstance(error, LabError):
        return WorkerReport(ship, error=str(error))
    log.error("%s: worker broke off", ship, exc_info=error)
    return WorkerReport(ship, error=f"{type(error).__name__}: {error}")

"""All ships of a run at work together, through whatever the world does to it meanwhile."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from sqlalchemy import Connection

from spacetraders_lab.core.errors import LabError, Maintenance, UniverseReset, WorldCondition
from spacetraders_lab.core.experiment import ExperimentRun, RunStatus
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.interrupt import Interrupted, unless_stopped
from spacetraders_lab.run.suspend import LOOK_AGAIN_SECONDS, game_is_back, go_on, suspend
from spacetraders_lab.run.worker import ShipExperimentWorkerCommand, ShipWorker, WorkerReport
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository

log = logging.getLogger(__name__)


async def run_workers(lab: Lab, run: ExperimentRun, ships: Sequence[str], stop: asyncio.Event) -> list[WorkerReport]:
    """Let every ship work until the run has ended, is suspended, or `stop` is set; returns what each ship did.

    A ship that fails does not stop the others. Maintenance is waited for; every other condition of the world
    suspends the run until the user resumes it, and a reset closes it.
    """
    reports = {ship: WorkerReport(ship) for ship in ships}
    condition = await _work_until_halted(lab, run, reports, stop)
    while condition is not None:
        await suspend(lab, run.run_id, condition)
        if not isinstance(condition, Maintenance) or stop.is_set():
            break
        condition = await _wait_for_the_game(lab, run, stop)
        if condition is None and not stop.is_set():
            await go_on(lab, run.run_id)
            condition = await _work_until_halted(lab, run, reports, stop)
    await _close_if_ended(lab, run)
    return list(reports.values())


async def _work_until_halted(
    lab: Lab, run: ExperimentRun, reports: dict[str, WorkerReport], stop: asyncio.Event
) -> WorldCondition | None:
    """One round of all ships that are still fit for work; returns the condition that ended it, if one did."""
    halt = asyncio.Event()
    ships = [ship for ship, report in reports.items() if report.error is None]
    crew = set(ships)
    workers = [ShipWorker(lab, run, ShipExperimentWorkerCommand(run.run_id, ship), halt, crew=crew) for ship in ships]
    with _following(stop, halt):
        results = await asyncio.gather(*(worker.work() for worker in workers), return_exceptions=True)
    conditions = []
    for ship, result in zip(ships, results, strict=True):
        done = result if isinstance(result, WorkerReport) else _broken_off(ship, result)
        reports[ship].pairs_completed += done.pairs_completed
        reports[ship].pairs_failed += done.pairs_failed
        reports[ship].error = done.error
        if done.condition is not None:
            conditions.append(done.condition)
    # a reset is final and maintenance passes: what the user must know goes before what he need not
    conditions.sort(key=lambda c: (not isinstance(c, UniverseReset), isinstance(c, Maintenance)))
    return conditions[0] if conditions else None


@contextmanager
def _following(stop: asyncio.Event, halt: asyncio.Event) -> Iterator[None]:
    """Set `halt` as soon as `stop` is set."""

    async def follow() -> None:
        await stop.wait()
        halt.set()

    task = asyncio.ensure_future(follow())
    try:
        yield
    finally:
        task.cancel()


async def _wait_for_the_game(lab: Lab, run: ExperimentRun, stop: asyncio.Event) -> WorldCondition | None:
    """Look every minute whether the game is back; returns why not, when it is another game."""
    with suppress(Interrupted):
        while not stop.is_set():
            try:
                if await unless_stopped(stop, game_is_back(lab, run)):
                    return None
            except WorldCondition as condition:
                return condition
            await unless_stopped(stop, lab.clock.sleep(LOOK_AGAIN_SECONDS / lab.game.client.speed))
    return None


def _broken_off(ship: str, error: BaseException) -> WorkerReport:
    """The report of a worker that ended by an exception: explained when it is one of ours, else with its kind."""
    if not isinstance(error, Exception):
        raise error
    if isinstance(error, LabError):
        return WorkerReport(ship, error=str(error))
    log.error("%s: worker broke off", ship, exc_info=error)
    return WorkerReport(ship, error=f"{type(error).__name__}: {error}")


async def _close_if_ended(lab: Lab, run: ExperimentRun) -> None:
    """Mark the run COMPLETED when every pair has ended."""
    now = lab.clock.now()

    def work(connection: Connection) -> None:
        experiments = ExperimentRepository(connection)
        is_open = experiments.get_run(run.run_id).status in (RunStatus.RUNNING, RunStatus.SUSPENDED)
        if is_open and WorkQueueRepository(connection).unfinished(run.run_id) == 0:
            experiments.set_status(run.run_id, RunStatus.COMPLETED, None, now=now)

    await lab.write(work)

"""`spacetraders experiment status|list`: how runs stand. Reads the database and imports nothing that plays."""

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from sqlalchemy import Connection

from spacetraders_lab.cli import render
from spacetraders_lab.cli.ids import RunId
from spacetraders_lab.cli.main import EXIT_FAILED, EXIT_OK
from spacetraders_lab.cli.settings import Json, database, reading_database
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import DesignName, ExperimentRun, QueueStatus, RunStatus, goes_on_choosing
from spacetraders_lab.run.clock import clock_of
from spacetraders_lab.store.attendance import attended_until
from spacetraders_lab.store.attrition import attrition
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.status import summarise_run, summarise_runs, summarise_ships
from spacetraders_lab.store.work_queue import WorkQueueRepository


def status(
    *,
    run_id: RunId,
    json: Json = False,
    watch: Annotated[bool, Parameter(negative="", help="Keep showing it until the run has ended.")] = False,
) -> int:
    """Show how far a run is: pairs by state, and what each ship has done."""
    if watch:
        if json:
            raise UserError("--watch draws; --json prints once: use one of them")
        return _watch(run_id)
    with database() as opened, opened.reading() as connection:
        now = clock_of(opened).now()
        ships = summarise_ships(connection, run_id)
        run = summarise_run(connection, run_id, ships)
        failed = WorkQueueRepository(connection).failed_pairs(run_id)
        planned = attrition(connection, run_id, run.transactions)
        experiments = ExperimentRepository(connection)
        begun = experiments.get_run(run_id)
        ended_because, deviations = experiments.ended_because(run_id), experiments.deviations(run_id)
        hours, requests = _hours(experiments, begun, now), experiments.requests(run_id)
        watch_kept = _watch_kept(connection, begun, now)
        is_left = _is_left(connection, begun, now)
    if json:
        errors = [{"pair_id": end.pair.pair_id, "error": end.error_message} for end in failed]
        render.print_json(
            asdict(run)
            | {"ships": [asdict(ship) for ship in ships], "errors": errors}
            | {"planned_trades": asdict(planned) | {"pending": planned.pending}}
            | {"deviations": [asdict(deviation) for deviation in deviations], "ended_because": ended_because}
            | {"design": begun.design.name, "limits": asdict(begun.limits), "hours": hours, "requests": requests}
            | ({"readings": watch_kept} if watch_kept else {})
            | {"is_left": is_left}
        )
        return EXIT_OK
    is_open = goes_on_choosing(begun.design.name, ended_because, begun.finished_at)
    render.print_status(run, ships, is_open=is_open, is_left=is_left)
    render.print_limits(begun.limits, hours=hours, requests=requests)
    render.print_readings(watch_kept)
    render.print_failures(failed)
    render.print_plan_kept(planned, deviations, ended_because if run.status is RunStatus.RUNNING else None)
    return EXIT_OK


def _hours(experiments: ExperimentRepository, run: ExperimentRun, now: datetime) -> float:
    """Game hours since the run was begun, pauses included."""
    return run.hours(run.finished_at or now, experiments.speed_of(run.run_id))


def _is_left(connection: Connection, run: ExperimentRun, now: datetime) -> bool:
    """Whether nobody flies for a run that is to go on: its ships were stopped, or who flew them was killed."""
    if run.status is not RunStatus.RUNNING:
        return False
    until = attended_until(connection, ContainerRepository(connection).list_containers(run.run_id))
    return until is None or until <= now


def _watch_kept(connection: Connection, run: ExperimentRun, now: datetime) -> dict[str, int]:
    """How many readings of what it has traded a recovery run has made, missed and to come; nothing of other runs."""
    if run.design.name is not DesignName.RECOVERY:
        return {}
    from spacetraders_lab.store.revisits import watch_of

    speed = ExperimentRepository(connection).speed_of(run.run_id)
    watch = watch_of(connection, run.run_id, run.finished_at or now, speed=speed)
    to_come = 0 if run.status is RunStatus.CANCELLED else len(watch.to_come)
    return {"made": watch.done, "missed": watch.planned - watch.done - to_come, "to_come": to_come}


def _watch(run_id: str) -> int:
    from spacetraders_lab.cli.watch import watch

    with reading_database() as opened:
        try:
            asyncio.run(watch(opened, run_id, clock_of(opened), render.console()))
        except KeyboardInterrupt:
            return EXIT_OK
        with opened.reading() as connection:
            failed = WorkQueueRepository(connection).failed_pairs(run_id)
    return EXIT_OK if all(end.was_done_without for end in failed) else EXIT_FAILED


def list_experiments(
    *,
    every: Annotated[bool, Parameter(name="--all", negative="", help="Also show hidden runs.")] = False,
    json: Json = False,
) -> None:
    """List the runs, the newest first."""
    with database() as opened, opened.reading() as connection:
        runs = [run for run in summarise_runs(connection) if every or run.archived_at is None]
    if json:
        render.print_json([asdict(run) for run in runs])
        return
    render.print_table(
        ["run_id", "system", "status", "pairs", "done", "failed", "trades", "started"],
        [
            (
                run.run_id,
                run.system_symbol,
                run.status,
                run.total,
                run.pairs[QueueStatus.COMPLETED],
                run.pairs[QueueStatus.FAILED],
                run.transactions,
                f"{run.created_at:%m-%d %H:%M}",
            )
            for run in runs
        ],
        right=["pairs", "done", "failed", "trades"],
        if_empty="No run is listed; `experiment liquidity` starts one"
        + ("." if every else ", --all shows hidden ones."),
    )

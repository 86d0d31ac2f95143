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
from spacetraders_lab.core.limits import NO_LIMITS
from spacetraders_lab.run.clock import clock_of
from spacetraders_lab.store.attendance import attended_until
from spacetraders_lab.store.attrition import attrition, left_out
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.status import failed_pairs, summarise_pairs, summarise_run, summarise_runs, summarise_ships


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
        show = _status_as_json if json else _print_status
        show(connection, run_id, clock_of(opened).now())
    return EXIT_OK


def _print_status(connection: Connection, run_id: str, now: datetime) -> None:
    """No transaction is counted unless the plan was not kept: nothing else shows their number, and there are many."""
    experiments = ExperimentRepository(connection)
    run, pairs = experiments.get_run(run_id), summarise_pairs(connection, run_id)
    ended_because = experiments.ended_because(run_id) if run.finished_at is None else None
    is_open = goes_on_choosing(run.design.name, ended_because, run.finished_at)
    render.print_status(run, pairs, is_open=is_open, is_left=_is_left(connection, run, now))
    if run.limits != NO_LIMITS:
        hours, requests = _hours(experiments, run, now), experiments.requests(run_id)
        render.print_limits(run.limits, hours=hours, requests=requests)
    render.print_readings(_watch_kept(connection, run, now))
    if pairs.by_status[QueueStatus.FAILED]:
        render.print_failures(failed_pairs(connection, run_id))
    skipped = left_out(connection, run_id)
    planned = attrition(connection, run_id, skipped=skipped) if skipped else None
    ended = ended_because if run.status is RunStatus.RUNNING else None
    render.print_plan_kept(planned, experiments.deviations(run_id), ended)


def _status_as_json(connection: Connection, run_id: str, now: datetime) -> None:
    experiments = ExperimentRepository(connection)
    ships = summarise_ships(connection, run_id)
    summary, begun = summarise_run(connection, run_id, ships), experiments.get_run(run_id)
    planned = attrition(connection, run_id, summary.transactions)
    readings = _watch_kept(connection, begun, now)
    failed = [{"pair_id": end.pair.pair_id, "error": end.error_message} for end in failed_pairs(connection, run_id)]
    render.print_json(
        asdict(summary)
        | {"ships": [asdict(ship) for ship in ships], "errors": failed}
        | {"planned_trades": asdict(planned) | {"pending": planned.pending}}
        | {"deviations": [asdict(deviation) for deviation in experiments.deviations(run_id)]}
        | {"ended_because": experiments.ended_because(run_id)}
        | {"design": begun.design.name, "limits": asdict(begun.limits)}
        | {"hours": _hours(experiments, begun, now), "requests": experiments.requests(run_id)}
        | ({"readings": readings} if readings else {})
        | {"is_left": _is_left(connection, begun, now)}
    )


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
    from spacetraders_lab.cli.watch import console, watch

    with reading_database() as opened:
        try:
            asyncio.run(watch(opened, run_id, clock_of(opened), console()))
        except KeyboardInterrupt:
            return EXIT_OK
        with opened.reading() as connection:
            failed = failed_pairs(connection, run_id)
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

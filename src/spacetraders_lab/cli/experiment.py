"""`spacetraders experiment ...`: begin, watch and resume runs."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from spacetraders_lab.cli import render
from spacetraders_lab.cli.context import Json, RateShare, database, reading_database, symbols, with_lab
from spacetraders_lab.cli.design import DesignOptions
from spacetraders_lab.cli.main import EXIT_FAILED, EXIT_OK, EXIT_SUSPENDED
from spacetraders_lab.cli.request import RequestOptions
from spacetraders_lab.cli.stop import stop_on_signals
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import ExperimentRun, QueueStatus, RunStatus
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.run.coordinator import launch, prepare, reopen
from spacetraders_lab.run.doctor import Finding, examine, mend
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.run.worker import WorkerReport
from spacetraders_lab.store.attrition import attrition
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.status import summarise_run, summarise_runs, summarise_ships
from spacetraders_lab.store.work_queue import WorkQueueRepository

_PROGRESS_SECONDS = 0.25
_THE_GRID = DesignOptions()

RunId = Annotated[str, Parameter(name="--run-id", help="The run, as `experiment list` shows it.")]


def liquidity(
    *,
    request: Annotated[RequestOptions, Parameter(name="*")],
    design: Annotated[DesignOptions, Parameter(name="*")] = _THE_GRID,
    rate_share: RateShare = 1.0,
) -> int:
    """Run a liquidity experiment with one or more ships."""
    command = request.command(design)

    async def begin(lab: Lab) -> int:
        prepared = await prepare(lab, command)
        render.print_start(prepared)
        run = await launch(lab, prepared)
        render.print_launch(run.run_id, len(prepared.pairs))
        return await fly(lab, run, run.ships)

    return with_lab(begin, rate_share=rate_share)


def resume(*, run_id: RunId, ships: str | None = None, rate_share: RateShare = 1.0) -> int:
    """Go on with a run where it stopped.

    Parameters
    ----------
    ships:
        Ships to use, separated by commas [default: the ships it began with].
    """

    named = symbols(ships, "--ships") if ships is not None else ()

    async def go_on(lab: Lab) -> int:
        run = await reopen(lab, run_id, named)
        return await fly(lab, run, named or run.ships)

    return with_lab(go_on, rate_share=rate_share)


def status(
    *,
    run_id: RunId,
    json: Json = False,
    watch: Annotated[bool, Parameter(negative="", help="Go on showing it until the run has ended.")] = False,
) -> int:
    """Show how far a run is: pairs by state, and what each ship has done."""
    if watch:
        if json:
            raise UserError("--watch draws; --json prints once: use one of them")
        return _watch(run_id)
    with database() as opened, opened.reading() as connection:
        run = summarise_run(connection, run_id)
        ships = summarise_ships(connection, run_id)
        failed = WorkQueueRepository(connection).failed_pairs(run_id)
        planned = attrition(connection, run_id)
        experiments = ExperimentRepository(connection)
        ended_because, deviations = experiments.ended_because(run_id), experiments.deviations(run_id)
    if json:
        errors = [{"pair_id": end.pair.pair_id, "error": end.error_message} for end in failed]
        render.print_json(
            asdict(run)
            | {"ships": [asdict(ship) for ship in ships], "errors": errors}
            | {"planned_trades": asdict(planned) | {"pending": planned.pending}}
            | {"deviations": [asdict(deviation) for deviation in deviations], "ended_because": ended_because}
        )
        return EXIT_OK
    render.print_status(run, ships)
    for end in failed:
        print(f"  {end.pair.pair_id}: {end.error_message}")
    render.print_plan_kept(planned, deviations, ended_because)
    return EXIT_OK


def _watch(run_id: str) -> int:
    from spacetraders_lab.cli.watch import watch

    with reading_database() as opened:
        try:
            view = asyncio.run(watch(opened, run_id, SystemClock(), render.console()))
        except KeyboardInterrupt:
            return EXIT_OK
    return EXIT_FAILED if view["progress"]["pairs"]["FAILED"] else EXIT_OK


def list_experiments(
    *,
    every: Annotated[bool, Parameter(name="--all", negative="", help="Also runs that were put away.")] = False,
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
    )


def doctor(
    *,
    run_id: RunId,
    fix: Annotated[bool, Parameter(negative="", help="Do now what would happen at the next start.")] = False,
    json: Json = False,
) -> int:
    """Show open intents, stale leases, holds that disagree with the ledger and missing cells, and what comes next."""

    async def go(lab: Lab) -> list[Finding]:
        if fix:
            await mend(lab, run_id)
        return await examine(lab, run_id)

    findings = with_lab(go)
    if json:
        render.print_json([asdict(finding) for finding in findings])
    elif findings:
        render.print_table(["finding", "what", "next"], [(f.kind, f.what, f.next) for f in findings])
    else:
        print("Nothing is out of order.")
    return EXIT_FAILED if findings else EXIT_OK


async def fly(lab: Lab, run: ExperimentRun, ships: Sequence[str]) -> int:
    """Run the workers in the foreground with a progress bar; returns the exit code."""
    with stop_on_signals("Stopping after the trade under way, within 20 seconds") as stop:
        working = asyncio.ensure_future(run_workers(lab, run, ships, stop))
        await _show_progress(lab, run, working)
        reports = await working
    for report in reports:
        if report.error:
            print(f"{report.ship_symbol} stopped early: {report.error}")
    return await _conclude(lab, run.run_id)


async def _show_progress(lab: Lab, run: ExperimentRun, working: asyncio.Future[list[WorkerReport]]) -> None:
    """Show how far the run is until the work is done; a database out of reach keeps nobody from working on."""
    with render.progress_bar() as progress:
        task = progress.add_task("pairs", total=None)
        while not working.done():
            with suppress(DatabaseUnavailable):
                counts, trades = await lab.read(
                    lambda c: (
                        WorkQueueRepository(c).get_queue_status(run.run_id),
                        ExperimentRepository(c).get_transaction_count(run.run_id),
                    )
                )
                progress.update(
                    task,
                    total=sum(counts.values()),
                    completed=counts["COMPLETED"] + counts["FAILED"],
                    description=f"pairs ({trades} trades, {counts['CLAIMED']} in progress)",
                )
            await asyncio.wait({working}, timeout=_PROGRESS_SECONDS)


async def _conclude(lab: Lab, run_id: str) -> int:
    """Print where the run stands now, and what to do if it is not over."""
    run, ships = await lab.read(lambda c: (summarise_run(c, run_id), summarise_ships(c, run_id)))
    render.print_status(run, ships)
    if run.status is RunStatus.COMPLETED:
        return EXIT_FAILED if run.pairs[QueueStatus.FAILED] else EXIT_OK
    if run.status is not RunStatus.CANCELLED:
        print(f"\nGo on with: spacetraders experiment resume --run-id {run_id}")
    return EXIT_SUSPENDED

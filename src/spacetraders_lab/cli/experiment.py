"""`spacetraders experiment ...`: begin, watch and resume runs."""

import asyncio
import logging
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from spacetraders_lab.cli import announce, render
from spacetraders_lab.cli.background import ensure_daemon
from spacetraders_lab.cli.context import with_lab
from spacetraders_lab.cli.design import DesignOptions
from spacetraders_lab.cli.ids import RunId
from spacetraders_lab.cli.main import EXIT_FAILED, EXIT_OK, EXIT_SUSPENDED
from spacetraders_lab.cli.request import RequestOptions, checked_budget
from spacetraders_lab.cli.settings import Json, RateShare, symbols
from spacetraders_lab.cli.stop import stop_on_signals
from spacetraders_lab.cli.waiting import progress_bar
from spacetraders_lab.core.container import Container, ContainerState
from spacetraders_lab.core.experiment import DesignName, RunStatus
from spacetraders_lab.run.accounts import OneAccount
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.changes import reopen
from spacetraders_lab.run.coordinator import launch
from spacetraders_lab.run.doctor import Finding, examine, mend
from spacetraders_lab.run.logs import LogBook, logging_to, to_stream
from spacetraders_lab.run.prepare import prepare
from spacetraders_lab.run.supervisor import Supervisor
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.status import failed_pairs, summarise_pairs
from spacetraders_lab.store.work_queue import WorkQueueRepository

_PROGRESS_SECONDS = 0.25
_THE_GRID = DesignOptions()


def liquidity(
    *,
    request: Annotated[RequestOptions, Parameter(name="*")],
    design: Annotated[DesignOptions, Parameter(name="*")] = _THE_GRID,
    foreground: Annotated[bool, Parameter(negative="")] = False,
    rate_share: RateShare = 1.0,
) -> int:
    """Begin a liquidity experiment with one or more ships; a daemon flies them.

    Parameters
    ----------
    foreground:
        Fly the ships in this command, with a progress bar, instead of leaving them to a daemon.
    """
    command = request.command(design)

    async def begin(lab: Lab) -> int:
        prepared = await prepare(lab, command)
        announce.print_start(prepared)
        owner = new_owner() if foreground else None
        begun = await launch(lab, prepared, keep_for=owner)
        announce.print_launch(begun, len(prepared.pairs))
        return await fly(lab, begun.run.run_id, owner) if owner else await leave_to_daemon(lab)

    return with_lab(begin, rate_share=rate_share)


def resume(
    *,
    run_id: RunId,
    ships: str | None = None,
    budget: int | None = None,
    foreground: Annotated[bool, Parameter(negative="")] = False,
    rate_share: RateShare = 1.0,
) -> int:
    """Go on with a run where it stopped; a daemon flies the ships.

    Parameters
    ----------
    ships:
        Ships to use, separated by commas [default: the ships of the run].
    budget:
        Raise the most that the run may lose in all, in credits; the report mentions it.
    foreground:
        Fly the ships in this command, with a progress bar, instead of leaving them to a daemon.
    """
    checked_budget(budget)
    named = symbols(ships, "--ships") if ships is not None else ()

    async def go_on(lab: Lab) -> int:
        owner = new_owner() if foreground else None
        begun = await reopen(lab, run_id, named, budget=budget, keep_for=owner)
        if owner:
            announce.print_leases(begun.containers, owner, lab.clock.now())
            return await fly(lab, run_id, owner)
        announce.print_containers(begun.containers)
        announce.print_monitor(begun)
        return await leave_to_daemon(lab, begun.containers)

    return with_lab(go_on, rate_share=rate_share)


def doctor(
    *,
    run_id: RunId,
    fix: Annotated[bool, Parameter(negative="", help="Repair now what would be repaired at the next start.")] = False,
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
        print("Nothing is wrong.")
    return EXIT_FAILED if findings else EXIT_OK


def new_owner() -> str:
    """The id under which a command drives containers."""
    return f"command_{uuid.uuid4().hex[:12]}"


async def fly(lab: Lab, run_id: str, owner: str) -> int:
    """Drive the run's containers in this command, with a progress bar; returns the exit code."""
    lab.database.check()  # as a daemon does when it starts: it reads the whole file, too long for every command
    logbook = LogBook(lab.clock)
    supervisor = Supervisor(lab, OneAccount(lab), owner, lab.times, run_id=run_id, most_restarts=0, logbook=logbook)
    with (
        stop_on_signals("Stopping after the trade under way, within 20 seconds") as stop,
        logging_to(logbook, to_stream(logging.WARNING)),
    ):
        working = asyncio.ensure_future(supervisor.run(stop))
        await _show_progress(lab, run_id, working)
        await working
    for container in await lab.read(lambda c: ContainerRepository(c).list_containers(run_id)):
        if container.state is ContainerState.FAILED:
            print(f"{container.ship_symbol} stopped early: {container.exit_reason}")
    return await _conclude(lab, run_id)


async def leave_to_daemon(lab: Lab, containers: Sequence[Container] = ()) -> int:
    """See to it that a daemon is at work that can fly for this account, and say so; returns the exit code.

    Of `containers` it is said which the daemon has to wait for.
    """
    daemon, is_new = await ensure_daemon(lab)
    if is_new:
        print("No daemon was running, so one was started; `spacetraders daemon stop` stops it.")
    print(f"Flown by {daemon.daemon_id} (pid {daemon.pid} on {daemon.host})", flush=True)
    announce.print_leases(containers, daemon.daemon_id, lab.clock.now())
    return EXIT_OK


async def _show_progress(lab: Lab, run_id: str, working: asyncio.Future[None]) -> None:
    """Show how far the run is until the work is done; a database out of reach keeps nobody from working on."""
    with progress_bar() as progress:
        task = progress.add_task("pairs", total=None)
        while not working.done():
            with suppress(DatabaseUnavailable):
                counts, trades, run = await lab.read(
                    lambda c: (
                        WorkQueueRepository(c).get_queue_status(run_id),
                        ExperimentRepository(c).get_transaction_count(run_id),
                        ExperimentRepository(c).get_run(run_id),
                    )
                )
                progress.update(
                    task,  # of an adaptive run nobody knows how many pairs there will be
                    total=None if run.design.name is DesignName.ADAPTIVE else sum(counts.values()),
                    completed=counts["COMPLETED"] + counts["FAILED"],
                    description=f"pairs ({trades} trades, {counts['CLAIMED']} in progress)",
                )
            await asyncio.wait({working}, timeout=_PROGRESS_SECONDS)


async def _conclude(lab: Lab, run_id: str) -> int:
    """Print where the run stands now, and what to do if it is not over."""
    run, pairs, failed = await lab.read(
        lambda c: (ExperimentRepository(c).get_run(run_id), summarise_pairs(c, run_id), failed_pairs(c, run_id))
    )
    render.print_status(run, pairs)
    if run.status is RunStatus.COMPLETED:
        return EXIT_OK if all(end.was_done_without for end in failed) else EXIT_FAILED
    if run.status is not RunStatus.CANCELLED:
        print(f"\nResume it with: spacetraders experiment resume --run-id {run_id}")
    return EXIT_SUSPENDED

"""`spacetraders daemon ...`: what flies the ships in the background, and its containers."""

import asyncio
import json as jsonlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from cyclopts import Parameter

from spacetraders_lab.cli import render
from spacetraders_lab.cli.calculator import calculator
from spacetraders_lab.cli.context import checked_share, equipped
from spacetraders_lab.cli.ids import AnyRunId, ContainerId
from spacetraders_lab.cli.main import EXIT_FAILED, EXIT_OK
from spacetraders_lab.cli.settings import Json, database, settings
from spacetraders_lab.cli.stop import stop_on_signals
from spacetraders_lab.core.bounds import MOST_ROWS, within
from spacetraders_lab.core.container import OPEN_STATES, Container, ContainerState, WantedState
from spacetraders_lab.run.accounts import Accounts, Keys
from spacetraders_lab.run.app import LeaseTimes, Memory, database_thread
from spacetraders_lab.run.clock import SystemClock, clock_of
from spacetraders_lab.run.credentials import tokens_path
from spacetraders_lab.run.daemon import Daemon
from spacetraders_lab.run.detached import log_path, start_detached, was_killed
from spacetraders_lab.run.logs import logging_to, to_stream
from spacetraders_lab.run.metrics import LOOPBACK, LabCollector, served_on
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.daemons import Daemon as LiveDaemon
from spacetraders_lab.store.daemons import DaemonRepository
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.logs import LogLine, LogRepository

_LEVELS = ("INFO", "WARNING", "ERROR")
_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 30.0  # that a daemon may take to put everything down


def start(
    *,
    foreground: Annotated[bool, Parameter(negative="")] = False,
    log_format: Literal["text", "json"] = "text",
    metrics_port: int | None = None,
    rate_share: float = 1.0,
    dashboard: Annotated[bool, Parameter(negative="")] = False,
    dashboard_port: int = 8420,
) -> int:
    """Start a daemon on this machine; it drives containers until it is stopped.

    Parameters
    ----------
    foreground:
        Run in this terminal, with the log on standard error, instead of in the background.
    log_format:
        Write the log as text or as one JSON object per line.
    metrics_port:
        Serve Prometheus metrics at /metrics on this local port.
    rate_share:
        Use this fixed share of the game's rate limit [default: share all of it with your other programs as needed].
    dashboard:
        Also serve the dashboard for as long as the daemon runs.
    dashboard_port:
        The port of the dashboard.
    """
    checked_share(rate_share)
    with database() as opened:
        opened.check()
        if foreground:
            with _page(dashboard_port) if dashboard else nullcontext():
                return asyncio.run(_serve(opened, log_format, metrics_port, rate_share))
        options = ["--log-format", log_format, "--rate-share", str(rate_share)]
        options += [] if metrics_port is None else ["--metrics-port", str(metrics_port)]
        options += ["--dashboard", "--dashboard-port", str(dashboard_port)] if dashboard else []
        return asyncio.run(_start_in_background(opened, options))


@contextmanager
def _page(port: int) -> Iterator[None]:
    """The live page in a process of its own, for as long as the daemon is at work; it says where it is to be found.

    Raises UserError where its port cannot be had: the other process could say so only in the log.
    """
    from spacetraders_lab.dashboard.server import listening

    with listening(LOOPBACK, port, "--dashboard-port"):
        pass
    page = subprocess.Popen([sys.executable, "-m", "spacetraders_lab.cli.main", "dashboard", "--port", str(port)])
    try:
        yield
    finally:
        page.terminate()
        page.wait()


async def _serve(opened: Database, log_format: str, metrics_port: int | None, rate_share: float) -> int:
    chosen = settings()
    token = os.environ.get("SPACETRADERS_TOKEN")
    keys = Keys(tokens_path(os.environ), {chosen.base_url: token} if token else {})
    with ExitStack() as stack:
        thread = stack.enter_context(database_thread())
        stack.enter_context(logging_to(to_stream(logging.INFO, as_json=log_format == "json")))
        stop = stack.enter_context(stop_on_signals("Stopping after the trades under way, within 20 seconds"))
        memory = Memory(opened, thread, clock_of(opened))
        pool = stack.enter_context(calculator())
        accounts = Accounts(
            memory, keys, LeaseTimes(), rate_share=rate_share, equip=lambda ready: equipped(ready, pool)
        )
        if metrics_port is not None:
            collector = LabCollector(opened, memory.clock, lambda: accounts.labs)
            port = stack.enter_context(served_on(metrics_port, collector))
            print(f"Metrics at http://{LOOPBACK}:{port}/metrics", flush=True)
        await Daemon(memory, accounts, LeaseTimes()).serve(stop)
    return EXIT_OK


async def _start_in_background(opened: Database, options: list[str]) -> int:
    here = [daemon for daemon in _live(opened, socket.gethostname()) if not was_killed(daemon)]
    if here:
        print(f"{here[0].daemon_id} is already running here (pid {here[0].pid}); to change its options, stop it first.")
        return EXIT_OK
    log = log_path(os.environ)
    daemon = await start_detached(opened, clock_of(opened), log, *options)
    print(f"Started {daemon.daemon_id} (pid {daemon.pid}); its log: {log}")
    return EXIT_OK


def stop(*, all: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Stop the daemons of this machine after the trades under way; what they flew waits for the next one.

    Parameters
    ----------
    all:
        Also stop daemons on other machines.
    """
    with database() as opened:
        daemons = _live(opened, None if all else socket.gethostname())
        if not daemons:
            print("No daemon is running.")
            return EXIT_OK
        with opened.transaction() as connection:
            for daemon in daemons:
                DaemonRepository(connection).ask_to_stop(daemon.daemon_id)
        left = asyncio.run(_until_gone(opened, {daemon.daemon_id for daemon in daemons}))
    for daemon in daemons:
        print(f"{daemon.daemon_id} {'has not stopped yet' if daemon.daemon_id in left else 'has stopped'}")
    return EXIT_FAILED if left else EXIT_OK


async def _until_gone(opened: Database, wanted: set[str]) -> set[str]:
    """Wait until these daemons have ended; returns those that are still there when patience is."""
    clock = SystemClock()
    deadline = clock.monotonic() + _PATIENCE_SECONDS
    with render.waiting("Stopping"):
        while (left := wanted & {d.daemon_id for d in _live(opened)}) and clock.monotonic() < deadline:
            await clock.sleep(_LOOK_SECONDS)
    return left


def status(*, json: Json = False) -> int:
    """Show the daemons that are at work; exit code 1 when there is none."""
    with database() as opened:
        daemons = _live(opened)
        with opened.reading() as connection:
            containers = ContainerRepository(connection).list_containers()
    running = {d.daemon_id: [c.container_id for c in containers if c.owner == d.daemon_id] for d in daemons}
    if json:
        render.print_json([asdict(d) | {"containers": running[d.daemon_id]} for d in daemons])
    elif daemons:
        render.print_table(
            ["daemon", "host", "pid", "wanted", "since", "containers"],
            [
                (d.daemon_id, d.host, d.pid, d.wanted_state, _moment(d.started_at), len(running[d.daemon_id]))
                for d in daemons
            ],
            right=["pid", "containers"],
        )
    else:
        print("No daemon is running; start one with: spacetraders daemon start")
    return EXIT_OK if daemons else EXIT_FAILED


def list_daemons(*, run_id: AnyRunId = None, json: Json = False) -> None:
    """List the containers, the newest first.

    Parameters
    ----------
    run_id:
        Only containers of this run.
    """
    with database() as opened, opened.reading() as connection:
        containers, now = ContainerRepository(connection).list_containers(run_id), clock_of(opened).now()
    if json:
        render.print_json([asdict(container) for container in containers])
        return
    render.print_table(
        ["container", "run_id", "ship", "state", "restarts"],
        [(c.container_id, c.run_id, c.ship_symbol, _state(c, now), c.restarts) for c in containers],
        right=["restarts"],
        if_empty="There is no container; `experiment liquidity` makes one for each ship.",
    )


def logs(
    container: ContainerId,
    *,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"], negative="")] = False,
    level: Literal["info", "warning", "error"] = "info",
    last: int | None = None,
    json: Json = False,
) -> None:
    """Show what a container has said.

    Parameters
    ----------
    follow:
        Keep showing new lines until the container ends or Ctrl-C.
    level:
        The lowest level to show.
    last:
        Show only this many of the last lines.
    """
    within("--last", last, 0, MOST_ROWS)
    levels = _LEVELS[_LEVELS.index(level.upper()) :]
    with database() as opened:
        with opened.reading() as connection:
            ContainerRepository(connection).get(container)
            lines = LogRepository(connection).read(container, levels=levels, last=last)
            newest = LogRepository(connection).read(container, last=1)
        _print_lines(lines, as_json=json)
        if follow:
            asyncio.run(_follow(opened, container, levels, newest[-1].log_id if newest else 0, as_json=json))


async def _follow(opened: Database, container_id: str, levels: tuple[str, ...], after: int, *, as_json: bool) -> None:
    clock, has_ended = SystemClock(), False
    while not has_ended:
        with opened.reading() as connection:
            state = ContainerRepository(connection).get(container_id).state
            lines = LogRepository(connection).read(container_id, after=after, levels=levels)
        _print_lines(lines, as_json=as_json)
        after = lines[-1].log_id if lines else after
        has_ended = state not in OPEN_STATES and not lines
        await clock.sleep(_LOOK_SECONDS)


def inspect(container: ContainerId, *, json: Json = False) -> None:
    """Show all about a container."""
    with database() as opened, opened.reading() as connection:
        found = ContainerRepository(connection).get(container)
    if json:
        render.print_json(asdict(found))
        return
    facts = asdict(found) | {"command": jsonlib.dumps(dict(found.command))}
    for name, value in facts.items():
        print(f"{name:<15}{_moment(value) if isinstance(value, datetime) else '-' if value is None else value}")


def stop_container(container: ContainerId) -> None:
    """Let a container's ship finish its trade and leave; `experiment resume` or `add-ships` start it again."""
    with database() as opened, opened.transaction() as connection:
        stopped = ContainerRepository(connection).stop(container, now=clock_of(opened).now())
    if stopped.state is ContainerState.RUNNING:
        print(f"{container} stops after the trade under way, within 20 seconds.")
    else:
        print(f"{container} is {stopped.state}.")


def remove(container: ContainerId) -> None:
    """Delete a container that has ended, and its log; what it measured stays."""
    with database() as opened, opened.transaction() as connection:
        lines = ContainerRepository(connection).remove(container)
    print(f"Removed {container} and {lines:,} lines of its log; what it measured stays.")


def _live(opened: Database, host: str | None = None) -> list[LiveDaemon]:
    with opened.reading() as connection:
        return DaemonRepository(connection).live(now=clock_of(opened).now(), host=host)


def _state(container: Container, now: datetime) -> str:
    """The state; what is wanted where that is not the same; LOST where the daemon that has it was killed."""
    if container.state is ContainerState.RUNNING and container.lease_until and container.lease_until <= now:
        return "LOST"
    is_stopping = container.state is ContainerState.RUNNING and container.wanted_state is WantedState.STOPPED
    return "STOPPING" if is_stopping else container.state.value


def _print_lines(lines: list[LogLine], *, as_json: bool) -> None:
    for line in lines:
        if as_json:
            about = {"at": line.logged_at.isoformat(), "level": line.level, "message": line.message}
            said = jsonlib.dumps(about | dict(line.fields) | {"container_id": line.container_id}, ensure_ascii=False)
        else:
            pair = f"{line.fields['pair_id']} " if "pair_id" in line.fields else ""
            said = f"{_moment(line.logged_at)} {line.level:<7} {pair}{line.message}"
        print(said, flush=True)  # whoever follows through a pipe waits for it


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"

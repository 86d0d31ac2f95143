"""`spacetraders daemon start|stop`: what flies the ships in the background. What is known of it is `containers`'."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Annotated, Literal

from cyclopts import Parameter

from spacetraders_lab.cli.calculator import calculator
from spacetraders_lab.cli.containers import live_daemons
from spacetraders_lab.cli.context import checked_share, equipped
from spacetraders_lab.cli.main import EXIT_FAILED, EXIT_OK
from spacetraders_lab.cli.settings import database, settings
from spacetraders_lab.cli.stop import stop_on_signals
from spacetraders_lab.cli.waiting import waiting
from spacetraders_lab.run.accounts import Accounts, Keys
from spacetraders_lab.run.app import LeaseTimes, Memory, database_thread
from spacetraders_lab.run.clock import SystemClock, clock_of
from spacetraders_lab.run.credentials import tokens_path
from spacetraders_lab.run.daemon import Daemon
from spacetraders_lab.run.detached import log_path, start_detached, was_killed
from spacetraders_lab.run.logs import logging_to, to_stream
from spacetraders_lab.run.metrics import LOOPBACK, LabCollector, served_on
from spacetraders_lab.store.daemons import DaemonRepository
from spacetraders_lab.store.database import Database

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
    here = [daemon for daemon in live_daemons(opened, socket.gethostname()) if not was_killed(daemon)]
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
        daemons = live_daemons(opened, None if all else socket.gethostname())
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
    with waiting("Stopping"):
        while (left := wanted & {d.daemon_id for d in live_daemons(opened)}) and clock.monotonic() < deadline:
            await clock.sleep(_LOOK_SECONDS)
    return left

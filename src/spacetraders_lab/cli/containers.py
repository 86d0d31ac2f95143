"""`spacetraders daemon status|list|logs|inspect|stop-container|remove`: what the database says of daemons and their
containers. Imports nothing that plays.
"""

import asyncio
import json as jsonlib
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from cyclopts import Parameter

from spacetraders_lab.cli import render
from spacetraders_lab.cli.ids import AnyRunId, ContainerId
from spacetraders_lab.cli.main import EXIT_FAILED, EXIT_OK
from spacetraders_lab.cli.settings import Json, database
from spacetraders_lab.core.bounds import MOST_ROWS, within
from spacetraders_lab.core.container import OPEN_STATES, Container, ContainerState, WantedState
from spacetraders_lab.run.clock import SystemClock, clock_of
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.daemons import Daemon, DaemonRepository
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.logs import LogLine, LogRepository

_LEVELS = ("INFO", "WARNING", "ERROR")
_LOOK_SECONDS = 0.5


def status(*, json: Json = False) -> int:
    """Show the daemons that are at work; exit code 1 when there is none."""
    with database() as opened:
        daemons = live_daemons(opened)
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


def live_daemons(opened: Database, host: str | None = None) -> list[Daemon]:
    """The daemons at work, on this host or on any."""
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

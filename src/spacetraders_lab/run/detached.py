"""Starts a daemon that outlives the command that started it, and waits until it is heard of."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.errors import LabError
from spacetraders_lab.store.daemons import Daemon, DaemonRepository
from spacetraders_lab.store.database import Database

_PROGRAM = ("-m", "spacetraders_lab.cli.main", "daemon", "start", "--foreground")
_PATIENCE_SECONDS, _LOOK_SECONDS = 30.0, 0.1
_LAST_BYTES = 4096  # of a log that grows for years: more than a line has


def log_path(environment: Mapping[str, str]) -> Path:
    """Where a detached daemon writes its log."""
    home = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "spacetraders-lab" / "daemon.log"


async def start_detached(database: Database, clock: Clock, log: Path, *options: str) -> Daemon:
    """Start a daemon in a session of its own, with this environment; returns it once it is at work.

    Raises LabError, with the last that it said, when it ends at once or is not heard of in time.
    """
    pid = _spawn(log, options)
    deadline = clock.monotonic() + _PATIENCE_SECONDS
    while clock.monotonic() < deadline:
        with database.reading() as connection:
            live = DaemonRepository(connection).live(now=clock.now(), host=socket.gethostname())
        for daemon in live:
            if daemon.pid == pid:
                return daemon
        if _has_ended(pid):
            raise LabError(f"the daemon ended at once: {_last_line(log)} (its log: {log})")
        await clock.sleep(_LOOK_SECONDS)
    raise LabError(f"the daemon (pid {pid}) was not heard of in {_PATIENCE_SECONDS:.0f} seconds; its log: {log}")


def was_killed(daemon: Daemon) -> bool:
    """Whether it is one of this machine whose process is gone: killed, it could not strike itself off."""
    if daemon.host != socket.gethostname():
        return False
    try:
        os.kill(daemon.pid, 0)
    except OSError as error:  # another user's process lives, and may not be asked
        return isinstance(error, ProcessLookupError)
    return False


def _spawn(log: Path, options: tuple[str, ...]) -> int:
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    to_log = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        sys.executable,
        [sys.executable, *_PROGRAM, *options],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), to_log, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _has_ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] == pid


def _last_line(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")

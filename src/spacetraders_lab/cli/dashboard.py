"""`spacetraders dashboard`: the live page over the database."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import Parameter

from spacetraders_lab.cli.settings import database, reading_database
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.dashboard.access import Access
from spacetraders_lab.dashboard.app import Act, create_app
from spacetraders_lab.dashboard.server import is_loopback, serve
from spacetraders_lab.run import changes
from spacetraders_lab.run.clock import clock_of
from spacetraders_lab.store.database import Database

_MAIN = "import os; os.nice(10); from spacetraders_lab.cli.main import main; main()"
_PASSWORD = "SPACETRADERS_DASHBOARD_PASSWORD"


def dashboard(
    *,
    port: int = 8420,
    host: str = "127.0.0.1",
    password_file: Path | None = None,
    allow_control: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Serve a live page of runs, markets and logs until interrupted.

    Parameters
    ----------
    port:
        Port to listen on; 0 takes any free one.
    host:
        Address to listen on; any other than this machine's own needs a password.
    password_file:
        A file with the password for the page [default: SPACETRADERS_DASHBOARD_PASSWORD].
    allow_control:
        Show buttons to pause, resume and cancel runs.
    """
    secret = _secret(password_file)
    if secret is None and not is_loopback(host):
        raise UserError(
            f"other machines can reach {host}: set a password with --password-file FILE or {_PASSWORD}, or leave out"
            " --host and use the page on this machine only"
        )
    access = Access(secret)
    if not is_loopback(host):
        doing = "look and change runs" if allow_control else "look"
        print(f"Listening on {host}: everybody who can reach it and knows the password can {doing}", flush=True)
    with reading_database() as reading, ExitStack() as stack:
        act = change_runs(stack.enter_context(database())) if allow_control else None
        serve(create_app(reading, clock_of(reading), access, act, make_report), host, port, _announce)


def change_runs(writing: Database) -> Act:
    """What the page's buttons do: write down what is wanted of a run, for whoever flies its ships to see."""

    def act(action: str, run_id: str) -> None:
        now = clock_of(writing).now()
        with writing.transaction() as connection:
            match action:
                case "pause":
                    changes.pause(connection, run_id)
                case "resume":
                    changes.resume(connection, run_id, now=now)
                case "cancel":
                    changes.cancel(connection, run_id, now=now)
                case _:
                    raise UserError(f"a run cannot be told to {action}; pause, resume and cancel are possible")

    return act


async def make_report(run_id: str) -> str:
    """What `experiment report` writes, made by a process of its own: it takes seconds of a whole core."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        command = (sys.executable, "-c", _MAIN, "experiment", "report", f"--run-id={run_id}", f"--out={file}")
        process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=PIPE)
        try:
            _, said = await process.communicate()
        finally:
            if process.returncode is None:  # nobody waits for it any more
                process.kill()
                await process.communicate()
        if process.returncode != 0:
            raise UserError((said.decode(errors="replace").strip().splitlines() or ["no report could be made"])[-1])
        return await asyncio.to_thread(file.read_text, "utf-8")


def _announce(url: str) -> None:
    print(f"The dashboard is at {url}; Ctrl-C ends it", flush=True)


def _secret(path: Path | None) -> str | None:
    if path is None:
        return os.environ.get(_PASSWORD) or None
    try:
        return path.read_text().strip()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is no text") from None

"""`spacetraders dashboard`: the live page over the database."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spacetraders_lab.cli.context import settings
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.dashboard.access import Access
from spacetraders_lab.dashboard.app import create_app
from spacetraders_lab.dashboard.server import is_loopback, serve
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.store.database import open_database, open_reading

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
        Address to listen on; any but this machine's own needs a password.
    password_file:
        A file with the password that the page asks for [default: SPACETRADERS_DASHBOARD_PASSWORD].
    allow_control:
        Offer to pause, resume and cancel runs.
    """
    secret = _secret(password_file)
    if secret is None and not is_loopback(host):
        raise UserError(
            f"others can reach {host}: give the page a password with --password-file FILE or in {_PASSWORD}, or leave "
            "--host out and look at it from this machine"
        )
    access = Access(secret)
    url = settings().database_url
    open_database(url).close()  # makes or migrates it where needed; from here on it is only read
    database = open_reading(url)
    try:
        serve(
            create_app(database, SystemClock(), access),
            host,
            port,
            lambda url: print(f"The dashboard is at {url}; Ctrl-C ends it", flush=True),
        )
    finally:
        database.close()


def _secret(path: Path | None) -> str | None:
    if path is None:
        return os.environ.get(_PASSWORD) or None
    try:
        return path.read_text().strip()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is no text") from None

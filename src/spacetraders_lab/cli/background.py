"""The daemon as commands see it: whether one is at work that can fly for an account, and starting one where not."""

import os
import socket

from spacetraders_lab.cli.context import universe_at
from spacetraders_lab.cli.settings import settings
from spacetraders_lab.core.container import WantedState
from spacetraders_lab.run.accounts import fingerprint
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.credentials import find_token
from spacetraders_lab.run.detached import log_path, start_detached, was_killed
from spacetraders_lab.store.daemons import Daemon, DaemonRepository


async def ensure_daemon(lab: Lab) -> tuple[Daemon, bool]:
    """A live daemon that can fly for the account of the command, and whether it had to be started."""
    live = await lab.read(lambda c: DaemonRepository(c).live(now=lab.clock.now()))
    base_url = settings().base_url
    token = await find_token(os.environ, base_url, lambda: universe_at(base_url))
    for daemon in live:
        if daemon.wanted_state is WantedState.RUNNING and not was_killed(daemon) and _can_fly(daemon, token):
            return daemon, False
    return await start_detached(lab.database, lab.clock, log_path(os.environ)), True


def _can_fly(daemon: Daemon, token: str) -> bool:
    """Whether the daemon holds the token, or is about to see it in the file of this machine."""
    reads_our_file = daemon.host == socket.gethostname() and "SPACETRADERS_TOKEN" not in os.environ
    return reads_our_file or fingerprint(token, daemon.daemon_id) in daemon.keys

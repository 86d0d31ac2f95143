"""The command as a process of its own: a served sandbox, and a run that is told to stop by the operating system."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx2
import pytest

from spacetraders_lab.sandbox.ledger import Ledger
from spacetraders_lab.sandbox.server import running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.study.rig import FRIGATE
from tests.cli.conftest import Player, join
from tests.terminal import Terminal

_PROGRAM = [sys.executable, "-c", "from spacetraders_lab.cli.main import main; main()"]
_STOP_SECONDS = 20  # that a run may take to leave after a SIGTERM


class WatchedLedger(Ledger):
    """A ledger that tells when the first entry of a kind is written."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind
        self.written = threading.Event()

    def add(self, kind: str, *arguments: Any, **fields: Any) -> None:
        super().add(kind, *arguments, **fields)
        if kind == self._kind:
            self.written.set()


@contextmanager
def started(
    line: str, environment: dict[str, str], log: IO[str] | int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """The command as a process that is gone at the end, whatever happens.

    What writes more errors than a pipe holds needs a `log` for them.
    """
    settings = environment | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([*_PROGRAM, *line.split()], env=settings, stdout=subprocess.PIPE, stderr=log, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


def _served_url(process: subprocess.Popen[str]) -> str:
    """The address that the server says it serves; reading waits for it, and ends when the process does."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+?/v2", line):
            return found[0]
    raise AssertionError(f"the server ended: {process.stderr.read() if process.stderr else ''}")


def test_a_served_sandbox_answers_until_it_is_interrupted(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    options = "--port 0 --profile lab --speed 100 --seed 7 --credits 12345"
    with started(f"sandbox serve {options}", terminal.environment) as process:
        url = _served_url(process)
        status = httpx2.get(f"{url}/", trust_env=False)
        assert status.status_code == 200
        assert status.headers["x-sandbox-speed"] == "100"
        assert httpx2.get(f"{url}/systems", trust_env=False).json()["meta"]["total"] == 1
        terminal.set(BASE_URL=url, ACCOUNT_TOKEN="any.account.token")
        registered = terminal.type("player register SOMEBODY")
        assert (registered.code, registered.err) == (0, "")
        assert len(terminal.type("ship list --json").json) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    assert terminal.type("sandbox serve --speed 0").code == 2


def test_ctrl_c_while_the_program_is_still_being_loaded_leaves_no_traceback() -> None:
    script = """
import os, signal, sys
class PressedAtImport:
    def find_spec(self, name, *_):
        if name == "cyclopts":
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
sys.meta_path.insert(0, PressedAtImport())
from spacetraders_lab.cli.entry import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.fixture
def at_work(tmp_path: Path) -> Iterator[tuple[Player, WatchedLedger]]:
    """A user with one ship in a universe of their own, and its ledger, which tells of the first purchase."""
    settings = SandboxSettings(
        profile="lab", speed=300.0, credits=5_000_000, ships=(FRIGATE, FRIGATE), open_registration=True
    )
    with running_sandbox(settings) as sandbox:
        player = join(Terminal(tmp_path, BASE_URL=sandbox.base_url), sandbox)
        player.scout()
        ledger = sandbox.universe.ledger = WatchedLedger("PURCHASE")
        yield player, ledger


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_stop_leaves_in_order_and_is_resumed(
    at_work: tuple[Player, WatchedLedger], number: signal.Signals
) -> None:
    player, ledger = at_work
    line = (
        f"experiment liquidity --foreground --ships {','.join(player.ships)} --system {player.system} --max-age 1440 "
        "--max-pairs 4 --batch-sizes 0.5,1.0 --iterations-per-batch 1"
    )
    with started(line, player.terminal.environment) as process:
        assert ledger.written.wait(timeout=60)
        process.send_signal(number)
        out, err = process.communicate(timeout=_STOP_SECONDS)
    assert process.returncode == 3
    assert "Traceback" not in err
    resume = re.search(r"Resume it with: spacetraders (experiment resume --run-id \S+)\n$", out)
    assert resume is not None
    stopped = player.type("experiment list --json").json[0]
    assert stopped["pairs"]["CLAIMED"] == 0
    assert stopped["pairs"]["PENDING"] > 0
    assert stopped["transactions"] == len(player.ledger("PURCHASE", "SELL"))
    resumed = player.type(f"{resume[1]} --foreground")
    assert resumed.code == 0
    assert "Progress: 4/4 pairs (100.0%)" in resumed.out
    (finished,) = player.type("experiment list --json").json
    assert finished["transactions"] == len(player.ledger("PURCHASE", "SELL"))
    assert all(player.ship(ship).hold == {} for ship in (1, 2))


def test_a_run_that_was_killed_says_whose_lease_it_waits_for(at_work: tuple[Player, WatchedLedger]) -> None:
    player, ledger = at_work
    line = f"experiment liquidity --foreground --ships {player.ships[0]} --system {player.system} --max-age 1440"
    with started(f"{line} --design ladder --max-pairs 1", player.terminal.environment) as process:
        assert ledger.written.wait(timeout=60)
        process.kill()
    (run,) = player.type("experiment list --json").json
    again = f"experiment resume --run-id {run['run_id']} --foreground"
    with started(again, player.terminal.environment) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
    assert re.fullmatch(
        rf"{player.ships[0]}: leased to command_\w+ for another [3-6]\d seconds\."
        r" If that process was killed, the run goes on when the lease ends\.\n",
        said,
    )

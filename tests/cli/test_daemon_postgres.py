"""Two machines and one PostgreSQL server, in real processes, with the server restarted under them."""

import re
import shutil
import signal
from pathlib import Path

import psycopg
import pytest

from spacetraders_lab.sandbox.server import RunningSandbox
from tests.cli.conftest import Player, join
from tests.cli.test_processes import started
from tests.postgres import Server
from tests.terminal import Terminal
from tests.waiting import until

pytestmark = pytest.mark.postgres
DAEMON = "daemon start --foreground --log-format json"
LONG = "--max-pairs 24 --batch-sizes 0.5,1.0 --iterations-per-batch 3"


@pytest.fixture
def machines(tmp_path: Path, sandbox: RunningSandbox, own_server: Server) -> tuple[Player, Terminal]:
    """The player at one machine, and another machine to which the token was brought."""
    places = [
        Terminal(tmp_path / name, BASE_URL=sandbox.base_url, DATABASE_URL=own_server.url()) for name in ("one", "two")
    ]
    player = join(places[0], sandbox)
    shutil.copytree(places[0].tokens, places[1].tokens)
    return player, places[1]


def test_two_machines_fly_one_run_while_the_server_is_restarted_and_one_of_them_leaves(
    machines: tuple[Player, Terminal], own_server: Server, tmp_path: Path
) -> None:
    player, other = machines
    player.scout()
    with (
        (tmp_path / "log").open("w") as log,
        started(DAEMON, player.terminal.environment, log) as here,
        started(DAEMON, other.environment, log) as there,
    ):
        until(lambda: len(player.type("daemon status --json").json) == 2)
        began = player.type(f"experiment liquidity {player.wishes} {LONG}")
        run_id = re.findall(r"--run-id (\S+)", began.out)[0]
        until(lambda: len(_traders(player)) == 2)
        owners = until(lambda: _owners(own_server, 2))
        assert len(set(owners.values())) == 2, "both machines fly"

        own_server.stop()  # at once, as when it dies
        own_server.start()
        before = len(player.ledger("PURCHASE"))
        until(lambda: len(_traders(player, before)) == 2, within=90.0)  # a lease may have to end first

        there.send_signal(signal.SIGTERM)
        assert there.wait(timeout=20) == 0
        until(lambda: player.type("experiment list --json").json[0]["status"] == "COMPLETED", within=150.0)
        here.send_signal(signal.SIGTERM)
        assert here.wait(timeout=20) == 0
    log_text = (tmp_path / "log").read_text()
    assert "Traceback" not in log_text
    assert "no connection to the server" in log_text
    (run,) = player.type("experiment list --json").json
    assert (run["run_id"], run["pairs"]["COMPLETED"]) == (run_id, 24)
    assert run["transactions"] == len(player.ledger("PURCHASE", "SELL"))
    assert all(not player.ship(number).cargo_units for number in (1, 2))
    assert player.type("db check").code == 0


def _traders(player: Player, after: int = 0) -> set[str]:
    """The ships that have bought something since so many purchases."""
    return {entry.ship_symbol for entry in player.ledger("PURCHASE")[after:]}


def _owners(own_server: Server, count: int) -> dict[str, str]:
    """Which daemon drives which ship; nothing until `count` ships are driven."""
    with psycopg.connect(own_server.url()) as connection:
        rows = connection.execute("SELECT ship_symbol, owner FROM containers WHERE owner IS NOT NULL").fetchall()
    return dict(rows) if len(rows) >= count else {}

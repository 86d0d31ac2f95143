"""`spacetraders daemon` and experiments flown by one: real processes, as their user sees them."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import pytest

from spacetraders_lab.sandbox.server import RunningSandbox, running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.logs import LogLine, LogRepository
from spacetraders_lab.study.rig import FRIGATE
from tests.cli.conftest import Player, join
from tests.cli.test_processes import started
from tests.factories import NOON, SHIP
from tests.store.memory import enter_run
from tests.terminal import Terminal
from tests.waiting import until

SMALL = "--max-pairs 3 --batch-sizes 0.5,1.0 --iterations-per-batch 1"
LONG = "--max-pairs 40 --batch-sizes 0.5,1.0 --iterations-per-batch 3"


@pytest.fixture
def player(tmp_path: Path, sandbox: RunningSandbox) -> Iterator[Player]:
    """A user whose daemons are gone at the end, whatever happens."""
    player = join(Terminal(tmp_path, BASE_URL=sandbox.base_url), sandbox)
    yield player
    for daemon in player.type("daemon status --json").json:
        _kill(daemon["pid"])


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _reap(pid)


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _id_of(out: str) -> str:
    found = re.search(r"--run-id (\S+)", out)
    assert found is not None
    return found[1]


def test_an_experiment_is_left_to_a_daemon_from_beginning_to_end(player: Player) -> None:
    player.scout()
    began = player.type(f"experiment liquidity {player.wishes} {SMALL}")
    assert (began.code, began.err) == (0, "")
    run_id = _id_of(began.out)
    lines = began.out.splitlines()
    first = lines.index("Created worker containers:")
    named = [
        re.fullmatch(rf"- ({ship}): (container_[0-9a-f]{{12}})", lines[first + i])
        for i, ship in enumerate(player.ships, 1)
    ]
    containers = [found[2] for found in named if found]
    assert len(containers) == 2
    assert lines[first + 3 :] == [
        "",
        f"Experiment run_id: {run_id}",
        "",
        "Ships will dynamically claim pairs until queue empty.",
        "",
        "Monitor progress:",
        f"  spacetraders experiment status --run-id {run_id}",
        f"  spacetraders daemon logs {containers[0]}",
        "",
        "No daemon was running, so one was started; `spacetraders daemon stop` stops it.",
        lines[-1],
    ]
    (daemon,) = player.type("daemon status --json").json
    assert lines[-1] == f"Flown by {daemon['daemon_id']} (pid {daemon['pid']} on {daemon['host']})"

    followed = player.type(f"daemon logs {containers[0]} --follow")  # ends when the container does
    assert followed.out.splitlines()[0].endswith(f"{player.ships[0]} begins, driven by {daemon['daemon_id']}")
    until(lambda: player.type("experiment list --json").json[0]["status"] == "COMPLETED")
    assert player.type("experiment list --json").json[0]["transactions"] == len(player.ledger("PURCHASE", "SELL"))
    rows = [line.split() for line in player.type("daemon list").out.splitlines()[1:]]
    assert sorted(rows) == sorted(
        [c, run_id, s, "COMPLETED", "0"] for c, s in zip(containers, player.ships, strict=True)
    )

    again = player.type(f"experiment liquidity {player.wishes} {SMALL}")
    assert "No daemon was running" not in again.out
    assert daemon["daemon_id"] in again.out
    started_again = player.type("daemon start --dashboard")
    at_work = f"{daemon['daemon_id']} is already running here (pid {daemon['pid']})"
    assert started_again.out == f"{at_work}; to change its options, stop it first.\n"
    stopped = player.type("daemon stop")
    assert (stopped.code, stopped.out) == (0, f"{daemon['daemon_id']} has stopped\n")
    _reap(daemon["pid"])
    assert player.type("daemon status").code == 1
    log = (player.terminal.home / ".local" / "state" / "spacetraders-lab" / "daemon.log").read_text()
    assert "Traceback" not in log
    assert player.agent.token not in log


@pytest.mark.parametrize(("last", "shown"), [("", ["one", "two"]), ("--last 1", ["two"]), ("--last 0", [])])
def test_who_follows_a_log_sees_of_what_was_said_before_as_much_as_he_asks_for(
    terminal: Terminal, sqlite_template: Path, last: str, shown: list[str]
) -> None:
    terminal.keep(sqlite_template)
    with closing(open_database(path=terminal.database, durable=False)) as database:
        run = enter_run(database)
        with database.transaction() as connection:
            (container,) = ContainerRepository(connection).start(run, [SHIP], now=NOON)
            ContainerRepository(connection).stop(container.container_id, now=NOON)
            lines = [LogLine(container.container_id, "INFO", text, NOON) for text in ("one", "two")]
            LogRepository(connection).append(lines)
    answer = terminal.type(f"daemon logs {container.container_id} --follow {last}")
    assert [line.split()[-1] for line in answer.out.splitlines()] == shown


def test_the_page_of_a_daemon_comes_and_goes_with_it(player: Player) -> None:
    assert player.type("daemon start --dashboard --dashboard-port 0").code == 0
    (daemon,) = player.type("daemon status --json").json
    log = player.terminal.home / ".local" / "state" / "spacetraders-lab" / "daemon.log"
    url = until(lambda: re.search(r"The dashboard is at (\S+);", log.read_text()))[1]
    assert "<title>" in httpx2.get(url).text
    assert player.type("daemon stop").code == 0
    _reap(daemon["pid"])
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(url)


def test_a_run_is_changed_while_a_daemon_flies_it(player: Player) -> None:
    player.scout()
    one, two = player.ships
    began = player.type(f"experiment liquidity --ships {one} --system {player.system} --max-age 1440 {LONG}")
    run_id = _id_of(began.out)
    until(lambda: player.ledger("PURCHASE"))
    added = player.type(f"experiment add-ships --run-id {run_id} --ships {two}")
    assert added.code == 0
    assert f"- {two}: container_" in added.out
    until(lambda: [entry for entry in player.ledger("PURCHASE") if entry.ship_symbol == two])
    removed = player.type(f"experiment remove-ship --run-id {run_id} --ship {one}")
    assert removed.out.startswith(f"{one} leaves run {run_id}; {two} go on.\n")
    until(lambda: _states(player)[one] == "STOPPED")
    assert player.type(f"experiment pause --run-id {run_id}").code == 0
    until(lambda: _states(player)[two] == "PENDING")
    assert "State: SUSPENDED (paused: by the user)" in player.type(f"experiment status --run-id {run_id}").out
    trades = len(player.ledger("PURCHASE", "SELL"))
    assert player.type(f"experiment pause --run-id {run_id}").code == 2
    assert player.type(f"experiment resume --run-id {run_id}").code == 0
    until(lambda: len(player.ledger("PURCHASE", "SELL")) > trades)
    assert player.type(f"experiment cancel --run-id {run_id}").code == 0
    until(lambda: _states(player)[two] == "STOPPED")
    (run,) = player.type("experiment list --json").json
    assert (run["status"], run["pairs"]["CLAIMED"]) == ("CANCELLED", 0)
    assert run["transactions"] == len(player.ledger("PURCHASE", "SELL"))
    (container,) = [c for c in player.type("daemon list --json").json if c["ship_symbol"] == one]
    removed = player.type(f"daemon remove {container['container_id']}")
    assert re.fullmatch(rf"Removed {container['container_id']} and \d+ lines of its log; .*\n", removed.out)
    assert list(_states(player)) == [two]


def _states(player: Player) -> dict[str, str]:
    return {c["ship_symbol"]: c["state"] for c in player.type("daemon list --json").json}


def test_a_daemon_that_is_told_to_stop_puts_its_ships_down_in_time(tmp_path: Path) -> None:
    settings = SandboxSettings(
        profile="lab", speed=20.0, credits=5_000_000, ships=(FRIGATE,) * 2, open_registration=True
    )
    with running_sandbox(settings) as sandbox:
        player = join(Terminal(tmp_path, BASE_URL=sandbox.base_url), sandbox)
        with started("daemon start --foreground --log-format json", player.terminal.environment) as process:
            until(lambda: player.type("daemon status --json").json)
            player.scout()
            run_id = _id_of(player.type(f"experiment liquidity {player.wishes} {LONG}").out)
            until(lambda: player.type("experiment list --json").json[0]["pairs"]["CLAIMED"] == 2)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Traceback" not in err
        assert set(_states(player).values()) == {"PENDING"}
        (run,) = player.type("experiment list --json").json
        assert (run["run_id"], run["status"], run["pairs"]["CLAIMED"]) == (run_id, "RUNNING", 0)


def test_a_daemon_that_was_killed_is_not_taken_for_one_at_work(player: Player) -> None:
    """Its lease lasts a minute more: who starts another meanwhile, or an experiment, is not to be left with none."""
    player.scout()
    pids = []
    for line in ("daemon start", "daemon start", f"experiment liquidity {player.wishes} {SMALL}"):
        assert player.type(line).code == 0
        pids.append(player.type("daemon status --json").json[-1]["pid"])
        _kill(pids[-1])
    assert len(set(pids)) == 3


# --- nonsense ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["logs", "inspect", "stop-container", "remove"])
def test_an_unknown_container_is_refused(tmp_path: Path, verb: str) -> None:
    answer = Terminal(tmp_path).type(f"daemon {verb} container_nobody")
    assert answer.code == 2
    assert answer.complaint == (
        "spacetraders: there is no container container_nobody; `spacetraders daemon list` shows them"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("daemon start --rate-share 0", "--rate-share must lie between 0.5 and 1"),
        ("daemon start --foreground --metrics-port 99999", "there is no port 99999"),
        ("daemon start --log-format xml", "xml"),
        ("daemon logs container_1 --level loud", "loud"),
        ("daemon logs container_1 --last 100000000000000000000000", "--last must be at most 1,000,000"),
        ("experiment pause --run-id nobody", "there is no experiment nobody"),
        ("experiment cancel --run-id nobody", "there is no experiment nobody"),
        ("experiment remove-ship --run-id nobody --ship X-1", "there is no experiment nobody"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path: Path, line: str, words: str) -> None:
    answer = Terminal(tmp_path).type(line)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.complaint


def test_nothing_to_stop_and_nothing_at_work(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    assert terminal.type("daemon stop").out == "No daemon is running.\n"
    status = terminal.type("daemon status")
    assert (status.code, status.out) == (1, "No daemon is running; start one with: spacetraders daemon start\n")
    assert terminal.type("daemon list --json").json == []


def test_a_daemon_that_cannot_start_says_why(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with running_sandbox(SandboxSettings()) as taken:
        port = re.search(r":(\d+)/", taken.base_url)
        assert port is not None
        answer = terminal.type(f"daemon start --metrics-port {port[1]}")
        assert answer.code == 1
        why = f"the daemon ended at once: spacetraders: port {port[1]} cannot be opened for metrics"
        assert why in answer.complaint
        answer = terminal.type(f"daemon start --dashboard --dashboard-port {port[1]}")
        assert answer.code == 1
        assert f"the daemon ended at once: spacetraders: cannot listen on 127.0.0.1:{port[1]}" in answer.complaint
        assert "try another --dashboard-port" in answer.complaint
        assert terminal.type("daemon status").code == 1

"""`spacetraders market scout`: the plan is shown, what is fresh is left out, and a watch ends when it is told to."""

import os
import signal
import subprocess
import sys

import pytest

from spacetraders_lab.store.containers import ContainerRepository
from tests.cli.conftest import Player
from tests.waiting import until


def test_the_plan_is_told_before_the_ships_set_off(player: Player) -> None:
    answer = player.type(f"market scout --system {player.system} --ships {','.join(player.ships)}")
    plan = " ".join(answer.err.split())
    assert "8 markets in " in plan
    assert "minutes of game time" in plan
    assert "prices show only to a ship that is there" in plan
    assert all(f"{ship}:" in plan for ship in player.ships)


def test_what_was_read_lately_is_left_out_unless_it_is_asked_for(player: Player) -> None:
    scout = f"market scout --system {player.system} --ships {','.join(player.ships)}"
    player.scout()
    flights = len(player.ledger("NAVIGATE"))
    again = player.type(f"{scout} --max-age 10000")
    assert (again.code, again.out) == (0, f"Scouted 0 markets of {player.system}.\n")
    assert "8 were read recently" in " ".join(again.err.split())
    assert len(player.ledger("NAVIGATE")) == flights
    assert player.type(f"{scout} --max-age 0").out == f"Scouted 8 markets of {player.system}.\n"


def test_options_that_make_no_sense_are_refused(player: Player) -> None:
    scout = f"market scout --system {player.system} --ships {player.probe}"
    assert player.type(f"{scout} --max-age -1").complaint == "spacetraders: --max-age must be at least 0"
    none = player.type(f"{scout} --watch --requests-per-minute 0")
    assert (none.code, none.complaint) == (2, "spacetraders: --requests-per-minute must be above 0")


def test_without_ships_those_go_that_are_there_and_fly_for_no_run(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work = {player.ships[0]: "run-1"}
    monkeypatch.setattr(
        ContainerRepository, "driven_ships", lambda _, __, ships, now: {s: at_work[s] for s in ships if s in at_work}
    )
    elsewhere = next(symbol for symbol in player.sandbox.universe.systems if symbol != player.system)
    nobody = player.type(f"market scout --system {elsewhere}")
    assert (nobody.code, nobody.complaint) == (
        2,
        f"spacetraders: you have no ship in {elsewhere}; bring one there with spacetraders ship navigate",
    )
    assert player.type(f"market scout --system {player.system}").code == 0
    assert {entry.ship_symbol for entry in player.ledger("NAVIGATE")} <= {player.ships[1], player.probe}
    at_work |= dict.fromkeys([*player.ships, player.probe], "run-1")
    none_free = player.type(f"market scout --system {player.system}")
    assert (none_free.code, "pause one of them first" in none_free.complaint) == (2, True)


def test_a_watch_reads_on_until_it_is_interrupted(player: Player) -> None:
    line = f"market scout --system {player.system} --ships {','.join(player.ships)} --watch --requests-per-minute 60"
    watching = subprocess.Popen(
        [sys.executable, "-c", "from spacetraders_lab.cli.main import main; main()", *line.split()],
        env=player.terminal.environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert watching.stdout is not None
    assert "watching until Ctrl-C" in watching.stdout.readline()
    flights = len(player.ledger("NAVIGATE"))
    until(lambda: len(player.ledger("NAVIGATE")) >= flights + 3)
    watching.send_signal(signal.SIGINT)
    out, _ = watching.communicate(timeout=30)
    assert watching.returncode == 0
    assert out.startswith("Read ")
    assert player.ledger("PURCHASE", "SELL") == []

"""Help: every command explains itself, and none of it waits for anything heavy to be imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from spacetraders_lab import __version__
from spacetraders_lab.cli.main import build_app
from tests.terminal import Terminal

COMMANDS = [
    "experiment liquidity",
    "experiment status",
    "experiment list",
    "experiment resume",
    "experiment doctor",
    "experiment export",
    "experiment analyze",
    "market scout",
    "market list",
    "market get",
    "market spreads",
    "market history",
    "ship list",
    "ship navigate",
    "ship dock",
    "ship orbit",
    "ship refuel",
    "ship buy",
    "ship sell",
    "player register",
    "player add",
    "player list",
    "player remove",
    "player status",
    "sandbox serve",
    "quote",
    "advise lane",
    "advise split",
    "demo",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_its_options(tmp_path: Path, command: str) -> None:
    answer = Terminal(tmp_path).type(f"{command} --help")
    assert answer.code == 0
    assert f"Usage: spacetraders {command}" in answer.out
    assert len(answer.out.splitlines()) > 3
    assert list(tmp_path.iterdir()) == []


def test_nouns_list_their_verbs(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    listed = terminal.type("--help").out
    for noun in dict.fromkeys(command.split()[0] for command in COMMANDS):
        assert noun in listed
    for command in COMMANDS:
        noun, *verb = command.split()
        if verb:
            assert verb[0] in terminal.type(f"{noun} --help").out


def test_json_is_offered_by_every_command_that_reads(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    reading = ["experiment status", "experiment list", "experiment doctor", "market list", "market get", "ship list"]
    for command in [*reading, "player list", "experiment analyze", "quote", "advise lane", "advise split"]:
        assert "--json" in terminal.type(f"{command} --help").out


def test_the_version(tmp_path: Path) -> None:
    answer = Terminal(tmp_path).type("--version")
    assert (answer.code, answer.out.strip()) == (0, __version__)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from spacetraders_lab.cli.main import run; run(['experiment', '--help']); "
        "print(sorted({'sqlalchemy', 'alembic', 'httpx2', 'starlette', 'uvicorn', 'psycopg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_shell_can_complete_every_command() -> None:
    script = build_app().generate_completion(shell="bash")
    assert all(word in script for command in COMMANDS for word in command.split())

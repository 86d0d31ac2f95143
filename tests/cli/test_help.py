"""Help: every command explains itself, and none of it waits for anything heavy to be imported."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spacetraders_lab import __version__
from spacetraders_lab.cli.main import build_app
from spacetraders_lab.store.database import open_database
from tests.terminal import Terminal

COMMANDS = [
    "experiment plan",
    "experiment liquidity",
    "experiment status",
    "experiment list",
    "experiment resume",
    "experiment doctor",
    "experiment export",
    "experiment analyze",
    "experiment report",
    "experiment archive",
    "experiment delete",
    "db backup",
    "db check",
    "db compact",
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
    "experiment add-ships",
    "experiment remove-ship",
    "experiment pause",
    "experiment cancel",
    "daemon start",
    "daemon stop",
    "daemon status",
    "daemon list",
    "daemon logs",
    "daemon inspect",
    "daemon stop-container",
    "daemon remove",
    "sandbox serve",
    "dashboard",
    "quote",
    "advise lane",
    "advise lanes",
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
    for command in [
        *reading,
        "player list",
        "experiment analyze",
        "quote",
        "advise lane",
        "advise lanes",
        "advise split",
    ]:
        assert "--json" in terminal.type(f"{command} --help").out


def test_the_version(tmp_path: Path) -> None:
    answer = Terminal(tmp_path).type("--version")
    assert (answer.code, answer.out.strip()) == (0, __version__)


def test_help_imports_nothing_that_it_does_not_show() -> None:
    """The help of the whole and of every noun in one process: cyclopts, what it draws with, and hardly any of ours."""
    nouns = list(dict.fromkeys(command.split()[0] for command in COMMANDS if " " in command))
    script = (
        "import sys; before = {*sys.modules}; from spacetraders_lab.cli.main import run; "
        f"[run([*noun, '--help']) for noun in {[[], *([noun] for noun in nouns)]}]; "
        "print(*sys.modules.keys() - before, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.count("Usage: spacetraders") == 1 + len(nouns)
    modules = set(done.stderr.split())
    third_party = importlib.metadata.packages_distributions().keys() - {"spacetraders_lab"}
    assert third_party & modules <= {"attr", "attrs", "cyclopts", "docstring_parser", "rich"}
    assert not {"asyncio", "rich.markdown", "rich.syntax", "sqlite3"} & modules
    ours = {name for name in modules if name.startswith("spacetraders_lab")}
    assert ours == {"spacetraders_lab"} | {
        f"spacetraders_lab.{m}" for m in ("cli", "cli.main", "core", "core.errors", "core.halt")
    }


@pytest.mark.parametrize("command", ["experiment list", "experiment status --run-id none", "daemon status"])
def test_what_only_reads_imports_nothing_that_plays_draws_or_migrates(tmp_path: Path, command: str) -> None:
    file = tmp_path / "lab.db"
    open_database(path=file).close()
    script = (
        "import sys; before = {*sys.modules}; from spacetraders_lab.cli.main import run; "
        f"run({command.split()}); print(*sys.modules.keys() - before)"
    )
    environment = os.environ | {"SPACETRADERS_DATABASE_URL": f"sqlite:///{file}"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    modules = set(done.stdout.splitlines()[-1].split())
    third_party = importlib.metadata.packages_distributions().keys() - {"spacetraders_lab"}
    assert third_party & modules <= {"attr", "attrs", "cyclopts", "rich", "sqlalchemy", "typing_extensions"}
    assert not {"rich.console", "rich.text"} & modules
    rooms = {name.split(".")[1] for name in modules if name.startswith("spacetraders_lab.")}
    assert rooms == {"cli", "core", "run", "store"}
    assert {name for name in modules if name.startswith("spacetraders_lab.run.")} == {"spacetraders_lab.run.clock"}
    assert not {f"spacetraders_lab.{m}" for m in ("core.protocol", "core.planning", "store.work_queue")} & modules


def test_completion_is_installed_for_the_shell_that_is_named(tmp_path: Path) -> None:
    script = tmp_path / "completion"
    answer = Terminal(tmp_path).type(f"--install-completion --shell bash --output {script}")
    assert answer.code == 0
    assert "liquidity" in script.read_text()


def test_commands_and_options_shown_in_the_docs_exist(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    pages = [root / "README.md", *(root / "docs").glob("*.md")]
    shown = [line for page in pages for line in page.read_text().splitlines() if line.startswith("spacetraders ")]
    assert len(shown) > 5
    for line in shown:
        words = line.partition("#")[0].split()[1:]
        command = next(c for c in COMMANDS if words[: len(c.split())] == c.split())
        explained = Terminal(tmp_path).type(f"{command} --help").out
        assert [word for word in words if word.startswith("--") and word not in explained] == [], line


def test_the_shell_can_complete_every_command() -> None:
    script = build_app().generate_completion(shell="bash")
    assert all(word in script for command in COMMANDS for word in command.split())

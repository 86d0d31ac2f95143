"""The page about the daemon and the files beside it name only commands and options that exist, and every metric."""

import re
import shlex
from pathlib import Path

import pytest

from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.run.metrics import LabCollector
from spacetraders_lab.store.database import Database
from tests.terminal import Terminal

_ROOT = Path(__file__).parents[2]
_PAGES = [
    _ROOT / "docs" / "daemon.md",
    _ROOT / "contrib" / "compose.yaml",
    _ROOT / "contrib" / "systemd" / "spacetraders-daemon.service",
]


def _commands(page: Path) -> set[str]:
    """Everything that looks like a command of ours, without its comment."""
    found = re.findall(r"spacetraders ((?:experiment|daemon|dashboard|player)\b[^\n`#]*)", page.read_text())
    in_tables = re.findall(r"^\| `((?:experiment|daemon) [^`]*)`", page.read_text(), re.MULTILINE)
    return {command.strip() for command in (*found, *in_tables)}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_command_and_option_exists(tmp_path: Path, page: Path) -> None:
    commands = _commands(page)
    assert commands
    for command in commands:
        words = shlex.split(command)
        path = [word for word in words[: 1 if words[0] == "dashboard" else 2] if not word.startswith("-")]
        answer = Terminal(tmp_path).type(" ".join([*path, "--help"]))
        assert answer.code == 0, command
        for option in (word for word in words if word.startswith("--")):
            assert option in answer.out, command


def test_every_metric_is_on_the_page(database: Database) -> None:
    named = set(re.findall(r"`(spacetraders_\w+)`", _PAGES[0].read_text()))
    told = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in LabCollector(database, SystemClock(), list).collect()
    }
    assert named == told

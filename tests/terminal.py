"""A user at a terminal: an environment of their own, and commands typed into it, in this process and for real."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spacetraders_lab.cli.main import run

_SETTINGS = ("BASE_URL", "API_URL", "TOKEN", "ACCOUNT_TOKEN", "DATABASE_URL")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command left behind: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on standard error; fails when there are more, or fewer."""
        (line,) = self.err.splitlines()
        return line


class Terminal:
    """A shell whose home is `home`. `type` runs a command as the user typed it; `settings` are SPACETRADERS_*."""

    def __init__(
        self, home: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str], **settings: str
    ) -> None:
        self.home = home
        self._patch = patch
        self._capture = capture
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        for name in _SETTINGS:
            patch.delenv(f"SPACETRADERS_{name}", raising=False)
        self.set(**settings)

    def set(self, **settings: str) -> None:
        """Set SPACETRADERS_* variables, named without the prefix."""
        for name, value in settings.items():
            self._patch.setenv(f"SPACETRADERS_{name}", value)

    def unset(self, name: str) -> None:
        self._patch.delenv(f"SPACETRADERS_{name}", raising=False)

    def type(self, line: str) -> Answer:
        """Run one command, without the program's name."""
        self._capture.readouterr()
        code = run(shlex.split(line))
        printed = self._capture.readouterr()
        return Answer(code, printed.out, printed.err)

    @property
    def tokens(self) -> Path:
        return self.home / "config" / "spacetraders-lab" / "tokens.json"

    @property
    def database(self) -> Path:
        return self.home / "data" / "spacetraders-lab" / "lab.db"

"""A user at a terminal: an environment of their own, and commands typed into it, in this process and for real."""

import io
import json
import os
import shlex
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from spacetraders_lab.cli.main import run


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
    """A shell whose home is `home` and that knows no other variables than its own; settings are SPACETRADERS_*."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"],  # that of the whole suite
        }
        self.set(**settings)

    def set(self, **settings: str) -> None:
        """Set SPACETRADERS_* variables, named without the prefix."""
        self.environment |= {f"SPACETRADERS_{name}": value for name, value in settings.items()}

    def unset(self, name: str) -> None:
        del self.environment[f"SPACETRADERS_{name}"]

    def type(self, line: str, standard_input: str = "") -> Answer:
        """Run one command, without the program's name."""
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self.environment, clear=True),
            patch("sys.stdin", io.StringIO(standard_input)),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = run(shlex.split(line))
        return Answer(code, out.getvalue(), err.getvalue())

    @property
    def tokens(self) -> Path:
        """The folder of the token files."""
        return self.home / "config" / "spacetraders-lab" / "tokens"

    @property
    def token_file(self) -> Path:
        """The only token file; fails when there are more, or none."""
        (path,) = self.tokens.glob("*/*.json")
        return path

    @property
    def database(self) -> Path:
        return self.home / "data" / "spacetraders-lab" / "lab.db"

    def keep(self, file: Path) -> None:
        """Let the user's database be a copy of this file."""
        self.database.parent.mkdir(parents=True)
        shutil.copy(file, self.database)

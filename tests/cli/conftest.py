"""A game on loopback, played fast, and users at terminals. Every test has an agent of its own in it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from spacetraders_lab.sandbox.ledger import LedgerEntry
from spacetraders_lab.sandbox.server import RunningSandbox, running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Agent, ShipState
from spacetraders_lab.store.database import open_database
from spacetraders_lab.study.rig import FRIGATE, PROBE
from tests.terminal import Answer, Terminal

SPEED = 2_000.0  # a minute's flight takes 30 ms; an hour's prices are old after two seconds
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Player:
    """A user with an agent, two frigates and a probe, and nothing known of the markets yet."""

    terminal: Terminal
    sandbox: RunningSandbox
    name: str

    def type(self, line: str) -> Answer:
        return self.terminal.type(line)

    @property
    def agent(self) -> Agent:
        return self.sandbox.universe.agents[self.name]

    @property
    def ships(self) -> list[str]:
        """The frigates."""
        return [f"{self.name}-1", f"{self.name}-2"]

    @property
    def probe(self) -> str:
        return f"{self.name}-3"

    @property
    def system(self) -> str:
        return self.sandbox.universe.home.symbol

    def ship(self, number: int = 1) -> ShipState:
        return self.sandbox.universe.ships[f"{self.name}-{number}"]

    def ledger(self, *kinds: str) -> list[LedgerEntry]:
        return [e for e in self.sandbox.universe.ledger if e.agent == self.name and (not kinds or e.kind in kinds)]

    def scout(self) -> None:
        assert self.type(f"market scout --system {self.system} --ships {','.join(self.ships)}").code == 0

    def experiment(self, options: str) -> Answer:
        """`experiment liquidity` in the foreground, with both frigates, whose prices may be a game day old."""
        return self.type(f"experiment liquidity --foreground {self.wishes} {options}")

    @property
    def wishes(self) -> str:
        """Both frigates, and prices that may be a game day old."""
        return f"--ships {','.join(self.ships)} --system {self.system} --max-age 1440"

    def is_untouched(self) -> bool:
        """Whether nothing was written about any experiment, and nothing traded."""
        if self.ledger("PURCHASE", "SELL"):
            return False
        if not self.terminal.database.exists():
            return True
        database = open_database(path=self.terminal.database)
        with database.reading() as connection:
            tables = ("experiment_runs", "experiment_work_queue", "experiment_intents", "market_experiments")
            rows = [connection.execute(text(f"SELECT 1 FROM {table} LIMIT 1")).first() for table in tables]
        database.close()
        return not any(rows)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    """One universe of two systems for all tests of a process; its home system is the laboratory."""
    settings = SandboxSettings(
        profile="lab",
        speed=SPEED,
        credits=5_000_000,
        ships=(FRIGATE, FRIGATE, PROBE),
        systems=2,
        open_registration=True,
    )
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture
def terminal(tmp_path: Path, sandbox: RunningSandbox) -> Terminal:
    """A terminal that points at the game, of somebody who has no agent yet."""
    return Terminal(tmp_path, BASE_URL=sandbox.base_url)


@pytest.fixture
def player(terminal: Terminal, sandbox: RunningSandbox, sqlite_template: Path) -> Player:
    """A registered user with an empty database; the token lies in the user's own file."""
    terminal.keep(sqlite_template)
    return join(terminal, sandbox)


def join(terminal: Terminal, sandbox: RunningSandbox) -> Player:
    """Register a new agent at this terminal."""
    name = f"USER{next(_numbers)}"
    assert terminal.type(f"player register {name}").code == 0
    return Player(terminal, sandbox, name)

"""Real processes at work on a real database against a real server on loopback, to be killed, frozen and stopped.

They are forked from a process that has imported the lab once: starting one takes milliseconds.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx2

from spacetraders_lab.cli.main import main
from spacetraders_lab.core.experiment import ExperimentRun
from spacetraders_lab.run.app import LeaseTimes, open_game, open_lab
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.sandbox.server import RunningSandbox, running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.study.books import Books
from spacetraders_lab.study.rig import FRIGATE
from tests.waiting import until

FROZEN = "frozen"
QUICK = LeaseTimes(lease=2.0, margin=0.5, settle=0.5)  # on loopback nothing is under way for half a second

# What the lab imports only when it uses it, each process would import for itself: half of the work of a short life.
_LAZY = (
    "anyio._backends._asyncio",
    "httpcore2",
    "psycopg",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "truststore",
)
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__, "spacetraders_lab.cli.experiment", *_LAZY])


@dataclass(frozen=True, slots=True)
class Work:
    """What a process is to do: let ships work on a run. It kills itself where it comes to `dies_at`, and freezes the
    first time that it comes to `freezes_at`, as by SIGSTOP, having said so.
    """

    database_url: str
    base_url: str
    token: str = field(repr=False)
    run_id: str
    ships: tuple[str, ...]
    times: LeaseTimes = QUICK
    dies_at: Point | None = None
    freezes_at: Point | None = None


class Playground(Books):
    """A sandbox that serves on loopback, and a run's processes. `start` and `command` begin one more of them."""

    def __init__(
        self, sandbox: RunningSandbox, database: Database, database_url: str, token: str, folder: Path
    ) -> None:
        self.base_url, self.app, self.universe = sandbox.base_url, sandbox.app, sandbox.universe
        self.database, self.database_url = database, database_url
        self.token = token
        self.agent = next(iter(sandbox.universe.agents.values()))
        self.folder = folder
        self.processes: list[Running] = []

    def start(self, run: ExperimentRun, *ships: str, **how: Any) -> "Running":
        """A process in which these ships (all, unless some are named) work on a run until they leave.

        Further arguments are those of `Work`.
        """
        return self._begin(
            _work, Work(self.database_url, self.base_url, self.token, run.run_id, ships or self.fleet, **how)
        )

    def command(self, *words: str) -> "Running":
        """The command `spacetraders` with these words, in the environment that leads it here."""
        environment = {
            "SPACETRADERS_DATABASE_URL": self.database_url,
            "SPACETRADERS_BASE_URL": self.base_url,
            "SPACETRADERS_TOKEN": self.token,
        }
        return self._begin(_command, words, environment)

    def requests_answered(self) -> int:
        """So many requests the server has answered so far."""
        return sum(dict(self.app.state.requests).values())  # a copy: the server counts in a thread of its own

    def _begin(self, target: Callable[..., None], *arguments: Any) -> "Running":
        output = self.folder / f"process-{len(self.processes) + 1}.txt"
        process = _context.Process(target=_in_a_file_of_its_own, args=(output, target, *arguments), daemon=True)
        process.start()
        self.processes.append(Running(process, output))
        return self.processes[-1]


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started."""

    process: BaseProcess
    output_file: Path

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End it as a power cut would, wherever it is."""
        self.process.kill()
        self.process.join()

    def wait(self, within: float = 60.0) -> int:
        """Its exit code, once it has ended; a signal that ended it counts negative."""
        self.process.join(within)
        assert self.process.exitcode is not None, f"it did not end in time; it said:\n{self.output}"
        return self.process.exitcode

    def wait_for(self, words: str) -> None:
        """Until it has printed these words."""
        until(lambda: words in self.output)

    @property
    def output(self) -> str:
        """All that it has printed so far."""
        return self.output_file.read_text() if self.output_file.exists() else ""


@contextmanager
def playground(database_url: str, folder: Path, *, ships: int = 2, **settings: Any) -> Iterator[Playground]:
    """A universe of one agent with so many frigates; further settings are the sandbox's."""
    chosen = {
        "profile": "lab",
        "credits": 5_000_000,
        "open_registration": True,
        "ships": (FRIGATE,) * ships,
        "speed": 2_000.0,
        "rate_limit": False,
    }
    with (
        running_sandbox(SandboxSettings(**chosen | settings)) as sandbox,
        closing(open_database(database_url, durable=False)) as database,
    ):
        agent = {"symbol": "LAB", "faction": "COSMIC"}
        token = httpx2.post(f"{sandbox.base_url}/register", json=agent).json()["data"]["token"]
        ground = Playground(sandbox, database, database_url, token, folder)
        try:
            yield ground
        finally:
            for running in ground.processes:
                running.kill()


def _in_a_file_of_its_own(output: Path, target: Callable[..., None], *arguments: Any) -> None:
    with output.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    target(*arguments)


def _work(work: Work) -> None:
    asyncio.run(_let_ships_work(work))


async def _let_ships_work(work: Work) -> None:
    froze = False

    def freeze() -> None:
        print(FROZEN, flush=True)
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # for the whole process, and from here on

    async def pass_by(point: Point) -> None:
        nonlocal froze
        if point is work.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if point is work.freezes_at and not froze:
            froze = True
            # On the database's thread, so not in the middle of a heartbeat's write: SQLite would stay locked for all.
            await asyncio.get_running_loop().run_in_executor(lab.thread, freeze)

    with closing(open_database(work.database_url, durable=False)) as database:
        async with (
            open_game(work.base_url, work.token, SystemClock()) as game,
            open_lab(game, database, work.times) as lab,
        ):
            run = await lab.read(lambda c: ExperimentRepository(c).get_run(work.run_id))
            await run_workers(replace(lab, pass_by=pass_by), run, work.ships, asyncio.Event())


def _command(words: tuple[str, ...], environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    main(words)

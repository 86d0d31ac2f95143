"""A laboratory with daemons in it, for stories in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection

from spacetraders_lab.core.container import Container
from spacetraders_lab.core.experiment import ExperimentRun, RunStatus
from spacetraders_lab.run.accounts import Accounts, Keys
from spacetraders_lab.run.app import LeaseTimes, Memory
from spacetraders_lab.run.credentials import Universe, remove_token, save_token
from spacetraders_lab.run.daemon import Daemon
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.database import Database
from spacetraders_lab.study.rig import BASE_URL, FOUR_CELLS, Rig
from spacetraders_lab.study.virtual import AtOnce

TIMES = LeaseTimes()


class Yard:
    """A laboratory with its token file, its containers, and the daemons that were started in it."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig, self.clock = rig, rig.clock
        self.tokens = folder / "tokens"
        self.daemons: list[Daemon] = []
        self.keep(rig.token)
        self.thread: Executor

    # --- what happens in it ---------------------------------------------------------------------------------------

    def play(self, story: Callable[[], Awaitable[None]], database: Database | None = None) -> None:
        """Tell a story in virtual time, in which daemons are started and end."""

        async def whole() -> None:
            with AtOnce() as self.thread:
                await story()

        self.database = database or self.rig.database
        self.rig.clock.run(whole())

    def fly_to_the_end(self, run: ExperimentRun) -> None:
        """Let one daemon fly a run, however it ends."""

        async def story() -> None:
            stop = asyncio.Event()
            serving = self.serve(self.daemon(), stop)
            await self.until(lambda: self.is_over(run))
            stop.set()
            await serving

        self.play(story)

    def play_until_over(self, run: ExperimentRun) -> None:
        """Let one daemon fly a run until it has ended or waits for its user, for half a day at most."""
        self.play_until(lambda: self.rig.run(run).status is not RunStatus.RUNNING)

    def play_until(self, condition: Callable[[], bool]) -> None:
        """Let one daemon drive what there is until the condition holds, for half a day at most."""

        async def story() -> None:
            stop = asyncio.Event()
            serving = self.serve(self.daemon(), stop)
            await self.until(condition, within=43_200, step=20)
            stop.set()
            await serving

        self.play(story)

    def daemon(self, **keys: Any) -> Daemon:
        """One more daemon, as a process of its own would have it; its use of the database takes no time."""
        memory, chance = Memory(self.database, self.thread, self.rig.clock), Random(1)
        accounts = Accounts(memory, Keys(self.tokens, **keys), TIMES, transport=self.rig.wire, chance=chance)
        daemon = Daemon(memory, accounts, TIMES, chance=chance)
        self.daemons.append(daemon)
        return daemon

    def serve(self, daemon: Daemon, stop: asyncio.Event | None = None) -> "asyncio.Task[None]":
        return asyncio.create_task(daemon.serve(stop or asyncio.Event()))

    async def until(self, condition: Callable[[], Any], within: float = 7200.0, step: float = 5.0) -> None:
        """Look every few seconds of virtual time until the condition holds."""
        deadline = self.clock.elapsed + within
        while not condition():
            assert self.clock.elapsed < deadline, f"it did not come to pass: {self.states()}"
            await asyncio.sleep(step)

    # --- what the user does ---------------------------------------------------------------------------------------

    def run(self, count: int, *ships: str, run_id: str = "run-1", **how: Any) -> ExperimentRun:
        """A run of so many pairs, its containers waiting for a daemon."""
        run = self.rig.queue(self.rig.pairs(count), FOUR_CELLS, run_id=run_id, **how)
        chosen = ships or self.rig.fleet
        self.write(lambda c: ContainerRepository(c).start(run, chosen, now=self.clock.now()))
        return run

    def keep(self, token: str) -> None:
        """Put the agent's token into the file of this machine."""
        universe = self.rig.universe
        here = Universe(f"{BASE_URL}#{universe.universe_id}", universe.reset_date)
        save_token(self.tokens, here, self.rig.agent.symbol, token)

    def forget_token(self) -> None:
        remove_token(self.tokens, BASE_URL, self.rig.agent.symbol)

    def write(self, work: Callable[[Connection], Any]) -> Any:
        with self.rig.database.transaction() as connection:
            return work(connection)

    # --- what can be seen -----------------------------------------------------------------------------------------

    def all_containers(self) -> list[Container]:
        return self.rig.read(lambda c: ContainerRepository(c).list_containers())

    def containers(self) -> dict[str, Container]:
        """The containers by ship, for a story of one run."""
        return {container.ship_symbol: container for container in self.all_containers()}

    def states(self) -> dict[str, str]:
        return {ship: container.state.value for ship, container in self.containers().items()}

    def owners(self) -> dict[str, str | None]:
        return {ship: container.owner for ship, container in self.containers().items()}

    def is_over(self, run: ExperimentRun) -> bool:
        return self.rig.run(run).status is RunStatus.COMPLETED

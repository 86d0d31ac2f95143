"""A whole laboratory in one process and in virtual time: sandbox, client, database, ships. Days of flying take seconds.

Nothing here is a stand-in: the server, the store and the workers are the real ones, joined without sockets.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any, TypeVar

import httpx2

from spacetraders_lab.core.experiment import Design, ExperimentRun, MarketPair
from spacetraders_lab.core.planning import Ways
from spacetraders_lab.game import reads
from spacetraders_lab.game.ways import find_ways
from spacetraders_lab.run.app import Lab, LeaseTimes, open_game, open_lab
from spacetraders_lab.run.changes import reopen
from spacetraders_lab.run.choice import MarketLiquidityExperimentCommand
from spacetraders_lab.run.coordinator import Prepared, launch
from spacetraders_lab.run.faultpoints import PassBy, pass_by
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.run.prepare import prepare
from spacetraders_lab.run.scout import scout
from spacetraders_lab.run.worker import WorkerReport
from spacetraders_lab.sandbox.api import create_app
from spacetraders_lab.sandbox.mishaps import ConnectionLost
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Agent, Universe
from spacetraders_lab.store.database import Database
from spacetraders_lab.study.books import Books
from spacetraders_lab.study.virtual import AtOnce, VirtualClock

BASE_URL = "http://sandbox/v2"
FRIGATE, PROBE = "SHIP_COMMAND_FRIGATE", "SHIP_PROBE"
ONE_CELL = Design(fractions=(1.0,), iterations=1)
FOUR_CELLS = Design(fractions=(0.5, 1.0), iterations=2)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it went over the wire; `status` is 0 when no answer came back."""

    at: datetime
    method: str
    path: str
    status: int

    def fits(self, method: str, ending: str) -> bool:
        return self.method == method and self.path.endswith(ending)


@dataclass(slots=True)
class Wire(httpx2.AsyncBaseTransport):
    """The way to the game: keeps every exchange, and lets a test act just before or just after one.

    `before` may answer in the game's place. Both may raise an httpx2 error: the request, or its answer, is then lost.
    """

    inner: httpx2.AsyncBaseTransport
    clock: VirtualClock
    log: list[Exchange] = field(default_factory=list)
    before: Callable[[httpx2.Request], httpx2.Response | None] = lambda request: None
    after: Callable[[Exchange], None] = lambda exchange: None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        at, status = self.clock.now(), 0
        try:
            response = self.before(request) or await self.inner.handle_async_request(request)
            status = response.status_code
            self.after(Exchange(at, request.method, request.url.path, status))
            return response
        except ConnectionLost as lost:  # over a socket, the server would have cut it
            raise httpx2.RemoteProtocolError(str(lost), request=request) from lost
        finally:
            self.log.append(Exchange(at, request.method, request.url.path, status))


class Rig(Books):
    """One universe with one agent, and the lab that plays it. Further settings are the sandbox's.

    `times`, `pass_by` and `make_thread` (for the database) are those of the labs that are opened from then on.
    """

    def __init__(
        self, database: Database, *, ships: int | tuple[str, ...] = 2, agent: str = "LAB", **settings: Any
    ) -> None:
        types = (FRIGATE,) * ships if isinstance(ships, int) else ships
        chosen: dict[str, Any] = {"profile": "lab", "credits": 5_000_000, "open_registration": True, "ships": types}
        self.database, self.base_url = database, BASE_URL
        self.times = LeaseTimes()
        self.pass_by: PassBy = pass_by
        self.make_thread: Callable[[], Executor] = AtOnce
        self.clock = VirtualClock()
        self.universe = Universe.create(SandboxSettings(**chosen | settings), now=self.clock.now())
        self.app = create_app(self.universe, self.clock)
        self.wire = Wire(httpx2.ASGITransport(app=self.app), self.clock)
        self.become(agent)

    def become(self, agent: str) -> None:
        """Register a new agent and play it from now on; what was begun for another goes on as its own."""
        self.token = self.clock.run(self._register(agent))
        self.agent: Agent = self.universe.agents[agent]

    # --- the lab --------------------------------------------------------------------------------------------------

    def play(self, work: Callable[[Lab], Awaitable[T]]) -> T:
        """Open the lab as a new process would, do the work, and close it."""
        return self.clock.run(self.process(work))

    async def process(self, work: Callable[[Lab], Awaitable[T]]) -> T:
        """The same in virtual time that runs already: one process of several."""
        async with (
            open_game(BASE_URL, self.token, self.clock, transport=self.wire, chance=Random(2)) as game,
            open_lab(game, self.database, self.times, make_thread=self.make_thread) as lab,
        ):
            return await work(replace(lab, chance=Random(1), pass_by=self.pass_by))

    def scout(self, *ships: str) -> int:
        return self.play(lambda lab: scout(lab, self.system, ships or self.fleet))

    def ways(self) -> Ways:
        """The ways between the markets, as a plan of the whole fleet finds them."""

        async def find(lab: Lab) -> Ways:
            return await find_ways(lab.game, self.system, await reads.list_ships(lab.game.client))

        return self.play(find)

    def command(self, **wishes: Any) -> MarketLiquidityExperimentCommand:
        """The command that the user would give for the whole fleet."""
        usual: dict[str, Any] = {"ship_symbols": self.fleet, "system_symbol": self.system, "design": FOUR_CELLS}
        return MarketLiquidityExperimentCommand(**usual | wishes)

    def prepare(self, **wishes: Any) -> Prepared:
        return self.play(lambda lab: prepare(lab, self.command(**wishes)))

    def launch(self, prepared: Prepared) -> ExperimentRun:
        return self.play(lambda lab: launch(lab, prepared)).run

    def queue(
        self,
        pairs: Sequence[MarketPair],
        design: Design = ONE_CELL,
        *,
        budget: int = 5_000_000,
        run_id: str = "run-1",
        **further: Any,
    ) -> ExperimentRun:
        """A run over just these pairs, past scouting and pricing; `further` as for `write_run`."""
        return self.write_run(pairs, design, now=self.clock.now(), budget=budget, run_id=run_id, **further)

    def fly(self, run: ExperimentRun, *ships: str, stop: asyncio.Event | None = None) -> list[WorkerReport]:
        """Let the ships (all, unless some are named) work until they leave."""
        return self.play(lambda lab: run_workers(lab, run, ships or self.fleet, stop or asyncio.Event()))

    def resume(self, run: ExperimentRun, *ships: str) -> list[WorkerReport]:
        """What `experiment resume` does."""

        async def go_on(lab: Lab) -> list[WorkerReport]:
            again = (await reopen(lab, run.run_id)).run
            return await run_workers(lab, again, ships or again.ships, asyncio.Event())

        return self.play(go_on)

    async def _register(self, symbol: str) -> str:
        async with open_game(BASE_URL, None, self.clock, transport=self.wire) as game:
            return (await reads.register(game.client, symbol, "COSMIC", None)).token

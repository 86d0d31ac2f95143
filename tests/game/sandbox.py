"""A game to play in tests: the real sandbox in process, in virtual time, an agent in it, and a line that may fail."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.game import reads
from spacetraders_lab.game.client import GameClient
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.sandbox.api import create_app
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from spacetraders_lab.study.virtual import VirtualClock

T = TypeVar("T")

BASE_URL = "http://sandbox/v2"


@dataclass
class Trouble:
    """What happens to the next `times` requests of a kind instead of the game's answer, executed or not."""

    method: str
    ending: str
    answer: httpx2.Response | Exception
    executed: bool = False
    times: int = 1


class Line(httpx2.AsyncBaseTransport):
    """The way to the sandbox: `sent` keeps what went out ("POST dock"), `troubles` is what will happen to it."""

    def __init__(self, server: httpx2.AsyncBaseTransport) -> None:
        self._server = server
        self.sent: list[str] = []
        self.troubles: list[Trouble] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(f"{request.method} {request.url.path.rpartition('/')[2]}")
        await asyncio.sleep(0)  # others get their turn, as on a real line
        for trouble in self.troubles:
            if trouble.times and request.method == trouble.method and request.url.path.endswith(trouble.ending):
                return await self._trouble(trouble, request)
        return await self._server.handle_async_request(request)

    async def _trouble(self, trouble: Trouble, request: httpx2.Request) -> httpx2.Response:
        trouble.times -= 1
        if trouble.executed:
            await self._server.handle_async_request(request)
        if isinstance(trouble.answer, Exception):
            raise trouble.answer
        return httpx2.Response(
            trouble.answer.status_code, headers=trouble.answer.headers, content=trouble.answer.content
        )


class Sandbox:
    """One universe with one agent; `play` runs a scene with the agent's game and first ship."""

    def __init__(self, **settings: Any) -> None:
        self.clock = VirtualClock()
        self.universe = Universe.create(SandboxSettings(**settings), now=self.clock.now())
        self.app = create_app(self.universe, self.clock)
        self.line = Line(httpx2.ASGITransport(app=self.app))
        self.limiter = TwoPoolLimiter(self.clock)  # one for all: the game counts by address, too

    @property
    def system(self) -> str:
        return next(iter(self.universe.systems))

    @property
    def places(self) -> tuple[Waypoint, ...]:
        return tuple(self.universe.systems[self.system].waypoints.values())

    def client(self, token: str | None) -> GameClient:
        return GameClient(BASE_URL, token, clock=self.clock, limiter=self.limiter, transport=self.line)

    async def join(self, symbol: str = "LAB") -> Game:
        """A game with a new agent's client."""
        registration = await reads.register(self.client(None), symbol, "COSMIC", "account-token")
        return Game(self.client(registration.token), self.clock)

    def stop_selling_fuel(self, waypoint: str) -> None:
        del self.universe.systems[self.system].markets[waypoint].listings["FUEL"]

    def play(self, scene: Callable[[Game, Ship], Awaitable[T]]) -> T:
        """Join, read the first ship and the map, and play; `line.sent` has what the scene sent."""

        async def whole() -> T:
            game = await self.join()
            ship = (await reads.list_ships(game.client))[0]
            await game.map(ship.system)
            self.line.sent.clear()
            return await scene(game, ship)

        return self.clock.run(whole())

    @property
    def trades(self) -> list[tuple[str, str, int]]:
        """What the server's own ledger says was bought and sold: kind, good, units."""
        return [(e.kind, e.good, e.units) for e in self.universe.ledger if e.kind in ("PURCHASE", "SELL")]

    @property
    def played(self) -> Counter[str]:
        """What the server was asked, by method and template."""
        counts: Counter[str] = Counter()
        for (method, template, _), count in self.app.state.requests.items():
            counts[f"{method} {template}"] += count
        return counts

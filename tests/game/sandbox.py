"""A game to play in tests: the real sandbox server in process, in virtual time, and an agent in it."""

from collections import Counter
from typing import Any

import httpx2

from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game import reads
from spacetraders_lab.game.client import GameClient
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.sandbox.api import create_app
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from tests.virtual import VirtualClock

BASE_URL = "http://sandbox/v2"


class Sandbox:
    """One universe, its server and its clock. `played` counts what the server was asked, by method and template."""

    def __init__(self, **settings: Any) -> None:
        self.clock = VirtualClock()
        self.universe = Universe.create(SandboxSettings(**settings), now=self.clock.now())
        self.app = create_app(self.universe, self.clock)
        self.transport: httpx2.AsyncBaseTransport = httpx2.ASGITransport(app=self.app)

    def client(self, token: str | None) -> GameClient:
        return GameClient(
            BASE_URL, token, clock=self.clock, limiter=TwoPoolLimiter(self.clock), transport=self.transport
        )

    async def join(self, symbol: str = "LAB") -> Game:
        """A game with a new agent's client."""
        registration = await reads.register(self.client(None), symbol, "COSMIC", "account-token")
        return Game(self.client(registration.token), self.clock)

    @property
    def played(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for (method, template, _), count in self.app.state.requests.items():
            counts[f"{method} {template}"] += count
        return counts


async def first_ship(game: Game) -> Ship:
    return (await reads.list_ships(game.client))[0]

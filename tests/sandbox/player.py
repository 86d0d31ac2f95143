"""A sandbox in process and a player at its API, for tests: calls are synchronous, time moves only when told to."""

import asyncio
import atexit
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from starlette.applications import Starlette

from spacetraders_lab.sandbox.api import create_app
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe

START = datetime(2026, 3, 1, 12, tzinfo=UTC)

_RUNNER = asyncio.Runner()  # of all players: to make a loop for a call takes longer than the call
atexit.register(_RUNNER.close)


class ManualClock:
    """A clock that stands still until somebody moves it; sleeping moves it."""

    def __init__(self, start: datetime = START) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - START).total_seconds()

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)


class Player:
    """An agent in a sandbox of its own. `data` of a reply is returned; a refusal is an assertion error."""

    def __init__(self, symbol: str = "TESTER", **settings: Any) -> None:
        settings.setdefault("rate_limit", False)
        self.clock = ManualClock()
        self.universe = Universe.create(SandboxSettings(**settings), self.clock.now())
        self.turn_to(create_app(self.universe, self.clock))
        self.headers: dict[str, str] = {"authorization": "Bearer an-account"}
        reply = self.post("/register", {"symbol": symbol, "faction": "COSMIC"})
        self.headers = {"authorization": f"Bearer {reply['token']}"}
        self.symbol = symbol

    def turn_to(self, app: Starlette) -> None:
        """Ask this server from now on."""
        self.app = app
        self._client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://sandbox/v2")

    @property
    def agent(self) -> Agent:
        return self.universe.agents[self.symbol]

    @property
    def ship(self) -> ShipState:
        """The first ship."""
        return self.universe.fleets[self.symbol][f"{self.symbol}-1"]

    @property
    def ship_path(self) -> str:
        return f"/my/ships/{self.symbol}-1"

    def market_path(self, waypoint: str) -> str:
        return f"/systems/{waypoint.rpartition('-')[0]}/waypoints/{waypoint}/market"

    def send(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """The bare reply. `headers` are added to the player's, None takes one away."""
        headers = {**self.headers, **arguments.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}

        return _RUNNER.run(self._client.request(method, path, headers=headers, **arguments))

    def get(self, path: str, **query: Any) -> Any:
        return self._data(self.send("GET", path, params=query))

    def post(self, path: str, body: Any = None) -> Any:
        return self._data(self.send("POST", path, json=body) if body is not None else self.send("POST", path))

    def patch(self, path: str, body: Any) -> Any:
        return self._data(self.send("PATCH", path, json=body))

    def refusal(self, method: str, path: str, body: Any = None, **arguments: Any) -> tuple[int, int, dict[str, Any]]:
        """(HTTP status, code, data) of a call that must be refused."""
        if body is not None:
            arguments["json"] = body
        reply = self.send(method, path, **arguments)
        assert reply.status_code >= 400, reply.text
        error = reply.json()["error"]
        assert error["message"]
        assert error["requestId"]
        return reply.status_code, error["code"], error.get("data", {})

    def fly(self, waypoint: str, *, dock: bool = True) -> None:
        """Bring the first ship to a waypoint and wait for it."""
        if self.ship.waypoint != waypoint:
            self.post(f"{self.ship_path}/orbit")
            self.post(f"{self.ship_path}/navigate", {"waypointSymbol": waypoint})
            self.clock.time = self.ship.flight.arrival
        if dock:
            self.post(f"{self.ship_path}/dock")

    @staticmethod
    def _data(reply: httpx2.Response) -> Any:
        assert reply.is_success, reply.text
        content = reply.json()
        return content.get("data", content)

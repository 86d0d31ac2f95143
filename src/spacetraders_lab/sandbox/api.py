"""The HTTP side: one Starlette application that authenticates, limits, calls a handler and wraps what it returns.

What the game means is in the handlers (`routes.py`) and below; here are only the envelope, tokens and errors.
"""

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any
from uuid import UUID

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.errors import GameError
from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.agents import agent_of
from spacetraders_lab.sandbox.calls import Access, Call, Endpoint, Page
from spacetraders_lab.sandbox.limits import RateLimits
from spacetraders_lab.sandbox.routes import ENDPOINTS
from spacetraders_lab.sandbox.universe import Agent, Universe

BASE_PATH = "/v2"
_JSON = "application/json; charset=utf-8"


def create_app(universe: Universe, clock: Clock) -> Starlette:
    """The game server over a universe, below /v2.

    `app.state.universe` is the universe, `app.state.requests` counts (method, route template, status).
    """
    server = _Server(universe, clock)
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    routes = [Route(BASE_PATH + path, server.serving(ways), methods=list(ways)) for path, ways in by_path.items()]
    app = Starlette(routes=routes, exception_handlers={404: server.no_route, 405: server.no_route})
    app.router.redirect_slashes = False
    app.state.universe = universe
    app.state.requests = server.requests
    return app


class _Server:
    """What all requests share: the universe, the clock, the limits and the count of requests."""

    def __init__(self, universe: Universe, clock: Clock) -> None:
        self.universe = universe
        self.clock = clock
        self.limits = RateLimits(universe.settings)
        self.random = Random(universe.settings.seed)
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.headers = {"x-sandbox-speed": f"{universe.settings.speed:g}"}

    def serving(self, ways: dict[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
        """The Starlette handler of a path, its operations given by method."""

        async def serve(request: Request) -> Response:
            endpoint = ways["GET" if request.method == "HEAD" else request.method]
            body = b"" if endpoint.method == "GET" else await request.body()
            response = self._answer(endpoint, request, body)
            self.requests[endpoint.method, endpoint.path, response.status_code] += 1
            return response

        return serve

    async def no_route(self, request: Request, error: Exception) -> Response:
        """What is not in the game's API: 404, or 405 for a path under another method."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        allowed = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        message = f"Route {request.method}:{request.url.path} not found"
        self.requests[request.method, "unknown", status] += 1
        return self._refusal(refusals.refuse(status, message, status), allowed)

    def _answer(self, endpoint: Endpoint, request: Request, body: bytes) -> Response:
        """Authenticate, limit, handle; every refusal of the game becomes its error reply."""
        headers: dict[str, str] = {}
        try:
            token = _bearer(request)
            agent, refusal = self._authenticate(endpoint, token)
            if self.universe.settings.rate_limit:
                headers = self._limit(request, agent)
            if refusal is not None:
                raise refusal
            call = Call(self.universe, self.clock.now(), agent, request.path_params, request.query_params, body, token)
            content = endpoint.handler(call)
        except GameError as error:
            return self._refusal(error, headers)
        return self._reply(endpoint, content, headers)

    def _authenticate(self, endpoint: Endpoint, token: str | None) -> tuple[Agent | None, GameError | None]:
        """Who asks, and why not: a bad token counts against the rate limit before it is refused."""
        if endpoint.access is Access.ACCOUNT or (endpoint.access is Access.OPEN and token is None):
            return None, None
        try:
            if token is None:
                raise refusals.missing_token()
            return agent_of(self.universe, token), None
        except GameError as error:
            return None, error

    def _limit(self, request: Request, agent: Agent | None) -> dict[str, str]:
        address = request.client.host if request.client else "unknown"
        admitted, figures = self.limits.admit(address, agent.symbol if agent else None, self.clock.now())
        headers = self.limits.headers(figures)
        if not admitted:
            headers["retry-after"] = str(max(1, math.ceil(figures["retryAfter"])))
            raise _Limited(figures, headers)
        return headers

    def _reply(self, endpoint: Endpoint, content: Any, headers: dict[str, str]) -> Response:
        if content is None:
            return Response(None, 204, {**self.headers, **headers})
        if isinstance(content, Page):
            content = {"data": content.data, "meta": content.meta}
        elif endpoint.enveloped:
            content = {"data": content}
        return Response(msgspec.json.encode(content), endpoint.status, {**self.headers, **headers}, _JSON)

    def _refusal(self, error: GameError, headers: dict[str, str]) -> Response:
        if isinstance(error, _Limited):
            headers = error.headers
        shown: dict[str, Any] = {"message": str(error), "code": error.code}
        if error.data:
            shown["data"] = dict(error.data)
        shown["requestId"] = self._request_id()
        content = msgspec.json.encode({"error": shown})
        return Response(content, error.http_status, {**self.headers, **headers}, _JSON)

    def _request_id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))


class _Limited(GameError):
    """Over the rate limit, with the headers that say until when."""

    def __init__(self, figures: dict[str, Any], headers: dict[str, str]) -> None:
        refusal = refusals.over_rate_limit(figures)
        super().__init__(str(refusal), code=refusal.code, http_status=refusal.http_status, data=refusal.data)
        self.headers = headers


def _bearer(request: Request) -> str | None:
    """The bearer token of a request, None without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None

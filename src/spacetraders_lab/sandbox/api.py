"""The HTTP side: one Starlette application that authenticates, limits, calls a handler and wraps what it returns.

What the operations mean is in the handlers; here are only the envelope, tokens, errors and where faults strike.
"""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache, partial
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.errors import GameError
from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.agents import agent_of
from spacetraders_lab.sandbox.calls import Access, Call, Endpoint, Page
from spacetraders_lab.sandbox.faults import Fault, FaultRule
from spacetraders_lab.sandbox.host import Host
from spacetraders_lab.sandbox.limits import HEADERS, RateLimited
from spacetraders_lab.sandbox.mishaps import Mishaps
from spacetraders_lab.sandbox.routes import ENDPOINTS
from spacetraders_lab.sandbox.universe import Agent, Universe

BASE_PATH = "/v2"
_JSON = "application/json; charset=utf-8"
_HOUR = 3600.0
_NO_QUERY = QueryParams()
_WITH_EMPTY_DATA = {4103}  # the game shows data there though it has none


def create_app(universe: Universe, clock: Clock) -> Starlette:
    """The game server over a universe, below /v2.

    Its `state` tells tests what happens inside: `universe` is the present one (another after a reset), `requests`
    counts (method, route template, status), `faults` are the rules in force, `host` holds all of it.
    """
    app = Starlette()
    host = Host(universe, clock, publish=partial(setattr, app.state, "universe"))
    api = _Api(host)
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    for slash in ("", "/"):  # one at the end changes nothing; the usual paths come first
        app.router.routes += [
            Route(BASE_PATH + path + slash, api.serving(ways), methods=[*ways])
            for path, ways in by_path.items()
            if not path.endswith("/") or not slash
        ]
    app.router.redirect_slashes = False
    for status in (404, 405):
        app.add_exception_handler(status, api.no_route)
    app.add_exception_handler(Exception, api.broken)
    app.add_middleware(
        CORSMiddleware,  # so that a page of a browser can play
        allow_origins=["*"],
        allow_methods=["*"],
        allow_headers=["authorization", "content-type"],
        expose_headers=[*HEADERS.values(), "retry-after"],
    )
    app.state.host, app.state.requests, app.state.faults = host, host.requests, host.faults
    return app


class _Api:
    """Turns HTTP requests into calls and what comes back into replies."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.mishaps = Mishaps(host.clock)
        self._speed = f"{host.universe.settings.speed:g}"
        self.statuses = dict(host.universe.settings.error_statuses)

    @property
    def headers(self) -> dict[str, str]:
        """What every reply says of the game; the date is of the clock that makes all stamps."""
        return {"x-sandbox-speed": self._speed, "date": _date(self.host.clock.now().replace(microsecond=0))}

    def serving(self, ways: dict[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
        """The Starlette handler of a path, its operations given by method."""

        async def serve(request: Request) -> Response:
            endpoint = ways["GET" if request.method == "HEAD" else request.method]
            body = b"" if endpoint.method == "GET" else await request.body()
            rule = self.host.faults.choose(endpoint.method, endpoint.path)
            answer = partial(self._answer, endpoint, request, body)
            ship = request.path_params.get("ship") if endpoint.method != "GET" else None
            try:
                with self.host.serving(ship) if ship else nullcontext():
                    reply = answer() if rule is None else await self._struck(rule, ship, answer)
            except GameError as error:
                reply = self._refusal(error, {})
            self.host.requests[endpoint.method, endpoint.path, reply.status_code] += 1
            return reply

        return serve

    async def no_route(self, request: Request, error: Exception) -> Response:
        """What is not in the game's API: 404, or 405 for a path under another method, in the form of its web server."""
        known = error if isinstance(error, HTTPException) else HTTPException(404)
        headers, now = dict(known.headers or {}), self.host.clock.now()
        try:
            self.host.check_open(now)
            agent, _ = self._authenticate(Access.OPEN, _bearer(request))
            headers |= self._admit(request, agent, now)
            message = f"Route {request.method}:{request.url.path} not found"
            shown = {"message": message, "error": known.detail, "statusCode": known.status_code}
            reply = Response(msgspec.json.encode(shown), known.status_code, {**self.headers, **headers}, _JSON)
        except GameError as refusal:
            reply = self._refusal(refusal, headers)
        self.host.requests[request.method, "unknown", reply.status_code] += 1
        return reply

    async def broken(self, request: Request, error: Exception) -> Response:
        """A fault of the sandbox itself, in the game's form; the server goes on to report it."""
        return self._refusal(refusals.refuse(500, "The sandbox has failed at this request.", 500), {})

    async def _struck(self, rule: FaultRule, ship: str | None, answer: Callable[[], Response]) -> Response:
        """The reply to a request that a fault strikes. Raises GameError where the game itself would refuse."""
        if rule.fault is Fault.RESET:
            self.host.reset(rule.seconds or 0)
            return answer()
        if rule.fault is Fault.MAINTENANCE:
            self.host.close(_HOUR if rule.seconds is None else rule.seconds)
            return answer()
        if rule.fault is Fault.LIMITED:
            raise self.host.limits.refusal(rule.seconds or 1.0, self.host.clock.now())
        return await self.mishaps.befall(rule, ship, answer)

    def _answer(self, endpoint: Endpoint, request: Request, body: bytes) -> Response:
        """Authenticate, limit, handle; every refusal of the game becomes its error reply."""
        headers: dict[str, str] = {}
        now, universe = self.host.clock.now(), self.host.universe
        try:
            self.host.check_open(now)
            token = _bearer(request)
            agent, refusal = self._authenticate(endpoint.access, token)
            headers = self._admit(request, agent, now)
            if refusal is not None:
                raise refusal
            _check_json(request, body)
            query = request.query_params if request.scope["query_string"] else _NO_QUERY
            call = Call(universe, now, agent, request.path_params, query, body, token)
            content = endpoint.handler(call)
        except GameError as error:
            return self._refusal(error, headers)
        return self._reply(endpoint, content, headers)

    def _admit(self, request: Request, agent: Agent | None, now: datetime) -> dict[str, str]:
        """Count the request; gives the headers of the limit. Raises RateLimited beyond it."""
        if not self.host.universe.settings.rate_limit:
            return {}
        address = request.client.host if request.client else "unknown"
        return self.host.limits.admit(address, agent.symbol if agent else None, now)

    def _authenticate(self, access: Access, token: str | None) -> tuple[Agent | None, GameError | None]:
        """Who asks, and why not: a bad token counts against the rate limit before it is refused."""
        if access is Access.ACCOUNT or (access is Access.OPEN and token is None):
            return None, None
        try:
            if token is None:
                raise refusals.missing_token()
            return agent_of(self.host.universe, token), None
        except GameError as error:
            return None, error

    def _reply(self, endpoint: Endpoint, content: Any, headers: dict[str, str]) -> Response:
        if content is None:
            return Response(None, 204, {**self.headers, **headers})
        if isinstance(content, Page):
            content = {"data": content.data, "meta": content.meta}
        elif endpoint.enveloped:
            content = {"data": content}
        return Response(msgspec.json.encode(content), endpoint.status, {**self.headers, **headers}, _JSON)

    def _refusal(self, error: GameError, headers: dict[str, str]) -> Response:
        if isinstance(error, RateLimited):
            headers = error.headers
        shown: dict[str, Any] = {"message": str(error), "code": error.code}
        if error.data or error.code in _WITH_EMPTY_DATA:
            shown["data"] = dict(error.data)
        shown["requestId"] = self.host.request_id()
        content = msgspec.json.encode({"error": shown})
        status = self.statuses.get(error.code, error.http_status)
        return Response(content, status, {**self.headers, **headers}, _JSON)


@lru_cache(maxsize=4)  # several replies come within a second
def _date(second: datetime) -> str:
    return format_datetime(second, usegmt=True)


def _bearer(request: Request) -> str | None:
    """The bearer token of a request, None without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _check_json(request: Request, body: bytes) -> None:
    """Raises 3001 for an order that is called JSON and has no body: the game does not take that for an empty object."""
    if body or request.method in ("GET", "HEAD"):
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        raise refusals.empty_json()

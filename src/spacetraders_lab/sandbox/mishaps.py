"""Carries faults out: what a struck request meets instead of, or beside, what the game would have done."""

import asyncio
from collections.abc import Callable

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.faults import Fault, FaultRule
from spacetraders_lab.sandbox.limits import RateLimited

ABORT = "sandbox.abort"  # the ASGI extension by which a server lets a connection be cut


class ConnectionLost(ConnectionError):
    """The connection broke before any reply. Called in process, the application raises this."""


class LostConnection(Response):
    """No reply at all: cuts the connection where the server allows it, else raises ConnectionLost."""

    def __init__(self) -> None:
        super().__init__(status_code=0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        extension = scope.get("extensions", {}).get(ABORT)
        if extension is None:
            raise ConnectionLost("the connection broke before any reply")
        extension["abort"]()
        while (await receive())["type"] != "http.disconnect":
            pass


_HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>proxy</body></html>"


class Mishaps:
    """Carries faults out on a request: `answer` lets the game do it and gives the reply it would have given."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._late: set[asyncio.Task[Response]] = set()

    async def befall(self, rule: FaultRule, ship: str | None, answer: Callable[[], Response]) -> Response:
        """The reply to a request that the rule strikes. Raises GameError where the game itself would refuse."""
        seconds = rule.seconds or 0.0
        match rule.fault:
            case Fault.LATE_REQUEST:
                return await self._later(seconds, answer)
            case Fault.LATENCY:
                reply = answer()
                await self.clock.sleep(seconds)
                return reply
            case Fault.LOST_REPLY | Fault.SERVER_ERROR | Fault.TRUNCATED:
                return _spoilt(rule.fault, answer())
            case Fault.LOCKED:
                raise refusals.locked(ship or "?")
            case _:
                return _instead(rule.fault)

    async def _later(self, seconds: float, answer: Callable[[], Response]) -> Response:
        """Shielded: a caller that gives up does not take the request back."""

        async def wait() -> Response:
            await self.clock.sleep(seconds)
            return answer()

        task = asyncio.ensure_future(wait())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        return await asyncio.shield(task)


def _spoilt(fault: Fault, reply: Response) -> Response:
    """What becomes of a reply on its way, after effect."""
    if fault is Fault.LOST_REPLY:
        return LostConnection()
    if fault is Fault.SERVER_ERROR:
        raise refusals.unshowable()
    half = bytes(reply.body)[: len(reply.body) // 2]
    return Response(half, reply.status_code, media_type="application/json")


def _instead(fault: Fault) -> Response:
    """What somebody else answers in the game's place."""
    if fault is Fault.PROXY_429:
        return HTMLResponse(_HTML.format("429 Too Many Requests"), 429)
    if fault is Fault.PROXY_502:
        return HTMLResponse(_HTML.format("502 Bad Gateway"), 502)
    if fault is Fault.LIMITED_BARE:
        raise RateLimited({}, {})
    return LostConnection()

"""The operator's door: truth, ledger, faults, maintenance and reset, on a loopback port of its own with its own token.

It is no part of the game's API and never served beside it.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spacetraders_lab.sandbox.faults import FaultRule
from spacetraders_lab.sandbox.host import Host
from spacetraders_lab.sandbox.truth import truth

_HOUR = 3600.0
_PAGE = 1000  # ledger entries a reply


def create_admin(host: Host, token: str) -> Starlette:
    """The operator's application; every request needs `Authorization: Bearer <token>`.

    GET /truth · GET /ledger?after=SEQUENCE · GET, PUT /faults · POST /maintenance?seconds= · POST /reset?seconds=
    """

    def guarded(work: Callable[[Host, Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def handler(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
                return _reply({"error": "the admin token is missing or wrong"}, 401)
            try:
                return _reply(await work(host, request))
            except (msgspec.DecodeError, ValueError) as error:
                return _reply({"error": str(error)}, 422)

        return handler

    return Starlette(
        routes=[
            Route("/truth", guarded(_truth)),
            Route("/ledger", guarded(_ledger)),
            Route("/faults", guarded(_faults)),
            Route("/faults", guarded(_set_faults), methods=["PUT"]),
            Route("/maintenance", guarded(_maintenance), methods=["POST"]),
            Route("/reset", guarded(_reset), methods=["POST"]),
        ]
    )


async def _truth(host: Host, request: Request) -> Any:
    return truth(host.universe, host.clock.now())


async def _ledger(host: Host, request: Request) -> Any:
    after = max(0, int(request.query_params.get("after", "0")))
    return {"entries": host.universe.ledger[after : after + _PAGE], "total": len(host.universe.ledger)}


async def _faults(host: Host, request: Request) -> Any:
    return {"rules": host.faults.rules, "injected": host.faults.injected}


async def _set_faults(host: Host, request: Request) -> Any:
    host.faults.set(msgspec.json.decode(await request.body(), type=tuple[FaultRule, ...]))
    return await _faults(host, request)


async def _maintenance(host: Host, request: Request) -> Any:
    host.close(float(request.query_params.get("seconds", _HOUR)))
    return {"closedUntil": host.closed_until}


async def _reset(host: Host, request: Request) -> Any:
    host.reset(float(request.query_params.get("seconds", 0)))
    return {"resetDate": host.universe.reset_date}


def _reply(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")

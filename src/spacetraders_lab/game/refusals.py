"""What a reply that is no success means: asking again may help, the game said no, or nobody can play at present.

Codes and HTTP statuses decide, never the words of a message (source: the game's `/error-codes`, its rate limit page).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec

from spacetraders_lab.core.errors import GameError, LabError, Maintenance, TokenRefused, UniverseReset
from spacetraders_lab.core.retry import Failure

_RATE_LIMITED = 429
_LOCKED = 409
UNSHOWABLE = 3000
_RESETTING = 3100
_OTHER_UNIVERSE = 4113
_LONGEST_REST = 3600.0  # seconds: whoever asks for more is asked again all the same
# What the layer in front of the game answers by itself, and for a while: it did not let the request through, or it
# grew tired of waiting, and nobody knows for whom.
_OF_THE_LAYER_IN_FRONT = {401: Failure.TURNED_AWAY, 403: Failure.TURNED_AWAY, 408: Failure.NO_ANSWER}


@dataclass(eq=False)
class Failed(Exception):
    """One try of a request came to nothing. `retry_after`: seconds of the clock that the game told us to stay away."""

    failure: Failure
    why: str
    http_status: int = 0
    retry_after: float = 0.0
    code: int = 0


@dataclass(frozen=True, slots=True)
class _Refusal:
    message: str = ""
    code: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


_SILENT = _Refusal()


def meaning(response: httpx2.Response, endpoint: str) -> LabError | Failed:
    """The exception that this reply (no 2xx) stands for; the request's token does not occur in it."""
    status, refusal = response.status_code, _refusal_in(response)
    said = refusal.message or f"HTTP {status} without a reason"
    if refusal.code == _RESETTING:
        return Maintenance(said)
    if status == _RATE_LIMITED:
        return _too_many(status, response, refusal)
    if status >= 500:
        return _server_trouble(status, refusal.code, endpoint)
    if status == 401 and refusal.code:
        return UniverseReset(said) if refusal.code == _OTHER_UNIVERSE else TokenRefused(said)
    if refusal.code == _LOCKED:
        return Failed(Failure.LOCKED, said, status)
    if not refusal.code:
        said = f"{endpoint}: {said}{_sent_on(response)}; is {response.request.url.host} the game's API?"
        if status in _OF_THE_LAYER_IN_FRONT:
            return Failed(_OF_THE_LAYER_IN_FRONT[status], said, status)
    return GameError(said, code=refusal.code, http_status=status, data=refusal.details)


def _server_trouble(status: int, code: int, endpoint: str) -> LabError | Failed:
    """A 5xx without the game's own word on a reset: what was asked may still have been done."""
    if code == UNSHOWABLE:
        return Failed(Failure.UNSHOWABLE, f"the game cannot show it: HTTP {status}, code {code}", status, code=code)
    if status == 503 and endpoint.startswith("GET "):
        return Maintenance("the game is not available at present (HTTP 503)")
    return Failed(Failure.BAD_GATEWAY if status == 502 else Failure.NO_ANSWER, f"HTTP {status}", status)


def _too_many(status: int, response: httpx2.Response, refusal: _Refusal) -> Failed:
    """The game says when to come back (in fractions of a second in the body); the layer in front of it does not."""
    for told in (refusal.details.get("retryAfter"), response.headers.get("retry-after")):
        if (seconds := number(told)) is not None:
            return Failed(Failure.RATE_LIMITED, "HTTP 429", status, retry_after=min(max(0.0, seconds), _LONGEST_REST))
    return Failed(Failure.TURNED_AWAY, "HTTP 429 without a time to come back", status)


def _refusal_in(response: httpx2.Response) -> _Refusal:
    """What the game says in its own form; the layer in front of it answers in other forms, or with none."""
    try:
        body = msgspec.json.decode(_without_token(response, response.content))
    except (msgspec.DecodeError, RecursionError):
        return _SILENT
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):  # from the game's web server, which says it in a form of its own: there is no such path
        return _refusal_of({"message": body.get("message")})
    return _refusal_of(error) if isinstance(error, dict) else _SILENT


def _refusal_of(error: Mapping[str, Any]) -> _Refusal:
    """Each field by itself, so that one in an odd form does not take the others along."""
    message, code, data = error.get("message"), error.get("code"), error.get("data")
    return _Refusal(
        message if isinstance(message, str) else "",
        int(number(code) or 0),
        data if isinstance(data, dict) else {},
    )


def _sent_on(response: httpx2.Response) -> str:
    """Where a redirect leads, in words; it is not followed, for the token would go along."""
    location = _without_token(response, response.headers.get("location", "").encode()).decode()
    return f", which sends on to {location}" if location else ""


def _without_token(response: httpx2.Response, said: bytes) -> bytes:
    token = response.request.headers.get("authorization", "").removeprefix("Bearer ")
    return said.replace(token.encode(), b"...") if token else said


def number(told: Any) -> float | None:
    """A finite number, however it is written; None for anything else."""
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    try:
        value = float(told)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None

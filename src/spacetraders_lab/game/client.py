"""One account's line to the game: sends requests within the limit, asks again where that is safe, types the answers.

It decides nothing about ships. A request that may have been executed without an answer is never sent twice.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from random import Random
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.errors import GameError, GameUnreachable, UserError
from spacetraders_lab.core.retry import Failure, decide
from spacetraders_lab.core.skew import Skew
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.game.refusals import Failed, meaning

T = TypeVar("T")

log = logging.getLogger(__name__)

_THE_GAMES_HOST = ".spacetraders.io"
LATE_SECONDS = 20.0  # after an unknown reply in which the request may still take effect: the time-out and a little more
_LONG_WAIT = 5.0  # seconds: who waits longer for a command may take it for dead
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


@dataclass(slots=True)
class Caller:
    """Who a task asks for, and those that it starts, once it is put into `caller` there.

    `requests` counts what was sent. Those who have been at it longest, `since` a time of the clock's `monotonic`, go
    first at the limit.
    """

    requests: int = 0
    since: float | None = None


caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


class EffectUnknown(GameUnreachable):
    """The request went out and no usable answer came: it may have been executed or not."""


class GameClient:
    """The API at `base_url` with one agent's token (None: only what needs no token).

    Calls take a path template whose places are given by name, `get(Data[Agent], "/my/ships/{ship}", ship="A-1")`,
    and return the decoded reply. They raise GameError when the game refuses, a WorldCondition when nobody can play
    at present, GameUnreachable when asking again did not help (nothing was executed in any of these), and `post` and
    `patch` raise EffectUnknown when the request may have been executed. `requests` counts what was sent, by template,
    and `outcomes` what came of it, by template and HTTP status (or NOT_SENT, NO_ANSWER). `skew` is how the game's
    clock differs from ours, as far as its replies tell.
    No request takes longer than `timeout` seconds from being sent to its answer.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None,
        *,
        clock: Clock,
        limiter: TwoPoolLimiter,
        transport: httpx2.AsyncBaseTransport | None = None,
        timeout: float = 15.0,
        chance: Random | None = None,
    ) -> None:
        url = _checked_url(base_url)
        is_here = url.host in ("localhost", "127.0.0.1", "::1")
        self.base_url = str(url)
        self.requests: Counter[str] = Counter()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.clock = clock
        self.skew = Skew()
        self._limiter = limiter
        self._chance = chance or Random()
        self._timeout = timeout
        self._requests: dict[tuple[str, ...], httpx2.Request] = {}
        self._http = httpx2.AsyncClient(
            headers=_authorization(token),
            # Shares of the whole, so that a connection that never comes about is known as one.
            timeout=httpx2.Timeout(timeout, connect=timeout / 3, pool=timeout / 3),
            transport=transport,
            follow_redirects=False,
            trust_env=not is_here,  # no proxy leads to this machine
            verify=not is_here or url.scheme != "http",  # to read whom to trust takes longer than all else at a start
        )

    def __repr__(self) -> str:
        return f"GameClient({self.base_url!r})"

    @property
    def speed(self) -> float:
        """Game seconds in a second: 1 but in a sandbox."""
        return self._limiter.speed

    @property
    def limiter(self) -> TwoPoolLimiter:
        """What makes requests wait their turn."""
        return self._limiter

    async def aclose(self) -> None:
        await self._http.aclose()

    def begin_visit(self) -> None:
        """The ship that the calling task asks for has just arrived: those who came before it go first at the limit."""
        if (own := caller.get()) is not None:
            own.since = self.clock.monotonic()

    async def get(self, shape: type[T], template: str, *, query: Mapping[str, Any] | None = None, **places: str) -> T:
        """Read something; asked again until it answers or the tries are spent."""
        request = self._request("GET", template, places, params=query)
        return await self._call(shape, f"GET {template}", request)

    async def post(
        self,
        shape: type[T],
        template: str,
        *,
        json: Any = None,
        token: str | None = None,
        may_send: Callable[[], None] | None = None,
        **places: str,
    ) -> T:
        """Do something, at most once. `token` takes the place of the client's own.

        `may_send` is called just before each time that the request goes out, which may be long after the call, for
        requests wait their turn; what it raises is raised and nothing is sent.
        """
        request = self._request("POST", template, places, json=json, token=token)
        return await self._call(shape, f"POST {template}", request, may_send)

    async def patch(self, shape: type[T], template: str, *, json: Any, **places: str) -> T:
        """Change something, at most once."""
        return await self._call(shape, f"PATCH {template}", self._request("PATCH", template, places, json=json))

    async def _call(
        self, shape: type[T], endpoint: str, request: httpx2.Request, may_send: Callable[[], None] | None = None
    ) -> T:
        failures = 0
        own = caller.get() or Caller()
        while True:
            await self._limiter.acquire(own.since)
            if may_send is not None:
                may_send()
            self.requests[endpoint] += 1
            own.requests += 1
            sent = self.clock.now()
            try:
                response = await self._send(endpoint, request)
                told = dict(response.headers.items())  # read once, for each look into them takes as long
                self._limiter.note(told)
                if not response.is_success:
                    raise meaning(response, endpoint)
                self._note_date(told, sent)
                return _read(shape, response, endpoint)
            except Failed as failed:
                failures += 1
                await self._wait_or_give_up(failed, failures, endpoint)

    def _request(
        self, method: str, template: str, places: Mapping[str, str], *, token: str | None = None, **content: Any
    ) -> httpx2.Request:
        """What is sent; no cookies go along.

        One that carries nothing of its own is kept: ships ask the same again, and building it takes as long as sending.
        """
        key = (method, template, *places.values())
        if key not in self._requests:
            path = template.format_map({name: quote(place, safe="") for name, place in places.items()})
            address = httpx2.URL(self.base_url.rstrip("/") + path)
            self._requests[key] = httpx2.Request(method, address, headers=self._http.headers)
        bare = self._requests[key]
        if token is None and all(part is None for part in content.values()):
            return bare
        headers = self._http.headers if token is None else self._http.headers | _authorization(token)
        return httpx2.Request(method, bare.url, headers=headers, **content)

    async def _send(self, endpoint: str, request: httpx2.Request) -> httpx2.Response:
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._http.send(request)
            self.outcomes[endpoint, str(response.status_code)] += 1
            return response
        except _NEVER_SENT as error:
            self.outcomes[endpoint, Failure.NOT_SENT] += 1
            raise Failed(Failure.NOT_SENT, type(error).__name__) from error
        except (httpx2.RequestError, TimeoutError) as error:
            self.outcomes[endpoint, Failure.NO_ANSWER] += 1
            raise Failed(Failure.NO_ANSWER, type(error).__name__) from error

    def _note_date(self, headers: Mapping[str, str], sent: datetime) -> None:
        """Learn how our clock differs from the game's; not from a reply out of a cache, which was dated in the past."""
        if headers.get("age", "0") != "0":
            return
        try:
            self.skew.note(_hour(headers["date"]), sent=sent, received=self.clock.now())
        except (KeyError, ValueError, TypeError):
            return  # none, or no date of a known hour

    async def _wait_or_give_up(self, failed: Failed, failures: int, endpoint: str) -> None:
        failure = failed.failure
        decision = decide(failure, failures, repeatable=_is_read(endpoint), chance=self._chance.random())
        wait = failed.retry_after + decision.wait_seconds / self.speed
        if failure.concerns_everybody:
            self._limiter.pause(wait)
        if not decision.again:
            kind = EffectUnknown if failure.may_have_been_executed and not _is_read(endpoint) else GameUnreachable
            tries = "1 try" if failures == 1 else f"{failures} tries"
            message = f"{endpoint}: no usable answer from {self.base_url} in {tries} ({failed.why})"
            raise kind(message, code=failed.code, http_status=failed.http_status) from failed
        if wait >= _LONG_WAIT:
            log.warning("%s failed (%s); trying again in %.0f seconds", endpoint, failed.why, wait)
        if not failure.concerns_everybody:
            await self.clock.sleep(wait)


def _read(shape: type[T], response: httpx2.Response, endpoint: str) -> T:
    """The reply in its shape. JSON of another shape would not change by asking again; what is no JSON may."""
    try:
        reply: T = _decoder(shape).decode(response.content)  # type: ignore[arg-type]  # every shape can be hashed
        return reply
    except msgspec.ValidationError as error:
        kind = GameError if _is_read(endpoint) else EffectUnknown
        message = f"{endpoint}: the game answered in a form that this program does not know ({error})"
        raise kind(message, http_status=response.status_code) from error
    except msgspec.DecodeError as error:
        raise Failed(Failure.NO_ANSWER, "an answer that is no JSON", response.status_code) from error


@lru_cache(maxsize=4)  # several replies come within a second, and dates are dear to read
def _hour(date: str) -> datetime:
    return parsedate_to_datetime(date)


def _is_read(endpoint: str) -> bool:
    return endpoint.startswith("GET ")


@cache
def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape, strict=False)  # 72.0 is a number of credits too


def _authorization(token: str | None) -> dict[str, str]:
    """The header that carries a token; raises UserError for what cannot be one, without repeating it."""
    if token is None:
        return {}
    if not token.isascii() or not token.isprintable() or " " in token or not token:
        raise UserError("the token is damaged: tokens have no spaces, line ends or special characters; copy it again")
    return {"Authorization": f"Bearer {token}"}


def _checked_url(base_url: str) -> httpx2.URL:
    if "@" in base_url:  # it would be shown and stored
        raise UserError("an address of the game has no user name and no password; tokens go into SPACETRADERS_TOKEN")
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host or "?" in base_url or "#" in base_url:
        raise UserError(f"{base_url!r} is not a base URL; it should look like https://api.spacetraders.io/v2")
    if url.scheme == "http" and f".{url.host.rstrip('.')}".endswith(_THE_GAMES_HOST):
        raise UserError(f"{base_url!r} would send the token in clear; write it with https://")
    return url

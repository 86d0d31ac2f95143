"""The game's rate limit: two pools that add, counted per account and per address. It only counts and says when."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from spacetraders_lab.core.errors import GameError
from spacetraders_lab.sandbox.refusals import stamp
from spacetraders_lab.sandbox.settings import SandboxSettings


@dataclass(slots=True)
class Pool:
    """At most `size` requests within any `window` on the wall clock."""

    size: int
    window: timedelta
    taken: deque[datetime] = field(default_factory=deque)

    def room(self, now: datetime) -> int:
        """Requests that may be made now."""
        while self.taken and now - self.taken[0] >= self.window:
            self.taken.popleft()
        return self.size - len(self.taken)

    def free_at(self, now: datetime) -> datetime:
        """When there is room for the next request."""
        return now if self.room(now) > 0 else self.taken[0] + self.window


@dataclass(slots=True)
class Limit:
    """What one account or one address may do: the steady pool first, the burst pool when that is used up."""

    kind: str
    steady: Pool
    burst: Pool

    def free_at(self, now: datetime) -> datetime:
        return min(self.steady.free_at(now), self.burst.free_at(now))

    def take(self, now: datetime) -> None:
        pool = self.steady if self.steady.room(now) > 0 else self.burst
        pool.taken.append(now)

    def remaining(self, now: datetime) -> int:
        return self.steady.room(now) + self.burst.room(now)


class RateLimited(GameError):
    """Over the rate limit; `headers` say until when."""

    def __init__(self, figures: Mapping[str, Any], headers: dict[str, str]) -> None:
        super().__init__("You have reached your API limit.", code=429, http_status=429, data=figures)
        self.headers = headers


class RateLimits:
    """All limits of a server; windows are divided by the speed of its universe."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self._limits: dict[tuple[str, str], Limit] = {}

    def admit(self, address: str, account: str | None, now: datetime) -> dict[str, str]:
        """Count a request for its address and, when it has one, its account; gives the headers of the nearer limit.

        Raises RateLimited when either is used up; such a request counts for neither.
        """
        limits = [self._limit("IP Address", address)]
        if account is not None:
            limits.append(self._limit("Account", account))
        left = [limit.remaining(now) for limit in limits]
        if not all(left):
            latest = max(limits, key=lambda limit: limit.free_at(now))
            raise self._refusal(latest.kind, (latest.free_at(now) - now).total_seconds(), now)
        for limit in limits:
            limit.take(now)
        least = min(left)
        nearest = limits[left.index(least)]
        return _headers(self._figures(nearest.kind, least - 1, nearest.free_at(now)))

    def refusal(self, seconds: float, now: datetime) -> RateLimited:
        """A refusal as if the address could send again in so many seconds."""
        return self._refusal("IP Address", seconds, now)

    def _refusal(self, kind: str, seconds: float, now: datetime) -> RateLimited:
        figures = self._figures(kind, 0, now + timedelta(seconds=seconds)) | {"retryAfter": round(seconds, 6)}
        return RateLimited(figures, _headers(figures) | {"retry-after": str(max(1, math.ceil(seconds)))})

    def _limit(self, kind: str, key: str) -> Limit:
        found = self._limits.get((kind, key))
        if found is None:
            settings = self.settings
            steady = Pool(settings.requests_per_second, timedelta(seconds=1 / settings.speed))
            burst = Pool(settings.burst_requests, timedelta(seconds=settings.burst_seconds / settings.speed))
            found = self._limits[kind, key] = Limit(kind, steady, burst)
        return found

    def _figures(self, kind: str, remaining: int, reset: datetime) -> dict[str, Any]:
        return {
            "type": kind,
            "limitBurst": self.settings.burst_requests,
            "limitPerSecond": self.settings.requests_per_second,
            "remaining": remaining,
            "reset": stamp(reset),
        }


HEADERS = {
    "type": "x-ratelimit-type",
    "limitBurst": "x-ratelimit-limit-burst",
    "limitPerSecond": "x-ratelimit-limit-per-second",
    "remaining": "x-ratelimit-remaining",
    "reset": "x-ratelimit-reset",
}


def _headers(figures: Mapping[str, Any]) -> dict[str, str]:
    return {header: str(figures[name]) for name, header in HEADERS.items()}

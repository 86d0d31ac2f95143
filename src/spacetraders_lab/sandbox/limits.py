"""The game's rate limit: two pools that add, counted per account and per address. It only counts and says when."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

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


class RateLimits:
    """All limits of a server; windows are divided by the speed of its universe."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self._limits: dict[tuple[str, str], Limit] = {}

    def admit(self, address: str, account: str | None, now: datetime) -> tuple[bool, dict[str, Any]]:
        """Whether a request may go on, and the figures of the limit that is nearest to its end.

        A request counts for its address and, when it has one, its account; a refused one counts for neither.
        """
        limits = [self._limit("IP Address", address)]
        if account is not None:
            limits.append(self._limit("Account", account))
        full = [limit for limit in limits if limit.free_at(now) > now]
        if full:
            return False, self._figures(max(full, key=lambda limit: limit.free_at(now)), now)
        for limit in limits:
            limit.take(now)
        return True, self._figures(min(limits, key=lambda limit: limit.remaining(now)), now)

    def headers(self, figures: dict[str, Any]) -> dict[str, str]:
        """The x-ratelimit headers for such figures."""
        names = {
            "type": "type",
            "limitBurst": "limit-burst",
            "limitPerSecond": "limit-per-second",
            "remaining": "remaining",
            "reset": "reset",
        }
        return {f"x-ratelimit-{header}": str(figures[name]) for name, header in names.items()}

    def _limit(self, kind: str, key: str) -> Limit:
        found = self._limits.get((kind, key))
        if found is None:
            settings = self.settings
            steady = Pool(settings.requests_per_second, timedelta(seconds=1 / settings.speed))
            burst = Pool(settings.burst_requests, timedelta(seconds=settings.burst_seconds / settings.speed))
            found = self._limits[kind, key] = Limit(kind, steady, burst)
        return found

    def _figures(self, limit: Limit, now: datetime) -> dict[str, Any]:
        reset = max(limit.free_at(now), now)
        return {
            "type": limit.kind,
            "retryAfter": round((reset - now).total_seconds(), 6),
            "limitBurst": self.settings.burst_requests,
            "limitPerSecond": self.settings.requests_per_second,
            "remaining": limit.remaining(now),
            "reset": stamp(reset),
        }

"""The game's rate limit as a queue: two requests a second, plus thirty more a minute, never one beyond.

It only makes its callers wait. One limiter serves all ships of an account, for the game counts per account.
"""

import asyncio
import math
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from spacetraders_lab.core.clock import Clock

_NOTHING = timedelta(0)


class _Pool:
    """At most `size` grants in any window of `window` game seconds."""

    def __init__(self, size: int, window: float) -> None:
        self.size = size
        self.window = window
        self.grants: deque[datetime] = deque()

    def wait(self, now: datetime, speed: float) -> timedelta:
        """How long until the pool has room; nothing or less when it has."""
        if self.size == 0:
            return timedelta.max
        if len(self.grants) < self.size:
            return _NOTHING
        return self.grants[-self.size] + timedelta(seconds=self.window / speed) - now

    def take(self, now: datetime) -> None:
        self.grants.append(now)
        while len(self.grants) > self.size:
            self.grants.popleft()

    def shift(self, by: timedelta) -> None:
        self.grants = deque(stamp + by for stamp in self.grants)


class TwoPoolLimiter:
    """Grants requests first come, first served, while either of the game's two pools has room: the pools add.

    `per_second` requests in any second, and `burst` more in any `burst_window` seconds. Both windows are game time:
    `speed` (game seconds a second, 1 in the real game) shortens them. `granted` and `waited_seconds` only grow.
    """

    def __init__(self, clock: Clock, *, per_second: int = 2, burst: int = 30, burst_window: float = 60.0) -> None:
        self._clock = clock
        self._steady = _Pool(per_second, 1.0)
        self._burst = _Pool(burst, burst_window)
        self._turn = asyncio.Lock()  # wakes its waiters in the order of their coming
        self._closed_until = self._latest = clock.now()
        self.speed = 1.0
        self.granted = 0
        self.waited_seconds = 0.0

    async def acquire(self) -> None:
        """Return when one request may be sent."""
        came = self._now()
        async with self._turn:
            while (wait := self._grant_or_wait(self._now())) > _NOTHING:
                await self._clock.sleep(wait.total_seconds())
        self.granted += 1
        self.waited_seconds += max(0.0, (self._latest - came).total_seconds())

    def note(self, headers: Mapping[str, str]) -> None:
        """Learn the speed and the sizes of the pools from a reply's headers."""
        self.speed = _positive(headers, "x-sandbox-speed") or self.speed
        self._steady.size = math.ceil(_positive(headers, "x-ratelimit-limit-per-second") or self._steady.size)
        self._burst.size = math.ceil(_positive(headers, "x-ratelimit-limit-burst") or self._burst.size)

    def pause(self, seconds: float) -> None:
        """Grant nothing for so many seconds of the clock: the game has said that its pools are empty."""
        self._closed_until = max(self._closed_until, self._now() + timedelta(seconds=seconds))

    def _grant_or_wait(self, now: datetime) -> timedelta:
        """Take a grant and return nothing, or return how long to wait for one."""
        if now < self._closed_until:
            return self._closed_until - now
        waits = []
        for pool in (self._steady, self._burst):
            wait = pool.wait(now, self.speed)
            if wait <= _NOTHING:
                pool.take(now)
                return _NOTHING
            waits.append(wait)
        return min(waits)

    def _now(self) -> datetime:
        """The hour. When the clock was set back, what is remembered moves with it, or we should wait for hours."""
        now = self._clock.now()
        if now < self._latest:
            back = now - self._latest
            self._closed_until += back
            self._steady.shift(back)
            self._burst.shift(back)
        self._latest = now
        return now


def _positive(headers: Mapping[str, str], name: str) -> float | None:
    """The number in a header, None when there is none or it makes no sense."""
    try:
        number = float(headers.get(name, ""))
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None

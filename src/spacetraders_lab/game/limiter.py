"""The game's rate limit as a queue: two requests a second, plus thirty more a minute, never one beyond.

It only makes its callers wait. One limiter serves all ships of an account, for the game counts per account.
"""

import asyncio
import math
from collections import deque
from collections.abc import Mapping

from spacetraders_lab.core.clock import Clock

_ROUNDING = 2e-6  # seconds: who counts in whole microseconds may see a window that much shorter


class _Pool:
    """At most `size` grants in any window of `window` game seconds."""

    def __init__(self, size: int, window: float) -> None:
        self.size = size
        self._window = window
        self._grants: deque[float] = deque()

    def wait(self, now: float, speed: float) -> float:
        """Seconds until the pool has room; nothing or less when it has."""
        if self.size == 0:
            return math.inf
        if len(self._grants) < self.size:
            return 0.0
        return self._grants[-self.size] + self._window / speed + _ROUNDING - now

    def take(self, now: float) -> None:
        self._grants.append(now)
        while len(self._grants) > self.size:
            self._grants.popleft()


class TwoPoolLimiter:
    """Grants requests first come, first served, while either of the game's two pools has room: the pools add.

    `per_second` requests in any second, and `burst` more in any `burst_window` seconds. Both windows are game time:
    `speed` (game seconds a second, 1 in the real game) shortens them. `granted` and `waited_seconds` only grow.

    Of what the game's replies tell, the sizes of the pools and the time to stay away are obeyed. `remaining` is not:
    the game does not say of which pool, and a refusal costs no more than the wait that it names.
    """

    def __init__(self, clock: Clock, *, per_second: int = 2, burst: int = 30, burst_window: float = 60.0) -> None:
        self._clock = clock
        self._steady = _Pool(per_second, 1.0)
        self._burst = _Pool(burst, burst_window)
        self._turn = asyncio.Lock()  # wakes its waiters in the order of their coming
        self._closed_until = -math.inf
        self.speed = 1.0
        self.granted = 0
        self.waited_seconds = 0.0

    async def acquire(self) -> None:
        """Return when one request may be sent."""
        came = self._clock.monotonic()
        async with self._turn:
            while (wait := self._grant_or_wait()) > 0:
                await self._clock.sleep(wait)
        self.granted += 1
        self.waited_seconds += self._clock.monotonic() - came

    def note(self, headers: Mapping[str, str]) -> None:
        """Learn the speed and the sizes of the pools from a reply's headers."""
        self.speed = _positive(headers, "x-sandbox-speed") or self.speed
        self._steady.size = math.ceil(_positive(headers, "x-ratelimit-limit-per-second") or self._steady.size)
        self._burst.size = math.ceil(_positive(headers, "x-ratelimit-limit-burst") or self._burst.size)

    def pause(self, seconds: float) -> None:
        """Grant nothing for so many seconds of the clock: the game has said that its pools are empty."""
        self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)

    def _grant_or_wait(self) -> float:
        """Take a grant and return 0, or return the seconds to wait for one."""
        now = self._clock.monotonic()
        if now < self._closed_until:
            return self._closed_until - now
        waits = []
        for pool in (self._steady, self._burst):
            wait = pool.wait(now, self.speed)
            if wait <= 0:
                pool.take(now)
                return 0.0
            waits.append(wait)
        return min(waits)


def _positive(headers: Mapping[str, str], name: str) -> float | None:
    """The number in a header, None when there is none or it makes no sense."""
    try:
        number = float(headers.get(name, ""))
    except ValueError:
        return None
    return number if 0 < number < math.inf else None

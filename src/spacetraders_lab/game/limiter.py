"""The game's rate limit as a queue: two requests a second, plus thirty more a minute, never one beyond.

It only makes its callers wait. One limiter serves all ships of an account, for the game counts per account; where
other programs use the same account, it grants only what it was promised (`core.rate_budget`).
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from heapq import heappop, heappush
from itertools import count

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.rate_budget import Demand, Pools, Promise, Reservation

_ROUNDING = 2e-6  # seconds: who counts in whole microseconds may see a window that much shorter
_ON_THE_WAY = 0.015  # game seconds: by how much two requests may come closer to each other on their way to the game
_ON_A_BAD_WAY = 0.1  # the same where it costs next to nothing: in the window of the burst pool
_EVERYTHING = Promise(-math.inf, math.inf)

# asks for the next promise; all times are of the limiter's own clock (`monotonic`)
Reserve = Callable[[Demand], Awaitable[Reservation]]


class _Pool:
    """At most `share` of `size` grants in any window of `window` game seconds, and no more than was promised."""

    def __init__(self, size: int, window: float, share: float) -> None:
        self.size = size
        self.promise = _EVERYTHING
        self.window = window
        self._share = share
        self._grants: deque[float] = deque()
        self._since_promise = 0

    @property
    def mine(self) -> int:
        """Grants in a window: whole ones, so that the shares of several programs never add up to one too many."""
        return max(1, math.floor(self.size * self._share))

    def seconds(self, speed: float) -> float:
        """The window by the clock."""
        return self.window / speed

    def wait(self, now: float, speed: float) -> float:
        """Seconds until a request may leave: nothing or less when it may now, infinity when it may not at all."""
        if self.size == 0 or self._since_promise >= self.promise.requests:
            return math.inf
        leaves, mine = max(now, self.promise.begins), self.mine
        if len(self._grants) >= mine:
            leaves = max(leaves, self._grants[-mine] + self.seconds(speed) + _ROUNDING)
        return leaves - now if leaves <= self.promise.ends else math.inf

    def take(self, now: float) -> None:
        self._since_promise += 1
        self._grants.append(now)
        mine = self.mine
        while len(self._grants) > mine:
            self._grants.popleft()

    def be_promised(self, promise: Promise) -> None:
        self.promise, self._since_promise = promise, 0

    @property
    def sent(self) -> tuple[float, ...]:
        """When the latest grants were, as many as fit into one window."""
        return tuple(self._grants)


class _Line:
    """A lock that passes to whoever of those that wait has the earliest `since`; among equals to the first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._taken = False

    async def wait(self, since: float) -> None:
        """Return when it is the caller's turn, which lasts until it calls `pass_on`."""
        if not self._taken:
            self._taken = True
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (since, next(self._numbers), mine))
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # it was this one's turn in the same moment
                self.pass_on()
            raise

    def pass_on(self) -> None:
        """End a turn."""
        while self._waiting:
            mine = heappop(self._waiting)[-1]
            if not mine.done():
                return mine.set_result(None)
        self._taken = False
        return None


class TwoPoolLimiter:
    """Grants requests first come, first served, while either of the game's two pools has room: the pools add.

    Who names a time `since` which it has been at something takes its place in the line by that, so that a ship
    finishes a visit, and flies while others ask, instead of all ships being slow at all visits.

    `per_second` requests in any second, and `burst` more in any `burst_window` seconds. Both windows are game time:
    `speed` (game seconds a second, 1 in the real game) shortens them. Both are kept a little longer than the game's,
    for requests that hurry after each other on their way. `granted` and `waited_seconds` only grow.
    Of both pools only the `share` (0.5 to 1) is used, for two programs that divide an account's limit by agreement.

    Of what the game's replies tell, the sizes of the pools and the time to stay away are obeyed. `remaining` is not:
    the game does not say of which pool, and a refusal costs no more than the wait that it names.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        per_second: int = 2,
        burst: int = 30,
        burst_window: float = 60.0,
        share: float = 1.0,
    ) -> None:
        self._clock = clock
        self._steady = _Pool(per_second, 1.0 + _ON_THE_WAY, share)
        self._burst = _Pool(burst, burst_window + _ON_A_BAD_WAY, share)
        self._line = _Line()
        self._waiting = 0
        self._closed_until = -math.inf
        self._reserve: Reserve | None = None
        self.speed = 1.0
        self.granted = 0
        self.waited_seconds = 0.0

    async def acquire(self, since: float | None = None) -> None:
        """Return when one request may be sent. What `reserve` raises is raised, and nothing is granted.

        `since`, of the clock's `monotonic`, is the caller's place in the line; without it that is now.
        """
        came = self._clock.monotonic()
        self._waiting += 1
        try:
            await self._line.wait(came if since is None else since)
            try:
                await self._get_grant()
            finally:
                self._line.pass_on()
        finally:
            self._waiting -= 1
        self.granted += 1
        self.waited_seconds += self._clock.monotonic() - came

    async def _get_grant(self) -> None:
        while (wait := self._grant_or_wait()) > 0:
            if wait == math.inf and self._reserve is not None:
                await self._ask(self._reserve)
            else:
                await self._clock.sleep(max(wait, _ROUNDING))  # an event loop takes less for nothing

    def share_with_others(self, reserve: Reserve) -> None:
        """From now on grant only what `reserve` promises: other programs use the same account."""
        self._reserve = reserve
        self._be_promised(Reservation())

    async def give_back(self) -> None:
        """Return what was promised and not used, so that nobody waits for it; who asks again is promised anew."""
        if self._reserve is not None:
            self._be_promised(Reservation())
            await self._reserve(self._demand(waiting=0))

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

    async def _ask(self, reserve: Reserve) -> None:
        self._be_promised(await reserve(self._demand(self._waiting)))

    def _demand(self, waiting: int) -> Demand:
        steady, burst = self._steady, self._burst
        pools = Pools(steady.size, steady.seconds(self.speed), burst.size, burst.seconds(self.speed))
        return Demand(waiting, pools, max(steady.sent, default=None), burst.sent)

    def _be_promised(self, reservation: Reservation) -> None:
        self._steady.be_promised(reservation.steady)
        self._burst.be_promised(reservation.burst)


def _positive(headers: Mapping[str, str], name: str) -> float | None:
    """The number in a header, None when there is none or it makes no sense."""
    try:
        number = float(headers.get(name, ""))
    except ValueError:
        return None
    return number if 0 < number < math.inf else None

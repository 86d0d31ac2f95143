"""The real clocks: this machine's, and the database's. What plays asks no machine for the time but through them."""

import asyncio
import logging
import math
import time
from datetime import UTC, datetime

from sqlalchemy import Connection

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.store.database import Database, hour_of

log = logging.getLogger(__name__)

# counts the time that the machine was suspended as well, so that a lease cannot outlive a closed lid
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

AGREE_SECONDS = 60.0  # between two looks at the database's clock
DRIFT = 1e-4  # seconds a second that a machine's steady clock may be fast or slow; 0.00005 is usual
_LOOKS = 5  # of which the quickest says most
_WORTH_A_WARNING = 2.0


class SystemClock:
    """The machine's hour, and pauses on the running event loop."""

    def now(self) -> datetime:
        """The hour in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.clock_gettime(_STEADY)

    async def sleep(self, seconds: float) -> None:
        """Pause the calling task."""
        await asyncio.sleep(max(0.0, seconds))


class DatabaseClock:
    """The hour of the database's machine, so that machines whose clocks differ mean the same by "now".

    Between two looks at it, this machine's steady clock goes on; setting this machine's hour changes nothing. The
    machines' leases on pairs and listings, and their turns at the game's rate limit, hang on it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = clock.now().timestamp() - clock.monotonic()  # of the steady clock
        self._uncertain = math.inf
        self._looked_at = -math.inf

    @property
    def error(self) -> float:
        """How many seconds the hour may be off."""
        return self._uncertain + DRIFT * (self.monotonic() - self._looked_at)

    def now(self) -> datetime:
        """The hour in UTC."""
        return datetime.fromtimestamp(self.monotonic() + self._ahead, UTC)

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Pause the calling task."""
        await self._clock.sleep(seconds)

    def keep(self, connection: Connection) -> None:
        """Look at the database's clock again, unless that was done a short while ago."""
        if self.monotonic() - self._looked_at < AGREE_SECONDS:
            return
        is_first = self._looked_at == -math.inf
        self._uncertain, self._ahead = min(self._look(connection) for _ in range(_LOOKS))
        self._looked_at = self.monotonic()
        off = (self._clock.now() - self.now()).total_seconds()
        if is_first and abs(off) > _WORTH_A_WARNING:
            log.warning("this machine's clock is %+.1f s off the database's, which is used in its place", off)

    def _look(self, connection: Connection) -> tuple[float, float]:
        """How uncertain a look is, and how far the database's hour is ahead of the steady clock by it; seconds."""
        before = self.monotonic()
        hour = hour_of(connection).timestamp()
        after = self.monotonic()
        return (after - before) / 2, hour - (before + after) / 2


def clock_of(database: Database) -> Clock:
    """The clock to go by with a database: a server's own, for a file this machine's."""
    if database.is_sqlite:
        return SystemClock()
    clock = DatabaseClock(SystemClock())
    with database.reading() as connection:
        clock.keep(connection)
    return clock


def error_of(clock: Clock) -> float:
    """How many seconds a clock's hour may be off that of the other programs on the same database."""
    return clock.error if isinstance(clock, DatabaseClock) else 0.0

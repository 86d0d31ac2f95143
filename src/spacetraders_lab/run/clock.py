"""The real clock. Nothing else in the lab asks the machine for the time."""

import asyncio
import time
from datetime import UTC, datetime

# counts the time that the machine was suspended as well, so that a lease cannot outlive a closed lid
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


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

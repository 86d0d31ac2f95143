"""Being asked to stop: what is under way is broken off at once or after a while. Knows nothing of what that is."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from spacetraders_lab.core.errors import LabError

T = TypeVar("T")


class Interrupted(LabError):
    """The worker was asked to stop; the pair goes back to the queue, first in line for the same ship."""


async def unless_stopped(stop: asyncio.Event, doing: Coroutine[Any, Any, T], *, grace: float = 0.0) -> T:
    """Await something for as long as nobody asks to stop, and then for at most `grace` seconds more.

    Raises Interrupted when it was broken off.
    """
    try:
        async with asyncio.timeout(None) as time:
            watching = asyncio.create_task(_set_a_limit(time, stop, grace))
            try:
                return await doing
            finally:
                watching.cancel()  # it ends by itself: nothing is under way in it
    except TimeoutError:
        if not time.expired():  # then it comes from what was done
            raise
        raise Interrupted("asked to stop") from None


async def _set_a_limit(time: asyncio.Timeout, stop: asyncio.Event, grace: float) -> None:
    await stop.wait()
    time.reschedule(asyncio.get_running_loop().time() + grace)

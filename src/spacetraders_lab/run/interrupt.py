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
    task, stopped = asyncio.ensure_future(doing), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and grace:
            await asyncio.wait({task}, timeout=grace)
        if not task.done():
            raise Interrupted("asked to stop")
        return task.result()
    finally:
        stopped.cancel()  # it ends by itself: nothing is under way in it
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

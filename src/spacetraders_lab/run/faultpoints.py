"""Named places between the steps of a trade where a test may end a worker, as a power cut would."""

from collections.abc import Awaitable, Callable
from enum import StrEnum


class Point(StrEnum):
    """A place that a worker passes; what is on disk there, and what the game knows, differs from place to place."""

    CLAIMED = "claimed"  # the pair is ours, no lease was renewed yet
    INTENDED = "intended"  # the intent is on disk, nothing is sent
    ANSWERED = "answered"  # the game has traded, nothing is recorded
    OBSERVED = "observed"  # ... and the market has been read
    RECORDED = "recorded"  # the row is on disk
    MOVED = "moved"  # a ship has flown or docked
    MEASURED = "measured"  # every cell is recorded, the pair is not yet marked


PassBy = Callable[[Point], Awaitable[None]]


async def pass_by(_: Point) -> None:
    """What happens at every point outside tests: nothing."""

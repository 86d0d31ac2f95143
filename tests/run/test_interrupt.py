"""Awaiting something unless asked to stop: what is broken off, after how long, and what becomes of it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from spacetraders_lab.run.interrupt import Interrupted, unless_stopped
from spacetraders_lab.study.virtual import VirtualClock


class Errand:
    """Takes some seconds and brings what it was sent for; `tidied` at what time it had cleared up, however it ended."""

    def __init__(self, clock: VirtualClock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds
        self.tidied: float | None = None

    async def run(self) -> str:
        try:
            await self.clock.sleep(self.seconds)
            return "brought"
        finally:
            await self.clock.sleep(1)
            self.tidied = self.clock.elapsed


def _stopped_after(clock: VirtualClock, seconds: float, doing: Coroutine[Any, Any, str], grace: float = 0.0) -> str:
    async def scene() -> str:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, stop.set)
        try:
            return await unless_stopped(stop, doing, grace=grace)
        finally:
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return clock.run(scene())


def test_what_ends_before_a_stop_is_brought() -> None:
    clock = VirtualClock()
    assert _stopped_after(clock, 60, Errand(clock, 10).run()) == "brought"
    assert clock.elapsed == 11


def test_what_is_broken_off_has_cleared_up_when_that_is_told() -> None:
    clock = VirtualClock()
    errand = Errand(clock, 100)
    with pytest.raises(Interrupted):
        _stopped_after(clock, 20, errand.run())
    assert (errand.tidied, clock.elapsed) == (21, 21)


@pytest.mark.parametrize(("seconds", "is_brought"), [(24, True), (30, False)])
def test_grace_is_left_to_what_is_under_way(seconds: float, is_brought: bool) -> None:
    clock = VirtualClock()
    errand = Errand(clock, seconds)
    if is_brought:
        assert _stopped_after(clock, 20, errand.run(), grace=8) == "brought"
    else:
        with pytest.raises(Interrupted):
            _stopped_after(clock, 20, errand.run(), grace=8)
    assert errand.tidied == clock.elapsed == min(seconds, 28) + 1


def test_what_takes_too_long_by_itself_was_not_asked_to_stop() -> None:
    clock = VirtualClock()

    async def late() -> str:
        async with asyncio.timeout(5):
            return await Errand(clock, 100).run()

    with pytest.raises(TimeoutError):
        _stopped_after(clock, 60, late())
    assert clock.elapsed == 6


def test_a_stop_that_came_before_breaks_off_at_the_first_wait() -> None:
    clock, stop = VirtualClock(), asyncio.Event()
    stop.set()
    errand = Errand(clock, 100)
    with pytest.raises(Interrupted):
        clock.run(unless_stopped(stop, errand.run()))
    assert errand.tidied == 1

"""Waiting for what other processes do: they tell nobody when it is done, so they are asked again and again."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], within: float = 60.0) -> T:
    """The first true answer of the condition, which is asked again and again; fails when there is none in time."""
    deadline = time.monotonic() + within
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)
    return answer

"""How much is done, in counts: a second is not the same on two machines, nor twice on one."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Counts what is executed on every database until the block ends."""
    counts: Counter[str] = Counter()

    def execute(*_: Any) -> None:
        counts["statements"] += 1

    def commit(_: Any) -> None:
        counts["commits"] += 1

    event.listen(Engine, "before_cursor_execute", execute)
    event.listen(Engine, "commit", commit)
    try:
        yield counts
    finally:
        event.remove(Engine, "before_cursor_execute", execute)
        event.remove(Engine, "commit", commit)


def calls_of(work: Callable[[], object]) -> int:
    """How many Python functions are called in a piece of work, those that it calls included."""
    calls = 0

    def note(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls

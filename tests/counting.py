"""How much is asked of the databases."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
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

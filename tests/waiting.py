"""Waiting for what other processes do: they tell nobody when it is done, so they are asked again and again."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import text

from spacetraders_lab.store.database import Database

_BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")

T = TypeVar("T")


def until(condition: Callable[[], T], within: float = 60.0) -> T:
    """The first true answer of the condition, which is asked again and again; fails when there is none in time."""
    asked = time.monotonic()
    deadline = asked + within
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it did not come to pass in time"
        took = time.monotonic() - asked
        time.sleep(min(max(0.02, 4 * took), 0.5))  # who is waited for needs the processor more
        asked = time.monotonic()
    return answer


def until_blocked(database: Database, late: Future[Any]) -> None:
    """Return as soon as some session of this PostgreSQL database waits for another's lock, or `late` is through."""

    def is_so() -> bool:
        with database.reading() as connection:
            return late.done() or connection.execute(_BLOCKED).scalar_one() > 0

    until(is_so)

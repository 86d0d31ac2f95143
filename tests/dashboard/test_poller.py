"""One look for everybody: how often the database is asked, and what a broken view does to the others."""

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from spacetraders_lab.dashboard.poller import KEPT_FEEDS, Poller
from spacetraders_lab.store.database import Database, open_database, open_reading
from spacetraders_lab.study.virtual import VirtualClock
from tests.store.memory import enter_run


class Counting:
    """A feed that counts how often it was refreshed."""

    behind = False

    def __init__(self, *, broken: bool = False) -> None:
        self.refreshed = 0
        self._broken = broken

    def refresh(self, connection: Connection, now: datetime) -> Any:
        self.refreshed += 1
        if self._broken:
            raise KeyError("a word that nobody knows")
        return self.refreshed


def damage(database: Database) -> None:
    Path(database.name).write_bytes(b"no database" * 1000)


@pytest.fixture
def databases(sqlite_url: str) -> Iterator[tuple[Database, Database]]:
    """The same database for writing and for reading."""
    with closing(open_database(sqlite_url, durable=False)) as writing, closing(open_reading(sqlite_url)) as reading:
        yield writing, reading


def test_fifty_viewers_cost_one_look_and_a_quiet_database_none(databases: tuple[Database, Database]) -> None:
    writing, reading = databases
    feed = Counting()

    clock = VirtualClock()

    async def play() -> None:
        poller = Poller(reading, clock)
        async with poller.running():
            viewers = [poller.looking_at("it", lambda: feed) for _ in range(50)]
            topics = {id(await viewer.__aenter__()) for viewer in viewers}
            assert len(topics) == 1
            await clock.sleep(20)
            quiet = feed.refreshed
            assert quiet <= 2  # the first view, and one look more after it
            await clock.sleep(20)
            assert feed.refreshed == quiet
            enter_run(writing)
            await clock.sleep(20)
            assert quiet < feed.refreshed <= quiet + 2
            for viewer in viewers:
                await viewer.__aexit__(None, None, None)
            enter_run(writing, run_id="run-2")
            seen = feed.refreshed
            await clock.sleep(20)
            assert feed.refreshed == seen  # nobody looks any more

    clock.run(play())


def test_a_view_that_breaks_ends_and_the_others_go_on(
    databases: tuple[Database, Database], caplog: pytest.LogCaptureFixture
) -> None:
    writing, reading = databases
    caplog.set_level(logging.CRITICAL, "spacetraders_lab.dashboard.poller")

    clock = VirtualClock()

    async def play() -> None:
        poller = Poller(reading, clock)
        async with (
            poller.running(),
            poller.looking_at("broken", lambda: Counting(broken=True)) as broken,
            poller.looking_at("whole", Counting) as whole,
        ):
            await clock.sleep(5)
            assert "a word that nobody knows" in str(broken.error)
            before = whole.version
            enter_run(writing)
            await clock.sleep(5)
            assert whole.version > before and whole.error is None

    clock.run(play())


def test_a_file_that_is_damaged_while_somebody_looks_is_told_to_those_who_look(
    databases: tuple[Database, Database],
) -> None:
    writing, reading = databases
    clock = VirtualClock()

    async def play() -> None:
        poller = Poller(reading, clock)
        async with poller.running(), poller.looking_at("it", Counting):
            await clock.sleep(5)
            assert poller.trouble is None
            writing.close()
            damage(reading)
            await clock.sleep(5)
            assert poller.trouble is not None and "is not a SQLite database, or is damaged" in poller.trouble

    clock.run(play())


def test_feeds_that_nobody_looks_at_are_forgotten_in_time(databases: tuple[Database, Database]) -> None:
    clock = VirtualClock()

    async def play() -> None:
        poller, made = Poller(databases[1], clock), []

        def make() -> Counting:
            made.append(Counting())
            return made[-1]

        for number in [*range(KEPT_FEEDS + 1), KEPT_FEEDS, 0]:
            async with poller.looking_at(str(number), make):
                pass
        assert len(made) == KEPT_FEEDS + 2  # the last was still there, the first was not

    clock.run(play())

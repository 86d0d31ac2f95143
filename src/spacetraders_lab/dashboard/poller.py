"""Brings feeds up to date for whoever looks, once for all of them: one thread, one connection, one look a second.

While nobody looks it asks nothing, and while nothing is written it only compares one mark.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.errors import LabError
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.live import change_stamp

LOOK_EVERY = 1.0
LOOKS_AFTER_A_CHANGE = 2  # a commit may be announced an instant before it can be seen
KEPT_FEEDS = 8  # that nobody looks at now: coming back costs nothing

T = TypeVar("T")


class Feed(Protocol):
    """Something to look at. `behind` asks to be refreshed again at once."""

    behind: bool

    def refresh(self, connection: Connection, now: datetime) -> Any:
        """Read what is new; returns the whole view as plain JSON. Raises UserError when there is no such thing."""


class Topic:
    """One feed and its newest view as JSON text; `version` counts the views.

    `is_current` is False until somebody who looks again has had the view brought up to date.
    """

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.viewers = 0
        self.version = 0
        self.payload = ""
        self.is_current = False
        self.error: LabError | None = None
        self._changed = asyncio.Event()

    def publish(self, payload: str) -> None:
        """Make this the newest view, unless it says nothing new."""
        if payload == self.payload and self.is_current:
            return
        if payload != self.payload:
            self.version, self.payload = self.version + 1, payload
        self.is_current = True
        self.wake()

    def fail(self, error: LabError) -> None:
        """Tell whoever waits that there is no such thing, or that it cannot be shown."""
        self.error = error
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self, timeout: float) -> None:
        """Wait until there is something to look at, or for so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout)


class Poller:
    """All topics that are looked at. Open it with `running`; `trouble` says why the database cannot be read."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.trouble: str | None = None
        self._database, self._clock = database, clock
        self._topics: dict[str, Topic] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading")
        self._wanted = asyncio.Event()
        self._stamp: str | None = None
        self._looks_left = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at the database in the background for as long as the block runs."""
        looking = asyncio.create_task(self._look_for_ever())
        try:
            yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
            self._thread.shutdown()

    @asynccontextmanager
    async def looking_at(self, name: str, make_feed: Callable[[], Feed]) -> AsyncIterator[Topic]:
        """The topic of that name, kept up to date while the block runs."""
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = Topic(make_feed())
        topic.viewers += 1
        if topic.viewers == 1:
            topic.is_current = False
            self._looks_left = LOOKS_AFTER_A_CHANGE
            self._wanted.set()
        try:
            yield topic
        finally:
            topic.viewers -= 1
            self._forget_the_oldest()

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Ask the database one thing, in turn with everything else."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._reading, question)

    def _reading(self, question: Callable[[Connection], T]) -> T:
        with self._database.reading() as connection:
            return question(connection)

    def _forget_the_oldest(self) -> None:
        unwatched = [name for name, topic in self._topics.items() if not topic.viewers]
        for name in unwatched[: max(0, len(unwatched) - KEPT_FEEDS)]:
            del self._topics[name]

    async def _look_for_ever(self) -> None:
        while True:
            behind = await self._look()
            if behind:
                continue
            if not any(topic.viewers for topic in self._topics.values()):
                await self._wanted.wait()
                self._wanted.clear()
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), LOOK_EVERY)
            self._wanted.clear()

    async def _look(self) -> bool:
        """Refresh what is looked at, if anything was written; returns whether there is more to do at once."""
        watched = {name: topic for name, topic in self._topics.items() if topic.viewers}
        if not watched:
            return False
        try:
            stamp = await self.read(change_stamp)
            if stamp != self._stamp:
                self._stamp, self._looks_left = stamp, LOOKS_AFTER_A_CHANGE
            for name, topic in watched.items():
                if self._looks_left or topic.feed.behind:
                    await self._refresh(name, topic)
            self._looks_left = max(0, self._looks_left - 1)
        except LabError as error:  # a damaged file may be replaced by a backup, and who looks is not to wait for ever
            self._complain(str(error))
            return False
        self._recover()
        return any(topic.feed.behind for topic in watched.values())

    async def _refresh(self, name: str, topic: Topic) -> None:
        """Bring one topic up to date; one that cannot be shown ends, and the others go on."""
        now = self._clock.now()
        try:
            topic.publish(await self.read(lambda c: _as_json(topic.feed.refresh(c, now))))
        except DatabaseUnavailable:
            raise
        except LabError as error:
            self._end(name, topic, error)
        except Exception as error:
            logging.getLogger(__name__).exception("the view %s broke", name)
            self._end(name, topic, LabError(f"this view broke: {type(error).__name__}: {error}"))

    def _end(self, name: str, topic: Topic, error: LabError) -> None:
        self._topics.pop(name, None)
        topic.fail(error)

    def _complain(self, trouble: str) -> None:
        """The database cannot be read: say so once, and begin from the start when it can."""
        if trouble != self.trouble:
            logging.getLogger(__name__).warning("%s", trouble)
            self.trouble, self._stamp = trouble, None
            self._wake_all()

    def _recover(self) -> None:
        if self.trouble is not None:
            self.trouble = None
            self._wake_all()

    def _wake_all(self) -> None:
        for topic in self._topics.values():
            topic.wake()


def _as_json(view: Any) -> str:
    return json.dumps(view, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

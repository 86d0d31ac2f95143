"""The daemon: a process that drives whatever containers the database wants, for the accounts of its machine.

The database is the only way to talk to it: what is wanted is written there, and it looks every few seconds.
"""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from random import Random

from sqlalchemy import Connection

from spacetraders_lab.core.container import WantedState
from spacetraders_lab.run.accounts import Accounts
from spacetraders_lab.run.app import LeaseTimes, Memory
from spacetraders_lab.run.logs import LogBook, logging_to
from spacetraders_lab.run.supervisor import LOOK_SECONDS, Supervisor
from spacetraders_lab.store.daemons import Daemon as StoredDaemon
from spacetraders_lab.store.daemons import DaemonRepository
from spacetraders_lab.store.failures import DatabaseUnavailable

log = logging.getLogger(__name__)


class Daemon:
    """One daemon, from its entry into the database until it has put down everything it drove."""

    def __init__(self, memory: Memory, accounts: Accounts, times: LeaseTimes, *, chance: Random | None = None) -> None:
        self.daemon_id = f"daemon_{uuid.uuid4().hex[:12]}"
        self.accounts = accounts
        self._memory, self._clock, self._times = memory, memory.clock, times
        self._started_at = self._clock.now()
        self._logbook = LogBook(self._clock)
        self.supervisor = Supervisor(
            memory,
            self.accounts,
            self.daemon_id,
            times,
            chance=chance,
            logbook=self._logbook,
            on_beat=self._beat,
        )

    async def serve(self, stop: asyncio.Event) -> None:
        """Drive containers until `stop` is set or somebody asks in the database; then wind up, within 20 seconds."""
        with logging_to(self._logbook):
            try:
                async with self._entered(), self._watching(stop):
                    await self.supervisor.run(stop)
            finally:
                await self.accounts.close()

    @asynccontextmanager
    async def _entered(self) -> AsyncIterator[None]:
        now = self._clock.now()

        def enter(connection: Connection) -> None:
            DaemonRepository(connection).forget(now=now)
            self._beat(connection)

        await self._memory.write(enter)
        log.info("%s is at work (pid %d)", self.daemon_id, os.getpid())
        yield
        with suppress(DatabaseUnavailable):  # then its lease ends by itself
            await self._memory.write(lambda c: DaemonRepository(c).leave(self.daemon_id))
        log.info("%s has ended", self.daemon_id)

    @asynccontextmanager
    async def _watching(self, stop: asyncio.Event) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch(stop))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, stop: asyncio.Event) -> None:
        """Set `stop` when somebody asks the daemon to stop; count those it shares the work with."""
        while True:
            now = self._clock.now()
            with suppress(DatabaseUnavailable):
                live = await self._memory.read(lambda c, now=now: DaemonRepository(c).live(now=now))  # type: ignore[misc]
                self.supervisor.peers = max(1, len(live))
                if any(d.daemon_id == self.daemon_id and d.wanted_state is WantedState.STOPPED for d in live):
                    log.info("%s was asked to stop", self.daemon_id)
                    stop.set()
            await self._clock.sleep(LOOK_SECONDS)

    def _beat(self, connection: Connection) -> None:
        now = self._clock.now()
        row = StoredDaemon(
            self.daemon_id,
            socket.gethostname(),
            os.getpid(),
            self.accounts.keys.fingerprints(self.daemon_id),
            WantedState.RUNNING,
            self._started_at,
            now + timedelta(seconds=self._times.lease),
        )
        DaemonRepository(connection).beat(row)

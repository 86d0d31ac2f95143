"""Keeps a claim's lease alive while a ship flies, and says when it can no longer be trusted. Trades nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from spacetraders_lab.core.errors import LeaseLost
from spacetraders_lab.core.experiment import ClaimedPair
from spacetraders_lab.run.app import Lab
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.lease import require_lease
from spacetraders_lab.store.work_queue import WorkQueueRepository

T = TypeVar("T")

BEATS_PER_LEASE = 6
_RENEW_AFTER = 0.5  # of the time between two beats: a ship that trades then renews by the way, and no beat comes


class Lease:
    """A claim, and until when its owner may act on it by its own steady clock."""

    def __init__(self, lab: Lab, claim: ClaimedPair, taken_at: float) -> None:
        self._lab = lab
        self.claim = claim
        self._ends = taken_at + lab.times.lease
        self._lost = False

    def check(self) -> None:
        """Raise LeaseLost unless a request sent now would be over before the lease is."""
        if self._lost or self._lab.clock.monotonic() + self._lab.times.margin >= self._ends:
            raise LeaseLost(f"the lease on {self.claim.pair.pair_id} has ended")

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction that holds the lease; raises LeaseLost, with nothing written, when it is gone.

        A lease that will soon be due for a beat is renewed by the way; it counts from before it was asked for.
        """
        if not self.is_soon_due:
            return await self._write_held(work)
        asked_at, now = self._lab.clock.monotonic(), self._lab.clock.now()

        def fenced(connection: Connection) -> T:
            self._renew(connection, now)
            return work(connection)

        result = await self._lab.write(fenced)
        self.renewed(asked_at)
        return result

    def _renew(self, connection: Connection, now: datetime) -> None:
        WorkQueueRepository(connection).renew_lease(self.claim, now=now, lease_seconds=self._lab.times.lease)

    async def _write_held(self, work: Callable[[Connection], T]) -> T:
        now = self._lab.clock.now()

        def fenced(connection: Connection) -> T:
            require_lease(connection, self.claim, now=now)
            return work(connection)

        return await self._lab.write(fenced)

    @property
    def age(self) -> float:
        """Seconds since it was last renewed, by a beat or by another write."""
        return self._lab.clock.monotonic() - (self._ends - self._lab.times.lease)

    @property
    def is_soon_due(self) -> bool:
        """Whether who writes now had better renew it by the way."""
        return self.age >= _RENEW_AFTER * self._lab.times.lease / BEATS_PER_LEASE

    async def begin_anew(self) -> None:
        """Start a new take of the pair; raises LeaseLost."""
        claim, now = self.claim, self._lab.clock.now()
        self.claim = await self._lab.write(lambda c: WorkQueueRepository(c).begin_anew(claim, now=now))

    def renew(self, connection: Connection, now: datetime) -> bool:
        """Renew it in a transaction that is under way; False when it is gone, which is remembered."""
        try:
            self._renew(connection, now)
        except LeaseLost:
            self._lost = True
        return not self._lost

    def renewed(self, asked_at: float) -> None:
        """It has been renewed, which was asked for at `asked_at` by the steady clock."""
        self._ends = asked_at + self._lab.times.lease
        self._lab.tally["lease_renewals"] += 1


class Pulse:
    """Beats for all leases that a process holds on a run: one transaction renews every one that is soon due."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._leases: set[Lease] = set()
        self._beating: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def keep(self, claim: ClaimedPair, taken_at: float) -> AsyncIterator[Lease]:
        """Beat in the background for as long as the block runs; `taken_at` is the steady clock before the claim.

        Its writes renew the lease before a beat is due: while the ship trades, there is nothing to beat for.
        """
        lease = Lease(self._lab, claim, taken_at)
        self._leases.add(lease)
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat_for_ever())
        try:
            yield lease
        finally:
            self._leases.remove(lease)
            if not self._leases:
                beating, self._beating = self._beating, None
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)

    async def _beat_for_ever(self) -> None:
        wait = pause = self._lab.times.lease / BEATS_PER_LEASE
        while True:
            await self._lab.clock.sleep(wait)
            wait = pause - max(lease.age for lease in self._leases)
            if wait <= 0:
                await self._beat()
                wait = pause

    async def _beat(self) -> None:
        """Renew what is soon due; a database out of reach is not yet a lost lease."""
        asked_at, now = self._lab.clock.monotonic(), self._lab.clock.now()
        due = [lease for lease in self._leases if lease.is_soon_due]
        with suppress(DatabaseUnavailable):
            renewed = await self._lab.write(lambda c: [lease for lease in due if lease.renew(c, now)])
            for lease in renewed:
                lease.renewed(asked_at)

"""Keeps a claim's lease alive while a ship flies, and says when it can no longer be trusted. Trades nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
        if self.age < _RENEW_AFTER * self._lab.times.lease / BEATS_PER_LEASE:
            return await self._write_held(work)
        asked_at, now = self._lab.clock.monotonic(), self._lab.clock.now()

        def fenced(connection: Connection) -> tuple[ClaimedPair, T]:
            queue = WorkQueueRepository(connection)
            return queue.renew_lease(self.claim, now=now, lease_seconds=self._lab.times.lease), work(connection)

        self.claim, result = await self._lab.write(fenced)
        self._ends = asked_at + self._lab.times.lease
        self._lab.tally["lease_renewals"] += 1
        return result

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

    async def begin_anew(self) -> None:
        """Start a new take of the pair; raises LeaseLost."""
        claim, now = self.claim, self._lab.clock.now()
        self.claim = await self._lab.write(lambda c: WorkQueueRepository(c).begin_anew(claim, now=now))

    async def beat(self) -> None:
        """Renew the lease once; a lost lease is remembered, a database out of reach is not yet a lost lease."""
        try:
            await self.write(lambda _: None)
        except LeaseLost:
            self._lost = True
        except DatabaseUnavailable:
            return


@asynccontextmanager
async def keep_lease(lab: Lab, claim: ClaimedPair, taken_at: float) -> AsyncIterator[Lease]:
    """Beat in the background for as long as the block runs; `taken_at` is the steady clock before the claim.

    Its writes renew the lease before a beat is due: while the ship trades, there is nothing to beat for.
    """
    lease, pause = Lease(lab, claim, taken_at), lab.times.lease / BEATS_PER_LEASE

    async def beat_for_ever() -> None:
        wait = pause
        while True:
            await lab.clock.sleep(wait)
            wait = pause - lease.age
            if wait <= 0:
                await lease.beat()
                wait = pause

    beating = asyncio.create_task(beat_for_ever())
    try:
        yield lease
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)

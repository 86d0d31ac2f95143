"""What a ship's worker and the work queue say to each other: a pair is taken, given back, put off, or has ended.

Each of these is one transaction. When to say what, and all that the game is asked for, is the worker's.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from spacetraders_lab.core.errors import LeaseLost
from spacetraders_lab.core.experiment import ClaimedPair, ClaimOrder, DesignName, ExperimentRun, SkipReason
from spacetraders_lab.core.limits import NO_LIMITS
from spacetraders_lab.core.protocol import PairDone, PairFailed
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.travel import distance
from spacetraders_lab.run.app import Lab
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of one ship on the pairs of one run; `owner` names it and this start of its worker."""

    lab: Lab
    run: ExperimentRun
    ship_symbol: str
    owner: str

    async def next_pair(self, ship: Ship | None) -> tuple[ClaimedPair | None, bool]:
        """The next pair, and whether the run has ended; `ship` as far as it is known, for who claims by nearness.

        An empty answer to a claim is not the end: the run has ended when nobody holds or awaits a pair any more.
        """
        now, near = self.lab.clock.now(), await self._near(ship)

        def work(connection: Connection) -> tuple[ClaimedPair | None, bool]:
            queue = WorkQueueRepository(connection)
            claim = queue.claim_next_pair(
                self.run.run_id,
                self.ship_symbol,
                owner=self.owner,
                now=now,
                lease_seconds=self.lab.times.lease,
                near=near,
            )
            if claim is not None:
                return claim, False
            queue.sweep(self.run.run_id, now=now)
            return None, queue.unfinished(self.run.run_id) == 0

        return await self.lab.write(work)

    async def leftovers(self) -> tuple[ClaimedPair | None, bool]:
        """The ended pair that the ship traded last, if it is free, and whether anything of the run may be aboard.

        A ship that has nothing aboard gets none: it has nothing to wait for at those listings.
        """
        run_id, ship, now = self.run.run_id, self.ship_symbol, self.lab.clock.now()

        def work(connection: Connection) -> tuple[ClaimedPair | None, bool]:
            if not IntentRepository(connection).may_carry_cargo(run_id, ship):
                return None, False
            lease = self.lab.times.lease
            queue = WorkQueueRepository(connection)
            return queue.claim_leftovers(run_id, ship, owner=self.owner, now=now, lease_seconds=lease), True

        return await self.lab.write(work)

    async def note_requests(self, made: int) -> None:
        """Add to the requests of the run; where it has reached a limit, the pairs that nobody is at end.

        Pairs under way are finished. An adaptive run is told by `feed` how far it has come.
        """
        run, now = self.run, self.lab.clock.now()
        if not made and run.limits == NO_LIMITS:
            return
        hours = run.hours(now, self.lab.game.client.speed)

        def work(connection: Connection) -> None:
            requests = ExperimentRepository(connection).add_requests(run.run_id, made)
            why = run.limits.reached(hours=hours, requests=requests)
            if why is None:
                return
            WorkQueueRepository(connection).end_waiting(run.run_id, why, SkipReason.LIMIT, now=now)
            if run.design.name is not DesignName.ADAPTIVE:
                ExperimentRepository(connection).nothing_more(run.run_id, why)

        await self.lab.write(work)

    async def end(self, claim: ClaimedPair, end: PairDone | PairFailed, failed_for: SkipReason) -> None:
        """Write down how the pair ended; `failed_for` says in a word why, of one that failed.

        Raises LeaseLost.
        """
        now = self.lab.clock.now()
        washout = self._washout_seconds

        def work(connection: Connection) -> None:
            queue = WorkQueueRepository(connection)
            if isinstance(end, PairFailed):
                queue.mark_failed(claim, end.reason, now=now, washout_seconds=washout, failed_for=failed_for)
            else:
                queue.mark_complete(claim, now=now, washout_seconds=washout)

        await self.lab.write(work)
        if isinstance(end, PairFailed):
            log.error("%s: %s failed: %s", claim.ship_symbol, claim.pair.pair_id, end.reason)
        else:
            log.info("%s: %s completed", claim.ship_symbol, claim.pair.pair_id)

    async def do_without(self, claim: ClaimedPair, why: str) -> None:
        """End a pair of which nothing more can be paid for; its trades are left out."""
        now, washout = self.lab.clock.now(), self._washout_seconds
        await self._give_back(lambda q: q.do_without(claim, why, now=now, washout_seconds=washout))

    async def release(self, claim: ClaimedPair, *, wait: float = 0.0, spend_attempt: bool = False) -> None:
        """Give the pair back: first in line for this ship, after so many seconds."""
        now = self.lab.clock.now()
        again, washout = now + timedelta(seconds=wait), self._washout_seconds
        await self._give_back(
            lambda q: q.release(claim, now=now, not_before=again, spend_attempt=spend_attempt, washout_seconds=washout)
        )

    async def put_off(self, claim: ClaimedPair, error: str, *, wait: float) -> None:
        """Give the pair back for so many seconds with an attempt spent, because the game broke on it."""
        now = self.lab.clock.now()
        again = now + timedelta(seconds=wait)
        await self._give_back(lambda q: q.put_off(claim, error, now=now, not_before=again))

    @property
    def _washout_seconds(self) -> float:
        """By the clock."""
        return self.run.design.washout_seconds / self.lab.game.client.speed

    async def _give_back(self, how: Callable[[WorkQueueRepository], None]) -> None:
        try:
            await self.lab.write(lambda c: how(WorkQueueRepository(c)))
        except LeaseLost as lost:
            log.warning("%s: %s", self.ship_symbol, lost)

    async def _near(self, ship: Ship | None) -> tuple[str, ...]:
        """Markets, the nearest first, where ships claim by nearness; nothing while the ship's place is not known."""
        if self.run.design.claim_order is ClaimOrder.FIFO or ship is None:
            return ()
        places = {place.symbol: place for place in await self.lab.game.map(ship.system)}
        here = places[ship.waypoint]
        markets = [place for place in places.values() if place.has_market]
        markets.sort(key=lambda place: (distance(here.x, here.y, place.x, place.y), place.symbol != here.symbol))
        return tuple(place.symbol for place in markets)

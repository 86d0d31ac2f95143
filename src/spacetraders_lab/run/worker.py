"""One ship at work: claim a pair, let a session measure it, write down how it ended, claim the next."""

import asyncio
import logging
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection

from spacetraders_lab.core.errors import GameError, GameUnreachable, LeaseLost, WorldCondition
from spacetraders_lab.core.experiment import ClaimedPair, ExperimentRun
from spacetraders_lab.core.protocol import PairDone, PairFailed
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.heartbeat import keep_lease
from spacetraders_lab.run.session import Interrupted, PairSession
from spacetraders_lab.run.suspend import suspend
from spacetraders_lab.store.work_queue import WorkQueueRepository

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0  # between two looks at a queue that has nothing free now
RETRY_SECONDS = 30.0  # before a pair is tried again that the network, not the pair, got in the way of


@dataclass(frozen=True, slots=True)
class ShipExperimentWorkerCommand:
    """Let one ship work on a run until nothing is left to claim."""

    run_id: str
    ship_symbol: str


@dataclass(slots=True)
class WorkerReport:
    """What a worker did until it stopped; `error` says why it stopped early."""

    ship_symbol: str
    pairs_completed: int = 0
    pairs_failed: int = 0
    error: str | None = None


@dataclass(slots=True)
class ShipWorker:
    """Works on one run with one ship. `stop` asks it to finish its trade, release its pair and leave."""

    lab: Lab
    run: ExperimentRun
    command: ShipExperimentWorkerCommand
    stop: asyncio.Event
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    _ship: Ship | None = None  # as the game last told; None when it must be asked again

    async def work(self) -> WorkerReport:
        """Claim and measure pairs until every pair of the run has ended, or until asked to stop."""
        report = WorkerReport(self.command.ship_symbol)
        while not self.stop.is_set() and report.error is None:
            asked_at = self.lab.clock.monotonic()
            claim = await self._claim()
            if claim is not None:
                await self._work_on(claim, asked_at, report)
            elif await self._finished():
                break
            else:
                await self.lab.clock.sleep(POLL_SECONDS)
        return report

    async def _work_on(self, claim: ClaimedPair, asked_at: float, report: WorkerReport) -> None:
        try:
            async with keep_lease(self.lab, claim, asked_at) as lease:
                ship = self._ship or await reads.get_ship(self.lab.game.client, claim.ship_symbol)
                self._ship = None
                session = PairSession(self.lab, self.run, lease, ship, self.stop)
                end = await session.measure()
                claim = lease.claim
            self._ship = session.ship
            await self._end(claim, end, report)
        except LeaseLost as lost:
            log.warning("%s: %s", claim.ship_symbol, lost)
        except Interrupted:
            await self._release(claim)
        except WorldCondition as condition:
            await self._release(claim)
            await suspend(self.lab, self.run.run_id, condition, self.stop)
        except GameUnreachable as error:
            log.warning("%s: %s is put off: %s", claim.ship_symbol, claim.pair.pair_id, error)
            await self._release(claim, retry_in=RETRY_SECONDS)
        except GameError as error:
            # the ship itself cannot be read: it leaves, the pair is anybody's
            report.error = str(error)
            await self._release(claim, retry_in=0.0)

    async def _claim(self) -> ClaimedPair | None:
        now = self.lab.clock.now()
        return await self.lab.write(
            lambda c: WorkQueueRepository(c).claim_next_pair(
                self.run.run_id,
                self.command.ship_symbol,
                owner=self.owner,
                now=now,
                lease_seconds=self.lab.times.lease,
            )
        )

    async def _finished(self) -> bool:
        """An empty answer to a claim is not the end: it is when nobody holds or awaits a pair any more."""

        def work(connection: Connection) -> bool:
            queue = WorkQueueRepository(connection)
            queue.sweep(self.run.run_id, now=self.lab.clock.now())
            return queue.unfinished(self.run.run_id) == 0

        return await self.lab.write(work)

    async def _end(self, claim: ClaimedPair, end: PairDone | PairFailed, report: WorkerReport) -> None:
        now = self.lab.clock.now()
        if isinstance(end, PairFailed):
            log.error("%s: %s failed: %s", claim.ship_symbol, claim.pair.pair_id, end.reason)
            await self.lab.write(lambda c: WorkQueueRepository(c).mark_failed(claim, end.reason, now=now))
            report.pairs_failed += 1
        else:
            log.info("%s: %s completed", claim.ship_symbol, claim.pair.pair_id)
            await self.lab.write(lambda c: WorkQueueRepository(c).mark_complete(claim, now=now))
            report.pairs_completed += 1

    async def _release(self, claim: ClaimedPair, retry_in: float | None = None) -> None:
        """Give the pair back: at once and without counting the attempt, or after a while and counting it."""
        now = self.lab.clock.now()
        not_before = None if retry_in is None else now + timedelta(seconds=retry_in)
        try:
            await self.lab.write(
                lambda c: WorkQueueRepository(c).release(
                    claim, now=now, not_before=not_before, spend_attempt=retry_in is not None
                )
            )
        except LeaseLost as lost:
            log.warning("%s: %s", claim.ship_symbol, lost)

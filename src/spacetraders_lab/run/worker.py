"""One ship at work: claim a pair, let a session measure it, write down how it ended, claim the next."""

import asyncio
import logging
import uuid
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from spacetraders_lab.core.errors import (
    BudgetReached,
    GameError,
    GameUnreachable,
    LeaseLost,
    OutOfCredits,
    ShipUnfit,
    TooDear,
    WorldCondition,
)
from spacetraders_lab.core.experiment import ClaimedPair, DesignName, ExperimentRun, SkipReason
from spacetraders_lab.core.protocol import PairDone, PairFailed
from spacetraders_lab.core.schedule import POLL_SECONDS
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game import reads
from spacetraders_lab.game.client import Caller, caller
from spacetraders_lab.run import feed
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.claims import Claims
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.run.heartbeat import Pulse
from spacetraders_lab.run.interrupt import Interrupted, unless_stopped
from spacetraders_lab.run.logs import about
from spacetraders_lab.run.revisit import read_again
from spacetraders_lab.run.session import LastReading, PairSession
from spacetraders_lab.run.suspend import broke_on_this
from spacetraders_lab.store.doctor import ships_at_work
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository

log = logging.getLogger(__name__)

WASHOUT_POLL_SECONDS = 15.0  # game time between two looks for a free pair, where listings stay closed for long
SHORTEST_POLL = 0.1  # of the wall clock, however fast a sandbox plays
RETRY_SECONDS = 30.0  # game time before a pair is tried again that something else than the pair got in the way of
OUTAGE_SECONDS = 5.0  # between two tries at a database that does not answer
MOST_OUTAGES = 60  # in a row, then the worker leaves; what it was at goes on when it is started again


@dataclass(frozen=True, slots=True)
class ShipExperimentWorkerCommand:
    """Let one ship work on a run until nothing is left to claim."""

    run_id: str
    ship_symbol: str


@dataclass(slots=True)
class WorkerReport:
    """What a worker did until it stopped; `error` says why it stopped early, or `condition`, met at that moment."""

    ship_symbol: str
    pairs_completed: int = 0
    pairs_failed: int = 0
    error: str | None = None
    condition: WorldCondition | None = None
    met_at: datetime | None = None

    def count(self, end: PairDone | PairFailed) -> None:
        """Count a pair by how it ended."""
        if isinstance(end, PairFailed):
            self.pairs_failed += 1
        else:
            self.pairs_completed += 1

    def add(self, more: "WorkerReport") -> None:
        """Take in what the same ship did after this."""
        self.pairs_completed += more.pairs_completed
        self.pairs_failed += more.pairs_failed
        self.error = more.error


@dataclass(slots=True)
class ShipWorker:
    """Works on one run with one ship. `stop` asks it to finish its trade, release its pair and leave.

    `crew` are the ships that this process has at work on the run: who leaves strikes itself off. `halt` stops them all,
    and `pulse` keeps the leases of all.
    """

    lab: Lab
    run: ExperimentRun
    command: ShipExperimentWorkerCommand
    stop: asyncio.Event
    pulse: Pulse
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    crew: set[str] = field(default_factory=set)
    halt: asyncio.Event = field(default_factory=asyncio.Event)
    _claims: Claims = field(init=False)
    _ship: Ship | None = None  # as the game last told; None when it must be asked again
    _last_reading: LastReading | None = None
    _outages: int = 0
    _caller: Caller = field(default_factory=Caller)
    _noted: int = 0  # of the requests that were sent, those that the database knows of

    def __post_init__(self) -> None:
        ship = self.command.ship_symbol
        self._claims = Claims(self.lab, self.run, ship, f"{ship}/{self.owner}")

    async def work(self) -> WorkerReport:
        """Claim and measure pairs until every pair of the run has ended, or until asked to stop.

        A condition of the world ends the work of this worker and asks the others to stop; the report names it.
        """
        report = WorkerReport(self.command.ship_symbol)
        caller.set(self._caller)
        try:
            while not self.stop.is_set() and report.error is None and report.condition is None:
                try:
                    if not await self._next_pair(report):
                        break
                    self._outages = 0
                except DatabaseUnavailable as error:
                    await self._sit_out(error, report)
        finally:
            self.crew.discard(self.command.ship_symbol)
            self.lab.targets.pop(self.command.ship_symbol, None)
        with suppress(DatabaseUnavailable):
            await self._end_at_a_limit()
        return report

    async def clear_hold(self) -> WorkerReport:
        """Settle and sell what the ship still has of a run that has ended, once; without claiming anything else."""
        report = WorkerReport(self.command.ship_symbol)
        caller.set(self._caller)
        await self._has_cleared_its_hold(report)
        return report

    async def _next_pair(self, report: WorkerReport) -> bool:
        """Work on one pair, or wait a little when none is free; False when the run has ended."""
        asked_at = self.lab.clock.monotonic()
        await self._end_at_a_limit()
        if self.run.design.name is DesignName.RECOVERY:
            await self._as_the_world_lets(self._known_ship(), report)
            if self._ship is None:
                return True
            if self._ship.cargo_capacity == 0:
                return await self._only_watch(report)
        async with self.lab.claiming:
            if self.halt.is_set():
                return False
            claim, is_finished = await self._claims.next_pair(self._ship)
        if claim is not None:
            self.lab.targets.pop(self.command.ship_symbol, None)  # others may look after that market meanwhile
            await self.lab.pass_by(Point.CLAIMED)
            with about(pair_id=claim.pair.pair_id):
                log.info(
                    "%s takes up %s: attempt %d, take %d",
                    claim.ship_symbol,
                    claim.pair.pair_id,
                    claim.attempt,
                    claim.take,
                )
                await self._work_on(claim, asked_at, report)
            return True
        if is_finished and await self._has_cleared_its_hold(report):
            return False
        await self._find_work(report)
        return True

    async def _end_at_a_limit(self) -> None:
        """Put the requests that were made on record, and begin nothing more in a run that has reached a limit."""
        made = self._caller.requests - self._noted
        await self._claims.note_requests(made)
        self._noted += made

    async def _find_work(self, report: WorkerReport) -> None:
        """Nothing is free now: ask for more where the design goes on by itself, else wait a little."""
        match self.run.design.name:
            case DesignName.RECOVERY:
                await self._watch_on(report)
            case DesignName.ADAPTIVE:
                await self._as_the_world_lets(self._ask_for_pairs(), report)
            case _:
                usual = WASHOUT_POLL_SECONDS if self.run.design.washout_seconds else POLL_SECONDS
                await self._pause(self._wall_seconds(usual))

    async def _ask_for_pairs(self) -> None:
        """Have the queue filled, or wait where nothing is to be had."""
        if seconds := await feed.feed(self.lab, self.run, await self._known_ship(), self.stop):
            await self._pause(self._wall_seconds(seconds))

    async def _only_watch(self, report: WorkerReport) -> bool:
        """What a ship without a hold does for a recovery run; False when the run has ended."""
        if await self.lab.read(lambda c: WorkQueueRepository(c).unfinished(self.run.run_id)) == 0:
            return False
        await self._watch_on(report)
        return True

    async def _watch_on(self, report: WorkerReport) -> None:
        """Make the next reading of a recovery run, or wait for it."""
        await self._as_the_world_lets(self._read_again(), report)

    async def _read_again(self) -> None:
        ship, self._ship = await self._known_ship(), None
        self._ship = await read_again(self.lab, self.run, ship, self.stop)

    async def _as_the_world_lets(self, errand: Coroutine[Any, Any, object], report: WorkerReport) -> None:
        """Go on an errand between two pairs; what the world does is met as in a pair."""
        try:
            await errand
        except Interrupted:
            return
        except OutOfCredits as short:
            await self._short_of_money(short, report)
        except WorldCondition as condition:
            report.met_at = self.lab.clock.now()
            self._halt(condition, report)
        except GameUnreachable as error:
            log.warning("%s waits: %s", self.command.ship_symbol, error)
            await self._pause(self._retry_seconds())
        except (GameError, ShipUnfit) as error:
            report.error = str(error)

    async def _has_cleared_its_hold(self, report: WorkerReport) -> bool:
        """Settle and sell what the ship still has of the run; False when that must be tried again.

        A ship that died with cargo aboard may find its pair ended by another.
        """
        asked_at = self.lab.clock.monotonic()
        claim, may_carry = await self._claims.leftovers()
        if claim is None:
            return not may_carry
        with about(pair_id=claim.pair.pair_id):
            return await self._work_on(claim, asked_at, report, giving_up="the pair has ended")

    async def _work_on(
        self, claim: ClaimedPair, asked_at: float, report: WorkerReport, *, giving_up: str | None = None
    ) -> bool:
        """Let a session measure the pair (or, giving up, only clear the hold) and write down how it ended.

        False when it has not ended: somebody else has it now, or it was given back.
        """
        session: PairSession | None = None
        try:
            async with self.pulse.keep(claim, asked_at) as lease:
                # another program may have loaded it while this one was frozen, and left a pair that it has begun
                is_begun = claim.attempt > 1 or giving_up is not None
                ship, self._ship = await self._known_ship(anew=is_begun), None
                last_reading, self._last_reading = self._last_reading, None
                session = PairSession(
                    self.lab, self.run, lease, ship, self.stop, giving_up=giving_up, last_reading=last_reading
                )
                end = await session.measure()
                await self.lab.pass_by(Point.MEASURED)
            if giving_up:
                await self._claims.release(claim)
            elif isinstance(end, PairFailed) and session.awaits_a_listing:
                # The hold is full of what another ship's pair has the market of: that is not this pair's fault.
                await self._wait_with(claim)
            else:
                await self._claims.end(claim, end, session.failed_for)
                report.count(end)
            self._ship = session.ship
            self._last_reading = session.last_reading if self.run.design.shares_readings else None
            return not (giving_up and session.awaits_a_listing)
        except LeaseLost as lost:
            log.warning("%s: %s", claim.ship_symbol, lost)
        except Interrupted:
            log.info("%s puts it down where it is, to take it up again first", claim.ship_symbol)
            await self._claims.release(claim)
        except (OutOfCredits, BudgetReached) as short:
            await self._short_of_money(short, report, claim)
        except WorldCondition as condition:
            report.met_at = self.lab.clock.now()
            await self._claims.release(claim)
            self._halt(condition, report)
        except GameUnreachable as error:
            await self._put_off(claim, error)
        except DatabaseUnavailable:
            with suppress(DatabaseUnavailable):  # a full disk may still take this
                await self._claims.release(claim)
            raise
        except (GameError, ShipUnfit) as error:
            # The ship leaves, and the pair is anybody's. A ship that is unfit or cannot even be read has not tried it.
            report.error = str(error)
            await self._claims.release(claim, spend_attempt=session is not None and isinstance(error, GameError))
        return False

    async def _known_ship(self, *, anew: bool = False) -> Ship:
        if self._ship is not None and not anew:
            return self._ship
        self._ship = await unless_stopped(self.stop, reads.get_ship(self.lab.game.client, self.command.ship_symbol))
        return self._ship

    async def _put_off(self, claim: ClaimedPair, error: GameUnreachable) -> None:
        """Try the pair again later: when the game breaks on it another one meanwhile, else the ship waits as well."""
        log.warning("%s: %s is put off: %s", claim.ship_symbol, claim.pair.pair_id, error)
        if not await broke_on_this(self.lab, error, claim.ship_symbol, self.stop):
            return await self._wait_with(claim)
        return await self._claims.put_off(claim, str(error), wait=self._retry_seconds())

    async def _wait_with(self, claim: ClaimedPair) -> None:
        """Give the pair back for a while in which the ship waits as well."""
        wait = self._retry_seconds()
        await self._claims.release(claim, wait=wait)
        await self._pause(wait)

    async def _short_of_money(
        self, short: OutOfCredits | BudgetReached, report: WorkerReport, claim: ClaimedPair | None = None
    ) -> None:
        """Wait while another ship may still sell what it carries; else the run waits for the user.

        An adaptive run does without a pair that is too dear now: what is chosen next is chosen by what is left.
        Nobody claims meanwhile: a ship that began to buy unseen would be halted with its cargo aboard.
        """
        now, ship = self.lab.clock.now(), self.command.ship_symbol
        report.met_at = now
        others = self.crew - {ship}

        def who_may_sell(connection: Connection) -> set[str]:
            loaded = {s for s in others if IntentRepository(connection).carries_cargo(self.run.run_id, s)}
            return loaded | set(ships_at_work(connection, self.run.run_id, now=now))

        log.warning("%s: %s", ship, short)
        async with self.lab.claiming:
            sellers = await self.lab.read(who_may_sell) - {ship}
            if claim is not None and self._chooses_others and isinstance(short, TooDear):
                return await self._claims.do_without(claim, str(short))
            if claim is not None:
                await self._claims.release(claim)
            if not sellers:
                return await self._out_of_money(short, report)
        return await self._pause(self._retry_seconds())

    async def _out_of_money(self, short: OutOfCredits | BudgetReached, report: WorkerReport) -> None:
        """An adaptive run is over when its budget is; every other one, and every purse, waits for the user."""
        if not self._chooses_others or not isinstance(short, BudgetReached):
            return self._halt(short, report)
        now, run_id = self.lab.clock.now(), self.run.run_id
        await self.lab.write(
            lambda c: WorkQueueRepository(c).end_waiting(run_id, str(short), SkipReason.CREDITS, now=now)
        )
        with suppress(Interrupted):
            await feed.end(self.lab, self.run, f"the budget is reached: {short}", self.stop)
        return None

    @property
    def _chooses_others(self) -> bool:
        """Whether the run chooses its pairs as it goes on, by the money that is left."""
        return self.run.design.name is DesignName.ADAPTIVE

    def _halt(self, condition: WorldCondition, report: WorkerReport) -> None:
        report.condition = condition
        self.halt.set()
        self.stop.set()

    async def _sit_out(self, error: DatabaseUnavailable, report: WorkerReport) -> None:
        """Wait for the database. What was under way is on disk or was not begun; the next claim finds it."""
        self._ship = None
        self._outages += 1
        if self._outages > MOST_OUTAGES:
            report.error = str(error)
            return
        log.warning("%s waits: %s", self.command.ship_symbol, error)
        await self._pause(OUTAGE_SECONDS)

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not past a stop."""
        with suppress(Interrupted):
            await unless_stopped(self.stop, self.lab.clock.sleep(seconds))

    def _wall_seconds(self, game_seconds: float) -> float:
        return max(SHORTEST_POLL, game_seconds / self.lab.game.client.speed)

    def _retry_seconds(self) -> float:
        return RETRY_SECONDS * (0.5 + self.lab.chance.random()) / self.lab.game.client.speed

"""One claimed pair, from the recorded facts to its end. Asks the protocol and does what it says."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

from spacetraders_lab.core.commands import DockShipCommand, GetMarketQuery, NavigateShipCommand
from spacetraders_lab.core.errors import (
    BudgetReached,
    CreditFloor,
    GameError,
    GameUnreachable,
    OutOfCredits,
    PairError,
    PricesHidden,
    ShipUnfit,
    WorldCondition,
)
from spacetraders_lab.core.experiment import (
    READING_LASTS_SECONDS,
    ExperimentRun,
    Skip,
    SkipReason,
    Step,
    TradeRecord,
)
from spacetraders_lab.core.ledger import units_held
from spacetraders_lab.core.market import MarketSnapshot, Operation
from spacetraders_lab.core.observation import TradeContext, Visit
from spacetraders_lab.core.protocol import (
    Action,
    Leftover,
    NoFunds,
    NoRoom,
    PairDone,
    PairFacts,
    PairFailed,
    PlaceboReading,
    SkipTrades,
    next_action,
)
from spacetraders_lab.core.refusal import Refusal, judge_refusal, why_skipped
from spacetraders_lab.core.routing import Unreachable
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.game import reads
from spacetraders_lab.run import effects
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.run.heartbeat import Lease
from spacetraders_lab.run.interrupt import Interrupted, unless_stopped
from spacetraders_lab.run.leftovers import LeftoverSearch
from spacetraders_lab.run.placebo import take_bracket
from spacetraders_lab.run.revisit import stay_to_read
from spacetraders_lab.run.suspend import broke_on_this
from spacetraders_lab.store.attrition import RUN_IS_OVER, record_skips, skips_of
from spacetraders_lab.store.brackets import brackets_of
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_REFUSALS = 3  # in a row, each answered by looking again, before the pair is given up


@dataclass(frozen=True, slots=True)
class LastReading:
    """The market as a ship read it at the end of a pair, and whether it has taken a placebo bracket there."""

    market: MarketSnapshot
    is_bracketed: bool


class PairSession:
    """A ship's work on one claimed pair; `ship` is its state as the game last told it.

    With `giving_up` (why) it only sells what is aboard. `failed_for` says in a word why the pair failed, where it did.
    """

    def __init__(
        self,
        lab: Lab,
        run: ExperimentRun,
        lease: Lease,
        ship: Ship,
        stop: asyncio.Event,
        *,
        giving_up: str | None = None,
        last_reading: LastReading | None = None,
    ) -> None:
        self.ship = ship
        self.failed_for = SkipReason.PAIR_FAILED
        self._lab, self._run, self._lease, self._stop = lab, run, lease, stop
        self._pair = lease.claim.pair
        self._records: list[TradeRecord] = []
        self._market: MarketSnapshot | None = None
        self._visit = Visit("", 0, 0)
        self._leftovers: tuple[Leftover, ...] = ()
        self._search = LeftoverSearch(lab, run, lease)
        self._no_funds: WorldCondition | None = None
        self._giving_up, self._refusals = giving_up, 0
        self._skips: list[Skip] = []
        self._brackets: Counter[str] = Counter()
        self._last_reading = last_reading

    async def measure(self) -> PairDone | PairFailed:
        """Do what the protocol says until the pair has ended.

        Raises Interrupted, LeaseLost, WorldCondition, GameUnreachable, ShipUnfit, and GameError when the ship itself
        cannot be read; in each case the pair has not ended.
        """
        await self._settle_open_intents()
        while True:
            if self._stop.is_set():
                raise Interrupted("asked to stop")
            action = next_action(self._pair, self._facts(), self.ship)
            if isinstance(action, PairDone):
                await self._unless_stopped(stay_to_read(self._lab, self._run, self._records, self.ship))
                return action
            if isinstance(action, PairFailed) and self._giving_up and not self._leftovers:
                return action
            try:
                await self._do(action)
            except PairError as error:
                await self._give_up(str(error), why_skipped(error.code))
            except Unreachable as error:
                await self._give_up(str(error))
            except GameUnreachable as error:
                # a market that cannot answer may keep the rest of the pair waiting, but not what is left over for ever
                if not self._leftovers or not await broke_on_this(self._lab, error, self.ship.symbol, self._stop):
                    raise
                await self._give_up(str(error))

    def _facts(self) -> PairFacts:
        return PairFacts(
            self._run.design,
            tuple(self._records),
            self._market,
            self._leftovers,
            cannot_buy=self._no_funds is not None,
            giving_up=self._giving_up,
            own_menu=self._lease.claim.menu,
            skips=tuple(self._skips),
            brackets=self._brackets,
        )

    async def _do(self, action: Action) -> None:
        self._lease.check()
        match action:
            case NavigateShipCommand() | DockShipCommand():
                await self._move(action)
            case GetMarketQuery(waypoint=waypoint):
                await self._see(effects.read_market(self._lab, waypoint, "visit", ship=self.ship.symbol))
            case PlaceboReading():
                await self._see(self._take_bracket())
            case SkipTrades(skips=skips):
                await self._skip(skips)
            case Step():
                await self._trade(action)
            case NoRoom(reason=reason) if not self._records and not self.awaits_a_listing:
                raise ShipUnfit(reason)
            case PairFailed(reason=reason):
                raise PairError(reason)
            case NoFunds():
                raise self._no_funds or OutOfCredits("the purse cannot pay for the next purchase")

    async def _see(self, reading: Coroutine[Any, Any, MarketSnapshot]) -> None:
        """Await a reading of a market; one that the game refuses to show is no fault of the ship's."""
        try:
            self._market = await self._unless_stopped(reading)
        except GameUnreachable:
            raise
        except PricesHidden as hidden:
            await self._look_again(hidden)
        except GameError as refused:
            raise PairError(
                f"the market cannot be read: {refused} (code {refused.code})", code=refused.code
            ) from refused

    async def _take_bracket(self) -> MarketSnapshot:
        assert self._market is not None  # the protocol asks for it at a market it has seen
        last = await take_bracket(self._lab, self._lease, self._market)
        self._brackets[last.waypoint] += 1
        return last

    async def _skip(self, skips: tuple[Skip, ...]) -> None:
        """Put planned trades that are left out on record; what they would have sold is a leftover now."""
        now = self._lab.clock.now()
        log.info("%s leaves out %d trades: %s", self.ship.symbol, len(skips), skips[0].reason)
        await self._lease.write(lambda c: record_skips(c, self._lease.claim, skips, now=now))
        self._skips += skips
        await self._find_leftovers()

    async def _move(self, command: NavigateShipCommand | DockShipCommand) -> None:
        if isinstance(command, NavigateShipCommand):
            await self._unless_stopped(stay_to_read(self._lab, self._run, self._records, self.ship))
        self._market = None
        try:
            if isinstance(command, NavigateShipCommand) and self._flies_to_buy:
                await self._lab.read(lambda c: Budget(c, self._run.run_id).check())
        except BudgetReached as reached:
            self._no_funds = reached
            return
        try:
            done = await self._unless_stopped(effects.move(self._lab, command, self.ship, self._spend))
        except BudgetReached as reached:
            self._no_funds, self.ship = reached, await self._read_ship()  # it may have come a part of the way
            return
        except GameUnreachable:
            raise
        except GameError as refused:
            await self._look_again(refused)
            return
        self.ship = done.ship
        log.info("%s is at %s (%s)", self.ship.symbol, self.ship.waypoint, self.ship.status)
        if done.credits is not None:
            self._lab.purse.credits = done.credits
        self._visit = self._next_visit()
        await self._lab.pass_by(Point.MOVED)

    async def _spend(self, credits: int) -> None:
        def work(connection: Connection) -> None:
            budget = Budget(connection, self._run.run_id)
            if self._flies_to_buy:
                budget.afford_fuel(credits, with_kept=False)
            else:
                budget.add_fuel(credits)

        await self._lab.write(work)

    @property
    def _flies_to_buy(self) -> bool:
        return not self._leftovers and not self._units_held

    @property
    def _units_held(self) -> int:
        """Units aboard that this take will still sell as cells."""
        return units_held(self._facts().menu, self._records, self._skips)

    @property
    def awaits_a_listing(self) -> bool:
        """Whether something aboard cannot be sold, because another ship is at work on its listings."""
        return self._search.awaits_a_listing

    @property
    def last_reading(self) -> LastReading | None:
        """What a pair that begins here at once may begin with; None unless docked at a market just read."""
        if self._market is None or self.ship.status is not NavStatus.DOCKED:
            return None
        return LastReading(self._market, self._brackets[self._market.waypoint] > 0)

    async def _trade(self, step: Step) -> None:
        assert self._market is not None  # the protocol trades only at a market it has seen
        visit = Visit(self._visit.visit_id, self._visit.sequence + 1, self._visit.cumulative_units + step.units)
        before = self._market.goods[step.good_symbol]
        context = TradeContext(self._pair, visit, before, self._market.observed_at, self._market.traded_at)
        try:
            effect = await effects.trade(self._lab, self._run, self._lease, step, self.ship, context, self._stop)
        except (BudgetReached, CreditFloor) as reached:
            self._no_funds = reached
            return
        self.ship, self._market = effect.ship, effect.market
        if effect.record is not None:
            self._visit = visit
            await self._note(effect.record, effect.conflict)
        elif effect.refusal is not None:
            await self._refused(effect.refusal)
        else:
            await self._settle_open_intents()

    async def _note(self, record: TradeRecord, conflict: str | None) -> None:
        self._records.append(record)
        self._refusals = 0
        if record.operation is Operation.SELL:
            self._no_funds = None
        if conflict is not None:  # before anything is taken for a leftover: the pair is to give up
            raise PairError(conflict)
        is_last_sale = record.operation is Operation.SELL and not self._units_held
        if record.cell is None or (is_last_sale and self.ship.units_of(record.good_symbol)):
            await self._find_leftovers()

    async def _refused(self, error: GameError) -> None:
        if isinstance(error, GameUnreachable):
            raise error
        log.warning("%s: the game refused the trade: %s (code %d)", self.ship.symbol, error, error.code)
        match judge_refusal(error.code):
            case Refusal.NO_FUNDS:
                self._no_funds = OutOfCredits(f"the purse cannot pay for the next purchase ({error})")
            case Refusal.LOOK_AGAIN:
                await self._look_again(error)
            case Refusal.PAIR:
                self.ship = await self._read_ship()  # raises when it is the ship that is gone
                raise PairError(f"the game refused the trade: {error} (code {error.code})", code=error.code)

    async def _look_again(self, error: GameError) -> None:
        """Ship or market are not as we believed: read the ship, forget the market, and let the protocol plan anew."""
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            raise PairError(f"refused {self._refusals} times in a row: {error} (code {error.code})", code=error.code)
        self._market = None
        self.ship = await self._read_ship()

    async def _give_up(self, reason: str, failed_for: SkipReason = SkipReason.PAIR_FAILED) -> None:
        """Cross off the market that would not take a leftover, else note why the pair fails; see what is aboard."""
        log.warning("%s gives up: %s", self.ship.symbol, reason)
        if self._leftovers:
            self._search.close(self._leftovers[0])
        else:
            self._giving_up, self.failed_for = reason, failed_for
        await self._find_leftovers()

    async def _settle_open_intents(self) -> None:
        """Find out what became of trades whose outcome nobody knows, then take the facts from the database."""
        player, ship = self._lab.player_id, self.ship.symbol
        intents = await self._lab.read(lambda c: IntentRepository(c).open_intents(player, ship))
        if intents:
            await self._unless_stopped(self._lab.clock.sleep(self._lab.times.settle))
        for intent in intents:
            try:
                self.ship = await self._unless_stopped(effects.reconcile(self._lab, intent, self._lease.write))
            except PairError as error:
                self.ship = await self._read_ship()
                if intent.queue_id == self._lease.claim.queue_id:
                    self._giving_up = str(error)
        await self._recall()

    async def _read_ship(self) -> Ship:
        return await self._unless_stopped(reads.get_ship(self._lab.game.client, self.ship.symbol))

    async def _recall(self) -> None:
        """Load what this take has recorded, and cargo of the run that it does not explain.

        A take whose cargo was sold as leftovers meanwhile, by a session on another pair, cannot be finished: the pair
        is begun anew.
        """
        claim = self._lease.claim
        self._records, self._skips, self._brackets, aboard = await self._lab.read(
            lambda c: (
                ExperimentRepository(c).records_of(claim.run_id, claim.pair.pair_id, claim.take),
                skips_of(c, claim),
                brackets_of(c, claim),
                IntentRepository(c).hold_history(claim.run_id, claim.ship_symbol, claim.pair.good_symbol),
            )
        )
        if self._giving_up is None and any(skip.reason in RUN_IS_OVER for skip in self._skips):
            raise Interrupted("the run was cancelled")  # to leave out the rest is no way to complete the pair
        if self._giving_up is None and aboard is not None and self._units_held > aboard.of_the_run:
            await self._lease.begin_anew()
            anew = self._lease.claim
            self._records, self._skips = [], await self._lab.read(lambda c: skips_of(c, anew))
            self._brackets.clear()
        self._begin_with_the_last_reading()
        self._visit = self._next_visit()
        await self._find_leftovers()

    def _begin_with_the_last_reading(self) -> None:
        """Where the pair begins at once where the ship's last one ended, that one's last reading is this one's first.

        The bracket of the docking counts for both; killed in between, the ship takes another one.
        """
        last, self._last_reading = self._last_reading, None
        if last is None or self._records or last.market.waypoint != self.ship.waypoint:
            return
        age = (self._lab.game.now() - last.market.observed_at).total_seconds() * self._lab.game.client.speed
        if age <= READING_LASTS_SECONDS and last.market.waypoint == self._pair.buy_market:
            self._market = last.market
            self._brackets[last.market.waypoint] += last.is_bracketed

    def _next_visit(self) -> Visit:
        """A new visit's number follows from the visits that have rows, so that a restart cannot reuse one."""
        claim = self._lease.claim
        so_far = len({record.visit_id for record in self._records})
        return Visit(f"{claim.queue_id}-{claim.take}-{so_far + 1}", 0, 0)

    async def _find_leftovers(self) -> None:
        held = self._units_held if self._giving_up is None else 0
        self._leftovers = await self._search.find(self.ship, self._records, held)

    async def _unless_stopped(self, doing: Coroutine[Any, Any, T]) -> T:
        """Await something that may be broken off without harm (a flight, a read); a trade never goes through here."""
        return await unless_stopped(self._stop, doing)

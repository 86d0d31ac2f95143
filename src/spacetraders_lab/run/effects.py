"""The only code that trades for a run: audit the hold, write the intent, look at the lease, send, record.

Whatever happens in between, the intent on disk and the ship's hold tell afterwards what became of the trade.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from spacetraders_lab.core.commands import DockShipCommand, NavigateShipCommand
from spacetraders_lab.core.errors import GameError, LeaseLost, OutOfCredits, PairError, WorldCondition
from spacetraders_lab.core.experiment import ExperimentRun, Intent, IntentState, Step, TradeRecord
from spacetraders_lab.core.market import MarketSnapshot, MarketTransaction, Operation
from spacetraders_lab.core.observation import TradeContext, trade_record, unexpected
from spacetraders_lab.core.protocol import trade_command
from spacetraders_lab.core.refusal import Refusal, judge_refusal
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game import reads
from spacetraders_lab.game.execute import execute
from spacetraders_lab.game.navigate import Spend
from spacetraders_lab.game.outcome import Done, Outcome, Refused
from spacetraders_lab.run import audit
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.run.heartbeat import Lease
from spacetraders_lab.run.interrupt import Interrupted, unless_stopped
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.world import World

# does a piece of work in one transaction: `Lease.write`, or `Lab.write` for who has no lease
Write = Callable[[Callable[[Connection], None]], Awaitable[None]]

# Seconds that a stop leaves to the reply of a trade under way, and to the look at the market after it: the process is
# to be gone within 20.
REPLY_GRACE, READ_GRACE = 15.0, 2.0

# how far the game's clock may be behind what we take it for when a trade is looked for in the market's list
_CLOCK_SKEW = timedelta(seconds=30)


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of a step: the ship now, the live market (None when unread), the row if the trade took place.

    Without a row, `refusal` says why there was no trade; without that either, nobody knows yet: the intent is open.
    `conflict` says that the hold, as the reply shows it, disagrees with the ledger: somebody else has traded.
    """

    ship: Ship
    market: MarketSnapshot | None = None
    record: TradeRecord | None = None
    refusal: GameError | None = None
    conflict: str | None = None


async def read_market(lab: Lab, waypoint: str, source: str, *, ship: str | None = None) -> MarketSnapshot:
    """Read a market live and keep what it quoted; `ship` is the one that is there and asks. Raises PricesHidden."""
    snapshot = await reads.get_market(lab.game.client, waypoint, ship=ship)
    lab.game.learn(snapshot)
    await lab.write(lambda c: World(c).save_snapshot(lab.universe_id, snapshot, source, ship=ship))
    return snapshot


async def move(lab: Lab, command: NavigateShipCommand | DockShipCommand, ship: Ship, spend: Spend) -> Done:
    """Fly or dock; raises OutOfCredits when the purse cannot pay for fuel, and what `execute` raises."""
    try:
        outcome = await execute(lab.game, command, ship, spend=spend)
    except GameError as refused:
        if judge_refusal(refused.code) is Refusal.NO_FUNDS:
            raise OutOfCredits(f"the purse cannot pay for fuel ({refused})") from refused
        raise
    assert isinstance(outcome, Done)  # only a trade is anything else
    return outcome


async def trade(
    lab: Lab, run: ExperimentRun, lease: Lease, step: Step, ship: Ship, context: TradeContext, stop: asyncio.Event
) -> Effect:
    """Carry out one step at the market where the ship is docked, and record it.

    Raises LeaseLost, BudgetReached and CreditFloor before anything is sent, PairError when the hold disagrees with
    the ledger, WorldCondition when nobody can trade, Interrupted when it cannot be finished within the seconds that
    are left after a stop. A step of unknown outcome leaves its intent open for `reconcile`.
    """
    is_purchase = step.operation is Operation.BUY
    cost, floor = (step.units * context.before.purchase_price, run.credit_floor) if is_purchase else (0, 0)
    if not lab.purse.allows(cost, floor):
        lab.purse.credits = (await reads.get_agent(lab.game.client)).credits  # it may have been filled since
    with lab.purse.spending(cost, floor):
        intent = await _open_intent(lab, run, lease, step, ship, context)
        outcome = await _send(lab, lease, intent, ship, stop)
    if isinstance(outcome, Done) and outcome.credits is not None:
        lab.purse.credits = outcome.credits
    await lab.pass_by(Point.ANSWERED)
    if isinstance(outcome, Refused):
        await _undone(lab, intent, lease.write)
        return Effect(ship, refusal=outcome.error)
    if isinstance(outcome, Done) and outcome.transaction is not None:
        return await _record_done(lab, lease, intent, outcome.transaction, outcome.ship, stop)
    log.warning("%s: nobody knows yet whether it did %s", ship.symbol, _words(step))
    return Effect(ship)


async def _send(lab: Lab, lease: Lease, intent: Intent, ship: Ship, stop: asyncio.Event) -> Outcome:
    """The request, with the last look at the lease in the moment before it leaves, however long it had to wait."""
    await lab.pass_by(Point.INTENDED)
    has_left = False

    def leave() -> None:
        nonlocal has_left
        lease.check()
        has_left = True

    try:
        trading = execute(lab.game, trade_command(intent.step, ship.symbol), ship, may_trade=leave)
        return await unless_stopped(stop, trading, grace=REPLY_GRACE)
    except Interrupted:
        if not has_left:
            await _undone(lab, intent, lease.write)
        raise
    except (LeaseLost, WorldCondition):
        await _undone(lab, intent, lease.write)  # nothing was sent, or the game says that nothing was done
        raise


async def reconcile(lab: Lab, intent: Intent, write: Write) -> Ship:
    """Find out from the hold, and from the market's own list, whether an intended trade took place.

    The caller has let the settle time pass since the reply became unknown, or since it took the intent over. `write`
    does the writing: under the caller's lease where it has one. Returns the ship as it is; raises PairError when its
    hold fits neither, LeaseLost when somebody else has found out.
    """
    step = intent.step
    ship = await reads.get_ship(lab.game.client, intent.ship_symbol)
    held = ship.units_of(step.good_symbol)
    lab.tally["reconciliations"] += 1
    if held == intent.units_before:
        log.info("%s did not %s", ship.symbol, _words(step))
        await _undone(lab, intent, write)
        return ship
    market = await _read_or_none(lab, intent, asyncio.Event()) if ship.waypoint == step.market else None
    pair_id = TradeContext.from_json(intent.quote_before).pair.pair_id
    known = await lab.read(lambda c: ExperimentRepository(c).records_of(intent.run_id, pair_id, intent.take))
    since = lab.game.client.skew.games(intent.created_at or lab.clock.now())
    listed = _find_transaction(intent, market, known, since)
    fits = held == units_after(intent)
    if listed is None and not fits:
        await _in_conflict(lab, intent, held, write)
        raise PairError(audit.disagreement(ship, step.good_symbol, expected=intent.units_before, held=held))
    record = _row(lab, intent, listed or _assumed_transaction(intent, since), ship, market, recovered=True)
    await _keep(lab, intent, record, market, write)
    if not fits:  # something else has happened as well, which the audit puts on record before the next trade
        raise PairError(audit.disagreement(ship, step.good_symbol, expected=units_after(intent), held=held))
    return ship


async def write_off(lab: Lab, intent: Intent) -> None:
    """Give up a trade of unknown outcome, because its ship is no more: what it may have cost stays counted."""
    log.warning("%s is no more: nobody knows whether it did %s", intent.ship_symbol, _words(intent.step))
    await _in_conflict(lab, intent, 0, lab.write)


def units_after(intent: Intent) -> int:
    """Units of the good in the hold once the intended trade has taken place."""
    sign = 1 if intent.step.operation is Operation.BUY else -1
    return intent.units_before + sign * intent.step.units


async def _open_intent(
    lab: Lab, run: ExperimentRun, lease: Lease, step: Step, ship: Ship, context: TradeContext
) -> Intent:
    """Audit the hold, write the intent under the lease and reserve its money, in one transaction."""
    good, now = step.good_symbol, lab.clock.now()
    held = ship.units_of(good)

    def work(connection: Connection) -> tuple[int, Intent | None]:
        expected = audit.expected_units(connection, run.run_id, ship, good)
        if held != expected:
            audit.put_on_record(connection, lease.claim, step, context, expected=expected, held=held, now=now)
            return expected, None
        limit = context.before.price(step.operation)
        intent = IntentRepository(connection).open(
            lease.claim, step, units_before=held, price_limit=limit, quote_before=context.to_json(), now=now
        )
        if step.operation is Operation.BUY:
            Budget(connection, run.run_id).reserve(_reserved(intent))
        return held, intent

    expected, intent = await lab.write(work)  # `IntentRepository.open` holds the lease
    if intent is None:
        raise PairError(audit.disagreement(ship, good, expected=expected, held=held))
    return intent


async def _record_done(
    lab: Lab, lease: Lease, intent: Intent, transaction: MarketTransaction, ship: Ship, stop: asyncio.Event
) -> Effect:
    market = await _read_or_none(lab, intent, stop)
    await lab.pass_by(Point.OBSERVED)
    record = _row(lab, intent, transaction, ship, market, recovered=market is None)
    await _keep(lab, intent, record, market, lease.write)
    return Effect(ship, market, record, conflict=await _conflict_after(lab, lease, intent, ship))


async def _conflict_after(lab: Lab, lease: Lease, intent: Intent, ship: Ship) -> str | None:
    """What the reply to a trade shows of the hold: None when it is as it should be, else why the pair is spoilt."""
    step, now = intent.step, lab.clock.now()
    held, expected = ship.units_of(step.good_symbol), units_after(intent)
    if held == expected:
        return None
    context = TradeContext.from_json(intent.quote_before)
    await lease.write(
        lambda c: audit.put_on_record(c, lease.claim, step, context, expected=expected, held=held, now=now)
    )
    return audit.disagreement(ship, step.good_symbol, expected=expected, held=held)


def _row(
    lab: Lab,
    intent: Intent,
    transaction: MarketTransaction,
    ship: Ship,
    market: MarketSnapshot | None,
    *,
    recovered: bool,
) -> TradeRecord:
    return trade_record(
        intent.step,
        transaction,
        TradeContext.from_json(intent.quote_before),
        run_id=intent.run_id,
        player_id=lab.player_id,
        take=intent.take,
        ship=ship,
        after=market,
        recovered=recovered,
    )


async def _read_or_none(lab: Lab, intent: Intent, stop: asyncio.Event) -> MarketSnapshot | None:
    """The market now, or None when the game does not tell, or not in time: the trade is recorded all the same."""
    reading = reads.get_market(lab.game.client, intent.step.market, ship=intent.ship_symbol)
    try:
        return await unless_stopped(stop, reading, grace=READ_GRACE)
    except (GameError, WorldCondition, Interrupted):
        return None


async def _keep(lab: Lab, intent: Intent, record: TradeRecord, market: MarketSnapshot | None, write: Write) -> None:
    """Write the row, the snapshot, the resolved intent and what it cost in one transaction."""
    now, sign = lab.clock.now(), 1 if record.operation is Operation.BUY else -1

    def work(connection: Connection) -> None:
        experiments = ExperimentRepository(connection)
        IntentRepository(connection).resolve(intent.intent_id, IntentState.HAPPENED, now=now)
        experiments.record_transaction(record)
        for kind, what in unexpected(record):
            experiments.record_deviation(intent.run_id, kind, what, now=now)
        Budget(connection, intent.run_id).settle(reserved=_reserved(intent), paid=sign * record.total_credits)
        if market is not None:
            World(connection).save_quotes(lab.universe_id, market, "trade", ship=record.ship_symbol)

    await write(work)
    log.info("%s %s for %d each%s", record.ship_symbol, _done(intent.step), record.price_per_unit, _moved(record))
    await lab.pass_by(Point.RECORDED)


def _words(step: Step) -> str:
    return f"{step.operation} {step.units} {step.good_symbol} at {step.market}"


def _done(step: Step) -> str:
    verb = "bought" if step.operation is Operation.BUY else "sold"
    return f"{verb} {step.units} {step.good_symbol} at {step.market}"


def _moved(record: TradeRecord) -> str:
    """What became of the quote of the side traded, where that was seen."""
    return "" if record.price_after is None else f"; the quote went {record.price_before} → {record.price_after}"


async def _undone(lab: Lab, intent: Intent, write: Write) -> None:
    """The trade did not take place: resolve the intent and give its money back."""
    now = lab.clock.now()

    def work(connection: Connection) -> None:
        IntentRepository(connection).resolve(intent.intent_id, IntentState.DID_NOT, now=now)
        Budget(connection, intent.run_id).settle(reserved=_reserved(intent), paid=0)

    await write(work)


async def _in_conflict(lab: Lab, intent: Intent, held: int, write: Write) -> None:
    """The hold fits neither: what the trade may have cost stays reserved, and the ledger goes on from the hold."""
    now = lab.clock.now()
    await write(
        lambda c: IntentRepository(c).resolve(intent.intent_id, IntentState.CONFLICT, now=now, units_found=held)
    )


def _reserved(intent: Intent) -> int:
    """What the intent counts against the budget as long as its outcome is not known; a sale counts nothing."""
    return intent.step.units * intent.price_limit if intent.step.operation is Operation.BUY else 0


def _find_transaction(
    intent: Intent, market: MarketSnapshot | None, known: Sequence[TradeRecord], since: datetime
) -> MarketTransaction | None:
    """The trade in the market's own list: ship, good, side and units as intended, not before the intent, not known."""
    step = intent.step
    seen = {(record.timestamp, record.price_per_unit) for record in known}
    fitting = [
        t
        for t in (market.transactions if market else ())
        if (t.ship_symbol, t.trade_symbol, t.operation, t.units)
        == (intent.ship_symbol, step.good_symbol, step.operation, step.units)
        and t.timestamp >= since - _CLOCK_SKEW
        and (t.timestamp, t.price_per_unit) not in seen
    ]
    return max(fitting, key=lambda t: t.timestamp, default=None)


def _assumed_transaction(intent: Intent, when: datetime) -> MarketTransaction:
    """What the market would have listed: a transaction fills wholly at the quote before it."""
    step, price = intent.step, intent.price_limit
    return MarketTransaction(
        step.market,
        intent.ship_symbol,
        step.good_symbol,
        step.operation,
        step.units,
        price,
        step.units * price,
        when,
    )

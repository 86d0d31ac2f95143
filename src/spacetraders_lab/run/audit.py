"""Holds a ship's cargo against the ledger. What disagrees goes on record as a CONFLICT; it repairs nothing."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from spacetraders_lab.core.experiment import ClaimedPair, IntentState, Step
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.observation import TradeContext
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.intents import IntentRepository


def expected_units(connection: Connection, run_id: str, ship: Ship, good: str) -> int:
    """Units of the good that should be aboard; a good that the run has not traded on the ship is as it is found."""
    history = IntentRepository(connection).hold_history(run_id, ship.symbol, good)
    return ship.units_of(good) if history is None else history.expected_units


def put_on_record(
    connection: Connection,
    claim: ClaimedPair,
    step: Step,
    context: TradeContext,
    *,
    expected: int,
    held: int,
    now: datetime,
) -> None:
    """Write down the trade that must have happened past the ledger, which goes on from the hold as it is.

    `step` is the run's own trade at the time. Units that came aboard are the run's to sell now, so the run has paid
    for them, at the quote of `context`. Call it under the claim's lease.
    """
    units = held - expected
    operation = Operation.BUY if units > 0 else Operation.SELL
    unexplained = replace(step, operation=operation, fraction=None, iteration=0, part=1, units=abs(units))
    price = context.before.price(operation)
    intents = IntentRepository(connection)
    intent = intents.open(
        claim, unexplained, units_before=expected, price_limit=price, quote_before=context.to_json(), now=now
    )
    intents.resolve(intent.intent_id, IntentState.CONFLICT, units_found=held, now=now)
    Budget(connection, claim.run_id).settle(reserved=0, paid=max(units, 0) * price)


def disagreement(ship: Ship, good: str, *, expected: int, held: int) -> str:
    """What the user is told."""
    return f"the hold of {ship.symbol} disagrees with the ledger: {held} {good} aboard where {expected} were expected"

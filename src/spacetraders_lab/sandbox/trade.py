"""What a ship does at a market: buy, sell, refuel.

Every check raises the game's refusal before anything changes; what is done goes into the ledger and the market's list.
"""

from datetime import datetime
from typing import Any

from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.ship import NavStatus
from spacetraders_lab.core.travel import market_units
from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.cargo import check_aboard, check_room
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.sandbox.market import Market, shown_transaction
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe


def purchase(universe: Universe, ship: ShipState, good: str, units: int, now: datetime) -> dict[str, Any]:
    """Buy at the quoted price; returns the transaction as the game shows it.

    Raises 4214, 4244, 4603, 4601, 4604, 4600, 4217, looked for in this order.
    """
    _check_docked(ship, now)
    market = universe.market(ship.waypoint, now)
    if good not in market.listings:
        raise refusals.not_bought_here(good, ship.waypoint)
    _check_volume(market, good, units)
    price = market.quote(good).ask
    _check_credits(universe.agents[ship.agent], good, units, price)
    check_room(ship, units)
    ship.load(good, units)
    return _settle(universe, market, ship, Operation.BUY, good, units, price, now)


def sell(universe: Universe, ship: ShipState, good: str, units: int, now: datetime) -> dict[str, Any]:
    """Sell at the quoted price; returns the transaction as the game shows it.

    Raises 4214, 4244, 4603, 4602, 4604, 4218 or 4219, looked for in this order.
    """
    _check_docked(ship, now)
    market = universe.market(ship.waypoint, now)
    if good not in market.listings:
        raise refusals.not_sold_here(good, ship.waypoint)
    _check_volume(market, good, units)
    check_aboard(ship, good, units)
    ship.load(good, -units)
    return _settle(universe, market, ship, Operation.SELL, good, units, market.quote(good).bid, now)


def refuel(universe: Universe, ship: ShipState, wanted: int | None, from_cargo: bool, now: datetime) -> dict[str, Any]:
    """Fill the tank with up to `wanted` units of ship fuel (None: full), from the market or from FUEL in the hold.

    One market unit is 100 of ship fuel, rounded up, bought at the FUEL listing like any other purchase. Raises 4214,
    4225 when not docked, 4226 where no fuel is sold, 4600 without the credits, 4218 or 4219 without the cargo. A full
    tank costs nothing and moves nothing.
    """
    ship.check_not_in_transit(now)
    if ship.status is not NavStatus.DOCKED:
        raise refusals.refuel_not_docked(ship.waypoint)
    missing = ship.hull.fuel - ship.fuel
    added = missing if wanted is None else min(wanted, missing)
    units = market_units(added)
    if from_cargo:
        return _refuel_from_hold(universe, ship, units, added, now)
    at = universe.systems[ship.system].markets.get(ship.waypoint)
    if at is None or FUEL not in at.listings:
        raise refusals.no_fuel_here(ship.waypoint)
    market = universe.market(ship.waypoint, now)
    price = market.quote(FUEL).ask
    if not units:
        return shown_transaction(ship.waypoint, ship.symbol, FUEL, "PURCHASE", 0, price, now)
    _check_credits(universe.agents[ship.agent], FUEL, units, price)
    ship.fuel += added
    return _settle(universe, market, ship, Operation.BUY, FUEL, units, price, now, kind="REFUEL")


def _refuel_from_hold(universe: Universe, ship: ShipState, units: int, added: int, now: datetime) -> dict[str, Any]:
    if units:
        check_aboard(ship, FUEL, units)
        ship.load(FUEL, -units)
        ship.fuel += added
        universe.note("REFUEL_FROM_CARGO", ship, now, good=FUEL, units=units)
    return shown_transaction(ship.waypoint, ship.symbol, FUEL, "PURCHASE", units, 0, now)


def _check_docked(ship: ShipState, now: datetime) -> None:
    ship.check_not_in_transit(now)
    if ship.status is not NavStatus.DOCKED:
        raise refusals.not_docked(ship.waypoint)


def _check_volume(market: Market, good: str, units: int) -> None:
    volume = market.listings[good].trade_volume
    if units > volume:
        raise refusals.over_trade_volume(good, market.waypoint, units, volume)


def _check_credits(agent: Agent, good: str, units: int, price: int) -> None:
    if units * price > agent.credits:
        raise refusals.no_credits_for_goods(good, agent.credits, units * price, units, price)


def _settle(
    universe: Universe,
    market: Market,
    ship: ShipState,
    operation: Operation,
    good: str,
    units: int,
    price: int,
    now: datetime,
    kind: str = "",
) -> dict[str, Any]:
    """Pay, let the trade act on the market, show it there and write it down (as `kind`, where it is no plain trade)."""
    buys = operation is Operation.BUY
    universe.agents[ship.agent].credits += -units * price if buys else units * price
    market.move(good, operation, units)
    shown = "PURCHASE" if buys else "SELL"
    transaction = shown_transaction(ship.waypoint, ship.symbol, good, shown, units, price, now)
    market.show(transaction)
    universe.note(kind or shown, ship, now, good=good, units=units, price=price)
    return transaction

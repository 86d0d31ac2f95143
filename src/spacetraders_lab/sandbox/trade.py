"""What a ship does at a market or a shipyard: buy, sell, refuel, jettison, transfer, buy a ship.

Every check raises the game's refusal before anything changes; what is done goes into the ledger and, where other
players would see it, into the market's list.
"""

from datetime import datetime
from typing import Any

from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.ship import NavStatus
from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.refusals import stamp
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe

FUEL_PER_UNIT = 100  # ship fuel in one market unit


def check_not_in_transit(ship: ShipState, now: datetime, code: int = 4214) -> None:
    """Raises 4214 (or the code given) while the ship flies."""
    if ship.status is NavStatus.IN_TRANSIT:
        flight = ship.flight
        seconds = max(0, round((flight.arrival - now).total_seconds()))
        raise refusals.in_transit(
            flight.origin.symbol,
            flight.destination.symbol,
            stamp(flight.departure),
            stamp(flight.arrival),
            seconds,
            code,
        )


def check_docked(ship: ShipState, now: datetime) -> None:
    """Raises 4214 in transit and 4244 in orbit."""
    check_not_in_transit(ship, now)
    if ship.status is not NavStatus.DOCKED:
        raise refusals.not_docked(ship.waypoint)


def purchase(universe: Universe, ship: ShipState, good: str, units: int, now: datetime) -> dict[str, Any]:
    """Buy at the quoted price; returns the transaction as the game shows it."""
    check_docked(ship, now)
    market = universe.market(ship.waypoint, now)
    if good not in market.listings:
        raise refusals.not_bought_here(good, ship.waypoint)
    _check_volume(market, good, units)
    agent = universe.agents[ship.agent]
    price = market.quote(good).ask
    if units * price > agent.credits:
        raise refusals.no_credits_for_goods(good, agent.credits, units * price, units, price)
    if ship.cargo_units + units > ship.capacity:
        raise refusals.cargo_exceeded(ship.symbol, ship.capacity, ship.cargo_units, units)
    agent.credits -= units * price
    ship.load(good, units)
    return _settle(universe, market, ship, Operation.BUY, good, units, price, now)


def sell(universe: Universe, ship: ShipState, good: str, units: int, now: datetime) -> dict[str, Any]:
    """Sell at the quoted price; returns the transaction as the game shows it."""
    check_docked(ship, now)
    market = universe.market(ship.waypoint, now)
    if good not in market.listings:
        raise refusals.not_sold_here(good, ship.waypoint)
    _check_volume(market, good, units)
    check_aboard(ship, good, units)
    price = market.quote(good).bid
    universe.agents[ship.agent].credits += units * price
    ship.load(good, -units)
    return _settle(universe, market, ship, Operation.SELL, good, units, price, now)


def refuel(universe: Universe, ship: ShipState, wanted: int | None, from_cargo: bool, now: datetime) -> dict[str, Any]:
    """Fill the tank up to `wanted` units of ship fuel (None: full), from the market or from FUEL in the hold.

    One market unit is 100 of ship fuel, rounded up, bought at the FUEL listing like any other purchase. Raises 4225
    when not docked, 4226 where no fuel is sold, 4600 without the credits. A full tank costs nothing and moves nothing.
    """
    check_not_in_transit(ship, now)
    if ship.status is not NavStatus.DOCKED:
        raise refusals.refuel_not_docked(ship.waypoint)
    missing = ship.hull.fuel - ship.fuel
    added = missing if wanted is None else min(wanted, missing)
    units = -(-added // FUEL_PER_UNIT)
    if from_cargo:
        return _refuel_from_hold(universe, ship, units, added, now)
    system = universe.systems[ship.system]
    if ship.waypoint not in system.markets or FUEL not in system.markets[ship.waypoint].listings:
        raise refusals.no_fuel_here(ship.waypoint)
    market = universe.market(ship.waypoint, now)
    agent = universe.agents[ship.agent]
    price = market.quote(FUEL).ask
    if units * price > agent.credits:
        raise refusals.no_credits_for_goods(FUEL, agent.credits, units * price, units, price)
    ship.fuel += added
    if not units:
        return transaction(ship, "PURCHASE", FUEL, 0, price, now)
    agent.credits -= units * price
    return _settle(universe, market, ship, Operation.BUY, FUEL, units, price, now, kind="REFUEL")


def _refuel_from_hold(universe: Universe, ship: ShipState, units: int, added: int, now: datetime) -> dict[str, Any]:
    if units:
        check_aboard(ship, FUEL, units)
        ship.load(FUEL, -units)
        ship.fuel += added
        universe.note("REFUEL_FROM_CARGO", ship, now, good=FUEL, units=units)
    return transaction(ship, "PURCHASE", FUEL, units, 0, now)


def jettison(universe: Universe, ship: ShipState, good: str, units: int, now: datetime) -> None:
    """Throw cargo away; raises 4214 in transit, 4218 or 4219 when it is not aboard."""
    check_not_in_transit(ship, now)
    check_aboard(ship, good, units)
    ship.load(good, -units)
    universe.note("JETTISON", ship, now, good=good, units=units)


def buy_ship(
    universe: Universe, agent: Agent, kind: str, waypoint: str, now: datetime
) -> tuple[ShipState, dict[str, Any]]:
    """Buy a ship on offer; raises 4245 without an own ship there, 4605 when not on offer, 4216 without the credits."""
    place = universe.waypoint(waypoint)
    if place is None:
        raise refusals.not_found(f"Waypoint {waypoint}")
    system = universe.systems[waypoint.rpartition("-")[0]]
    offer = system.shipyards.get(waypoint, {}).get(kind)
    if offer is None:
        raise refusals.ship_not_on_offer(kind, waypoint)
    if not universe.is_watched(agent, waypoint, now):
        raise refusals.no_ship_at_yard(waypoint)
    if offer.price > agent.credits:
        raise refusals.no_credits_for_ship(agent.credits, offer.price)
    agent.credits -= offer.price
    ship = universe.add_ship(agent, kind, place, now)
    universe.note("SHIP_PURCHASE", ship, now, good=kind, units=1, price=offer.price)
    bought = {
        "waypointSymbol": waypoint,
        "shipSymbol": ship.symbol,
        "shipType": kind,
        "price": offer.price,
        "agentSymbol": agent.symbol,
        "timestamp": stamp(now),
    }
    offer.price = round(offer.price * (1 + universe.settings.ship_price_growth))
    return ship, bought


def check_aboard(ship: ShipState, good: str, units: int) -> None:
    """Raises 4218 or 4219 when the hold has fewer units."""
    aboard = ship.hold.get(good, 0)
    if aboard < units:
        raise refusals.cargo_missing(ship.symbol, good, aboard, units)


def transaction(ship: ShipState, kind: str, good: str, units: int, price: int, now: datetime) -> dict[str, Any]:
    """A trade as the game shows it."""
    return {
        "waypointSymbol": ship.waypoint,
        "shipSymbol": ship.symbol,
        "tradeSymbol": good,
        "type": kind,
        "units": units,
        "pricePerUnit": price,
        "totalPrice": units * price,
        "timestamp": stamp(now),
    }


def _check_volume(market: Market, good: str, units: int) -> None:
    volume = market.listings[good].trade_volume
    if units > volume:
        raise refusals.over_trade_volume(good, market.waypoint, units, volume)


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
    """Let the trade act on the market, show it there and write it down."""
    market.move(good, operation, units)
    shown = "PURCHASE" if operation is Operation.BUY else "SELL"
    done = transaction(ship, shown, good, units, price, now)
    market.transactions.append(done)
    universe.note(kind or shown, ship, now, good=good, units=units, price=price)
    return done

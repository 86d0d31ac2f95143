"""What a ship does with its hold away from any market: jettison and transfer."""

from datetime import datetime

from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.universe import ShipState, Universe


def check_aboard(ship: ShipState, good: str, units: int) -> None:
    """Raises 4218 or 4219 when the hold has fewer units."""
    aboard = ship.hold.get(good, 0)
    if aboard < units:
        raise refusals.cargo_missing(ship.symbol, good, aboard, units)


def check_room(ship: ShipState, units: int) -> None:
    """Raises 4217 when the units would not fit."""
    if ship.cargo_units + units > ship.capacity:
        raise refusals.cargo_exceeded(ship.symbol, ship.capacity, ship.cargo_units, units)


def jettison(universe: Universe, ship: ShipState, good: str, units: int, now: datetime) -> None:
    """Throw cargo away; raises 4214 in transit, 4218 or 4219 when it is not aboard."""
    ship.check_not_in_transit(now)
    check_aboard(ship, good, units)
    ship.load(good, -units)
    universe.note("JETTISON", ship, now, good=good, units=units)


def transfer(universe: Universe, ship: ShipState, to: ShipState, good: str, units: int, now: datetime) -> None:
    """Hand cargo to another own ship at the same place.

    Raises 4214 when either flies, 4233 for the same ship, 4234 when they are not at the same waypoint, 4271 when one
    is docked and the other in orbit, 4218 or 4219 when the cargo is not aboard, 4217 when it does not fit.
    """
    ship.check_not_in_transit(now)
    to.check_not_in_transit(now)
    if ship is to:
        raise refusals.refuse(4233, "Ship transfer failed. A ship cannot transfer cargo to itself.")
    if ship.waypoint != to.waypoint:
        raise refusals.refuse(4234, "Ship transfer failed. Both ships must be at the same waypoint.")
    if ship.status is not to.status:
        raise refusals.refuse(4271, "Ship transfer failed. Both ships must be docked, or both in orbit.")
    check_aboard(ship, good, units)
    check_room(to, units)
    ship.load(good, -units)
    to.load(good, units)
    universe.note("TRANSFER_OUT", ship, now, good=good, units=units)
    universe.note("TRANSFER_IN", to, now, good=good, units=units)

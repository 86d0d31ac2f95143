"""What a ship does between markets: orbit, dock, navigate, change its flight mode, jump."""

from datetime import datetime, timedelta
from typing import Any

from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.ship import NavStatus
from spacetraders_lab.core.travel import FlightMode, distance, fuel_cost, travel_seconds
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.galaxy import system_distance
from spacetraders_lab.sandbox.goods import ANTIMATTER
from spacetraders_lab.sandbox.market import shown_transaction
from spacetraders_lab.sandbox.universe import Flight, ShipState, Universe, system_of, whole_milliseconds

_BY_PACE = (FlightMode.DRIFT, FlightMode.STEALTH, FlightMode.CRUISE, FlightMode.BURN)  # slowest first


def orbit(universe: Universe, ship: ShipState, now: datetime) -> None:
    """Leave the dock; nothing happens in orbit, raises 4214 in transit."""
    _moor(universe, ship, NavStatus.IN_ORBIT, now)


def dock(universe: Universe, ship: ShipState, now: datetime) -> None:
    """Dock where the ship is; nothing happens when docked, raises 4214 in transit."""
    _moor(universe, ship, NavStatus.DOCKED, now)


def _moor(universe: Universe, ship: ShipState, status: NavStatus, now: datetime) -> None:
    ship.check_not_in_transit(now)
    if ship.status is not status:
        ship.status = status
        universe.note("DOCK" if status is NavStatus.DOCKED else "ORBIT", ship, now)


def navigate(universe: Universe, ship: ShipState, waypoint: str, now: datetime) -> None:
    """Set off for a waypoint of the same system.

    Raises 4214 in transit, 4201, 4202, 4204 for the destination, 4236 when docked, 4203 without the fuel.
    """
    ship.check_not_in_transit(now)
    destination = universe.waypoint(waypoint)
    if destination is None:
        raise refusals.bad_destination(waypoint)
    if system_of(waypoint) != ship.system:
        raise refusals.other_system(ship.symbol, waypoint)
    if waypoint == ship.waypoint:
        raise refusals.already_there(ship.symbol, waypoint)
    if ship.status is not NavStatus.IN_ORBIT:
        raise refusals.not_in_orbit(ship.waypoint)
    origin = universe.systems[ship.system].waypoints[ship.waypoint]
    length = _length(origin, destination)
    _burn(ship, _fuel(ship, length, ship.mode), now)
    departure = whole_milliseconds(now)
    arrival = departure + universe.duration(travel_seconds(length, ship.hull.speed, ship.mode))
    universe.note("NAVIGATE", ship, now)
    ship.flight = Flight(origin, destination, departure, arrival)
    ship.waypoint, ship.status = waypoint, NavStatus.IN_TRANSIT


def set_mode(universe: Universe, ship: ShipState, mode: FlightMode, now: datetime) -> None:
    """Change the flight mode; in transit only to a faster one, which burns more and shortens what is left.

    Raises 4269 for a slower mode in transit, 4203 without the fuel for the faster one.
    """
    if ship.status is NavStatus.IN_TRANSIT and mode is not ship.mode:
        if _BY_PACE.index(mode) < _BY_PACE.index(ship.mode):
            raise refusals.slower_in_transit()
        _speed_up(ship, mode, now)
    ship.mode = mode
    universe.note("FLIGHT_MODE", ship, now)


def jump(universe: Universe, ship: ShipState, gate: str, now: datetime) -> dict[str, Any]:
    """Jump from a gate to a connected one; returns the purchase of the ANTIMATTER that it takes.

    The jump is instant; the cooldown is 60 seconds and one for every map unit between the systems. Raises 4214 in
    transit, 4236 when docked, 4000 on cooldown, 4254 away from a gate, 4255 for a gate that is not connected, 4256 and
    4262 for gates under construction, 4601 and 4600 for the antimatter.
    """
    ship.check_not_in_transit(now)
    if ship.status is not NavStatus.IN_ORBIT:
        raise refusals.not_in_orbit(ship.waypoint)
    if ship.cooldown_until is not None and now < ship.cooldown_until:
        raise refusals.on_cooldown(ship.symbol, ship.cooldown_seconds, ship.cooldown_until, now)
    origin, destination = _gates(universe, ship, gate)
    transaction = _buy_antimatter(universe, ship, now)
    length = system_distance(universe.systems[ship.system], universe.systems[system_of(gate)])
    cooldown = universe.duration(60 + length)
    ship.cooldown_until = whole_milliseconds(now) + cooldown
    ship.cooldown_seconds = max(1, round(cooldown.total_seconds()))
    moment = whole_milliseconds(now)
    universe.note("JUMP", ship, now)
    ship.flight = Flight(origin, destination, moment, moment)
    ship.waypoint = gate
    return transaction


def _gates(universe: Universe, ship: ShipState, gate: str) -> tuple[Waypoint, Waypoint]:
    origin = universe.systems[ship.system].waypoints[ship.waypoint]
    if origin.type != "JUMP_GATE":
        raise refusals.refuse(4254, f"Ship jump failed. {origin.symbol} is no jump gate.", waypointSymbol=origin.symbol)
    if origin.is_under_construction:
        raise refusals.refuse(4256, f"Ship jump failed. {origin.symbol} is under construction.")
    destination = universe.waypoint(gate)
    if destination is None or gate not in universe.galaxy.gates[origin.symbol]:
        message = f"Ship jump failed. {gate} is not connected to {origin.symbol}."
        raise refusals.refuse(4255, message, waypointSymbol=origin.symbol, destinationSymbol=gate)
    if destination.is_under_construction:
        raise refusals.refuse(4262, f"Ship jump failed. {gate} is under construction.")
    return origin, destination


def _buy_antimatter(universe: Universe, ship: ShipState, now: datetime) -> dict[str, Any]:
    market = universe.market(ship.waypoint, now)
    if ANTIMATTER not in market.listings:
        raise refusals.not_bought_here(ANTIMATTER, ship.waypoint)
    price, agent = market.quote(ANTIMATTER).ask, universe.agents[ship.agent]
    if price > agent.credits:
        raise refusals.no_credits_for_goods(ANTIMATTER, agent.credits, price, 1, price)
    agent.credits -= price
    market.move(ANTIMATTER, Operation.BUY, 1)
    transaction = shown_transaction(ship.waypoint, ship.symbol, ANTIMATTER, "PURCHASE", 1, price, now)
    market.show(transaction)
    universe.note("JUMP_FUEL", ship, now, good=ANTIMATTER, units=1, price=price)
    return transaction


def _speed_up(ship: ShipState, mode: FlightMode, now: datetime) -> None:
    """The share of the flight that is left is flown, and paid, in the new mode."""
    flight = ship.flight
    length = _length(flight.origin, flight.destination)
    left = flight.left(now)
    extra = _fuel(ship, length, mode) - _fuel(ship, length, ship.mode)
    _burn(ship, max(0, round(extra * left)), now)
    pace = travel_seconds(length, ship.hull.speed, mode) / travel_seconds(length, ship.hull.speed, ship.mode)
    rest = (flight.arrival - now) * pace
    flight.share, flight.changed = left, now
    flight.arrival = whole_milliseconds(now) + max(timedelta(milliseconds=1), _rounded(rest))


def _rounded(duration: timedelta) -> timedelta:
    return timedelta(milliseconds=round(duration / timedelta(milliseconds=1)))


def _length(origin: Waypoint, destination: Waypoint) -> float:
    return distance(origin.x, origin.y, destination.x, destination.y)


def _fuel(ship: ShipState, length: float, mode: FlightMode) -> int:
    return fuel_cost(length, mode) if ship.hull.fuel else 0


def _burn(ship: ShipState, fuel: int, now: datetime) -> None:
    if fuel > ship.fuel:
        raise refusals.not_enough_fuel(ship.symbol, fuel, ship.fuel)
    ship.fuel -= fuel
    ship.burned, ship.burned_at = fuel, now

"""What a ship does between markets: orbit, dock, navigate, change its flight mode."""

from datetime import datetime, timedelta

from spacetraders_lab.core.ship import NavStatus
from spacetraders_lab.core.travel import FlightMode, distance, fuel_cost, travel_seconds
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.trade import check_not_in_transit
from spacetraders_lab.sandbox.universe import Flight, ShipState, Universe

_BY_PACE = (FlightMode.DRIFT, FlightMode.STEALTH, FlightMode.CRUISE, FlightMode.BURN)  # slowest first


def orbit(universe: Universe, ship: ShipState, now: datetime) -> None:
    """Leave the dock; nothing happens in orbit, raises 4214 in transit."""
    _moor(universe, ship, NavStatus.IN_ORBIT, now)


def dock(universe: Universe, ship: ShipState, now: datetime) -> None:
    """Dock where the ship is; nothing happens when docked, raises 4214 in transit."""
    _moor(universe, ship, NavStatus.DOCKED, now)


def _moor(universe: Universe, ship: ShipState, status: NavStatus, now: datetime) -> None:
    check_not_in_transit(ship, now)
    if ship.status is not status:
        ship.status = status
        universe.note("DOCK" if status is NavStatus.DOCKED else "ORBIT", ship, now)


def navigate(universe: Universe, ship: ShipState, waypoint: str, now: datetime) -> None:
    """Set off for a waypoint of the same system.

    Raises 4214 in transit, 4236 when docked, 4201, 4202, 4204 for the destination, 4203 without the fuel.
    """
    check_not_in_transit(ship, now)
    destination = universe.waypoint(waypoint)
    if destination is None:
        raise refusals.bad_destination(waypoint)
    if waypoint.rpartition("-")[0] != ship.system:
        raise refusals.other_system(ship.symbol, waypoint)
    if waypoint == ship.waypoint:
        raise refusals.already_there(ship.symbol, waypoint)
    if ship.status is not NavStatus.IN_ORBIT:
        raise refusals.not_in_orbit(ship.waypoint)
    origin = universe.systems[ship.system].waypoints[ship.waypoint]
    length = _length(origin, destination)
    _burn(ship, _fuel(ship, length, ship.mode), now)
    arrival = universe.after(now, travel_seconds(length, ship.hull.speed, ship.mode))
    departure = now.replace(microsecond=now.microsecond // 1000 * 1000)
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


def _speed_up(ship: ShipState, mode: FlightMode, now: datetime) -> None:
    """The share of the flight that is left is flown, and paid, in the new mode."""
    flight = ship.flight
    length = _length(flight.origin, flight.destination)
    left = (flight.arrival - now) / (flight.arrival - flight.departure)
    extra = _fuel(ship, length, mode) - _fuel(ship, length, ship.mode)
    _burn(ship, max(0, round(extra * left)), now)
    pace = travel_seconds(length, ship.hull.speed, mode) / travel_seconds(length, ship.hull.speed, ship.mode)
    rest = (flight.arrival - now) * pace
    flight.arrival = now + timedelta(milliseconds=max(1, round(rest / timedelta(milliseconds=1))))


def _length(origin: Waypoint, destination: Waypoint) -> float:
    return distance(origin.x, origin.y, destination.x, destination.y)


def _fuel(ship: ShipState, length: float, mode: FlightMode) -> int:
    return fuel_cost(length, mode) if ship.hull.fuel else 0


def _burn(ship: ShipState, fuel: int, now: datetime) -> None:
    if fuel > ship.fuel:
        raise refusals.not_enough_fuel(ship.symbol, fuel, ship.fuel)
    ship.fuel -= fuel
    ship.burned, ship.burned_at = fuel, now

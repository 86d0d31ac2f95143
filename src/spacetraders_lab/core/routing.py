"""The best way through one system under fuel: which waypoints, in which flight modes, with which refuel stops.

Exact: see `route_search`. It plans from numbers given to it and asks nobody.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from spacetraders_lab.core.errors import LabError
from spacetraders_lab.core.legs import MODES, LegTable
from spacetraders_lab.core.route_bounds import Weights
from spacetraders_lab.core.route_search import Label, Search, free_flight
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import FlightMode, market_units


class Unreachable(LabError):
    """No route exists; the message says why and what would help."""


class Preference(StrEnum):
    """What makes a route the best. Each breaks its ties by the others."""

    FASTEST = "fastest"  # flight seconds and a price in seconds for every request
    CHEAPEST = "cheapest"  # fuel burned: what is burned has to be bought
    FEWEST_REQUESTS = "fewest-requests"


REQUEST_SECONDS = 0.5  # what a request is worth: the game takes two a second


@dataclass(frozen=True, slots=True)
class Leg:
    """One flight: `seconds` and `fuel` (ship units) are what it costs. `refuel_before`: fill the tank at its origin."""

    origin: str
    destination: str
    mode: FlightMode
    seconds: int
    fuel: int
    refuel_before: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A way to a goal, ending in orbit there. `requests` counts orbits, docks, refuels, mode changes and flights."""

    legs: tuple[Leg, ...]
    seconds: int
    fuel: int
    requests: int

    @property
    def bought(self) -> int:
        """FUEL that fills the tank again at its stops, in market units: beside what is filled in where it begins."""
        units = burned = 0
        for leg in self.legs:
            if leg.refuel_before:
                units += market_units(burned)
                burned = 0
            burned += leg.fuel
        return units


def find_route(
    table: LegTable,
    start: str,
    goal: str,
    *,
    fuel: int,
    fuel_capacity: int,
    fuel_stations: Collection[str],
    mode: FlightMode = FlightMode.CRUISE,
    docked: bool = False,
    end_fuel: int = 0,
    preference: Preference = Preference.FASTEST,
    request_seconds: float = REQUEST_SECONDS,
) -> Route:
    """The best route from `start` to `goal`, arriving with at least `end_fuel`.

    `fuel` and `fuel_capacity` in ship units (capacity 0: the ship needs none); `mode` and `docked` are its state.
    The tank may be filled at `fuel_stations`, which takes requests but no time. `request_seconds` is what one request
    is worth, so that a stop or a change of mode that gains less is not made. Raises Unreachable.
    """
    if goal == start:
        return Route((), 0, 0, 0)
    for symbol in (start, goal):
        if symbol not in table.index:
            raise Unreachable(f"{symbol} is not a waypoint of this system")
    weights = _WEIGHTS[preference](request_seconds)
    first = Label(0.0, table.index[start], fuel, MODES.index(mode) if mode in MODES else _NO_MODE, docked)
    goal_index = table.index[goal]
    if fuel_capacity == 0:
        return _route(table, free_flight(table, first, goal_index, weights))
    stations = frozenset(table.index[symbol] for symbol in fuel_stations if symbol in table.index)
    last = Search(table, goal_index, fuel_capacity, end_fuel, stations, weights).run(first)
    if last is None:
        raise Unreachable(_why_not(table, first, goal_index, fuel_capacity, end_fuel, stations))
    return _route(table, last)


def route_of(
    ship: Ship,
    table: LegTable,
    goal: str,
    fuel_stations: Collection[str],
    *,
    end_fuel: int = 0,
    preference: Preference = Preference.FASTEST,
) -> Route:
    """`find_route` for a ship as it is: from where it stands, with its fuel, in its mode. Raises Unreachable."""
    return find_route(
        table,
        ship.waypoint,
        goal,
        fuel=ship.fuel,
        fuel_capacity=ship.fuel_capacity,
        fuel_stations=fuel_stations,
        mode=ship.flight_mode,
        docked=ship.status is NavStatus.DOCKED,
        end_fuel=end_fuel,
        preference=preference,
    )


_NO_MODE = -1  # the ship is in a mode that no route uses

_WEIGHTS: Mapping[Preference, Callable[[float], Weights]] = {
    Preference.FASTEST: lambda request_seconds: Weights(1.0, 1e-6, request_seconds),
    Preference.CHEAPEST: lambda request_seconds: Weights(1e-6, 1.0, 1e-6 * request_seconds),
    Preference.FEWEST_REQUESTS: lambda _: Weights(1e-6, 1e-9, 1.0),
}


def _route(table: LegTable, last: Label) -> Route:
    """The legs that led to a label, in order."""
    labels = [last]
    while labels[-1].before is not None:
        labels.append(labels[-1].before)
    legs, requests, refuel = [], 0, False
    for before, after in pairwise(reversed(labels)):
        if after.place == before.place:
            refuel = True
            requests += 1 if before.docked else 3
            continue
        seconds = table.seconds[after.mode][table.units[before.place][after.place]]
        origin, destination = table.symbols[before.place], table.symbols[after.place]
        fuel = before.fuel - after.fuel
        legs.append(Leg(origin, destination, MODES[after.mode], seconds, fuel, refuel))
        requests += 1 + before.docked + (after.mode != before.mode)
        refuel = False
    return Route(tuple(legs), sum(leg.seconds for leg in legs), sum(leg.fuel for leg in legs), requests)


def _why_not(table: LegTable, first: Label, goal: int, capacity: int, end_fuel: int, stations: frozenset[int]) -> str:
    """A tank that is not empty can drift anywhere, so an empty one or too high a wish for the end is to blame."""
    start, destination = table.symbols[first.place], table.symbols[goal]
    if first.fuel < 1 and first.place not in stations:
        nearest = next((place for place in table.nearest[first.place] if place in stations), None)
        where = f"; the nearest fuel station is {table.symbols[nearest]}" if nearest is not None else ""
        return (
            f"{destination} is out of reach: the tank is empty and {start} sells no fuel{where}; bring FUEL there in "
            "another ship's hold"
        )
    most = capacity - 1 if stations else first.fuel - 1  # filled at the last station, and then adrift
    return (
        f"{destination} cannot be reached with {end_fuel} fuel left: there are {first.fuel} of {capacity} in the tank, "
        f"and the most to arrive with is {most}; ask for less at the end"
        + ("" if stations else ", or make sure of a fuel station: none is known in this system")
    )

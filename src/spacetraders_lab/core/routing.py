"""The best way through one system under fuel: which waypoints, in which flight modes, with which refuel stops.

Exact: a label search over (waypoint, fuel, mode). It plans from numbers given to it and asks nobody.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple

from spacetraders_lab.core.errors import LabError
from spacetraders_lab.core.travel import FlightMode, distance, fuel_cost, travel_seconds
from spacetraders_lab.core.waypoint import Waypoint

# STEALTH is left out: it burns what CRUISE burns and is slower. A ship that is in it changes before it flies.
_MODES = (FlightMode.CRUISE, FlightMode.BURN, FlightMode.DRIFT)


class Unreachable(LabError):
    """No route exists; the message says why and what would help."""


class Preference(StrEnum):
    """What makes a route the best. Each breaks its ties by the others."""

    FASTEST = "fastest"  # flight seconds and a price in seconds for every request
    CHEAPEST = "cheapest"  # fuel burned: what is burned has to be bought
    FEWEST_REQUESTS = "fewest-requests"


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


@dataclass(frozen=True, slots=True)
class LegTable:
    """All legs of a system for one engine. Make it once for a system and an engine: it costs more than a search.

    A flight's seconds and fuel depend on its distance only through `units`, the map units rounded, at least 1:
    `units[i][j]` between waypoints, `seconds[mode][units]` in the order of the modes; `nearest[i]` sorts the others.
    """

    symbols: tuple[str, ...]
    index: Mapping[str, int]
    units: tuple[tuple[int, ...], ...]
    nearest: tuple[tuple[int, ...], ...]
    seconds: tuple[tuple[int, ...], ...]


def leg_table(waypoints: Sequence[Waypoint], speed: int) -> LegTable:
    """The legs among all `waypoints` of a system at an engine's `speed`."""
    symbols = tuple(waypoint.symbol for waypoint in waypoints)
    count = range(len(symbols))
    half = [
        [fuel_cost(distance(a.x, a.y, b.x, b.y), FlightMode.CRUISE) for b in waypoints[: i + 1]]
        for i, a in enumerate(waypoints)
    ]
    units = tuple(tuple(half[i][j] if j <= i else half[j][i] for j in count) for i in count)
    nearest = tuple(tuple(sorted((j for j in count if j != i), key=units[i].__getitem__)) for i in count)
    longest = max((max(row) for row in units), default=0)
    seconds = tuple(tuple(travel_seconds(u, speed, mode) for u in range(longest + 1)) for mode in _MODES)
    return LegTable(symbols, {symbol: i for i, symbol in enumerate(symbols)}, units, nearest, seconds)


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
    request_seconds: float = 0.5,
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
            raise Unreachable(f"{symbol} is not on the map of this system; read its waypoints again")
    weights = _WEIGHTS[preference](request_seconds)
    first = _Label(0.0, table.index[start], fuel, _MODES.index(mode) if mode in _MODES else _NO_MODE, docked)
    goal_index = table.index[goal]
    if fuel_capacity == 0:
        return _route(table, _free_flight(table, first, goal_index, weights))
    stations = frozenset(table.index[symbol] for symbol in fuel_stations if symbol in table.index)
    last = _Search(table, goal_index, fuel_capacity, end_fuel, stations, weights).run(first)
    if last is None:
        raise Unreachable(_why_not(start, goal, fuel, fuel_capacity, end_fuel))
    return _route(table, last)


# --- the search ----------------------------------------------------------------------------------------------------

_NO_MODE = -1  # the ship is in a mode that no route uses
_CRUISE, _BURN, _DRIFT = range(len(_MODES))


@dataclass(frozen=True, slots=True)
class _Weights:
    """What a second, a unit of fuel and a request add to a route's cost; the small ones only break ties."""

    second: float
    fuel: float
    request: float


_WEIGHTS: Mapping[Preference, Callable[[float], _Weights]] = {
    Preference.FASTEST: lambda request_seconds: _Weights(1.0, 1e-6, request_seconds),
    Preference.CHEAPEST: lambda request_seconds: _Weights(1e-6, 1.0, 1e-6 * request_seconds),
    Preference.FEWEST_REQUESTS: lambda _: _Weights(1e-6, 1e-9, 1.0),
}


class _Label(NamedTuple):
    """A way to be at a waypoint; `before` is the label it came from (at the same waypoint: after refuelling)."""

    cost: float
    place: int
    fuel: int
    mode: int
    docked: bool = False
    before: "_Label | None" = None


class _Search:
    """A* over labels: each waypoint keeps the labels that no other there beats in both cost and fuel.

    The bound on the rest of a way is the shortest way with a full tank at every waypoint.
    """

    def __init__(
        self, table: LegTable, goal: int, capacity: int, end_fuel: int, stations: frozenset[int], weights: _Weights
    ) -> None:
        self._table, self._goal, self._capacity = table, goal, capacity
        self._end_fuel, self._stations, self._weights = end_fuel, stations, weights
        self._fronts: list[list[_Label]] = [[] for _ in table.symbols]
        self._open: list[tuple[float, int, _Label]] = []
        self._offered = 0
        self._best = math.inf

    def run(self, first: _Label) -> _Label | None:
        """The cheapest label at the goal, None when there is none."""
        self._rest = self._bounds(first.place)
        self._offer(first)
        while self._open:
            label = heappop(self._open)[2]
            if label.place == self._goal:
                return label
            if any(known is label for known in self._fronts[label.place]):  # not beaten since it was offered
                self._refuel(label)
                self._fly(label)
        return None

    def _refuel(self, label: _Label) -> None:
        if label.place in self._stations and label.fuel < self._capacity:
            requests = 1 if label.docked else 3  # dock, refuel, orbit; a docked ship has its orbit to come anyway
            cost = label.cost + requests * self._weights.request
            if not self._beaten(cost, label.place, self._capacity, label.mode):
                self._offer(_Label(cost, label.place, self._capacity, label.mode, label.docked, label))

    def _fly(self, label: _Label) -> None:
        units, weights, rest = self._table.units[label.place], self._weights, self._rest
        for mode, seconds in enumerate(self._table.seconds):
            at_start = label.cost + weights.request * (1 + label.docked + (mode != label.mode))
            for place in self._table.nearest[label.place]:
                burned = _burned(units[place], mode)
                cost = at_start + weights.second * seconds[units[place]] + weights.fuel * burned
                if burned > label.fuel or cost >= self._best:
                    break
                fuel = label.fuel - burned
                if place == self._goal and fuel < self._end_fuel:
                    continue
                if cost + rest[place] < self._best and not self._beaten(cost, place, fuel, mode):
                    self._offer(_Label(cost, place, fuel, mode, False, label))

    def _offer(self, label: _Label) -> None:
        front = self._fronts[label.place]
        front[:] = [known for known in front if not self._beats(label, known)]
        front.append(label)
        if label.place == self._goal:
            self._best = min(self._best, label.cost)
        self._offered += 1
        heappush(self._open, (label.cost + self._rest[label.place], self._offered, label))

    def _beaten(self, cost: float, place: int, fuel: int, mode: int) -> bool:
        """Whether a known label at the place does as well; from another mode it may need one request more."""
        change = self._weights.request
        for known in self._fronts[place]:
            if known.fuel >= fuel and known.cost + (known.mode != mode) * change <= cost:
                return True
        return False

    def _beats(self, label: _Label, other: _Label) -> bool:
        return (
            label.fuel >= other.fuel and label.cost + (label.mode != other.mode) * self._weights.request <= other.cost
        )

    def _bounds(self, start: int) -> list[float]:
        """The least cost from each waypoint to the goal if tanks filled themselves; beyond the start, its own."""
        table, weights = self._table, self._weights

        @cache
        def flight(units: int) -> float:
            return min(
                weights.second * seconds[units] + weights.fuel * _burned(units, mode) + weights.request
                for mode, seconds in enumerate(table.seconds)
                if _burned(units, mode) <= self._capacity
            )

        bounds = [math.inf] * len(table.symbols)
        bounds[self._goal] = 0.0
        open_places = [(0.0, self._goal)]
        while open_places:
            bound, place = heappop(open_places)
            if place == start:
                break
            if bound > bounds[place]:
                continue
            for other in table.nearest[place]:
                further = bound + flight(table.units[place][other])
                if further >= bounds[start]:
                    break
                if further < bounds[other]:
                    bounds[other] = further
                    heappush(open_places, (further, other))
        return [min(bound, bounds[start]) for bound in bounds]


def _burned(units: int, mode: int) -> int:
    return 1 if mode == _DRIFT else units * (1 + mode)


def _free_flight(table: LegTable, first: _Label, goal: int, weights: _Weights) -> _Label:
    """The best flight of a ship that needs no fuel: direct, for no stop makes a way shorter."""

    def cost(mode: int) -> float:
        requests = 1 + first.docked + (mode != first.mode)
        return weights.second * table.seconds[mode][table.units[first.place][goal]] + weights.request * requests

    mode = min(range(len(_MODES)), key=cost)
    return _Label(cost(mode), goal, 0, mode, False, first)


def _route(table: LegTable, last: _Label) -> Route:
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
        legs.append(Leg(origin, destination, _MODES[after.mode], seconds, fuel, refuel))
        requests += 1 + before.docked + (after.mode != before.mode)
        refuel = False
    return Route(tuple(legs), sum(leg.seconds for leg in legs), sum(leg.fuel for leg in legs), requests)


def _why_not(start: str, goal: str, fuel: int, capacity: int, end_fuel: int) -> str:
    """A tank that is not empty can drift anywhere, so an empty one or too high a wish for the end is to blame."""
    if fuel < 1:
        return f"{goal} is out of reach: the tank is empty and {start} sells no fuel; bring FUEL there in another hold"
    return (
        f"{goal} cannot be reached with {end_fuel} fuel left: there are {fuel} of {capacity} in the tank and no fuel "
        "station on a possible way; ask for less at the end, or refuel first"
    )

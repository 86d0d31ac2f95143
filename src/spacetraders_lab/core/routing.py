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
from spacetraders_lab.core.travel import FlightMode, distance, fuel_cost, seconds_per_unit, travel_seconds
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
    speed: int


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
    return LegTable(symbols, {symbol: i for i, symbol in enumerate(symbols)}, units, nearest, seconds, speed)


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
        raise Unreachable(_why_not(table, first, goal_index, fuel_capacity, end_fuel, stations))
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

    Two bounds on the rest of a way guide it: the way with a full tank at every waypoint, and the way to the goal or to
    the next fuel station with what is in the tank.
    """

    def __init__(
        self, table: LegTable, goal: int, capacity: int, end_fuel: int, stations: frozenset[int], weights: _Weights
    ) -> None:
        self.table, self.goal, self.stations, self.weights = table, goal, stations, weights
        self._capacity, self._end_fuel = capacity, end_fuel
        self._fronts: list[list[_Label]] = [[] for _ in table.symbols]
        self._open: list[tuple[float, int, _Label]] = []
        self._offered = 0
        self._best = math.inf

    def run(self, first: _Label) -> _Label | None:
        """The cheapest label at the goal, None when there is none."""
        self._rest = self._bounds(first.place)
        self._scarcity = _Scarcity(self, self._capacity, self._rest)
        self._offer(first)
        while self._open:
            label = heappop(self._open)[2]
            if label.place == self.goal:
                return label
            if any(known is label for known in self._fronts[label.place]):  # not beaten since it was offered
                self._refuel(label)
                self._fly(label)
        return None

    def _refuel(self, label: _Label) -> None:
        if label.place in self.stations and label.fuel < self._capacity:
            requests = 1 if label.docked else 3  # dock, refuel, orbit; a docked ship has its orbit to come anyway
            cost = label.cost + requests * self.weights.request
            if not self._beaten(cost, label.place, self._capacity, label.mode):
                self._offer(_Label(cost, label.place, self._capacity, label.mode, label.docked, label))

    def _fly(self, label: _Label) -> None:
        units, weights, rest = self.table.units[label.place], self.weights, self._rest
        for mode, seconds in enumerate(self.table.seconds):
            at_start = label.cost + weights.request * (1 + label.docked + (mode != label.mode))
            for place in self.table.nearest[label.place]:
                length = units[place]
                burned = 1 if mode == _DRIFT else length * (1 + mode)  # as _burned; a call here costs a sixth of all
                cost = at_start + weights.second * seconds[length] + weights.fuel * burned
                if burned > label.fuel or cost >= self._best:
                    break
                fuel = label.fuel - burned
                if place == self.goal and fuel < self._end_fuel:
                    continue
                if cost + rest[place] < self._best and not self._beaten(cost, place, fuel, mode):
                    self._offer(_Label(cost, place, fuel, mode, False, label))

    def _offer(self, label: _Label) -> None:
        rest = max(self._rest[label.place], self._scarcity.rest(label.place, label.fuel))
        if label.cost + rest >= self._best:
            return
        front = self._fronts[label.place]
        front[:] = [known for known in front if not self._beats(label, known)]
        front.append(label)
        if label.place == self.goal:
            self._best = min(self._best, label.cost)
        self._offered += 1
        heappush(self._open, (label.cost + rest, self._offered, label))

    def _beaten(self, cost: float, place: int, fuel: int, mode: int) -> bool:
        """Whether a known label at the place does as well; from another mode it may need one request more."""
        change = self.weights.request
        for known in self._fronts[place]:
            if known.fuel >= fuel and known.cost + (known.mode != mode) * change <= cost:
                return True
        return False

    def _beats(self, label: _Label, other: _Label) -> bool:
        return label.fuel >= other.fuel and label.cost + (label.mode != other.mode) * self.weights.request <= other.cost

    def _bounds(self, start: int) -> list[float]:
        """The least cost from each waypoint to the goal if tanks filled themselves; beyond the start, its own."""
        table, weights = self.table, self.weights

        @cache
        def flight(units: int) -> float:
            return min(
                weights.second * seconds[units] + weights.fuel * _burned(units, mode) + weights.request
                for mode, seconds in enumerate(table.seconds)
                if _burned(units, mode) <= self._capacity
            )

        bounds = [math.inf] * len(table.symbols)
        bounds[self.goal] = 0.0
        open_places = [(0.0, self.goal)]
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


class _Scarcity:
    """A bound on the rest of a way that knows what is in the tank: fuel is given a price instead of a limit.

    At a price of p for a unit of fuel the way from a place to its next stop (the goal, or a fuel station) costs at
    least what it costs with its fuel paid, less the worth of what is in the tank, whatever modes and waypoints it
    uses. Three prices matter: none, the one at which CRUISE is as good as BURN, and that at which DRIFT is.
    """

    def __init__(self, search: "_Search", capacity: int, full: Sequence[float]) -> None:
        weights, self._table = search.weights, search.table
        cruise, burn, drift = (weights.second * seconds_per_unit(self._table.speed, mode) for mode in _MODES)
        self._prices = [max(0.0, price - weights.fuel) for price in (0.0, cruise - burn, drift - cruise)]
        flight = _LEAST_FLIGHT_SECONDS * weights.second + weights.request
        paid = (price + weights.fuel for price in self._prices)
        self._least = [_least_costs(self._table, flight, min(burn + 2 * p, cruise + p, drift)) for p in paid]
        self._grain = max(1, capacity // _GRAINS)
        self._known: dict[tuple[int, int], float] = {}
        self._ways: dict[int, list[tuple[float, float, float]]] = {}
        self._stops = self._stops_before(search, capacity, full)

    def rest(self, place: int, fuel: int) -> float:
        """The least cost of the way from a place to the goal with `fuel` in the tank."""
        grains = fuel // self._grain
        known = self._known.get((place, grains))
        if known is None:
            known = self._known[place, grains] = self._rest(place, (grains + 1) * self._grain - 1)
        return known

    def _rest(self, place: int, fuel: int) -> float:
        if place not in self._ways:
            self._ways[place] = self._ways_from(place)
        _, dear, dearest = (price * fuel for price in self._prices)
        least = min((max(a, b - dear, c - dearest) for a, b, c in self._ways[place]), default=math.inf)
        return min(least, self._stops.get(place, math.inf))

    def _ways_from(self, place: int) -> list[tuple[float, float, float]]:
        """What is left by way of each stop, at the three prices; without those that another beats at every price."""
        units, (free, dear, dearest) = self._table.units[place], self._least
        lengths = [(units[stop], cost) for stop, cost in self._stops.items() if stop != place]
        ways: list[tuple[float, float, float]] = []
        for way in sorted((free[n] + cost, dear[n] + cost, dearest[n] + cost) for n, cost in lengths):
            if not any(b <= way[1] and c <= way[2] for _, b, c in ways):
                ways.append(way)
        return ways

    def _stops_before(self, search: "_Search", capacity: int, full: Sequence[float]) -> dict[int, float]:
        """What is left at least from every stop, its refuelling included: a shortest way with full tanks."""
        left = dict.fromkeys(search.stations - {search.goal}, math.inf)
        latest, stops = search.goal, {search.goal: 0.0}
        worth = [price * capacity for price in self._prices]
        while left:
            units, cost = self._table.units[latest], stops[latest] + search.weights.request
            for station, known in left.items():
                hop = max(least[units[station]] - w for least, w in zip(self._least, worth, strict=True))
                left[station] = min(known, cost + hop)
            latest = min(left, key=left.__getitem__)
            stops[latest] = max(left.pop(latest), full[latest] + search.weights.request)
        return stops


_GRAINS = 100  # fuel is counted in hundredths of the tank where a bound is looked up
_LEAST_FLIGHT_SECONDS = 14.5  # the fixed part of a flight's duration, rounded down


def _least_costs(table: LegTable, flight: float, rate: float) -> tuple[float, ...]:
    """By the units of a direct flight, the least that any way costs at `flight` for a leg and `rate` for a unit.

    Lengths are rounded leg by leg: a leg may be half a unit shorter than its true length, and no shorter than 1.
    """
    longest = len(table.seconds[0])
    if rate <= 2 * flight:  # then a leg more never pays
        return tuple(flight + rate * max(1, units - 1) for units in range(longest))
    return tuple((flight + rate) * max(1.0, (units - 0.5) / 1.5) for units in range(longest))


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


def _why_not(table: LegTable, first: _Label, goal: int, capacity: int, end_fuel: int, stations: frozenset[int]) -> str:
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

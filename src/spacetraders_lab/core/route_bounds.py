"""What the rest of a way costs at least: the bounds that guide and prune the search for a route. It searches nothing.

What a second, a unit of fuel and a request are worth is the caller's to say.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heappop, heappush
from typing import NamedTuple

from spacetraders_lab.core.legs import BURN, CRUISE, DRIFT, MODES, LegTable
from spacetraders_lab.core.travel import seconds_per_unit

Prices = tuple[float, float, float]  # or what something costs at each of them
Way = Prices  # what is left by it, its fuel paid at each of the prices


@dataclass(frozen=True, slots=True)
class Weights:
    """What a second, a unit of fuel and a request add to a route's cost; the small ones only break ties."""

    second: float
    fuel: float
    request: float


def with_full_tanks(table: LegTable, start: int, goal: int, capacity: int, weights: Weights) -> list[float]:
    """The least cost from each waypoint to the goal if tanks filled themselves; beyond the start, its own."""
    flights = _costs(table, capacity, weights).flights
    bounds = [math.inf] * len(table.symbols)
    bounds[goal] = 0.0
    open_places = [(0.0, goal)]
    while open_places:
        bound, place = heappop(open_places)
        if place == start:
            break
        if bound > bounds[place]:
            continue
        for other in table.nearest[place]:
            further = bound + flights[table.units[place][other]]
            if further >= bounds[start]:
                break
            if further < bounds[other]:
                bounds[other] = further
                heappush(open_places, (further, other))
    return [min(bound, bounds[start]) for bound in bounds]


def _least_flights(table: LegTable, capacity: int, weights: Weights) -> list[float]:
    """The least cost of one flight with a full tank, by its units."""
    least = [weights.second * s + weights.fuel + weights.request for s in table.seconds[DRIFT]]
    for mode in (CRUISE, BURN):
        for units, s in enumerate(table.seconds[mode][: capacity // (1 + mode) + 1]):
            least[units] = min(least[units], weights.second * s + weights.fuel * units * (1 + mode) + weights.request)
    return least


class Scarcity:
    """A bound on the rest of a way that knows what is in the tank: fuel is given a price instead of a limit.

    At a price of p for a unit of fuel the way from a place to its next stop (a fuel station, or where the last flight
    to the goal begins) costs at least what it costs with its fuel paid, less the worth of what is in the tank, whatever
    modes and waypoints it uses. Three prices matter: none, the one at which CRUISE is as good as BURN, and that at
    which DRIFT is.
    """

    def __init__(
        self,
        table: LegTable,
        goal: int,
        capacity: int,
        stations: Collection[int],
        weights: Weights,
        full: Sequence[float],
    ) -> None:
        self._table, self._goal, self._weights, self._capacity = table, goal, weights, capacity
        self._costs = _costs(table, capacity, weights)
        self._prices, self._least = self._costs.prices, self._costs.least
        self._ways: dict[int, list[Way]] = {}
        self._last_drift, self._last_flights = self._flights_to_goal()
        self._left = self._left_from({*stations} - {goal}, full)

    def rest(self, place: int, fuel: int) -> float:
        """The least cost of the way from a place to the goal with `fuel` in the tank."""
        if place == self._goal:
            return 0.0
        ways = self._ways.get(place)
        if ways is None:
            ways = self._ways[place] = self._ways_from(place)
        dear, dearest = self._prices[1] * fuel, self._prices[2] * fuel
        least = self._left.get(place, math.inf)
        for free, with_fuel, with_more in ways:  # as max() and min(), which would cost twice as much
            if free >= least:
                break
            bound = with_fuel - dear if with_fuel - dear > free else free
            bound = with_more - dearest if with_more - dearest > bound else bound
            least = bound if bound < least else least
        return least

    @property
    def last_origins(self) -> set[int]:
        """Where the last flight to the goal may begin, if there are few such places."""
        return {origin for origin, _, _ in self._last_flights}

    def _ways_from(self, place: int) -> list[Way]:
        """What is left by way of each stop. Of those that another beats at every price, most are left out."""
        units, (free, dear, dearest) = self._table.units[place], self._least
        lengths = [(units[stop], cost) for stop, cost in self._left.items() if stop != place]
        every = [(free[n] + cost, dear[n] + cost, dearest[n] + cost) for n, cost in lengths]
        ways: list[Way] = []
        dear_of_best = dearest_of_best = math.inf
        for way in sorted([*every, *self._ways_to_goal(place)]):
            if way[1] < dear_of_best or way[2] < dearest_of_best:
                ways.append(way)
                if way[2] < dearest_of_best:
                    _, dear_of_best, dearest_of_best = way
        return ways

    def _ways_to_goal(self, place: int) -> Iterator[Way]:
        """What is left when no station comes before the goal: by DRIFT at the end, or by one of the last flights."""
        (free, dear, dearest), units = self._least, self._table.units[place]
        n = units[self._goal]
        yield max(free[n], self._last_drift), dear[n], dearest[n]
        _, price, higher = self._prices
        for origin, cost, burned in self._last_flights:
            with_fuel, with_more = cost + price * burned, cost + higher * burned
            if origin == place:
                yield cost, with_fuel, with_more
            else:
                n = units[origin]
                yield free[n] + cost, dear[n] + with_fuel, dearest[n] + with_more

    def _flights_to_goal(self) -> tuple[float, list[tuple[int, float, int]]]:
        """What a last flight by DRIFT costs at least, and the other last flights: origins, costs and fuel burned.

        Of a goal that can be reached in many ways (0, none): there they would cost more time than they save.
        """
        weights, units, near = self._weights, self._table.units[self._goal], self._table.nearest[self._goal]
        flights = [
            (origin, weights.second * seconds[units[origin]] + weights.fuel * burned + weights.request, burned)
            for mode, seconds in enumerate(self._table.seconds[:DRIFT])
            for origin in near
            if (burned := units[origin] * (1 + mode)) <= self._capacity
        ]
        if len(flights) > _FEW_FLIGHTS:
            return 0.0, []
        shortest = self._table.seconds[DRIFT][units[near[0]]]
        return weights.second * shortest + weights.fuel + weights.request, flights

    def _left_from(self, stations: Collection[int], full: Sequence[float]) -> dict[int, float]:
        """What is left at least from every station, its refuelling included: a shortest way with full tanks."""
        worth, hops, request = self._costs.worth, self._costs.hops, self._weights.request
        left = {
            station: request + min(_less(way, worth) for way in self._ways_to_goal(station)) for station in stations
        }
        known: dict[int, float] = {}
        while left:
            latest = min(left, key=left.__getitem__)
            known[latest] = max(left.pop(latest), full[latest] + request)
            units, cost = self._table.units[latest], known[latest] + request
            for station, least in left.items():
                by_way_of_it = cost + hops[units[station]]
                if by_way_of_it < least:
                    left[station] = by_way_of_it
        return known


class _Costs(NamedTuple):
    """What does not depend on where a search begins and ends. Of flights, by their units."""

    prices: Prices  # of a unit of fuel
    worth: Prices  # of what a full tank holds
    least: tuple[Sequence[float], Sequence[float], Sequence[float]]  # of a way of any legs, its fuel paid
    hops: Sequence[float]  # least cost of a way of any legs that begins with a full tank
    flights: Sequence[float]  # least cost of one flight with a full tank


_TABLES = 16  # that are searched by turns: a fleet has few engines, tanks and systems


@lru_cache(_TABLES)
def _costs(table: LegTable, capacity: int, weights: Weights) -> _Costs:
    cruise, burn, drift = (weights.second * seconds_per_unit(table.speed, mode) for mode in MODES)
    none, as_burn, as_drift = (max(0.0, price - weights.fuel) for price in (0.0, cruise - burn, drift - cruise))

    def least(price: float) -> list[float]:
        paid = price + weights.fuel
        flight = _LEAST_FLIGHT_SECONDS * weights.second + weights.request
        return _least_costs(len(table.seconds[0]), flight, min(burn + 2 * paid, cruise + paid, drift))

    prices, by_price = (none, as_burn, as_drift), (least(none), least(as_burn), least(as_drift))
    worth = (none * capacity, as_burn * capacity, as_drift * capacity)
    hops = [_less(costs, worth) for costs in zip(*by_price, strict=True)]
    return _Costs(prices, worth, by_price, hops, _least_flights(table, capacity, weights))


def _less(costs: Prices, worth: Prices) -> float:
    """What costs at the prices come to, less what the tank is worth at each: the highest of the three bounds."""
    return max(costs[0] - worth[0], costs[1] - worth[1], costs[2] - worth[2])


_FEW_FLIGHTS = 12  # that can end a way: the goal is remote then, and each is worth a look
_LEAST_FLIGHT_SECONDS = 14.5  # the fixed part of a flight's duration, rounded down


def _least_costs(longest: int, flight: float, rate: float) -> list[float]:
    """By the units of a direct flight, the least that any way costs at `flight` for a leg and `rate` for a unit.

    Lengths are rounded leg by leg: a leg may be half a unit shorter than its true length, and no shorter than 1.
    """
    if rate <= 2 * flight:  # then a leg more never pays
        return [flight + rate * max(1, units - 1) for units in range(longest)]
    return [(flight + rate) * max(1.0, (units - 0.5) / 1.5) for units in range(longest)]

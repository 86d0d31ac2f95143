"""The search behind `routing`: the cheapest way to a waypoint over (waypoint, fuel, mode), and bounds that guide it.

Exact. What a second, a unit of fuel and a request are worth is the caller's to say.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from spacetraders_lab.core.legs import BURN, CRUISE, DRIFT, MODES, LegTable
from spacetraders_lab.core.travel import seconds_per_unit


@dataclass(frozen=True, slots=True)
class Weights:
    """What a second, a unit of fuel and a request add to a route's cost; the small ones only break ties."""

    second: float
    fuel: float
    request: float


class Label(NamedTuple):
    """A way to be at a waypoint; `before` is the label it came from (at the same waypoint: after refuelling)."""

    cost: float
    place: int
    fuel: int
    mode: int
    docked: bool = False
    before: "Label | None" = None


_SPARSELY = 5  # of the waypoints without fuel, one in so many is enough for a good way


class Search:
    """A* over labels: each waypoint keeps the labels that no other there beats in both cost and fuel.

    Two bounds on the rest of a way guide it: the way with a full tank at every waypoint, and the way to the goal or to
    the next fuel station with what is in the tank.
    """

    def __init__(
        self, table: LegTable, goal: int, capacity: int, end_fuel: int, stations: frozenset[int], weights: Weights
    ) -> None:
        self.table, self.goal, self.stations, self.weights = table, goal, stations, weights
        self._capacity, self._end_fuel = capacity, end_fuel
        self._best: Label | None = None
        self._most = math.inf  # what the best costs

    def run(self, first: Label) -> Label | None:
        """The cheapest label at the goal, None when there is none.

        Two searches: a good way over the fuel stations and some of the other waypoints is soon found, and spares the
        search over all of them whatever costs more.
        """
        self._rest = self._bounds(first.place)
        self._scarcity = _Scarcity(self, self._capacity, self._rest)
        nearest = self.table.nearest
        some = self.stations | {self.goal, *range(0, len(nearest), _SPARSELY)}
        self._improve(first, lambda place: [other for other in nearest[place] if other in some])
        self._improve(first, nearest.__getitem__)
        return self._best

    def _improve(self, first: Label, others: Callable[[int], Sequence[int]]) -> None:
        """Find a better way than the best known, if there is one, over what `others` gives for a place."""
        self._fronts: list[list[Label]] = [[] for _ in self.table.symbols]
        self._open: list[tuple[float, int, Label]] = []
        self._offered = 0
        self._offer(first)
        while self._open:
            rest, _, label = heappop(self._open)
            if rest >= self._most:
                return
            if any(known is label for known in self._fronts[label.place]):  # not beaten since it was offered
                self._refuel(label)
                self._fly(label, others(label.place))

    def _refuel(self, label: Label) -> None:
        if label.place in self.stations and label.fuel < self._capacity:
            requests = 1 if label.docked else 3  # dock, refuel, orbit; a docked ship has its orbit to come anyway
            cost = label.cost + requests * self.weights.request
            if not self._beaten(cost, label.place, self._capacity, label.mode):
                self._offer(Label(cost, label.place, self._capacity, label.mode, label.docked, label))

    def _fly(self, label: Label, others: Sequence[int]) -> None:
        """Offer every flight from a label. This is the innermost loop: calls and look-ups are kept out of it."""
        units, rest, fronts, tank = self.table.units[label.place], self._rest, self._fronts, label.fuel
        second, fuel_price, change = self.weights.second, self.weights.fuel, self.weights.request
        for mode, seconds in enumerate(self.table.seconds):
            at_start = label.cost + change * (1 + label.docked + (mode != label.mode))
            for place in others:
                length = units[place]
                burned = 1 if mode == DRIFT else length * (1 + mode)
                cost = at_start + second * seconds[length] + fuel_price * burned
                if burned > tank or cost >= self._most:
                    break
                if cost + rest[place] >= self._most:
                    continue
                fuel = tank - burned
                for known in fronts[place]:
                    if known.fuel >= fuel and known.cost + (known.mode != mode) * change <= cost:
                        break
                else:
                    if place != self.goal or fuel >= self._end_fuel:
                        self._offer(Label(cost, place, fuel, mode, False, label))

    def _offer(self, label: Label) -> None:
        rest = max(self._rest[label.place], self._scarcity.rest(label.place, label.fuel))
        if label.cost + rest >= self._most:
            return
        if label.place == self.goal:
            self._best, self._most = label, label.cost
            return
        front = self._fronts[label.place]
        front[:] = [known for known in front if not self._beats(label, known)]
        front.append(label)
        self._offered += 1
        heappush(self._open, (label.cost + rest, self._offered, label))

    def _beaten(self, cost: float, place: int, fuel: int, mode: int) -> bool:
        """Whether a known label at the place does as well; from another mode it may need one request more."""
        change = self.weights.request
        for known in self._fronts[place]:
            if known.fuel >= fuel and known.cost + (known.mode != mode) * change <= cost:
                return True
        return False

    def _beats(self, label: Label, other: Label) -> bool:
        return label.fuel >= other.fuel and label.cost + (label.mode != other.mode) * self.weights.request <= other.cost

    def _bounds(self, start: int) -> list[float]:
        """The least cost from each waypoint to the goal if tanks filled themselves; beyond the start, its own."""
        table, flights = self.table, self._least_flights()
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
                further = bound + flights[table.units[place][other]]
                if further >= bounds[start]:
                    break
                if further < bounds[other]:
                    bounds[other] = further
                    heappush(open_places, (further, other))
        return [min(bound, bounds[start]) for bound in bounds]

    def _least_flights(self) -> list[float]:
        """The least cost of one flight with a full tank, by its units."""
        weights, seconds = self.weights, self.table.seconds
        least = [weights.second * s + weights.fuel + weights.request for s in seconds[DRIFT]]
        for mode in (CRUISE, BURN):
            for units, s in enumerate(seconds[mode][: self._capacity // (1 + mode) + 1]):
                least[units] = min(
                    least[units], weights.second * s + weights.fuel * units * (1 + mode) + weights.request
                )
        return least


class _Scarcity:
    """A bound on the rest of a way that knows what is in the tank: fuel is given a price instead of a limit.

    At a price of p for a unit of fuel the way from a place to its next stop (the goal, or a fuel station) costs at
    least what it costs with its fuel paid, less the worth of what is in the tank, whatever modes and waypoints it
    uses. Three prices matter: none, the one at which CRUISE is as good as BURN, and that at which DRIFT is.
    """

    def __init__(self, search: "Search", capacity: int, full: Sequence[float]) -> None:
        weights, self._table = search.weights, search.table
        cruise, burn, drift = (weights.second * seconds_per_unit(self._table.speed, mode) for mode in MODES)
        self._prices = [max(0.0, price - weights.fuel) for price in (0.0, cruise - burn, drift - cruise)]
        flight = _LEAST_FLIGHT_SECONDS * weights.second + weights.request
        paid = (price + weights.fuel for price in self._prices)
        self._least = [_least_costs(self._table, flight, min(burn + 2 * p, cruise + p, drift)) for p in paid]
        self._ways: dict[int, list[tuple[float, float, float]]] = {}
        self._stops = self._stops_before(search, capacity, full)

    def rest(self, place: int, fuel: int) -> float:
        """The least cost of the way from a place to the goal with `fuel` in the tank."""
        ways = self._ways.get(place)
        if ways is None:
            ways = self._ways[place] = self._ways_from(place)
        dear, dearest = self._prices[1] * fuel, self._prices[2] * fuel
        least = self._stops.get(place, math.inf)
        for free, with_fuel, with_more in ways:  # as max() and min(), which would cost twice as much
            if free >= least:
                break
            bound = with_fuel - dear if with_fuel - dear > free else free
            bound = with_more - dearest if with_more - dearest > bound else bound
            least = bound if bound < least else least
        return least

    def _ways_from(self, place: int) -> list[tuple[float, float, float]]:
        """What is left by way of each stop, at the three prices; without those that another beats at every price."""
        units, (free, dear, dearest) = self._table.units[place], self._least
        lengths = [(units[stop], cost) for stop, cost in self._stops.items() if stop != place]
        ways: list[tuple[float, float, float]] = []
        for way in sorted((free[n] + cost, dear[n] + cost, dearest[n] + cost) for n, cost in lengths):
            if not any(b <= way[1] and c <= way[2] for _, b, c in ways):
                ways.append(way)
        return ways

    def _stops_before(self, search: "Search", capacity: int, full: Sequence[float]) -> dict[int, float]:
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


_LEAST_FLIGHT_SECONDS = 14.5  # the fixed part of a flight's duration, rounded down


def _least_costs(table: LegTable, flight: float, rate: float) -> tuple[float, ...]:
    """By the units of a direct flight, the least that any way costs at `flight` for a leg and `rate` for a unit.

    Lengths are rounded leg by leg: a leg may be half a unit shorter than its true length, and no shorter than 1.
    """
    longest = len(table.seconds[0])
    if rate <= 2 * flight:  # then a leg more never pays
        return tuple(flight + rate * max(1, units - 1) for units in range(longest))
    return tuple((flight + rate) * max(1.0, (units - 0.5) / 1.5) for units in range(longest))


def free_flight(table: LegTable, first: Label, goal: int, weights: Weights) -> Label:
    """The best flight of a ship that needs no fuel: direct, for no stop makes a way shorter."""

    def cost(mode: int) -> float:
        requests = 1 + first.docked + (mode != first.mode)
        return weights.second * table.seconds[mode][table.units[first.place][goal]] + weights.request * requests

    mode = min(range(len(MODES)), key=cost)
    return Label(cost(mode), goal, 0, mode, False, first)

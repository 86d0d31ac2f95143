"""The search behind `routing`: the cheapest way to a waypoint over (waypoint, fuel, mode). Exact."""

import math
from collections.abc import Collection, Sequence
from functools import cache
from heapq import heappop, heappush
from typing import NamedTuple

from spacetraders_lab.core.legs import DRIFT, MODES, LegTable
from spacetraders_lab.core.route_bounds import Scarcity, Weights, with_full_tanks


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
        table, goal, weights = self.table, self.goal, self.weights
        self._rest = with_full_tanks(table, first.place, goal, self._capacity, weights)
        self._scarcity = Scarcity(table, goal, self._capacity, self.stations, weights, self._rest)
        stops = self._stops()
        self._improve(first, self.stations.union(stops[::_SPARSELY], self._scarcity.last_origins))
        self._improve(first, stops)
        return self._best

    def _stops(self) -> list[int]:
        """Where a way may lead: of the waypoints at one spot only one, for none serves better than one with fuel.

        Not the goal, which ends a way: one may have to fill the tank right beside it first.
        """
        best = {spot: place for place, spot in enumerate(self.table.spots) if place != self.goal}
        best |= {self.table.spots[place]: place for place in self.stations if place != self.goal}
        return list(best.values())

    def _improve(self, first: Label, stops: Collection[int]) -> None:
        """Find a better way than the best known, if there is one, with no stops before the goal but `stops`."""
        table, least, allowed = self.table, self._rest, {self.goal, *stops}

        @cache
        def others(place: int) -> list[tuple[int, int, float]]:
            units = table.units[place]
            return [(other, units[other], least[other]) for other in table.nearest[place] if other in allowed]

        self._fronts: list[list[Label]] = [[] for _ in self.table.symbols]
        self._open: list[tuple[float, int, Label]] = []
        self._offered = 0
        self._offer(*first)
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
                self._offer(cost, label.place, self._capacity, label.mode, label.docked, label)

    def _fly(self, label: Label, others: Sequence[tuple[int, int, float]]) -> None:
        """Offer every flight from a label to the others: places, the units to them, the least that is left there.

        This is the innermost loop: calls and look-ups are kept out of it.
        """
        fronts, tank, most = self._fronts, label.fuel, self._most
        second, fuel_price, change = self.weights.second, self.weights.fuel, self.weights.request
        for mode, seconds in enumerate(self.table.seconds):
            at_start = label.cost + change * (1 + label.docked + (mode != label.mode))
            for place, length, rest in others:
                burned = 1 if mode == DRIFT else length * (1 + mode)
                cost = at_start + second * seconds[length] + fuel_price * burned
                if burned > tank or cost >= most:
                    break
                if cost + rest >= most:
                    continue
                fuel = tank - burned
                for known_cost, _, known_fuel, known_mode, _, _ in fronts[place]:
                    if (
                        known_fuel >= fuel
                        and known_cost <= cost
                        and (known_mode == mode or known_cost + change <= cost)
                    ):
                        break
                else:
                    if place != self.goal or fuel >= self._end_fuel:
                        self._offer(cost, place, fuel, mode, False, label)
                        most = self._most

    def _offer(self, cost: float, place: int, fuel: int, mode: int, docked: bool, before: Label | None) -> None:
        """Keep a label, unless it cannot lead to a better way than the best."""
        rest = max(self._rest[place], self._scarcity.rest(place, fuel))
        if cost + rest >= self._most:
            return
        label = Label(cost, place, fuel, mode, docked, before)
        if place == self.goal:
            self._best, self._most = label, cost
            return
        self._fronts[place] = [label, *(known for known in self._fronts[place] if not self._beats(label, known))]
        self._offered += 1
        heappush(self._open, (cost + rest, self._offered, label))

    def _beaten(self, cost: float, place: int, fuel: int, mode: int) -> bool:
        """Whether a known label at the place does as well; from another mode it may need one request more."""
        change = self.weights.request
        for known in self._fronts[place]:
            if known.fuel >= fuel and known.cost + (known.mode != mode) * change <= cost:
                return True
        return False

    def _beats(self, label: Label, other: Label) -> bool:
        return label.fuel >= other.fuel and label.cost + (label.mode != other.mode) * self.weights.request <= other.cost


def free_flight(table: LegTable, first: Label, goal: int, weights: Weights) -> Label:
    """The best flight of a ship that needs no fuel: direct, for no stop makes a way shorter."""

    def cost(mode: int) -> float:
        requests = 1 + first.docked + (mode != first.mode)
        return weights.second * table.seconds[mode][table.units[first.place][goal]] + weights.request * requests

    mode = min(range(len(MODES)), key=cost)
    return Label(cost(mode), goal, 0, mode, False, first)

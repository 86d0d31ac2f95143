"""Routes against an oracle of another kind: OR-Tools CP-SAT, told the rules as constraints, proves the same optimum."""

from itertools import product
from random import Random

import pytest
from ortools.sat.python import cp_model

from spacetraders_lab.core.legs import leg_table
from spacetraders_lab.core.routing import Route, Unreachable, find_route
from spacetraders_lab.core.travel import FlightMode, distance, fuel_cost, travel_seconds
from spacetraders_lab.core.waypoint import Waypoint

MODES = (FlightMode.CRUISE, FlightMode.BURN, FlightMode.DRIFT)
GRAPHS, BATCHES = 120, 4


class Question:
    """A system drawn from a seed, its first waypoint the start and its last the goal; the ship is in orbit.

    Some waypoints share their place with an earlier one, as moons do; some goals are remote.
    """

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        spread = random.choice([20, 60, 200])
        places = [
            (round(random.gauss(0, spread)), round(random.gauss(0, spread))) for _ in range(random.randint(3, 15))
        ]
        for i in range(1, len(places) - 1):
            places[i] = places[random.randrange(i)] if random.random() < 0.2 else places[i]
        if random.random() < 0.3:
            places[-1] = (places[-1][0] * 3, places[-1][1] * 3)
        self.waypoints = [Waypoint(f"X1-T1-{i}", "PLANET", x, y) for i, (x, y) in enumerate(places)]
        self.speed = random.choice([9, 15, 36])
        self.capacity = random.choice([spread, 2 * spread, 4 * spread])
        self.fuel = random.randint(1, self.capacity)
        self.end_fuel = random.choice([0, 1, self.capacity // 3])
        self.mode = random.choice(MODES)
        self.stations = {i for i in range(len(self.waypoints)) if random.random() < 0.3}

    def route(self) -> Route:
        return find_route(
            leg_table(self.waypoints, self.speed),
            self.waypoints[0].symbol,
            self.waypoints[-1].symbol,
            fuel=self.fuel,
            fuel_capacity=self.capacity,
            fuel_stations={self.waypoints[i].symbol for i in self.stations},
            mode=self.mode,
            end_fuel=self.end_fuel,
        )

    def length(self, i: int, j: int) -> float:
        a, b = self.waypoints[i], self.waypoints[j]
        return distance(a.x, a.y, b.x, b.y)


def proven_cost(question: Question) -> int | None:
    """The least half seconds, a request counting one, of a way that visits no waypoint twice; None if there is none."""
    model, places = cp_model.CpModel(), range(len(question.waypoints))
    goal = places[-1]
    arriving = [model.new_int_var(0, question.capacity, f"arriving {i}") for i in places]
    leaving = [model.new_int_var(0, question.capacity, f"leaving {i}") for i in places]
    refuels = [model.new_bool_var(f"refuels {i}") for i in places]
    changes = [model.new_bool_var(f"changes {i}") for i in places]
    flown = {
        (i, j, m): model.new_bool_var(f"{i} to {j} on {m}")
        for i, j, m in product(places, places, MODES)
        if i != j and i != goal and j != 0
    }
    arcs = [(i, j, taken) for (i, j, _), taken in flown.items()]
    arcs += [(i, i, model.new_bool_var(f"leaves out {i}")) for i in places[1:-1]]
    model.add_circuit([*arcs, (goal, 0, model.new_constant(1))])
    model.add(arriving[0] == question.fuel)
    model.add(arriving[goal] >= question.end_fuel)
    for i in places:
        model.add(leaving[i] == question.capacity).only_enforce_if(refuels[i])
        model.add(leaving[i] == arriving[i]).only_enforce_if(~refuels[i])
        if i not in question.stations or i == goal:
            model.add(refuels[i] == 0)
        for m in MODES:
            before = int(m is question.mode) if i == 0 else sum(flown[j, i, m] for j in places if (j, i, m) in flown)
            model.add(changes[i] >= sum(flown[i, j, m] for j in places if (i, j, m) in flown) - before)
    for (i, j, m), taken in flown.items():
        model.add(arriving[j] == leaving[i] - fuel_cost(question.length(i, j), m)).only_enforce_if(taken)
    half_seconds = {key: 2 * travel_seconds(question.length(*key[:2]), question.speed, key[2]) + 1 for key in flown}
    model.minimize(sum(half_seconds[key] * taken for key, taken in flown.items()) + sum(changes) + 3 * sum(refuels))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return None
    assert status == cp_model.OPTIMAL
    return round(solver.objective_value)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_way_that_visits_a_waypoint_once_is_better(batch: int) -> None:
    compared = 0
    for seed in range(batch, GRAPHS, BATCHES):
        question = Question(seed)
        proven = proven_cost(question)
        try:
            route = question.route()
        except Unreachable:
            assert proven is None
            continue
        cost = 2 * route.seconds + route.requests
        visits_once = len({leg.destination for leg in route.legs}) == len(route.legs)
        if visits_once and question.waypoints[0].symbol not in {leg.destination for leg in route.legs}:
            assert cost == proven, f"seed {seed}"
            compared += 1
        else:  # the way back over a waypoint is one that the oracle does not know
            assert proven is None or cost <= proven, f"seed {seed}"
    assert compared >= 25

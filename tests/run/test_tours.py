"""OR-Tools' tours: every market once, never worse than the greedy ones, and better on a system like the real ones."""

from datetime import UTC, datetime

import pytest

from spacetraders_lab.core.legs import leg_table
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.touring import TourProblem, greedy_tours, tour_problem
from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.run.tours import best_tours
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe


def home(ships: int, seed: int = 1) -> TourProblem:
    """The home system with a frigate, a probe, and so on in turn."""
    system = Universe.create(SandboxSettings(seed=seed), now=datetime(2026, 3, 1, tzinfo=UTC)).home
    waypoints, markets = tuple(system.waypoints.values()), tuple(system.markets)
    frigate = Ship("F", markets[0], NavStatus.DOCKED, FlightMode.CRUISE, 36, 400, 400, 40)
    probe = Ship("P", markets[1], NavStatus.DOCKED, FlightMode.CRUISE, 9, 0, 0, 0)
    fleet = [(frigate, probe)[i % 2] for i in range(ships)]
    stations = [symbol for symbol, market in system.markets.items() if "FUEL" in market.listings]
    return tour_problem([(ship, leg_table(waypoints, ship.speed), 0.0) for ship in fleet], markets, stations)


@pytest.mark.parametrize("ships", [1, 2, 3, 4])
def test_on_the_home_system_the_tours_are_better_than_greedy_ones(ships: int) -> None:
    problem = home(ships)
    tours = best_tours(problem)
    assert sorted(market for tour in tours for market in tour) == list(range(len(problem.markets)))
    assert problem.makespan(tours) < 0.99 * problem.makespan(greedy_tours(problem))


@pytest.mark.parametrize("markets", [0, 1, 2])
def test_hardly_anything_to_visit_is_planned_too(markets: int) -> None:
    row = tuple(10.0 for _ in range(markets))
    between = (tuple(row for _ in range(markets)),)
    problem = TourProblem(tuple("AB"[:markets]), ("S",), (row,), between)
    assert sorted(market for tour in best_tours(problem) for market in tour) == list(range(markets))

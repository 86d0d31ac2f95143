"""Tours: shared out, flown in order, no longer than they must be; and what a watch looks at next."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacetraders_lab.core.legs import leg_table
from spacetraders_lab.core.routing import Unreachable, find_route
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.touring import (
    VISIT_SECONDS,
    TourProblem,
    Watched,
    greedy_tours,
    next_visit,
    tour_problem,
)
from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.core.waypoint import Waypoint

MARKETS = tuple(f"X1-T1-{letter}" for letter in "ABCD")


def place(symbol: str, x: int, y: int = 0) -> Waypoint:
    return Waypoint(symbol, "PLANET", x, y)


def ship(
    symbol: str = "S-1", at: str = MARKETS[0], *, speed: int = 36, tank: int = 400, fuel: int | None = None
) -> Ship:
    return Ship(symbol, at, NavStatus.IN_ORBIT, FlightMode.BURN, speed, tank if fuel is None else fuel, tank, 40)


LINE = [place(symbol, x) for symbol, x in zip(MARKETS, (0, 50, 100, 150), strict=True)]


@st.composite
def problems(draw: st.DrawFn) -> TourProblem:
    random = Random(draw(st.integers(0, 10_000)))
    markets, ships = draw(st.integers(0, 9)), draw(st.integers(1, 4))

    def row() -> tuple[float, ...]:
        return tuple(float(random.randint(1, 500)) for _ in range(markets))

    return TourProblem(
        markets=tuple(f"M{i}" for i in range(markets)),
        ships=tuple(f"S{i}" for i in range(ships)),
        first=tuple(row() for _ in range(ships)),
        between=tuple(tuple(row() for _ in range(markets)) for _ in range(ships)),
    )


@given(problems())
@settings(max_examples=100, deadline=None)
def test_greedy_tours_visit_every_market_once(problem: TourProblem) -> None:
    tours = greedy_tours(problem)
    assert len(tours) == len(problem.ships)
    assert sorted(market for tour in tours for market in tour) == list(range(len(problem.markets)))


@given(problems())
@settings(max_examples=100, deadline=None)
def test_a_tour_takes_as_long_as_its_legs_and_all_take_as_long_as_the_longest(problem: TourProblem) -> None:
    tours = greedy_tours(problem)
    seconds = []
    for s, tour in enumerate(tours):
        legs = [problem.first[s][tour[0]]] if tour else []
        legs += [problem.between[s][a][b] for a, b in pairwise(tour)]
        seconds.append(sum(legs))
    assert [problem.seconds(s, tour) for s, tour in enumerate(tours)] == seconds
    assert problem.makespan(tours) == max(seconds)


def test_on_a_line_one_ship_goes_from_end_to_end() -> None:
    table = leg_table(LINE, 36)
    problem = tour_problem([(ship(), table, 0.0)], MARKETS, MARKETS)
    assert greedy_tours(problem) == ((0, 1, 2, 3),)


def test_where_the_ship_is_a_visit_takes_only_its_requests_and_a_flight_under_way_is_waited_for() -> None:
    table = leg_table(LINE, 36)
    problem = tour_problem([(ship(), table, 0.0), (ship("S-2"), table, 40.0)], MARKETS, MARKETS)
    assert problem.first[0][0] == VISIT_SECONDS
    assert problem.first[1][0] == 40 + VISIT_SECONDS


@pytest.mark.parametrize(("speed", "tank"), [(36, 400), (36, 80), (9, 0), (9, 60)])
def test_legs_are_those_of_the_fastest_routes(speed: int, tank: int) -> None:
    table = leg_table(LINE, speed)
    problem = tour_problem([(ship(speed=speed, tank=tank), table, 0.0)], MARKETS, MARKETS)
    for i, a in enumerate(MARKETS):
        for j, b in enumerate(MARKETS):
            route = find_route(table, a, b, fuel=tank, fuel_capacity=tank, fuel_stations=MARKETS, mode=FlightMode.BURN)
            assert problem.between[0][i][j] == route.seconds + VISIT_SECONDS


def test_from_a_market_without_fuel_a_ship_is_not_taken_to_leave_with_a_full_tank() -> None:
    table = leg_table(LINE, 36)
    dry, wet = (tour_problem([(ship(tank=200), table, 0.0)], MARKETS, s).between[0] for s in ((), MARKETS))
    assert dry[0][3] > wet[0][3]


def test_a_ship_that_cannot_set_off_is_told_why() -> None:
    with pytest.raises(Unreachable, match="the tank is empty"):
        tour_problem([(ship(fuel=0), leg_table(LINE, 36), 0.0)], MARKETS, ())


# --- watching ------------------------------------------------------------------------------------------------------


def look(markets: list[Watched], **seconds: float) -> str | None:
    chosen = next_visit(markets, seconds, fresh_seconds=300)
    return chosen.waypoint if chosen is not None else None


def test_of_equals_the_stalest_goes_first_then_the_most_valuable_then_the_nearest() -> None:
    assert look([Watched("A", 900, 10), Watched("B", 1000, 10)], A=60, B=60) == "B"
    assert look([Watched("A", 900, 11), Watched("B", 900, 10)], A=60, B=60) == "A"
    assert look([Watched("A", 900, 10), Watched("B", 900, 10)], A=60, B=50) == "B"


def test_what_is_fresh_or_out_of_reach_is_left_alone() -> None:
    assert look([Watched("A", 299, 10)], A=0) is None
    assert look([Watched("A", 9000, 10)]) is None


def test_no_market_is_forgotten_however_little_it_is_worth() -> None:
    assert look([Watched("A", 300, 1000), Watched("B", 10_000_000, 0)], A=60, B=60) == "B"

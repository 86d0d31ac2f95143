"""Flight times and fuel against real flights, and what must hold for every flight."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.travel import FlightMode, distance, fuel_cost, round_half_up, travel_seconds

CRUISE, BURN, DRIFT, STEALTH = FlightMode.CRUISE, FlightMode.BURN, FlightMode.DRIFT, FlightMode.STEALTH

# Flights seen in the game in April and August 2025: mode, engine speed, distance, seconds.
# Source: public data of pofadder11/spacetraders-data-platform (GitHub).
REAL_FLIGHTS = [
    (CRUISE, 36, 176.479, 137),
    (CRUISE, 36, 155.116, 123),
    (CRUISE, 36, 339.0, 250),
    (CRUISE, 9, 175.482, 501),
    (CRUISE, 9, 28.32, 93),
    (CRUISE, 9, 17.889, 65),
    (CRUISE, 9, 289.0, 818),
    (BURN, 36, 117.0, 56),
]
TIMES_SEEN = [5, 1, 1, 1, 4, 4, 1, 1]

distances = st.floats(0, 3000)
speeds = st.integers(1, 60)


def test_seventeen_cruises_and_a_burn_are_in_the_table() -> None:
    assert sum(TIMES_SEEN) == 18
    assert len(TIMES_SEEN) == len(REAL_FLIGHTS)


@pytest.mark.parametrize(("mode", "speed", "dist", "seconds"), REAL_FLIGHTS)
def test_real_flights_took_exactly_so_long(mode: FlightMode, speed: int, dist: float, seconds: int) -> None:
    assert travel_seconds(dist, speed, mode) == seconds


@pytest.mark.parametrize(
    ("dist", "cruise", "burn", "stealth"),
    [(0.0, 1, 2, 1), (0.4, 1, 2, 1), (1.49, 1, 2, 1), (1.5, 2, 4, 2), (28.32, 28, 56, 28), (339.0, 339, 678, 339)],
)
def test_fuel_is_the_rounded_distance_at_least_one_and_twice_that_on_burn(
    dist: float, cruise: int, burn: int, stealth: int
) -> None:
    assert [fuel_cost(dist, mode) for mode in (CRUISE, BURN, STEALTH)] == [cruise, burn, stealth]


@given(distances)
def test_drifting_burns_one_unit_however_far(dist: float) -> None:
    assert fuel_cost(dist, DRIFT) == 1


@given(distances, speeds)
def test_burn_is_faster_than_cruise_than_stealth_than_drift(dist: float, speed: int) -> None:
    times = [travel_seconds(dist, speed, mode) for mode in (BURN, CRUISE, STEALTH, DRIFT)]
    assert times == sorted(times)


@given(distances, speeds)
def test_stealth_is_never_better_than_cruise(dist: float, speed: int) -> None:
    """Why routes leave it out."""
    assert travel_seconds(dist, speed, STEALTH) >= travel_seconds(dist, speed, CRUISE)
    assert fuel_cost(dist, STEALTH) == fuel_cost(dist, CRUISE)


@given(distances, speeds, st.sampled_from(FlightMode))
def test_a_flight_costs_the_same_for_all_distances_that_round_alike(dist: float, speed: int, mode: FlightMode) -> None:
    units = max(1, round_half_up(dist))
    assert travel_seconds(dist, speed, mode) == travel_seconds(units, speed, mode)
    assert fuel_cost(dist, mode) == fuel_cost(units, mode)


@given(st.integers(-10_000, 10_000))
def test_halves_are_rounded_up_unlike_pythons_round(n: int) -> None:
    assert round_half_up(n + 0.5) == n + 1
    assert round_half_up(n + 0.49) == n


def test_distance_is_euclids() -> None:
    assert distance(0, 0, 3, 4) == 5.0
    assert distance(7, -2, 7, -2) == 0.0

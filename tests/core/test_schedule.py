"""How long a plan takes, against small cases worked out by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName, MarketPair
from spacetraders_lab.core.planning import Load, PairPlan, Way
from spacetraders_lab.core.schedule import SECONDS_PER_REQUEST, Bound, Schedule, make_schedule

A, B, C = "X1-GZ7-A1", "X1-GZ7-B2", "X1-GZ7-C3"
GRID = Design()
LADDER = Design(name=DesignName.LADDER, washout_seconds=600)
FLIGHT = Way(seconds=100, flights=1, requests=3, fuel=150)
AB, BC, BA = (MarketPair.of("IRON", *ends) for ends in ((A, B), (B, C), (B, A)))
OTHER = MarketPair.of("GOLD", B, A)


def ways(start: str, end: str) -> Way:
    return FLIGHT


def priced(pair: MarketPair, loads: int = 1) -> PairPlan:
    """Loads of two purchases and two sales."""
    return PairPlan(pair, (Load((10, 10), (10, 10)),) * loads, ((1.0, 1.0),) * loads)


def schedule(*pairs: PairPlan, design: Design = GRID, starts: str = A, fuel_capacity: int = 0) -> Schedule:
    return make_schedule(pairs, design, ways, starts.split(), fuel_capacity=fuel_capacity)


def test_one_pair_of_the_grid_by_hand() -> None:
    """Where it is it reads once, and after each trade; it flies, and does the same again."""
    one = schedule(priced(AB))
    requests = (1 + 2 + 2) + 3 + (1 + 2 + 2)
    assert (one.requests, one.flights, one.bound) == (requests, 1, Bound.FLIGHT)
    assert one.hours * 3600 == pytest.approx(100 + requests * SECONDS_PER_REQUEST)


def test_a_ship_that_is_elsewhere_flies_first_and_a_second_load_flies_back() -> None:
    assert schedule(priced(AB), starts=C).flights == 2
    assert schedule(priced(AB, loads=2)).flights == 3


def test_a_ship_flies_to_see_what_a_guard_then_keeps_it_from_buying() -> None:
    shut = schedule(PairPlan(BC, (), ()), design=LADDER)
    assert (shut.requests, shut.flights) == (3 + 2, 1)


def test_a_ladder_reads_twice_at_first_and_shares_its_last_reading_with_the_next_pair() -> None:
    """A to B with iron, back with gold: the gold's purchase begins with the reading after the last sale of iron."""
    alone, both = schedule(priced(AB), design=LADDER), schedule(priced(AB), priced(OTHER), design=LADDER)
    assert alone.requests == (2 + 4) + 3 + (2 + 4)
    assert both.requests == alone.requests + 4 + 3 + (2 + 4)


def test_a_washout_makes_a_ship_wait_for_its_listing() -> None:
    soon, late = (schedule(priced(AB), priced(BA), design=replace(LADDER, washout_seconds=w)) for w in (0, 3600))
    assert late.hours - soon.hours == pytest.approx(1, rel=0.01)


def test_ships_never_work_at_one_listing_together() -> None:
    chain = [priced(AB), priced(BC), priced(MarketPair.of("IRON", C, A))]
    one, three = schedule(*chain), schedule(*chain, starts=f"{A} {B} {C}")
    assert three.hours == pytest.approx(one.hours, rel=0.1)


def test_the_nearest_pair_goes_first_where_ships_choose_so() -> None:
    chained = [priced(MarketPair.of("IRON", C, B)), priced(MarketPair.of("GOLD", A, C))]
    assert schedule(*chained).flights == 4
    assert schedule(*chained, design=replace(GRID, claim_order=ClaimOrder.NEAREST)).flights == 2


def test_a_tank_is_filled_when_the_next_flight_needs_more() -> None:
    """A tank of 400 lasts for two flights of 150."""
    without, with_tank = (schedule(priced(AB, loads=3), fuel_capacity=tank) for tank in (0, 400))
    assert without.flights == with_tank.flights == 5
    assert with_tank.requests == without.requests + 2


def test_many_ships_wait_for_the_limiter() -> None:
    pairs = [priced(MarketPair.of(f"G{i}", A, B)) for i in range(200)]
    crowd = schedule(*pairs, starts=" ".join([A] * 100))
    assert crowd.bound is Bound.API
    assert crowd.hours == pytest.approx(crowd.requests / 2.5 / 3600)


@given(st.integers(0, 30), st.integers(1, 6))
def test_more_ships_never_need_more_than_one_alone(count: int, ships: int) -> None:
    pairs = [priced(MarketPair.of(f"G{i % 7}", *((A, B) if i % 2 else (B, C)))) for i in range(count)]
    alone, together = schedule(*pairs), schedule(*pairs, starts=" ".join([A] * ships))
    assert together.hours <= alone.hours * 1.05 + 0.01
    assert alone.requests >= sum(len(p.loads) * 8 for p in pairs)

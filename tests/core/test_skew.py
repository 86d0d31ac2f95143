"""By how much the game's clock differs from ours: bounded by every reply, never made up where the clocks may agree."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.skew import Skew
from tests.factories import NOON

UNIT, NONE = timedelta(seconds=1), timedelta(0)

# when a request left by the game's clock, how long it was under way, and how long its answer
exchanges = st.lists(st.tuples(*[st.floats(0, 1000)] + [st.floats(0, 3)] * 2), min_size=1, max_size=30)


def hear(skew: Skew, true: timedelta, at: float, there: float = 0.1, back: float = 0.1) -> None:
    """One reply of a game whose clock is so far ahead of ours."""
    left = NOON + timedelta(seconds=at)
    written = left + timedelta(seconds=there)
    arrived = written + timedelta(seconds=back)
    skew.note(written.replace(microsecond=0), sent=left - true, received=arrived - true)


def test_while_nothing_was_heard_the_clocks_agree() -> None:
    assert (Skew().games(NOON), Skew().past(NOON)) == (NOON, NOON)


@given(exchanges)
def test_a_clock_that_is_right_is_left_alone(heard: list[tuple[float, float, float]]) -> None:
    skew = Skew()
    for exchange in heard:
        hear(skew, NONE, *exchange)
        assert skew.games(NOON) == NOON


@given(exchanges, st.floats(-10_000, 10_000))
def test_one_reply_tells_it_to_a_second_and_its_way(heard: list[tuple[float, float, float]], seconds: float) -> None:
    skew, true = Skew(), timedelta(seconds=seconds)
    for at, there, back in heard:
        hear(skew, true, at, there, back)
        error = abs(skew.ahead - true)
        assert error <= UNIT + timedelta(seconds=there + back)
        assert skew.past(NOON) >= NOON - true, "what has come for sure must not lie ahead"


@pytest.mark.parametrize("seconds", [-3600.0, -1.0, 60.0])
def test_many_replies_tell_it_to_the_quickest_way(seconds: float) -> None:
    skew, true = Skew(), timedelta(seconds=seconds)
    for number in range(50):
        hear(skew, true, number * 1.37)
    assert timedelta(0) <= true - skew.ahead <= timedelta(seconds=0.15)


def test_after_a_clock_was_set_the_last_reply_counts() -> None:
    skew = Skew()
    for number in range(20):
        hear(skew, timedelta(seconds=-60), number * 1.37)
    hear(skew, NONE, 30)
    assert skew.games(NOON) == NOON


def test_the_two_ways_lead_to_the_same_moment() -> None:
    skew = Skew()
    hear(skew, timedelta(hours=1), 0.3)
    moment: datetime = skew.games(NOON)
    assert skew.past(moment) == NOON

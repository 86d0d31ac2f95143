"""Revisits: which readings of a market that was moved are due, done and missed, at any moment."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.revisits import AFTER_MINUTES, Shock, watched
from tests.factories import NOON

HERE, THERE = "X1-GZ7-A1", "X1-GZ7-B2"
SHOCK = Shock(HERE, "IRON_ORE", NOON)
PLANNED = len(AFTER_MINUTES)


def minutes(*values: float) -> list[datetime]:
    return [NOON + timedelta(minutes=value) for value in values]


def after(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def test_at_first_everything_is_to_come_in_the_order_of_time() -> None:
    watch = watched([SHOCK], {}, NOON)
    assert (watch.done, watch.missed, len(watch.to_come)) == (0, 0, PLANNED)
    assert [r.due for r in watch.to_come] == minutes(*AFTER_MINUTES)
    assert watch.to_come[0].until == watch.to_come[1].due


def test_a_reading_counts_for_the_window_that_it_falls_into() -> None:
    """A minute after, at the last moment before the second minute, and never for what was due before it."""
    assert watched([SHOCK], {HERE: minutes(1)}, after(1)).done == 1
    assert watched([SHOCK], {HERE: minutes(1.99)}, after(2)).done == 1
    assert watched([SHOCK], {HERE: minutes(2)}, after(2)).missed == 1
    assert watched([SHOCK], {HERE: minutes(0.9)}, after(1)).done == 0
    assert watched([SHOCK], {THERE: minutes(1)}, after(1)).done == 0


def test_what_was_not_read_in_time_is_missed_and_the_last_may_be_half_an_hour_late() -> None:
    assert watched([SHOCK], {}, after(4)).missed == 2
    assert len(watched([SHOCK], {}, after(509)).to_come) == 1
    over = watched([SHOCK], {}, after(510))
    assert (over.missed, over.to_come) == (PLANNED, ())


def test_a_faster_game_is_watched_faster() -> None:
    watch = watched([SHOCK], {}, NOON, speed=60)
    assert watch.to_come[-1].due == NOON + timedelta(seconds=480)


def test_the_first_two_ticks_fall_between_readings_that_are_close() -> None:
    """Ticks are half an hour apart: the first comes within 30 minutes of a trade and the second within 60."""
    until_second = [0, *(m for m in AFTER_MINUTES if m <= 60)]
    gaps = [b - a for a, b in pairwise(until_second)]
    assert max(gaps) <= 15
    assert AFTER_MINUTES[0] == 1
    assert AFTER_MINUTES[-1] == 480


@given(
    st.lists(st.floats(0, 600), max_size=30),
    st.lists(st.floats(0, 60), max_size=4),
    st.floats(0, 700),
)
def test_every_planned_reading_is_done_missed_or_to_come(read: list[float], shocks: list[float], now: float) -> None:
    moved = [Shock(HERE, f"G{i}", after(minute)) for i, minute in enumerate(shocks)]
    watch = watched(moved, {HERE: sorted(minutes(*read))}, after(now))
    assert watch.planned == PLANNED * len(shocks)
    assert all(r.until > after(now) for r in watch.to_come)

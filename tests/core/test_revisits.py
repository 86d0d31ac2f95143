"""Revisits: which readings of a market that was moved are due, done and missed, at any moment."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.revisits import (
    AFTER_MINUTES,
    STAY_MINUTES,
    Errand,
    Shock,
    Watch,
    next_errand,
    stays,
    watched,
)
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


# --- what a ship does for it ------------------------------------------------------------------------------------------


def flight(start: str, end: str) -> float:
    """Ten minutes between any two markets."""
    return 0.0 if start == end else 600.0


def errand(
    to_come: Watch, at: str, minute: float, *, elsewhere: tuple[str, ...] = (), is_probe: bool = False
) -> Errand:
    return next_errand(to_come.to_come, at, elsewhere, flight, after(minute), is_probe=is_probe)


def test_a_ship_that_has_just_traded_stays_for_the_first_readings_and_makes_up_for_none() -> None:
    assert stays(NOON, NOON) == minutes(1, 2, 4, STAY_MINUTES)
    assert stays(NOON, after(2.5)) == minutes(2, 4, STAY_MINUTES), "a reading counts until the next one is due"
    assert stays(NOON, after(16)) == []
    assert stays(NOON, NOON, speed=60) == [NOON + timedelta(seconds=value) for value in (1, 2, 4, STAY_MINUTES)]


def test_a_ship_at_the_market_rests_until_it_is_due_and_one_elsewhere_sets_off_in_time() -> None:
    watch = watched([SHOCK], {HERE: minutes(8)}, after(9))
    assert errand(watch, HERE, 9.0) == Errand(150.0, watch.to_come[0]), "due at 15; it looks again before that"
    assert errand(watch, HERE, 14.99).rest == 0
    assert errand(watch, THERE, 9.0).revisit == watch.to_come[0]
    assert errand(watch, THERE, 9.0).rest == 0, "it would be there at 19, before the next one is due at 22"


def test_a_reading_that_cannot_be_reached_in_time_is_passed_over() -> None:
    watch = watched([SHOCK], {}, NOON)
    assert errand(watch, THERE, 0.0).revisit == watch.to_come[3], "ten minutes after: the one of 8 lasts until 15"


def test_a_market_that_another_ship_looks_after_is_left_to_it_and_a_probe_keeps_its_own() -> None:
    watch = watched([SHOCK, Shock(THERE, "GOLD", NOON)], {}, after(50))
    assert errand(watch, HERE, 50.0, elsewhere=(HERE,)).revisit in [r for r in watch.to_come if r.market == THERE]
    kept = errand(watch, HERE, 59.95, elsewhere=(HERE,), is_probe=True).revisit
    assert kept is not None and kept.market == HERE
    assert errand(watch, HERE, 50.0, elsewhere=(HERE, THERE)) == Errand(150.0, None)


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 300)), min_size=1, max_size=6),
    st.sampled_from("ABC"),
    st.sets(st.sampled_from("ABC")),
    st.integers(0, 500),
)
def test_it_takes_the_one_that_it_can_make_soonest(
    shocks: list[tuple[str, int]], at: str, elsewhere: set[str], minute: int
) -> None:
    """Against a search of all of them."""
    watch = watched([Shock(market, str(i), after(m)) for i, (market, m) in enumerate(shocks)], {}, after(minute))
    found = errand(watch, at, minute, elsewhere=tuple(elsewhere)).revisit
    possible = [
        (then, r.market, r)
        for r in watch.to_come
        if r.market not in elsewhere
        and (then := max(r.due, after(minute) + timedelta(seconds=flight(at, r.market)))) < r.until
    ]
    assert found == (min(possible)[2] if possible else None)

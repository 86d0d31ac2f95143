"""Game time from the clock's: the same where the game goes with the clock, and never backwards where it does not."""

from datetime import datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.analysis.dataset import REASONS, dataset_of
from spacetraders_lab.analysis.game_time import GameTime
from spacetraders_lab.core.analysis_plan import Exclusion
from spacetraders_lab.core.experiment import PlaceboBracket
from tests.factories import NOON, make_good, make_record

minutes = st.floats(-1e4, 1e4).map(lambda count: NOON + timedelta(minutes=round(count, 3)))
speeds = st.sampled_from([0.5, 1.0, 7.0, 600.0])
runs = st.lists(st.tuples(minutes, speeds), min_size=1, max_size=5)


def as_hours(moments: list[datetime]) -> np.ndarray:
    return np.array([moment.replace(tzinfo=None) for moment in moments], dtype="datetime64[us]")


@given(st.lists(minutes, min_size=1, max_size=5), st.lists(minutes, min_size=1))
def test_the_games_hours_are_the_clocks_at_speed_1(begun: list[datetime], hours: list[datetime]) -> None:
    time = GameTime.of_runs((at, 1.0) for at in begun)
    assert time.is_the_clocks
    assert np.abs(time.of(hours) - as_hours(hours)).max() <= np.timedelta64(1, "us")


@given(runs, st.lists(minutes, min_size=2))
def test_it_never_goes_backwards_however_the_speed_changes(
    begun: list[tuple[datetime, float]], hours: list[datetime]
) -> None:
    time = GameTime.of_runs(begun)
    gone = np.diff(time.of(sorted(hours)).astype(np.int64)) / 1e6
    clock = np.diff(as_hours(sorted(hours)).astype(np.int64)) / 1e6
    slowest, fastest = (pick(speed for _, speed in begun) for pick in (min, max))
    assert (gone >= slowest * clock - 1e-3).all() and (gone <= fastest * clock + 1e-3).all()
    first = min(at for at, _ in begun)
    assert time.of([first])[0] == as_hours([first])[0]


def test_from_a_runs_beginning_on_its_speed_counts() -> None:
    time = GameTime.of_runs([(NOON + timedelta(minutes=10), 6.0), (NOON, 60.0)])
    assert time.minutes(NOON, NOON + timedelta(minutes=1)) == 60
    assert time.minutes(NOON + timedelta(minutes=9), NOON + timedelta(minutes=12)) == 60 + 12
    assert time.minutes(NOON - timedelta(minutes=1), NOON) == 60


def test_the_reading_before_a_trade_was_as_long_before_as_the_game_says() -> None:
    """A second of the clock at speed 60; that it was no late one is judged by the clock."""
    records = [
        make_record(timestamp=NOON + timedelta(seconds=10), seconds_since_before=1.0),
        make_record(timestamp=NOON + timedelta(seconds=70), seconds_since_before=61.0, visit_id="visit-2"),
    ]
    clock = dataset_of(records)
    found = GameTime.of_runs([(NOON, 60.0)]).trades(clock)
    assert found.time.tolist() == [NOON.timestamp() + 600, NOON.timestamp() + 4200]
    assert found.seconds.tolist() == [60, 3660]
    assert found.reason.tolist() == clock.reason.tolist() == [-1, REASONS.index(Exclusion.LATE)]


def test_brackets_last_as_long_as_the_game_says() -> None:
    later = NOON + timedelta(seconds=0.5)
    bracket = PlaceboBracket("run-1", "LAB-1", "X1-GZ7-A1", make_good(), NOON, make_good(), later)
    (found,) = GameTime.of_runs([(NOON, 60.0)]).brackets([bracket])
    assert (found.before_at, found.after_at) == (NOON, NOON + timedelta(seconds=30))

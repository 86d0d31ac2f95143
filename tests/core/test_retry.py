"""Which failures are asked again, how often and after how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.retry import Failure, decide

failures = st.sampled_from(Failure)
chances = st.floats(0, 1, exclude_max=True)


def waits(failure: Failure, *, repeatable: bool = True, chance: float = 0.5) -> list[float]:
    """All waits of one request that goes on failing in the same way."""
    series = []
    for count in range(1, 100):
        decision = decide(failure, count, repeatable=repeatable, chance=chance)
        if not decision.again:
            return series
        series.append(decision.wait_seconds)
    raise AssertionError("never gives up")


@pytest.mark.parametrize(
    ("failure", "read_again", "action_again"),
    [
        (Failure.NOT_SENT, True, True),
        (Failure.NO_ANSWER, True, False),
        (Failure.UNSHOWABLE, True, False),
        (Failure.BAD_GATEWAY, True, False),
        (Failure.TURNED_AWAY, True, True),
        (Failure.RATE_LIMITED, True, True),
        (Failure.LOCKED, True, True),
    ],
)
def test_what_may_have_been_executed_is_never_made_again(
    failure: Failure, read_again: bool, action_again: bool
) -> None:
    assert decide(failure, 1, repeatable=True, chance=0.0).again is read_again
    assert decide(failure, 1, repeatable=False, chance=0.0).again is action_again


@given(failures, st.booleans(), chances)
def test_every_series_ends(failure: Failure, repeatable: bool, chance: float) -> None:
    assert len(waits(failure, repeatable=repeatable, chance=chance)) < 20


@given(failures, chances)
def test_waits_never_shrink(failure: Failure, chance: float) -> None:
    series = waits(failure, chance=chance)
    assert series == sorted(series)


@given(failures, st.integers(1, 30), chances)
def test_chance_spreads_a_wait_over_the_upper_half_of_its_step(failure: Failure, count: int, chance: float) -> None:
    least, wait = (decide(failure, count, repeatable=True, chance=c).wait_seconds for c in (0.0, chance))
    assert 0 < least <= wait <= 2 * least


def test_those_who_failed_together_do_not_come_back_together() -> None:
    herd = [decide(Failure.NO_ANSWER, 3, repeatable=True, chance=i / 100).wait_seconds for i in range(100)]
    assert len(set(herd)) == 100
    assert max(herd) - min(herd) > 0.9


def test_an_outage_of_some_seconds_is_outlasted_and_the_gateway_is_left_alone_for_minutes() -> None:
    assert waits(Failure.NO_ANSWER, chance=0.0) == [0.25, 0.5, 1.0, 2.0, 4.0]
    assert waits(Failure.BAD_GATEWAY, chance=0.0) == [30.0, 60.0, 120.0]
    assert waits(Failure.BAD_GATEWAY, chance=0.0) == waits(Failure.TURNED_AWAY, chance=0.0)


def test_who_gives_up_still_knows_how_long_to_leave_the_game_alone() -> None:
    decision = decide(Failure.BAD_GATEWAY, 1, repeatable=False, chance=0.0)
    assert (decision.again, decision.wait_seconds) == (False, 30.0)


def test_only_trouble_with_the_limit_or_the_gateway_concerns_everybody() -> None:
    assert {failure for failure in Failure if failure.concerns_everybody} == {
        Failure.RATE_LIMITED,
        Failure.TURNED_AWAY,
        Failure.BAD_GATEWAY,
    }

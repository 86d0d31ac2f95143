"""Who is promised what of an account's rate limit, one decision at a time."""

from dataclasses import replace

import pytest

from spacetraders_lab.core.rate_budget import (
    BLOCK,
    BURST_SECONDS,
    Demand,
    Pools,
    Promise,
    RateBudget,
    Reservation,
    reserve,
)
from spacetraders_lab.core.rate_budget import TURN_SECONDS as TURN

POOLS = Pools(per_second=2, window=1.0, burst=30, burst_window=60.0)


def wish(waiting: int = 10, **sent: object) -> Demand:
    return replace(Demand(waiting, POOLS), **sent)  # type: ignore[arg-type]


def spent(count: int, at: float) -> RateBudget:
    """A budget of which somebody has sent so many burst requests."""
    return RateBudget(burst=(("gone", at),) * count)


class TestSteadyPool:
    def test_who_comes_first_has_the_pool_for_one_turn(self) -> None:
        _, reservation = reserve(RateBudget(), "A", wish(20), now=1000.0)
        assert reservation.steady == Promise(1000.0, 1000.0 + TURN)

    def test_the_next_begins_a_window_after_the_turn_before_has_ended(self) -> None:
        budget, _ = reserve(RateBudget(), "A", wish(20), now=1000.0)
        _, reservation = reserve(budget, "B", wish(20), now=1000.5)
        assert reservation.steady.begins == 1000 + TURN + 1
        assert reservation.steady.ends == reservation.steady.begins + TURN

    def test_who_goes_on_after_its_own_turn_waits_for_nobody(self) -> None:
        budget, _ = reserve(RateBudget(), "A", wish(20), now=1000.0)
        _, reservation = reserve(budget, "A", wish(20, steady_sent=1002.0), now=1002.1)
        assert reservation.steady == Promise(1002.1, 1002.1 + TURN)

    def test_who_asks_again_before_its_turn_has_begun_does_not_come_earlier(self) -> None:
        budget, _ = reserve(RateBudget(), "A", wish(20), now=1000.0)
        budget, first = reserve(budget, "B", wish(20), now=1000.0)
        _, again = reserve(budget, "B", wish(20), now=1001.0)
        assert again.steady == first.steady

    def test_a_turn_returned_early_is_free_a_window_after_its_last_request(self) -> None:
        budget, _ = reserve(RateBudget(), "A", wish(20), now=1000.0)
        budget, _ = reserve(budget, "A", wish(0, steady_sent=1000.2), now=1000.4)
        _, reservation = reserve(budget, "B", wish(20), now=1000.5)
        assert reservation.steady.begins == pytest.approx(1001.2)

    def test_a_turn_returned_unused_is_free_from_its_beginning(self) -> None:
        budget, _ = reserve(RateBudget(), "A", wish(20), now=1000.0)
        budget, turn = reserve(budget, "B", wish(20), now=1000.0)
        budget, _ = reserve(budget, "B", wish(0, steady_sent=900.0), now=1000.5)
        _, reservation = reserve(budget, "C", wish(20), now=1000.6)
        assert reservation.steady.begins == pytest.approx(turn.steady.begins)

    def test_an_earlier_turn_returned_late_does_not_touch_the_turns_after_it(self) -> None:
        budget, _ = reserve(RateBudget(), "A", wish(20), now=1000.0)
        budget, turn = reserve(budget, "B", wish(20), now=1000.0)
        budget, _ = reserve(budget, "A", wish(0, steady_sent=1000.0), now=1000.1)
        assert (budget.turn_of, budget.turn_ends) == ("B", turn.steady.ends)

    def test_the_turn_of_a_dead_program_ends_by_itself(self) -> None:
        budget, _ = reserve(RateBudget(), "dead", wish(20), now=1000.0)
        _, reservation = reserve(budget, "B", wish(20), now=1000 + TURN + 2)
        assert reservation.steady.begins == 1000 + TURN + 2


class TestBurstPool:
    def test_half_of_what_is_free_is_handed_out_and_the_rest_left_to_others(self) -> None:
        budget, first = reserve(RateBudget(), "A", wish(), now=1000.0)
        _, second = reserve(budget, "B", wish(), now=1000.0)
        assert (first.burst.requests, second.burst.requests) == (14, 7)  # of 28: 30 less one steady window

    def test_enough_of_it_spares_the_turn(self) -> None:
        _, reservation = reserve(RateBudget(), "A", wish(14), now=1000.0)
        assert reservation == Reservation(burst=Promise(1000.0, 1000 + BURST_SECONDS, 14))

    def test_a_turn_comes_with_it_where_it_would_not_last(self) -> None:
        _, reservation = reserve(spent(28 - 2 * BLOCK + 2, 990.0), "A", wish(1), now=1000.0)
        assert reservation.burst.requests == BLOCK - 1
        assert reservation.steady.requests > BLOCK

    def test_what_was_sent_counts_for_a_window_and_what_was_promised_until_it_can_no_longer_be_sent(self) -> None:
        budget, _ = reserve(RateBudget(), "A", wish(1), now=1000.0)
        for now, free in ((1000 + BURST_SECONDS + 59.9, 7), (1000 + BURST_SECONDS + 60, 14)):
            assert reserve(budget, "B", wish(1), now=now)[1].burst.requests == free
        budget, _ = reserve(budget, "A", wish(0, burst_sent=(1001.0,)), now=1002.0)
        assert budget.burst == (("A", 1001.0),)
        assert reserve(budget, "B", wish(1), now=1061.0)[0].burst.count(("A", 1001.0)) == 0

    def test_a_promise_that_never_arrived_is_not_counted_twice(self) -> None:
        budget, _ = reserve(RateBudget(), "A", wish(1), now=1000.0)
        again, reservation = reserve(budget, "A", wish(1), now=1001.0)
        assert len(again.burst) == len(budget.burst) == reservation.burst.requests

    def test_nothing_is_promised_beyond_the_pool(self) -> None:
        _, reservation = reserve(spent(28, 990.0), "A", wish(), now=1000.0)
        assert reservation.burst.requests == 0
        assert reservation.steady.begins == 1000.0


class TestClocks:
    def test_who_may_be_wrong_about_the_hour_keeps_clear_of_both_ends(self) -> None:
        budget, reservation = reserve(RateBudget(), "A", wish(20), now=1000.0, error=0.2)
        assert reservation.steady.begins == budget.turn_begins + 0.2
        assert reservation.steady.ends == budget.turn_ends - 0.2
        assert reservation.steady.ends - reservation.steady.begins == pytest.approx(TURN)
        assert reservation.burst == Promise(1000.2, 1000 + BURST_SECONDS - 0.2, 14)

    def test_what_it_says_it_sent_may_have_been_that_much_later(self) -> None:
        budget, _ = reserve(RateBudget(), "A", wish(20), now=1000.0, error=0.2)
        demand = wish(0, steady_sent=1001.0, burst_sent=(1001.5,))
        budget, _ = reserve(budget, "A", demand, now=1002.0, error=0.2)
        assert (budget.turn_ends, budget.burst) == (1001.2, (("A", 1001.7),))

    def test_promises_by_a_clock_that_was_a_day_fast_are_not_waited_for(self) -> None:
        budget, _ = reserve(RateBudget(), "A", wish(20), now=1000 + 86_400.0)
        _, reservation = reserve(budget, "B", wish(20), now=1000.0)
        assert reservation.steady.begins <= 1000 + 62
        budget, _ = reserve(budget, "B", wish(20), now=1000.0)
        assert reserve(budget, "C", wish(), now=1061 + 60.0)[1].burst.requests == 14


def test_a_moved_clock_shows_the_same_moments() -> None:
    demand = wish(1, steady_sent=5.0, burst_sent=(1.0, 2.0))
    assert demand.shifted(10).shifted(-10) == demand
    assert demand.shifted(10).burst_sent == (11.0, 12.0)
    assert wish(1).shifted(10) == wish(1)
    reservation = Reservation(Promise(1.0, 2.0), Promise(1.0, 3.0, 4))
    assert reservation.shifted(10) == Reservation(Promise(11.0, 12.0), Promise(11.0, 13.0, 4))

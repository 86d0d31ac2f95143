"""When a worker that broke off is started again, and when it is given up."""

from spacetraders_lab.core.container import (
    FIRST_WAIT,
    HEALTHY_SECONDS,
    LONGEST_WAIT,
    MOST_RESTARTS,
    Restart,
    restart_after,
)


def test_waits_double_up_to_a_minute_and_end() -> None:
    waits, restarts = [], 0
    while restart := restart_after(restarts, 1.0, chance=1.0 - 1e-9):
        waits.append(round(restart.wait_seconds))
        restarts = restart.number
    assert waits == [1, 2, 4, 8, 16, 32, *[60] * (MOST_RESTARTS - 6)]


def test_a_wait_lies_between_half_a_step_and_the_whole() -> None:
    shortest = restart_after(0, 1.0, chance=0.0)
    assert shortest is not None
    assert shortest.wait_seconds == FIRST_WAIT / 2
    longest = restart_after(MOST_RESTARTS - 1, 1.0, chance=0.0)
    assert longest is not None
    assert longest.wait_seconds == LONGEST_WAIT / 2


def test_a_worker_that_lasted_begins_to_count_anew() -> None:
    assert restart_after(MOST_RESTARTS, HEALTHY_SECONDS, chance=0.0) == Restart(1, FIRST_WAIT / 2)
    assert restart_after(MOST_RESTARTS, HEALTHY_SECONDS - 1, chance=0.0) is None
    assert restart_after(0, 1.0, most=0, chance=0.0) is None

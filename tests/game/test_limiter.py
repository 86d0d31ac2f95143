"""The limiter never grants more than the game allows, never less than it could, and in the order of asking."""

import asyncio
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacetraders_lab.game import reads
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.study.virtual import START, VirtualClock
from tests.game.sandbox import Sandbox

HEADERS = {"x-ratelimit-type": "Account", "x-ratelimit-remaining": "3", "x-ratelimit-reset": "2026-03-01T12:00:00.000Z"}


def seconds(moment: datetime) -> float:
    """Since the start, to the millisecond: the limiter keeps a hair's breadth more than a window."""
    return round((moment - START).total_seconds(), 3)


def grants(clock: VirtualClock, limiter: TwoPoolLimiter, asked_at: list[float]) -> list[datetime]:
    """When requests that are asked for after so many seconds are granted, in the order in which they were asked for."""
    granted: list[datetime] = []

    async def ask(after: float) -> None:
        await clock.sleep(after)
        await limiter.acquire()
        granted.append(clock.now())

    async def main() -> None:
        await asyncio.gather(*(ask(after) for after in asked_at))

    clock.run(main())
    return granted


def refused_by_the_game(
    times: list[datetime], per_second: int, burst: int, window: float, speed: float
) -> list[datetime]:
    """What a server would refuse that counts in sliding windows, the steady pool first."""
    steady: list[datetime] = []
    bursts: list[datetime] = []
    refused = []
    for now in times:
        pools = ((steady, per_second, 1.0), (bursts, burst, window))
        for pool, size, length in pools:
            if sum(now - taken < timedelta(seconds=length / speed) for taken in pool) < size:
                pool.append(now)
                break
        else:
            refused.append(now)
    return refused


SECOND = 1.015  # in which the limiter takes one from a pool of one a second: some way beyond the game's
asked = st.lists(st.floats(0, 30).map(lambda x: round(x, 3)), min_size=1, max_size=60)


@given(asked, st.integers(1, 4), st.integers(0, 10), st.sampled_from([5.0, 12.5]), st.sampled_from([1.0, 2.0, 60.0]))
@settings(max_examples=100, deadline=None)
def test_never_more_than_the_game_allows_in_any_window(
    asked_at: list[float], per_second: int, burst: int, window: float, speed: float
) -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock, per_second=per_second, burst=burst, burst_window=window)
    limiter.note({"x-sandbox-speed": str(speed)})
    times = grants(clock, limiter, asked_at)
    assert len(times) == len(asked_at)
    assert refused_by_the_game(times, per_second, burst, window, speed) == []


@given(st.integers(1, 4), st.integers(0, 10), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_requests_that_overtake_each_other_by_some_milliseconds_are_not_refused(
    per_second: int, burst: int, chance: Random
) -> None:
    clock = VirtualClock()
    times = grants(clock, TwoPoolLimiter(clock, per_second=per_second, burst=burst), [0.0] * 60)
    arrivals = sorted(time + timedelta(seconds=chance.uniform(0, 0.015)) for time in times)
    assert refused_by_the_game(arrivals, per_second, burst, 60.0, 1.0) == []


def test_the_pools_add_so_that_68_of_always_wanting_requests_go_out_in_20_seconds() -> None:
    clock = VirtualClock()
    times = grants(clock, TwoPoolLimiter(clock), [0.0] * 200)
    assert [sum(seconds(t) < end for t in times) for end in (1, 20, 60, 61)] == [32, 70, 150, 182]


def test_nobody_waits_while_there_is_room() -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock)
    assert [seconds(t) for t in grants(clock, limiter, [float(i) for i in range(50)])] == list(range(50))
    assert limiter.waited_seconds == 0.0
    assert limiter.granted == 50


def test_those_who_came_first_are_served_first() -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock, per_second=1, burst=0)
    served: list[int] = []

    async def ask(number: int) -> None:
        await clock.sleep(number * 0.001)
        await limiter.acquire()
        served.append(number)

    async def main() -> None:
        await asyncio.gather(*(ask(number) for number in range(30)))

    clock.run(main())
    assert served == list(range(30))
    assert limiter.waited_seconds == pytest.approx(sum(SECOND * i - i * 0.001 for i in range(30)), abs=1e-3)


def test_a_waiter_that_is_cancelled_takes_nothing_and_holds_up_nobody() -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock, per_second=1, burst=0)

    async def main() -> None:
        await limiter.acquire()
        first, second = (asyncio.create_task(limiter.acquire()) for _ in range(2))
        await clock.sleep(0.5)
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)

    clock.run(main())
    assert seconds(clock.now()) == SECOND
    assert limiter.granted == 2


def test_who_has_been_at_it_longest_goes_first_and_whoever_says_nothing_came_now() -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock, per_second=1, burst=0)
    served: list[float | None] = []

    async def ask(since: float | None) -> None:
        await limiter.acquire(since)
        served.append(since)

    async def main() -> None:
        await clock.sleep(10)
        await limiter.acquire()
        await asyncio.gather(*map(ask, [12.0, None, 7.0, 3.0, 7.0]))

    clock.run(main())
    # the first of them had its turn before the others came, and keeps it while it waits
    assert served == [12.0, 3.0, 7.0, 7.0, None]


def test_a_turn_that_falls_to_one_who_leaves_passes_on() -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock, per_second=1, burst=0)

    async def main() -> None:
        await limiter.acquire()
        holder, leaving, last = (asyncio.create_task(limiter.acquire(since)) for since in (1.0, 2.0, 3.0))
        await clock.sleep(0.5)
        holder.cancel()
        await asyncio.sleep(0)  # it is the next one's turn now, which has not woken yet
        leaving.cancel()
        await asyncio.wait_for(last, 60)

    clock.run(main())


def test_after_a_pause_everybody_waits_and_then_goes_on() -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock)
    limiter.pause(7.5)
    limiter.pause(2.0)  # a shorter one does not open it
    assert [seconds(t) for t in grants(clock, limiter, [0.0, 1.0, 8.0])] == [7.5, 7.5, 8.0]


def test_a_pause_holds_those_who_wait_already() -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock, per_second=1, burst=0)

    async def main() -> None:
        await limiter.acquire()
        waiting = asyncio.create_task(limiter.acquire())
        await clock.sleep(0.5)
        limiter.pause(10)
        await waiting

    clock.run(main())
    assert seconds(clock.now()) == 10.5


def test_the_sizes_that_the_game_names_are_obeyed() -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock)
    limiter.note(HEADERS | {"x-ratelimit-limit-per-second": "1", "x-ratelimit-limit-burst": "3"})
    assert [seconds(t) for t in grants(clock, limiter, [0.0] * 6)] == [0, 0, 0, 0, SECOND, 2 * SECOND]


@pytest.mark.parametrize("nonsense", ["", "many", "0", "-3", "nan", "inf", "1e999"])
def test_headers_that_make_no_sense_change_nothing(nonsense: str) -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock)
    names = ("x-sandbox-speed", "x-ratelimit-limit-per-second", "x-ratelimit-limit-burst")
    limiter.note(dict.fromkeys(names, nonsense))
    assert limiter.speed == 1.0
    assert sum(seconds(t) == 0 for t in grants(clock, limiter, [0.0] * 40)) == 32


def test_at_a_higher_speed_the_windows_are_shorter() -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock, burst=0)
    limiter.note({"x-sandbox-speed": "100"})
    assert [seconds(t) for t in grants(clock, limiter, [0.0] * 5)] == [0, 0, 0.01, 0.01, 0.02]


def test_a_clock_that_is_set_back_changes_nothing() -> None:
    clock = VirtualClock()
    limiter = TwoPoolLimiter(clock, burst=0)

    async def main() -> None:
        limiter.pause(2.0)
        await limiter.acquire()
        await limiter.acquire()
        clock.start -= timedelta(hours=1)
        await limiter.acquire()

    clock.run(main())
    assert clock.elapsed == pytest.approx(2 + SECOND, abs=1e-4)


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_the_sandbox_never_refuses_what_the_limiter_grants(speed: float) -> None:
    sandbox = Sandbox(speed=speed)

    async def main() -> None:
        game = await sandbox.join()
        await asyncio.gather(*(reads.get_agent(game.client) for _ in range(200)))

    sandbox.clock.run(main())
    assert {status for _, _, status in sandbox.app.state.requests} == {200, 201}
    assert seconds(sandbox.clock.now()) <= 71 / speed + 1

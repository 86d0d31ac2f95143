"""The virtual clock that other tests rely on: waits cost nothing, order and sums of time are right."""

import asyncio
import threading
from datetime import timedelta

from spacetraders_lab.study.virtual import START, VirtualClock


def test_hours_pass_at_once_and_exactly() -> None:
    clock = VirtualClock()

    async def fly(legs: int) -> None:
        for _ in range(legs):
            await clock.sleep(60)

    async def main() -> None:
        await asyncio.gather(*(fly(100) for _ in range(10)))

    clock.run(main())  # in real time the test would be cut off long before
    assert clock.now() == START + timedelta(seconds=6000)


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = VirtualClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, (clock.now() - START).total_seconds()))

    async def main() -> None:
        await asyncio.gather(*(sleeper(s) for s in (30, 10, 20)))

    clock.run(main())
    assert woken == [(10, 10), (20, 20), (30, 30)]


def test_time_goes_on_between_runs() -> None:
    clock = VirtualClock()
    clock.run(clock.sleep(5))
    clock.run(clock.sleep(7))
    assert clock.now() == START + timedelta(seconds=12)


def test_time_stands_still_while_a_thread_works() -> None:
    clock, seen = VirtualClock(), []

    async def work() -> None:
        released = threading.Event()
        job = asyncio.create_task(asyncio.to_thread(released.wait))
        timer = asyncio.create_task(clock.sleep(3600))
        asyncio.get_running_loop().call_soon(released.set)
        await job
        seen.append(clock.now())
        await timer

    clock.run(work())
    assert seen == [START]
    assert clock.now() == START + timedelta(hours=1)


def test_work_announced_with_hold_stops_the_clock() -> None:
    clock, seen = VirtualClock(), []

    async def work() -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        timer = asyncio.create_task(clock.sleep(3600))
        with clock.hold():
            thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(done.set))
            thread.start()
            await done.wait()
            seen.append(clock.now())
        thread.join()
        await timer

    clock.run(work())
    assert seen == [START]
    assert clock.holders == 0


def test_time_outs_are_virtual_too() -> None:
    clock = VirtualClock()

    async def main() -> str:
        try:
            async with asyncio.timeout(90):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "never"

    assert clock.run(main()) == "timed out"
    assert clock.now() == START + timedelta(seconds=90)

"""Several programs on one account: together they never send more than the game allows, and waste little of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacetraders_lab.core import rate_budget
from spacetraders_lab.core.rate_budget import Demand, RateBudget, Reservation
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.study.virtual import VirtualClock
from tests.game.test_limiter import refused_by_the_game


@dataclass
class OtherClock:
    """The clock of another machine: counts from another origin, and believes the hour to be a little off."""

    true: VirtualClock
    origin: float = 0.0
    off: float = 0.0

    def now(self) -> datetime:
        return self.true.now()

    def monotonic(self) -> float:
        return self.true.monotonic() + self.origin

    def hour(self) -> float:
        return self.true.monotonic() + self.off

    async def sleep(self, seconds: float) -> None:
        await self.true.sleep(seconds)


@dataclass
class Shelf:
    """Where the programs keep what is promised; to get there and back takes its time."""

    error: float = 0.0
    budget: RateBudget = field(default_factory=RateBudget)
    visits: int = 0

    def reserve_for(self, name: str, clock: OtherClock, there: float, back: float):  # type: ignore[no-untyped-def]
        async def reserve(demand: Demand) -> Reservation:
            await clock.sleep(there)
            ahead = clock.hour() - clock.monotonic()
            self.budget, reservation = rate_budget.reserve(
                self.budget, name, demand.shifted(ahead), now=clock.hour(), error=self.error
            )
            self.visits += 1
            await clock.sleep(back)
            return reservation.shifted(-ahead)

        return reserve


@dataclass(frozen=True)
class Program:
    """What it wants when, whether it dies without a word or leaves and says so, and how its clock is.

    It begins to ask at `starts_at`, with so many tasks that each pause for `thinks` seconds after a request.
    """

    starts_at: float
    tasks: int
    thinks: float
    ends_at: float
    dies: bool
    origin: float
    off: float  # in parts of the error that is allowed
    there: float
    back: float


programs = st.builds(
    Program,
    starts_at=st.sampled_from([0.0, 0.0, 0.5, 20.0, 58.5, 60.0]),
    tasks=st.sampled_from([1, 2, 5, 40]),
    thinks=st.sampled_from([0.0, 0.0, 0.3, 1.0, 1.7, 12.0]),
    ends_at=st.floats(0, 150),
    dies=st.booleans(),
    origin=st.floats(-1e4, 1e4),
    off=st.sampled_from([-1.0, 0.0, 1.0]),
    there=st.sampled_from([0.0, 0.01, 0.7]),
    back=st.sampled_from([0.0, 0.01, 0.7, 3.0]),
)


async def live(program: Program, name: str, shelf: Shelf, clock: VirtualClock, sent: list[datetime]) -> None:
    own = OtherClock(clock, program.origin, program.off * shelf.error)
    limiter = TwoPoolLimiter(own)
    limiter.share_with_others(shelf.reserve_for(name, own, program.there, program.back))

    async def task() -> None:
        await clock.sleep(program.starts_at)
        while True:
            await limiter.acquire()
            sent.append(clock.now())
            await clock.sleep(program.thinks)

    tasks = asyncio.gather(*(task() for _ in range(program.tasks)))
    await asyncio.wait({tasks}, timeout=program.ends_at)
    tasks.cancel()
    await asyncio.gather(tasks, return_exceptions=True)
    if not program.dies:
        await limiter.give_back()


@given(st.lists(programs, min_size=1, max_size=5), st.sampled_from([0.0, 0.02, 0.3]))
@settings(max_examples=200, deadline=None)
def test_the_game_never_refuses_whoever_dies_is_late_or_has_a_clock_that_is_off(
    crew: list[Program], error: float
) -> None:
    clock, sent, shelf = VirtualClock(), [], Shelf(error)

    async def main() -> None:
        await asyncio.gather(*(live(p, str(n), shelf, clock, sent) for n, p in enumerate(crew)))

    clock.run(main())
    assert refused_by_the_game(sorted(sent), 2, 30, 60.0, 1.0) == []


def saturate(programs: int, seconds: float, tasks: int = 4, speed: float = 1.0) -> tuple[list[datetime], Shelf]:
    """Programs with so many tasks each that always wait, from the start."""
    clock, sent, shelf = VirtualClock(), [], Shelf()

    async def program(name: str) -> None:
        limiter = TwoPoolLimiter(clock)
        limiter.note({"x-sandbox-speed": str(speed)})
        limiter.share_with_others(shelf.reserve_for(name, OtherClock(clock), 0.005, 0.005))

        async def task() -> None:
            while True:
                await limiter.acquire()
                sent.append(clock.now())

        await asyncio.gather(*(task() for _ in range(tasks)))

    async def main() -> None:
        everybody = asyncio.gather(*(program(str(n)) for n in range(programs)))
        await asyncio.wait({everybody}, timeout=seconds)
        everybody.cancel()
        await asyncio.gather(everybody, return_exceptions=True)

    clock.run(main())
    return sent, shelf


@pytest.mark.parametrize("programs", [1, 2, 4, 10])
def test_programs_that_always_wait_use_what_the_game_allows(programs: int) -> None:
    sent, shelf = saturate(programs, 300)
    assert refused_by_the_game(sent, 2, 30, 60.0, 1.0) == []
    assert len(sent) >= 0.95 * 2.5 * 300
    assert len(sent) / shelf.visits > 3

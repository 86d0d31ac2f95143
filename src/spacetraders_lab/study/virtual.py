"""Virtual time: an asyncio loop whose clock jumps to the next timer when nothing is ready, so waiting costs nothing.

A `VirtualClock` is the program's clock and runs its coroutines; work that the loop cannot see (a thread, a process)
is announced with `hold()`, or time runs ahead of it. Sockets do not mix with virtual time: call servers in process.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class VirtualClock:
    """A Clock (`core.clock`) that only moves when every task waits: `clock.run(main())`, as often as you like.

    Time goes on between runs. `now()` may be asked anywhere, also outside a run and from other threads.
    """

    def __init__(self) -> None:
        self.start = START  # which may be set forward or back, as the hour of a machine is
        self.elapsed = 0.0
        self.holders = 0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end in this clock's time."""
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(self)) as runner:
            return runner.run(main)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep time from jumping while somebody works where the loop cannot see it."""
        self.holders += 1
        try:
            yield
        finally:
            self.holders -= 1


class AtOnce(Executor):
    """Does all work where it is asked for: no time passes, no threads meet, and what is told twice is the same."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # handed on to whoever waits, as every executor does
            future.set_exception(error)
        return future


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in a VirtualClock's time. Executors announce themselves."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        super().__init__(_JumpingSelector(clock))

    def time(self) -> float:
        return self.clock.elapsed

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = super().run_in_executor(executor, func, *args)
        self.clock.holders += 1
        future.add_done_callback(self._release)
        return future

    def _release(self, _: asyncio.Future[Any]) -> None:
        self.clock.holders -= 1

    async def shutdown_default_executor(self, *args: Any) -> None:
        # From Python 3.12 on this waits with a time-out of five minutes, which would pass at once.
        with self.clock.hold():
            await super().shutdown_default_executor(*args)


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        if timeout == 0:  # callbacks wait; who hands over a result from outside puts its own beside them
            return []
        if self._clock.holders or timeout is None:  # somebody is at work, or only a signal can come: wait for real
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self._clock.elapsed += timeout
        return ready

"""Where the estimates are made that steer an adaptive run: in another process, so that no fit delays a heartbeat."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from spacetraders_lab.core.allocation import Allocation, AllocationPlan
from spacetraders_lab.core.experiment import TradeRecord


def choose_pairs(rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
    """What `analysis.allocation.allocate` chooses; numpy and all that is only imported where it is called."""
    from spacetraders_lab.analysis.allocation import allocate

    return allocate(rows, plan)


def calculator() -> Executor:
    """One process, begun when it is first asked, and another in its place where it has died (for want of memory)."""
    return _Calculator()


class _Calculator(Executor):
    """What was asked of a process that died raises BrokenExecutor; what is asked after that goes to another process.

    A signal to the whole group is for the one who asks to answer: the process ends by losing its leash, a pipe of which
    this side is closed by `shutdown`, or by the death of who asks, in the middle of whatever it was at.
    """

    def __init__(self) -> None:
        self._spawn = get_context("spawn")
        self._end, self._leash = self._spawn.Pipe(duplex=False)
        self._pool = self._new()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        try:
            return self._pool.submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self._pool = self._new()
            return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._leash.close()
        self._pool.shutdown(wait, cancel_futures=cancel_futures)
        self._end.close()

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=self._spawn, initializer=_put_on, initargs=(self._end,))


def _put_on(end: Connection) -> None:
    """What the process does first."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(end,), daemon=True).start()


def _end_with(end: Connection) -> None:
    try:
        end.recv_bytes()  # nothing is ever sent: it returns when the other side is gone
    except (EOFError, OSError):
        os._exit(0)

"""Where the estimates are made that steer an adaptive run: in another process, so that no fit delays a heartbeat."""

import signal
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

from spacetraders_lab.core.allocation import Allocation, AllocationPlan
from spacetraders_lab.core.experiment import TradeRecord


def choose_pairs(rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
    """What `analysis.allocation.allocate` chooses; numpy and all that is only imported where it is called."""
    from spacetraders_lab.analysis.allocation import allocate

    return allocate(rows, plan)


def calculator() -> Executor:
    """One process, begun when it is first asked; a signal to the whole group is for the one who asks to answer."""
    return ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    )

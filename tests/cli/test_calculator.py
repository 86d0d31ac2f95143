"""The process that chooses the pairs of adaptive runs: it dies alone, is replaced, and neither outlives nor delays."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import replace
from pathlib import Path

import pytest

from spacetraders_lab.cli.calculator import calculator
from spacetraders_lab.core.allocation import Allocation, AllocationPlan
from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName, ExperimentRun, RunStatus, TradeRecord
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.run.worker import WorkerReport
from spacetraders_lab.store.database import open_database
from spacetraders_lab.study.rig import Rig
from tests.waiting import until

ADAPTIVE = Design(name=DesignName.ADAPTIVE, washout_seconds=60, claim_order=ClaimOrder.NEAREST, target=0.2)


@pytest.fixture
def pool() -> Iterator[Executor]:
    with calculator() as opened:
        yield opened


@pytest.fixture
def rig(sqlite_url: str) -> Iterator[Rig]:
    database = open_database(sqlite_url, durable=False)
    yield Rig(database, ships=1)
    database.close()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]


def begin_to_sleep(note: Path) -> None:
    """A fit that takes long; `note` gets the number of the process that makes it."""
    draft = note.with_suffix(".new")
    draft.write_text(str(os.getpid()))
    draft.replace(note)
    time.sleep(60)


def test_a_process_that_died_is_replaced(pool: Executor) -> None:
    first: int = pool.submit(os.getpid).result()
    os.kill(first, signal.SIGKILL)
    until(lambda: is_gone(first))

    def ask() -> int:
        try:
            return int(pool.submit(os.getpid).result())
        except BrokenExecutor:  # asked just before it was known
            return 0

    assert until(ask) != first


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_is_not_for_it(pool: Executor, signum: signal.Signals) -> None:
    first = pool.submit(os.getpid).result()
    os.kill(first, signum)
    assert pool.submit(os.getpid).result() == first


def test_who_leaves_in_the_middle_of_a_fit_does_not_wait_for_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with calculator() as pool:
        asked = pool.submit(begin_to_sleep, note)
        until(note.exists)
    assert isinstance(asked.exception(), BrokenExecutor)  # who waits for it gets what it returns
    assert is_gone(int(note.read_text()))


def test_it_ends_with_who_asks_even_when_he_is_killed() -> None:
    program = (
        "import os, signal; from spacetraders_lab.cli.calculator import calculator; pool = calculator();"
        " print(pool.submit(os.getpid).result(), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    until(lambda: is_gone(int(killed.stdout)))


class Deadly:
    """Names nothing and says that this is enough; the process dies of the first so many questions."""

    def __init__(self, notes: Path, deaths: int) -> None:
        self.notes, self.deaths = notes, deaths

    def __call__(self, rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
        number = len(list(self.notes.iterdir()))
        (self.notes / str(number)).touch()
        if number < self.deaths:
            os.kill(os.getpid(), signal.SIGKILL)
        return Allocation(ended="that is enough")


def fly(rig: Rig, pool: Executor, allocate: Callable[..., Allocation]) -> tuple[ExperimentRun, WorkerReport]:
    rig.scout()
    run = rig.launch(rig.prepare(design=ADAPTIVE, budget=3_000_000, seed=4, goods=tuple(rig.goods()[:4])))

    async def go(lab: Lab) -> list[WorkerReport]:
        return await run_workers(replace(lab, allocate=allocate, calculator=pool), run, rig.fleet, asyncio.Event())

    (report,) = rig.play(go)
    return rig.run(run), report


def test_a_run_survives_the_death_of_the_process_that_it_asks(rig: Rig, pool: Executor, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    run, report = fly(rig, pool, Deadly(notes, deaths=1))
    assert (report.error, run.status, run.status_reason) == (None, RunStatus.COMPLETED, "that is enough")


def test_a_question_that_kills_twice_is_explained_and_the_next_one_asked_anew(
    rig: Rig, pool: Executor, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    run, report = fly(rig, pool, Deadly(notes, deaths=2))
    assert "memory" in str(report.error)
    assert run.status is RunStatus.RUNNING
    assert pool.submit(os.getpid).result() > 0

"""A run never spends beyond the budget that the user accepted."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import Design, ExperimentRun, RunStatus
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from tests.guarantees.simulation import fresh_databases
from tests.rig import Exchange, Rig

FOUR = Design(fractions=(0.25, 1.0), iterations=2)


@pytest.fixture(scope="module")
def make_database() -> Iterator[Callable[[], Database]]:
    with fresh_databases() as make:
        yield make


def _most_away(rig: Rig, since: int, purse: int) -> int:
    """The most credits that were out of the purse at any instant, fuel included, by the game's own ledger."""
    return purse - min((entry.credits_after for entry in rig.ledger(since=since)), default=purse)


def _accounts(rig: Rig, run: ExperimentRun) -> tuple[int, int]:
    """The outlay as it was summed up trade by trade, and as the rows give it."""
    return rig.read(
        lambda c: (ExperimentRepository(c).outlay(run.run_id), ExperimentRepository(c).net_spent(run.run_id))
    )


@settings(max_examples=20)
@given(
    budget=st.integers(0, 60_000),
    seed=st.integers(0, 4),
    pairs=st.sets(st.integers(0, 19), min_size=4, max_size=8),
    stops=st.lists(st.integers(1, 60), max_size=3),
)
def test_no_budget_is_ever_exceeded(
    make_database: Callable[[], Database], budget: int, seed: int, pairs: set[int], stops: list[int]
) -> None:
    """Three ships, interrupted now and then."""
    database = make_database()
    rig = Rig(database, ships=3, rate_limit=False, seed=seed)
    candidates = rig.pairs(20)
    run = rig.queue([candidates[i] for i in sorted(pairs)], FOUR, budget=budget)
    since, purse = len(rig.universe.ledger), rig.agent.credits
    for nth in stops:
        rig.fly(run, stop=_stop_after(rig, nth))
    rig.wire.after = lambda _: None
    rig.fly(run)
    assert _most_away(rig, since, purse) <= budget
    assert _accounts(rig, run) == (purse - rig.agent.credits,) * 2
    assert rig.run(run).status is (RunStatus.SUSPENDED if "PENDING" in rig.counts(run) else RunStatus.COMPLETED)
    assert all(rig.universe.ships[ship].hold == {} for ship in rig.fleet)
    database.close()


def _stop_after(rig: Rig, nth: int) -> asyncio.Event:
    stop, answered = asyncio.Event(), 0

    def count(_: Exchange) -> None:
        nonlocal answered
        answered += 1
        if answered == nth:
            stop.set()

    rig.wire.after = count
    return stop

"""Every pair ends: killed anywhere, it is finished or FAILED with a reason. An empty answer to a claim is not the end
of the run.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from spacetraders_lab.run.app import LeaseTimes
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.study.rig import FOUR_CELLS, ONE_CELL
from tests.guarantees.judge import violations
from tests.guarantees.processes import Playground, playground
from tests.waiting import until

KILLS = 8
SHORT = LeaseTimes(lease=0.8, margin=0.2, settle=0.1)


@pytest.fixture
def make_ground(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Playground]]:
    """Makes a playground over a database of either kind; settings as for `playground`."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(playground(database_url, tmp_path, **settings))


def test_processes_killed_at_random_moments_finish_every_pair(make_ground: Callable[..., Playground]) -> None:
    chance = Random(7)
    ground = make_ground(ships=3)
    run = ground.write_run(ground.pairs(6), FOUR_CELLS, now=datetime.now(UTC))
    crews = [("LAB-1", "LAB-2"), ("LAB-3",)]
    processes = [ground.start(run, *crew) for crew in crews]
    for _ in range(KILLS):
        later = ground.requests_answered() + chance.randint(1, 30)
        until(lambda later=later: ground.requests_answered() >= later)
        victim = chance.randrange(len(crews))
        processes[victim].kill()
        processes[victim] = ground.start(run, *crews[victim])
    assert [process.wait() for process in processes] == [0, 0]
    assert violations(ground, run) == []
    assert ground.counts(run) == {"COMPLETED": 6}


def test_a_worker_that_dies_before_its_first_heartbeat_is_rescued(make_ground: Callable[..., Playground]) -> None:
    ground = make_ground(ships=1)
    run = ground.write_run(ground.pairs(1), ONE_CELL, now=datetime.now(UTC))
    assert ground.start(run, times=SHORT, dies_at=Point.CLAIMED).wait() == -signal.SIGKILL
    assert ground.counts(run) == {"CLAIMED": 1}
    assert ground.start(run).wait() == 0
    assert ground.counts(run) == {"COMPLETED": 1}
    assert violations(ground, run) == []


def test_a_pair_that_kills_every_worker_fails_and_says_so(make_ground: Callable[..., Playground]) -> None:
    """Each dies with a trade on its hands; the first worker that lives gives the pair up and sells what is aboard."""
    ground = make_ground(ships=1)
    (pair,) = ground.pairs(1)
    run = ground.write_run([pair], FOUR_CELLS, now=datetime.now(UTC))
    for _ in range(5):
        assert ground.start(run, times=SHORT, dies_at=Point.ANSWERED).wait() == -signal.SIGKILL
    assert ground.start(run, times=SHORT).wait() == 0
    assert ground.errors(run) == {pair.pair_id: "gave up after 5 attempts, the last by LAB-1"}
    assert violations(ground, run) == []


@pytest.mark.parametrize("point", [Point.INTENDED, Point.ANSWERED, Point.RECORDED])
def test_the_last_pairs_owner_dies_while_another_ship_waits(
    make_ground: Callable[..., Playground], point: Point
) -> None:
    ground = make_ground(ships=2)
    run = ground.write_run(ground.pairs(1), FOUR_CELLS, now=datetime.now(UTC))
    owner = ground.start(run, "LAB-1", dies_at=point)
    until(lambda: ground.counts(run) == {"CLAIMED": 1})
    idle = ground.start(run, "LAB-2")
    assert owner.wait() == -signal.SIGKILL
    assert idle.wait() == 0
    assert ground.counts(run) == {"COMPLETED": 1}
    assert {r.take for r in ground.records(run) if r.ship_symbol == "LAB-2"} == {2}
    assert ground.start(run, "LAB-1").wait() == 0  # the dead worker's ship has cargo aboard
    assert violations(ground, run) == []

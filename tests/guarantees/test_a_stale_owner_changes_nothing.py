"""A stale owner changes nothing: every write carries owner, attempt and a live lease.

Processes are frozen past their lease, as by a closed lid, while others take over; then they wake up.
"""

import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from spacetraders_lab.run.app import LeaseTimes
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.study.rig import ONE_CELL
from tests.guarantees.judge import violations
from tests.guarantees.processes import FROZEN, Playground

SOON_OVER = LeaseTimes(lease=0.7, margin=0.2, settle=0.3)  # of who freezes: everybody waits for its end
LONG = replace(SOON_OVER, lease=2.0, margin=0.5)  # of who takes over, on a machine that does other things besides


@pytest.mark.parametrize("heir", ["LAB-1", "LAB-2"])
@pytest.mark.parametrize("point", [Point.CLAIMED, Point.INTENDED, Point.ANSWERED, Point.MEASURED])
def test_who_wakes_up_after_the_lease_finds_the_pair_in_other_hands(
    make_ground: Callable[..., Playground], point: Point, heir: str
) -> None:
    """Frozen before its first heartbeat, a trade, a row or the end of the pair: none of them takes place."""
    ground = make_ground(ships=2)
    run = ground.write_run(ground.pairs(1), ONE_CELL, now=datetime.now(UTC))
    sleeper = ground.start(run, "LAB-1", times=SOON_OVER, freezes_at=point)
    sleeper.wait_for(FROZEN)
    assert ground.start(run, heir, times=LONG).wait() == 0
    assert ground.counts(run) == {"COMPLETED": 1}
    before = ground.rows("SELECT claimed_by, take, completed_at FROM experiment_work_queue"), ground.records(run)
    sleeper.signal(signal.SIGCONT)
    assert sleeper.wait() == 0
    after = ground.rows("SELECT claimed_by, take, completed_at FROM experiment_work_queue"), ground.records(run)
    assert after[0] == before[0]
    assert after[1][: len(before[1])] == before[1]
    late = after[1][len(before[1]) :]
    assert all(r.recovered or r.batch_size_fraction is None for r in late)
    assert violations(ground, run) == []

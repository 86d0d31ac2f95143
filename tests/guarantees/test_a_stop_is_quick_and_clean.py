"""First SIGTERM: finish the trade under way, release the pair, exit within 20 s. Interrupted = uninterrupted: the same
set of cells in the end.
"""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from spacetraders_lab.core.experiment import ExperimentRun, RunStatus
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.sandbox.faults import Fault, FaultRule
from spacetraders_lab.study.rig import FOUR_CELLS, Rig
from tests.guarantees.judge import ledger_gaps, violations
from tests.guarantees.processes import Playground, Running
from tests.waiting import until

SECONDS = 20.0
STOPPED = 3  # the exit code of a run that is not over
PURCHASE = "/my/ships/{ship}/purchase"


def _resume(ground: Playground, run: ExperimentRun) -> Running:
    return ground.command("experiment", "resume", "--foreground", "--run-id", run.run_id)


def _queue(ground: Playground, count: int = 2) -> ExperimentRun:
    return ground.write_run(ground.pairs(count), FOUR_CELLS, now=datetime.now(UTC))


def _open_intents(ground: Playground) -> int:
    return len(ground.rows("SELECT 1 FROM experiment_intents WHERE state = 'OPEN'"))


def _claims(ground: Playground) -> int:
    (row,) = ground.rows("SELECT SUM(attempts) AS claims FROM experiment_work_queue")
    return int(row["claims"])


class TestEveryPhase:
    """At the real game's pace, in which flights and waits take as long as they do.

    With one pair for two ships, the other ship waits for something to be free.
    """

    @pytest.fixture
    def ground(self, make_ground: Callable[..., Playground]) -> Playground:
        return make_ground(ships=2, speed=1.0)

    def stop(self, ground: Playground, run: ExperimentRun, process: Running, number: signal.Signals) -> None:
        """Tell the process to stop; it leaves in time, and its pair is there for the same ship."""
        process.signal(number)
        assert process.wait(SECONDS) == STOPPED
        assert "Traceback" not in process.output
        assert f"spacetraders experiment resume --run-id {run.run_id}" in process.output
        assert ground.run(run).status is RunStatus.RUNNING

    def test_on_the_way(self, ground: Playground) -> None:
        run = _queue(ground)
        process = _resume(ground, run)
        until(lambda: ground.ledger("NAVIGATE"))
        self.stop(ground, run, process, signal.SIGTERM)
        assert ground.counts(run) == {"PENDING": 2}
        assert _open_intents(ground) == 0
        assert list(ledger_gaps(ground, run)) == []
        claimed = ground.rows("SELECT claimed_by FROM experiment_work_queue ORDER BY claimed_by")
        assert [row["claimed_by"] for row in claimed] == ["LAB-1", "LAB-2"]

    def test_while_a_trade_is_under_way(self, ground: Playground) -> None:
        ground.app.state.faults.set([FaultRule(Fault.LATENCY, path=PURCHASE, seconds=2.0)])
        run = _queue(ground, 1)
        process = _resume(ground, run)
        until(lambda: ground.ledger("PURCHASE"))
        self.stop(ground, run, process, signal.SIGINT)
        (record,) = ground.records(run)
        assert record.price_after is not None
        assert not record.recovered
        assert ground.counts(run) == {"PENDING": 1}
        assert _open_intents(ground) == 0
        assert list(ledger_gaps(ground, run)) == []

    def test_while_a_lost_reply_is_waited_out(self, ground: Playground) -> None:
        """The one case in which an intent stays open: the next start finds out what became of it."""
        ground.app.state.faults.set([FaultRule(Fault.LOST_REPLY, path=PURCHASE)])
        run = _queue(ground, 1)
        process = _resume(ground, run)
        until(lambda: ground.ledger("PURCHASE"))
        self.stop(ground, run, process, signal.SIGTERM)
        assert ground.counts(run) == {"PENDING": 1}
        assert _open_intents(ground) == 1
        assert ground.records(run) == []

    def test_the_second_signal_ends_it_at_once(self, ground: Playground) -> None:
        ground.app.state.faults.set([FaultRule(Fault.LATENCY, path=PURCHASE, seconds=60.0)])
        run = _queue(ground, 1)
        process = _resume(ground, run)
        until(lambda: ground.ledger("PURCHASE"))
        process.signal(signal.SIGINT)
        process.wait_for("(again: at once)")
        process.signal(signal.SIGTERM)
        assert process.wait(5.0) == -signal.SIGTERM
        assert _open_intents(ground) == 1


def test_stopped_again_and_again_it_ends_as_if_it_had_not_been(make_ground: Callable[..., Playground]) -> None:
    """Ten signals after a random number of requests; nobody waits for a lease, and no attempt is spent."""
    chance = Random(11)
    ground = make_ground(ships=2)
    run = _queue(ground, 12)
    for _ in range(10):
        claims = _claims(ground)
        process = _resume(ground, run)
        until(lambda claims=claims: _claims(ground) > claims)
        later = ground.requests_answered() + chance.randint(0, 25)
        until(lambda later=later: ground.requests_answered() >= later)
        process.signal(chance.choice([signal.SIGTERM, signal.SIGINT]))
        assert process.wait(SECONDS) == STOPPED
        assert "CLAIMED" not in ground.counts(run)
        assert _open_intents(ground) == 0
    assert _resume(ground, run).wait() == 0
    assert ground.counts(run) == {"COMPLETED": 12}
    assert violations(ground, run) == []


def test_a_trade_that_waits_for_its_turn_is_not_sent_any_more(make_rig: Callable[..., Rig]) -> None:
    """The game has told all to stay away for a minute when the stop comes."""
    rig = make_rig(ships=1)
    run = rig.queue(rig.pairs(1), FOUR_CELLS)
    stop = asyncio.Event()
    asked: list[float] = []

    async def fly(lab: Lab) -> None:
        async def pass_by(point: Point) -> None:
            if point is Point.INTENDED:
                rig.app.state.faults.set([FaultRule(Fault.LIMITED_BARE, count=1)])
                other = asyncio.ensure_future(reads.get_status(lab.game.client))
                await asyncio.sleep(1.0)
                stop.set()
                asked.append(lab.clock.monotonic())
                other.cancel()

        await run_workers(replace(lab, pass_by=pass_by), run, rig.fleet, stop)

    rig.play(fly)
    assert rig.clock.elapsed - asked[0] < SECONDS
    assert rig.ledger("PURCHASE") == []
    assert rig.rows("SELECT state FROM experiment_intents") == [{"state": "DID_NOT"}]
    assert rig.counts(run) == {"PENDING": 1}


def test_a_look_at_the_market_that_waits_for_its_turn_is_left_out(make_rig: Callable[..., Rig]) -> None:
    """The trade is recorded in time, as one whose state afterwards nobody has seen."""
    rig = make_rig(ships=1)
    run = rig.queue(rig.pairs(1), FOUR_CELLS)
    stop = asyncio.Event()
    asked: list[float] = []

    async def pass_by(point: Point) -> None:
        if point is Point.ANSWERED:
            rig.app.state.faults.set([FaultRule(Fault.LIMITED_BARE)])
            stop.set()
            asked.append(rig.clock.elapsed)

    rig.pass_by = pass_by
    rig.fly(run, stop=stop)
    assert rig.clock.elapsed - asked[0] < SECONDS
    (record,) = rig.records(run)
    assert (record.recovered, record.price_after) == (True, None)
    assert rig.rows("SELECT 1 FROM experiment_intents WHERE state = 'OPEN'") == []
    assert rig.counts(run) == {"PENDING": 1}

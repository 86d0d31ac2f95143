"""The world's conditions (429, maintenance, reset, dead token, no credits, budget reached) suspend the run; they never
fail pairs.
"""

from collections.abc import Callable, Sequence

import httpx2
import pytest

from spacetraders_lab.core.errors import UniverseReset, UserError
from spacetraders_lab.core.experiment import ExperimentRun, RunStatus
from spacetraders_lab.sandbox.faults import Fault, FaultRule
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig
from tests.guarantees.judge import ledger_gaps, violations

HOUR = 3600.0


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """A laboratory with two frigates, as strict with requests as the game."""
    return make_rig(ships=2)


def _queue(rig: Rig, *rules: FaultRule, **terms: int) -> ExperimentRun:
    """A run of four pairs, and what will befall its requests."""
    run = rig.write_run(rig.pairs(4), FOUR_CELLS, now=rig.clock.now(), **terms)
    rig.app.state.faults.set(rules)
    return run


def _reason(rig: Rig, run: ExperimentRun) -> str:
    return str(rig.run(run).status_reason).partition(": ")[0]


@pytest.mark.parametrize("after", [5, 13, 24, 37, 64])
def test_an_hour_of_maintenance_is_waited_for(rig: Rig, after: int) -> None:
    """Whatever the ships are doing when it begins, the run goes on by itself."""
    run = _queue(rig, FaultRule(Fault.MAINTENANCE, after=after, count=1, seconds=HOUR))
    rig.fly(run)
    assert rig.clock.elapsed > HOUR
    assert rig.counts(run) == {"COMPLETED": 4}
    assert violations(rig, run) == []


STORMS = {
    "429 that says when to come back": [FaultRule(Fault.LIMITED, 0.3, seconds=3.0)],
    "429 that does not": [FaultRule(Fault.LIMITED_BARE, 0.1)],
    "429 of somebody in front of the game": [FaultRule(Fault.PROXY_429, 0.1)],
    "502 of somebody in front of the game": [FaultRule(Fault.PROXY_502, 0.1)],
    "ships that are busy": [FaultRule(Fault.LOCKED, 0.2)],
    "lost requests": [FaultRule(Fault.LOST_REQUEST, 0.1)],
    "lost and spoilt replies": [FaultRule(Fault.LOST_REPLY, 0.05), FaultRule(Fault.TRUNCATED, 0.05)],
    "a little of each": [
        FaultRule(fault, 0.03, seconds=2.0)
        for fault in Fault
        if fault not in (Fault.MAINTENANCE, Fault.RESET, Fault.LATE_REQUEST, Fault.LATENCY)
    ],
}


@pytest.mark.parametrize("rules", STORMS.values(), ids=STORMS)
def test_a_storm_costs_time_and_nothing_else(rig: Rig, rules: Sequence[FaultRule]) -> None:
    run = _queue(rig, *rules)
    rig.fly(run)
    assert rig.app.state.faults.injected.total() > 10
    assert rig.counts(run) == {"COMPLETED": 4}
    assert violations(rig, run) == []


@pytest.mark.parametrize("fault", [Fault.PROXY_502, Fault.PROXY_429, Fault.LOST_REQUEST])
def test_nor_does_an_hour_in_which_nothing_else_comes_back(rig: Rig, fault: Fault) -> None:
    """Far longer than a request is repeated: no attempt of a pair is spent on it."""
    run = _queue(rig)

    def strike(_: httpx2.Request) -> None:
        rig.app.state.faults.set([FaultRule(fault)] if 60 < rig.clock.elapsed < 60 + HOUR else [])

    rig.wire.before = strike
    rig.fly(run)
    assert rig.clock.elapsed > HOUR
    assert rig.counts(run) == {"COMPLETED": 4}
    assert violations(rig, run) == []
    assert rig.rows("SELECT 1 FROM experiment_work_queue WHERE attempts >= max_attempts") == []


def _kill_the_token(rig: Rig) -> Callable[[], None]:
    token = rig.agent.token
    rig.agent.token = "another"
    return lambda: setattr(rig.agent, "token", token)


def _empty_the_purse(rig: Rig) -> Callable[[], None]:
    rig.agent.credits = 5
    return lambda: setattr(rig.agent, "credits", 1_000_000)


@pytest.mark.parametrize("nth", [1, 4, 7])
@pytest.mark.parametrize(
    ("befall", "reason"), [(_kill_the_token, "token_refused"), (_empty_the_purse, "out_of_credits")]
)
def test_what_only_the_user_can_change_is_waited_for_until_the_user_resumes(
    rig: Rig, befall: Callable[[Rig], Callable[[], None]], reason: str, nth: int
) -> None:
    """After the nth purchase: the run stops with the reason, and every pair is there to be gone on with."""
    run = _queue(rig)
    lift: list[Callable[[], None]] = []

    def strike(exchange: Exchange) -> None:
        if not lift and len(rig.ledger("PURCHASE")) == nth:
            lift.append(befall(rig))

    rig.wire.after = strike
    rig.fly(run)
    assert (rig.run(run).status, _reason(rig, run)) == (RunStatus.SUSPENDED, reason)
    assert "FAILED" not in rig.counts(run)
    assert "CLAIMED" not in rig.counts(run)
    lift[0]()
    rig.resume(run)
    assert rig.counts(run) == {"COMPLETED": 4}
    assert violations(rig, run) == []


@pytest.mark.parametrize(
    ("terms", "reason"), [({"budget": 9_000}, "budget_reached"), ({"credit_floor": 4_991_000}, "credit_floor")]
)
def test_what_the_user_accepted_is_not_gone_beyond(rig: Rig, terms: dict[str, int], reason: str) -> None:
    """What is aboard is sold first; then the run waits, with every pair that is not completed to be gone on with."""
    run = _queue(rig, **terms)
    rig.fly(run)
    assert (rig.run(run).status, _reason(rig, run)) == (RunStatus.SUSPENDED, reason)
    assert set(rig.counts(run)) <= {"PENDING", "COMPLETED"}
    assert [rig.ship(number).hold for number in (1, 2)] == [{}, {}]
    assert list(ledger_gaps(rig, run)) == []


class TestReset:
    """The universe ends while the ships fly."""

    @pytest.fixture(params=[20, 45])
    def run(self, rig: Rig, request: pytest.FixtureRequest) -> ExperimentRun:
        run = _queue(rig, FaultRule(Fault.RESET, after=request.param, count=1, seconds=HOUR))
        rig.fly(run)
        return run

    def test_the_run_is_closed_and_its_data_are_kept(self, rig: Rig, run: ExperimentRun) -> None:
        assert (rig.run(run).status, _reason(rig, run)) == (RunStatus.CANCELLED, "universe_reset")
        assert set(rig.counts(run)) <= {"PENDING", "COMPLETED"}
        assert rig.records(run) != []
        assert list(ledger_gaps(rig, run)) == []

    def test_it_cannot_be_resumed_neither_with_the_old_token_nor_by_a_new_agent(
        self, rig: Rig, run: ExperimentRun
    ) -> None:
        with pytest.raises(UniverseReset) as refused:
            rig.resume(run)
        print(refused.value)
        rig.token = rig.clock.run(rig._register("LAB"))
        with pytest.raises(UserError, match="another universe"):
            rig.resume(run)

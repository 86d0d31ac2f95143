"""Limits of hours and requests, and the budget of an adaptive run: it ends, and says what it leaves undone."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from itertools import pairwise

import pytest

from spacetraders_lab.core.allocation import Allocation, AllocationPlan
from spacetraders_lab.core.experiment import (
    ClaimOrder,
    Design,
    DesignName,
    ExperimentRun,
    MarketPair,
    RunStatus,
    SkipReason,
    TradeRecord,
)
from spacetraders_lab.core.limits import NO_LIMITS, Limits
from spacetraders_lab.store.attrition import attrition
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.status import failed_pairs
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig
from tests.guarantees.judge import violations
from tests.run.test_adaptive import ADAPTIVE, Held, RoundRobin, fly, threads

MakeRig = Callable[..., Rig]
__all__ = ["threads"]

LADDER = Design(name=DesignName.LADDER, washout_seconds=60, claim_order=ClaimOrder.NEAREST)
RECOVERY = Design(name=DesignName.RECOVERY, washout_seconds=28800, claim_order=ClaimOrder.NEAREST)


def begin(rig: Rig, design: Design, limits: Limits = NO_LIMITS, budget: int = 3_000_000) -> ExperimentRun:
    """A run of four goods; the budget is set past the plan, which would not begin what it cannot end."""
    rig.scout()
    prepared = rig.prepare(design=design, budget=3_000_000, goods=tuple(rig.goods()[:4]), limits=limits, max_pairs=20)
    return rig.launch(replace(prepared, run=replace(prepared.run, budget=budget)))


def requests(rig: Rig, run: ExperimentRun) -> int:
    return rig.read(lambda c: ExperimentRepository(c).requests(run.run_id))


def skipped(rig: Rig, run: ExperimentRun) -> dict[SkipReason, int]:
    return dict(rig.read(lambda c: attrition(c, run.run_id)).skipped)


def test_a_limit_is_reached_when_it_is() -> None:
    limits = Limits(max_hours=2.5, max_requests=1000)
    assert NO_LIMITS.reached(hours=1e9, requests=10**9) is None
    assert limits.reached(hours=2.49, requests=999) is None
    assert limits.reached(hours=2.5, requests=0) == "the limit of 2.5 hours is reached"
    assert limits.reached(hours=0, requests=1000) == "the limit of 1,000 requests is reached"


def test_the_plan_says_the_limits_and_other_limits_are_another_plan(rig: Rig) -> None:
    rig.scout()
    with_it, without = (rig.prepare(design=LADDER, limits=limits).document for limits in (Limits(2.0, 500), NO_LIMITS))
    assert with_it["limits"] == {"max_hours": 2.0, "max_requests": 500}
    assert without["limits"] == {"max_hours": None, "max_requests": None}


@pytest.mark.parametrize("design", [FOUR_CELLS, LADDER, RECOVERY], ids=str)
def test_a_run_ends_at_its_limit_of_requests_whatever_its_design(rig: Rig, design: Design) -> None:
    run = begin(rig, design, Limits(max_requests=150))
    before = len(rig.wire.log)
    rig.fly(run)
    assert rig.run(run).status is RunStatus.COMPLETED
    assert rig.run(run).status_reason == "the limit of 150 requests is reached"
    assert 150 <= requests(rig, run) <= 150 + 2 * 60, "pairs under way are finished"
    assert len(rig.wire.log) - before == requests(rig, run) + 2, "all that the ships asked for; two open the lab"
    assert violations(rig, run) == []
    if design is not RECOVERY:
        assert skipped(rig, run)[SkipReason.LIMIT] > 0
        assert set(rig.errors(run).values()) == {"not measured: the limit of 150 requests is reached"}


def test_an_adaptive_run_ends_at_its_limit_of_hours_and_says_how_far_it_is(rig: Rig, threads: Executor) -> None:
    run, began = begin(rig, ADAPTIVE, Limits(max_hours=0.2)), rig.clock.elapsed
    allocate = RoundRobin(most=1000)
    fly(rig, run, allocate, threads)
    assert rig.run(run).status is RunStatus.COMPLETED
    assert rig.run(run).status_reason == "the limit of 0.2 hours is reached"
    assert allocate.asked[-1][1].over == "the limit of 0.2 hours is reached"
    assert 0.2 <= (rig.clock.elapsed - began) / 3600 < 0.35
    assert violations(rig, run) == []


def test_hours_go_on_while_a_run_is_paused_and_what_is_aboard_is_sold(make_rig: MakeRig) -> None:
    """The ship is stopped with cargo aboard and resumed when the time is over: the rest of its pair is left out."""
    rig = make_rig(ships=1)
    run, stop = begin(rig, LADDER, Limits(max_hours=1.0)), asyncio.Event()

    def after_a_purchase(exchange: Exchange) -> None:
        if exchange.fits("POST", "/purchase"):
            stop.set()

    rig.wire.after = after_a_purchase
    rig.fly(run, stop=stop)
    assert rig.ship().hold != {}
    rig.clock.run(rig.clock.sleep(3600))
    rig.resume(run)
    assert rig.run(run).status is RunStatus.COMPLETED
    assert rig.ship().hold == {}
    assert violations(rig, run) == []


@pytest.mark.parametrize("budget", [3_000, 9_000, 40_000])
def test_an_adaptive_run_whose_budget_runs_out_ends_with_nothing_aboard(
    rig: Rig, threads: Executor, budget: int
) -> None:
    run = begin(rig, ADAPTIVE, budget=budget)
    since, purse = len(rig.universe.ledger), rig.agent.credits
    fly(rig, run, RoundRobin(most=1000), threads)
    assert rig.run(run).status is RunStatus.COMPLETED
    assert str(rig.run(run).status_reason).startswith("the budget is reached: ")
    assert skipped(rig, run)[SkipReason.CREDITS] > 0
    assert violations(rig, run) == [], "no hold has anything in it, every planned trade its row"
    assert purse - min(entry.credits_after for entry in rig.ledger(since=since)) <= budget


@pytest.mark.parametrize("ships", [1, 2])
def test_a_pair_that_is_too_dear_keeps_no_ship_of_an_adaptive_run_from_cheaper_ones(
    make_rig: Callable[..., Rig], threads: Executor, ships: int
) -> None:
    rig = make_rig(ships=ships)
    run = begin(rig, ADAPTIVE, budget=12_000)

    def dearest_first(rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
        if plan.turn:
            return Allocation(ended="that is enough")
        *others, dear = sorted(plan.listings, key=lambda x: x.good.trade_volume * x.good.purchase_price)
        target = next(x for x in others if x.good.symbol == dear.good.symbol)
        cheap = others[0].good.symbol
        places = [x.waypoint for x in others if x.good.symbol == cheap]
        pairs = [MarketPair.of(cheap, *ends) for ends in pairwise(places)][::2]
        return Allocation((MarketPair.of(dear.good.symbol, dear.waypoint, target.waypoint), *pairs))

    fly(rig, run, dearest_first, threads)
    (dear,) = rig.rows("SELECT attempts, error_message FROM experiment_work_queue WHERE status = 'FAILED'")
    assert dear["attempts"] == 1
    assert dear["error_message"].startswith("not measured: the next purchase costs up to ")
    assert all(end.was_done_without for end in rig.read(lambda c: failed_pairs(c, run.run_id)))
    assert rig.counts(run) == {"COMPLETED": 3, "FAILED": 1}
    assert skipped(rig, run)[SkipReason.CREDITS] > 0
    assert violations(rig, run) == []


def test_a_stop_that_comes_while_the_end_is_being_told_is_no_mishap(rig: Rig) -> None:
    """The budget has run out, and how far the run has come takes long to say: the ships leave, and it is said later."""
    run, stop = begin(rig, ADAPTIVE, budget=9_000), asyncio.Event()
    with Held(meanwhile=stop.set, holds=lambda plan: plan.over is not None) as slow:
        assert [report.error for report in fly(rig, run, RoundRobin(most=1000), slow, stop)] == [None, None]
        slow.let_go.set()
        assert rig.run(run).status is RunStatus.RUNNING
        fly(rig, run, RoundRobin(most=1000), slow)
    assert slow.was_asked and not slow.waited_in_vain
    assert str(rig.run(run).status_reason).startswith("the budget is reached: ")


def test_an_empty_purse_is_the_worlds_doing_and_waits(rig: Rig, threads: Executor) -> None:
    run = begin(rig, ADAPTIVE)
    rig.agent.credits = 5
    fly(rig, run, RoundRobin(most=1000), threads)
    assert str(rig.run(run).status_reason).startswith("out_of_credits: ")
    assert rig.run(run).status is RunStatus.SUSPENDED

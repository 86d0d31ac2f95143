"""Adaptive runs: pairs are asked for as the data come in, in turn with what is under way, and an end is an end."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import pytest

from spacetraders_lab.core.allocation import Allocate, Allocation, AllocationPlan
from spacetraders_lab.core.experiment import (
    ClaimOrder,
    Design,
    DesignName,
    ExperimentRun,
    MarketPair,
    MenuKind,
    RunStatus,
    TradeRecord,
)
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.changes import cancel, reopen
from spacetraders_lab.run.fleet import open_fleet, run_workers
from spacetraders_lab.run.worker import WorkerReport
from spacetraders_lab.store.attrition import attrition
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.study.rig import Rig
from tests.guarantees.judge import violations

ADAPTIVE = Design(name=DesignName.ADAPTIVE, washout_seconds=60, claim_order=ClaimOrder.NEAREST, target=0.2)
ENDED = "that is enough"


@dataclass
class RoundRobin:
    """Names pairs of the goods in turn, those that are free and share no listing, until it has named so many."""

    most: int
    asked: list[tuple[int, AllocationPlan]] = field(default_factory=list)
    refuses_first: bool = False

    def __call__(self, rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
        self.asked.append((len(rows), plan))
        if self.refuses_first and len(self.asked) == 1:
            return Allocation()
        if plan.turn >= self.most:
            return Allocation(ended=ENDED)
        used = {(m, p.good_symbol) for p in plan.queued for m in (p.buy_market, p.sell_market)} | set(plan.locked)
        chosen = []
        for pair in self._turned(plan):
            ends = {(market, pair.good_symbol) for market in (pair.buy_market, pair.sell_market)}
            if not ends & used:
                chosen.append(pair)
                used |= ends
        return Allocation(tuple(chosen[: plan.wanted]))

    @staticmethod
    def _turned(plan: AllocationPlan) -> list[MarketPair]:
        goods = sorted({x.good.symbol for x in plan.listings})
        places = {good: [x.waypoint for x in plan.listings if x.good.symbol == good] for good in goods}
        pairs = [MarketPair.of(good, *ends) for good in goods for ends in combinations(places[good], 2)]
        first = plan.turn * 7 % len(pairs)
        return pairs[first:] + pairs[:first]


class Held(ThreadPoolExecutor):
    """Leaves the first question of those that it `holds` unanswered until it is let go; `meanwhile` is done then."""

    def __init__(
        self, meanwhile: Callable[[], None], holds: Callable[[AllocationPlan], bool] = lambda plan: True
    ) -> None:
        super().__init__(1)
        self.meanwhile, self.holds, self.let_go = meanwhile, holds, threading.Event()
        self.was_asked = self.waited_in_vain = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.was_asked or not self.holds(args[1]):
            return super().submit(fn, *args, **kwargs)
        self.was_asked = True
        self.meanwhile()
        return super().submit(self._answer, fn, *args)

    def _answer(self, fn: Callable[..., Any], *args: Any) -> Any:
        self.waited_in_vain = not self.let_go.wait(10.0)
        return fn(*args)


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def scouted(rig: Rig) -> Rig:
    rig.scout()
    return rig


def begin(rig: Rig, budget: int | None = 3_000_000) -> ExperimentRun:
    goods = tuple(rig.goods()[:4])
    return rig.launch(rig.prepare(design=ADAPTIVE, budget=budget, seed=4, goods=goods))


def fly(
    rig: Rig, run: ExperimentRun, allocate: Allocate | None, executor: Executor, stop: asyncio.Event | None = None
) -> list[WorkerReport]:
    async def go(lab: Lab) -> list[WorkerReport]:
        asking = replace(lab, allocate=allocate, calculator=executor)
        return await run_workers(asking, run, rig.fleet, stop or asyncio.Event())

    return rig.play(go)


def ended_because(rig: Rig, run: ExperimentRun) -> str | None:
    return rig.read(lambda c: ExperimentRepository(c).ended_because(run.run_id))


def test_it_asks_as_it_goes_on_and_ends_when_it_is_told(scouted: Rig, threads: Executor) -> None:
    run, allocate = begin(scouted), RoundRobin(most=8)
    assert scouted.counts(run) == {}, "nothing is queued before anything is asked"
    fly(scouted, run, allocate, threads)
    assert scouted.counts(run)["COMPLETED"] >= 8
    assert scouted.run(run).status is RunStatus.COMPLETED
    assert ended_because(scouted, run) == ENDED
    assert violations(scouted, run) == []
    seen = [rows for rows, _ in allocate.asked]
    assert seen == sorted(seen)
    assert seen[-1] > seen[0] == 0, "later questions know more"


def test_a_question_tells_how_the_run_stands(scouted: Rig, threads: Executor) -> None:
    run, allocate = begin(scouted), RoundRobin(most=6)
    fly(scouted, run, allocate, threads)
    first, last = allocate.asked[0][1], allocate.asked[-1][1]
    assert {x.good.symbol for x in first.listings} == set(scouted.goods()[:4])
    assert {(x.waypoint, x.good.symbol): x.good for x in first.listings} == first.reference == last.reference
    assert any(x.good != last.reference[x.waypoint, x.good.symbol] for x in last.listings), "quotes have moved since"
    assert (first.turn, first.placebos, first.queued, first.locked) == (0, (), (), {})
    assert last.placebos and last.turn >= 6
    assert (first.target, first.floor, first.hold, first.wanted) == (0.2, 0.002, 40, 6)
    assert last.credits_left < first.credits_left <= run.budget
    assert first.may_lose and first.seed == 4


def test_without_a_budget_it_may_not_lose(scouted: Rig, threads: Executor) -> None:
    run, allocate = begin(scouted, budget=None), RoundRobin(most=0)
    fly(scouted, run, allocate, threads)
    assert not allocate.asked[0][1].may_lose


def test_one_visit_of_five_measures_the_exponent_and_repeats_are_numbered(scouted: Rig, threads: Executor) -> None:
    run = begin(scouted)
    fly(scouted, run, RoundRobin(most=8), threads)
    kinds = Counter(
        menu["kind"] for menu in map(_json, scouted.rows("SELECT menu FROM experiment_work_queue ORDER BY position"))
    )
    assert kinds[MenuKind.EXPONENT] >= 1
    pairs = [row["pair_id"] for row in scouted.rows("SELECT pair_id FROM experiment_work_queue")]
    assert len(set(pairs)) == len(pairs)


def test_nothing_to_measure_now_is_not_the_end(scouted: Rig, threads: Executor) -> None:
    run, allocate = begin(scouted), RoundRobin(most=1, refuses_first=True)
    began = scouted.clock.elapsed
    fly(scouted, run, allocate, threads)
    assert ended_because(scouted, run) == ENDED
    assert scouted.clock.elapsed - began > 60


def test_stopped_it_goes_on_from_what_is_recorded(scouted: Rig, threads: Executor) -> None:
    run, allocate = begin(scouted), RoundRobin(most=8)
    stop = asyncio.Event()

    class Stopping(RoundRobin):
        def __call__(self, rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
            if plan.turn:
                stop.set()
            return RoundRobin.__call__(self, rows, plan)

    fly(scouted, run, Stopping(most=8), threads, stop)
    assert scouted.run(run).status is RunStatus.RUNNING
    traded = len(scouted.records(run))
    scouted.play(lambda lab: reopen(lab, run.run_id))
    fly(scouted, run, allocate, threads)
    assert allocate.asked[0][0] >= traded
    assert scouted.run(run).status is RunStatus.COMPLETED
    assert violations(scouted, run) == []


def test_a_stop_does_not_wait_for_an_answer(scouted: Rig) -> None:
    """Neither the ship that has asked does, nor the one that waits for its turn to ask."""
    run, stop = begin(scouted), asyncio.Event()
    with Held(meanwhile=stop.set) as slow:
        assert [report.error for report in fly(scouted, run, RoundRobin(most=2), slow, stop)] == [None, None]
        slow.let_go.set()
        assert scouted.counts(run) == {}
        fly(scouted, run, RoundRobin(most=2), slow)
    assert slow.was_asked and not slow.waited_in_vain
    assert scouted.run(run).status is RunStatus.COMPLETED


def test_a_ship_that_is_to_leave_does_not_wait_for_its_turn_to_ask(scouted: Rig) -> None:
    run, leaving, staying = begin(scouted), asyncio.Event(), asyncio.Event()
    one, two = scouted.fleet

    async def go(lab: Lab) -> None:
        asking = replace(lab, allocate=RoundRobin(most=2), calculator=slow)
        async with open_fleet(asking, run) as fleet:
            first = asyncio.create_task(fleet.work(one, staying))
            assert (await fleet.work(two, leaving)).error is None
            slow.let_go.set()
            await first

    with Held(meanwhile=leaving.set) as slow:
        scouted.play(go)
    assert slow.was_asked and not slow.waited_in_vain
    assert scouted.counts(run)["COMPLETED"] >= 2


def test_what_is_answered_after_the_run_was_cancelled_is_not_queued(scouted: Rig, threads: Executor) -> None:
    """A fit takes a while, and whoever cancels does not wait for it."""
    run, stop = begin(scouted), asyncio.Event()

    class Late(RoundRobin):
        def __call__(self, rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
            if plan.turn:
                with scouted.database.transaction() as connection:
                    cancel(connection, run.run_id, now=scouted.clock.now())
                stop.set()
            return RoundRobin.__call__(self, rows, plan)

    fly(scouted, run, Late(most=8), threads, stop)
    after = scouted.read(lambda c: attrition(c, run.run_id))
    assert after.pending == 0
    assert after.executed > 0


def test_an_answer_that_somebody_elses_has_overtaken_is_not_queued(scouted: Rig, threads: Executor) -> None:
    """It was chosen for a queue that is another by now: the question is asked anew."""
    run = begin(scouted)

    class Overtaken(RoundRobin):
        def __call__(self, rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
            answer = RoundRobin.__call__(self, rows, plan)
            if len(self.asked) == 1:
                with scouted.database.transaction() as connection:
                    queue, now = WorkQueueRepository(connection), scouted.clock.now()
                    queue.enqueue_pairs(run.run_id, run.player_id, answer.pairs[:1], now=now)
            return answer

    allocate = Overtaken(most=4)
    fly(scouted, run, allocate, threads)
    assert [plan.turn for _, plan in allocate.asked][:2] == [0, 1]


def test_without_anybody_to_ask_the_ships_say_so_and_the_run_stays_open(scouted: Rig, threads: Executor) -> None:
    run = begin(scouted)
    reports = fly(scouted, run, None, threads)
    assert all("experiment resume" in (report.error or "") for report in reports)
    assert scouted.run(run).status is RunStatus.RUNNING


def _json(row: dict[str, object]) -> dict[str, str]:
    menu = row["menu"]
    return json.loads(menu) if isinstance(menu, str) else menu  # type: ignore[return-value]

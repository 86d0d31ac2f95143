"""One worker among others: what it does when ships fail, when nothing is free, and when its pair is not to blame."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import httpx2
import pytest

from spacetraders_lab.core.errors import LabError
from spacetraders_lab.core.experiment import ClaimOrder, ExperimentRun, RunStatus
from spacetraders_lab.core.travel import distance
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.run.heartbeat import Pulse
from spacetraders_lab.run.worker import ShipExperimentWorkerCommand, ShipWorker
from spacetraders_lab.study.rig import FOUR_CELLS, FRIGATE, ONE_CELL, PROBE, Exchange, Rig

MakeRig = Callable[..., Rig]


def test_a_ship_that_does_not_exist_leaves_and_the_others_finish(rig: Rig) -> None:
    run = rig.queue(rig.pairs(4))
    absent, present = rig.fly(run, "LAB-9", "LAB-1")
    assert absent.error is not None
    assert "LAB-9" in absent.error
    assert (absent.pairs_completed, absent.pairs_failed) == (0, 0)
    assert (present.pairs_completed, present.error) == (4, None)
    assert rig.counts(run) == {"COMPLETED": 4}
    assert rig.run(run).status is RunStatus.COMPLETED


def test_the_pair_of_a_ship_that_leaves_is_anybodys_at_once(rig: Rig) -> None:
    run = rig.queue(rig.pairs(2))
    rig.fly(run, "LAB-9")
    assert rig.counts(run) == {"PENDING": 2}
    assert rig.run(run).status is RunStatus.RUNNING


@pytest.mark.parametrize(
    ("error", "said"), [(LabError("out of order"), "out of order"), (RuntimeError("a bug"), "RuntimeError: a bug")]
)
def test_a_worker_that_breaks_off_does_not_stop_the_others(rig: Rig, error: Exception, said: str) -> None:
    async def break_once(_: Point) -> None:
        if error not in broken:
            broken.append(error)
            raise error

    broken: list[Exception] = []
    rig.pass_by = break_once
    run = rig.queue(rig.pairs(4))
    reports = rig.fly(run)
    assert sorted(str(report.error) for report in reports) == sorted([said, "None"])
    assert rig.counts(run) == {"COMPLETED": 4}


def test_a_ship_lost_in_the_middle_of_a_pair_blames_no_pair(rig: Rig) -> None:
    _lose_ship_after_its_first_purchase(rig, "LAB-1")
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    lost, other = rig.fly(run, "LAB-1", "LAB-2")
    assert lost.error is not None
    assert (lost.pairs_completed, lost.pairs_failed) == (0, 0)
    assert (other.pairs_completed, other.error) == (4, None)
    assert rig.counts(run) == {"COMPLETED": 4}


def test_the_pair_of_a_lost_ship_is_measured_anew_as_another_take(rig: Rig) -> None:
    _lose_ship_after_its_first_purchase(rig, "LAB-1")
    run = rig.queue(rig.pairs(1), FOUR_CELLS)
    rig.fly(run, "LAB-1", "LAB-2")
    takes = {record.take: record.ship_symbol for record in rig.records(run)}
    assert takes == {1: "LAB-1", 2: "LAB-2"}
    finished = [r for r in rig.records(run) if r.take == 2]
    assert len(finished) >= 2 * len(FOUR_CELLS.cells)


def test_a_ship_without_room_leaves_at_once_and_the_others_measure(make_rig: MakeRig) -> None:
    """A probe, and a frigate that is full of what is not the run's: no pair is to blame, and nothing is flown."""
    rig = make_rig(ships=(FRIGATE, FRIGATE, PROBE))
    rig.ship(2).load("DIAMONDS", 40)
    run = rig.queue(rig.pairs(3), FOUR_CELLS)
    full, probe = rig.fly(run, "LAB-2", "LAB-3")
    assert full.error == "no room in the hold of LAB-2: 40 units of other cargo are aboard"
    assert probe.error == "no room in the hold of LAB-3: 0 units of other cargo are aboard"
    assert not [x for x in rig.wire.log if x.path.endswith("/navigate")]
    assert rig.counts(run) == {"PENDING": 3}
    rig.fly(run)
    assert rig.counts(run) == {"COMPLETED": 3}


def test_an_empty_answer_is_not_the_end_the_last_pairs_owner_dies(rig: Rig) -> None:
    """Ship 2 finds nothing free, waits, and takes the pair over once the dead owner's lease has ended."""
    run = rig.queue(rig.pairs(1), FOUR_CELLS)

    async def play(lab: Lab) -> tuple[float, int]:
        bought = asyncio.Event()
        rig.wire.after = lambda exchange: bought.set() if exchange.fits("POST", "LAB-1/purchase") else None
        first = asyncio.create_task(_worker(lab, run, "LAB-1").work())
        await bought.wait()
        second = asyncio.create_task(_worker(lab, run, "LAB-2").work())
        first.cancel()  # as a killed process: nothing is released
        died_at = lab.clock.monotonic()
        await asyncio.gather(first, return_exceptions=True)
        report = await second
        return lab.clock.monotonic() - died_at, report.pairs_completed

    waited, completed = rig.play(play)
    assert completed == 1
    assert waited > rig.times.lease - rig.times.margin
    assert rig.counts(run) == {"COMPLETED": 1}


def test_an_empty_answer_is_not_the_end_the_last_pairs_owner_is_stopped(rig: Rig) -> None:
    run = rig.queue(rig.pairs(1), FOUR_CELLS)

    async def play(lab: Lab) -> tuple[int, int]:
        stop = asyncio.Event()
        rig.wire.after = lambda exchange: stop.set() if exchange.fits("POST", "LAB-1/purchase") else None
        first = asyncio.create_task(_worker(lab, run, "LAB-1", stop).work())
        await asyncio.sleep(0)
        second = asyncio.create_task(_worker(lab, run, "LAB-2").work())
        return (await first).pairs_completed, (await second).pairs_completed

    assert rig.play(play) == (0, 1)
    assert rig.counts(run) == {"COMPLETED": 1}


def test_ships_that_wait_for_the_last_pair_leave_when_it_is_done(rig: Rig) -> None:
    run = rig.queue(rig.pairs(1))
    reports = rig.fly(run)
    assert sorted(report.pairs_completed for report in reports) == [0, 1]
    assert [report.error for report in reports] == [None, None]


def test_a_worker_with_nothing_to_do_leaves_at_once(rig: Rig) -> None:
    run = rig.queue([])
    before = rig.clock.elapsed
    reports = rig.fly(run)
    assert [report.pairs_completed for report in reports] == [0, 0]
    assert rig.clock.elapsed == before
    assert rig.run(run).status is RunStatus.COMPLETED


def test_pairs_are_worked_on_in_the_order_of_the_queue(make_rig: MakeRig) -> None:
    rig = make_rig(ships=1)
    pairs = rig.pairs(6)
    run = rig.queue(pairs)
    rig.fly(run)
    assert list(dict.fromkeys(record.pair_id for record in rig.records(run))) == [pair.pair_id for pair in pairs]


def test_two_ships_never_work_on_one_listing_at_once(rig: Rig) -> None:
    """Six ordered pairs of one good between three markets: any two of them share a listing."""
    good = rig.goods()[0]
    markets = rig.markets_of(good)[:3]
    pairs = [pair for pair in rig.pairs(30, good) if {pair.buy_market, pair.sell_market} <= set(markets)]
    run = rig.queue(pairs, FOUR_CELLS)
    rig.fly(run)
    assert rig.counts(run) == {"COMPLETED": len(pairs)}
    order = [record.pair_id for record in rig.records(run)]
    assert len(set(order)) == 1 + sum(a != b for a, b in pairwise(order))  # one after the other


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx2.Response(500), "gave up after 5 attempts"),
        (httpx2.Response(404, json={"error": {"message": "Not found", "code": 4603}}), "the market cannot be read"),
        (httpx2.Response(200, json={"data": {"symbol": 1}}), "the market cannot be read"),
    ],
    ids=["broken", "refused", "unknown-shape"],
)
def test_a_market_that_cannot_be_read_fails_its_pair_and_no_other(
    make_rig: MakeRig, answer: httpx2.Response, said: str
) -> None:
    """The pair's attempts are spent, the other pairs are measured, and what was bought is sold where it came from."""
    rig = make_rig(ships=1)
    bad = rig.pair()
    others = [pair for pair in rig.pairs(12) if bad.sell_market not in (pair.buy_market, pair.sell_market)][:2]
    rig.wire.before = lambda request: answer if request.url.path.endswith(f"{bad.sell_market}/market") else None
    run = rig.queue([bad, *others])
    (report,) = rig.fly(run)
    assert report.error is None
    assert rig.counts(run) == {"COMPLETED": 2, "FAILED": 1}
    assert rig.errors(run)[bad.pair_id].startswith(said)
    assert rig.ship().hold == {}


@pytest.mark.parametrize("move", ["navigate", "dock", "refuel"])
def test_a_move_that_the_game_breaks_on_for_good_ends_every_pair(make_rig: MakeRig, move: str) -> None:
    rig = make_rig(ships=1, profile="home")
    rig.ship().fuel = 20
    rig.wire.before = lambda request: httpx2.Response(500) if request.url.path.endswith(f"/{move}") else None
    run = rig.queue(rig.pairs(2), budget=200_000)
    rig.fly(run)
    assert rig.counts(run) == {"FAILED": 2}
    assert all("gave up after 5 attempts" in error for error in rig.errors(run).values())


def test_a_ship_that_cannot_be_read_spends_no_attempt(rig: Rig) -> None:
    run = rig.queue(rig.pairs(1), FOUR_CELLS)
    for _ in range(10):  # twice the attempts that a pair has
        (report,) = rig.fly(run, "LAB-9")
        assert report.error is not None
    rig.fly(run, "LAB-1")
    assert rig.counts(run) == {"COMPLETED": 1}


def test_an_empty_ship_leaves_although_others_leave_its_last_listings_alone(make_rig: MakeRig) -> None:
    """Two runs: the one ends on a pair whose listings the other has traded since, and keeps closed for hours."""
    rig = make_rig(ships=2)
    pair = rig.pair()
    short = rig.queue([pair], run_id="short")
    long = rig.queue([pair], replace(ONE_CELL, washout_seconds=8 * 3600), run_id="long")

    async def play(lab: Lab) -> float:
        await _worker(lab, short, "LAB-1").work()
        await run_workers(lab, long, ["LAB-2"], asyncio.Event())
        began = rig.clock.elapsed
        await _worker(lab, short, "LAB-1").work()
        return rig.clock.elapsed - began

    assert rig.play(play) < 60


def test_the_end_of_a_run_keeps_its_last_listings_closed_for_the_washout(make_rig: MakeRig) -> None:
    rig = make_rig(ships=1)
    run = rig.queue(rig.pairs(2), replace(ONE_CELL, washout_seconds=2700))
    rig.fly(run)
    kept = rig.rows(
        "SELECT DISTINCT completed_at, held_until FROM listing_locks JOIN experiment_work_queue USING (queue_id)"
    )
    assert len(kept) == 2
    for row in kept:
        ended, until = (datetime.fromisoformat(row[name]) for name in ("completed_at", "held_until"))
        assert (until - ended).total_seconds() == pytest.approx(2700)


def test_a_hold_that_nobody_can_clear_does_not_keep_the_run_open(make_rig: MakeRig) -> None:
    """Every market answers errors from the first purchase on: the pair fails, and the ship leaves with its cargo."""
    rig = make_rig(ships=1)

    def break_down(exchange: Exchange) -> None:
        if exchange.fits("POST", "/purchase"):
            broken = httpx2.Response(500)
            rig.wire.before = lambda request: broken if request.url.path.endswith("/market") else None

    rig.wire.after = break_down
    run = rig.queue([rig.pair()])
    rig.fly(run)
    assert rig.counts(run) == {"FAILED": 1}
    assert rig.run(run).status is RunStatus.COMPLETED


def test_a_hold_full_of_what_another_ship_measures_fails_no_pair(rig: Rig) -> None:
    """Ship 1 dies with a full hold, ship 2 takes its pair over, and ship 1 comes back and finds the third pair free.

    It can sell nothing before ship 2 is done with those markets, and it can buy nothing before it has sold.
    """
    rig.ship(1).capacity = 1
    run = rig.queue(rig.pairs(3), FOUR_CELLS)
    claims, taken_over = list[Point](), asyncio.Event()

    async def count_claims(point: Point) -> None:
        claims.extend([point] if point is Point.CLAIMED else [])
        if len(claims) == 3:
            taken_over.set()

    async def play(lab: Lab) -> tuple[int, int]:
        bought = asyncio.Event()
        rig.wire.after = lambda exchange: bought.set() if exchange.fits("POST", "LAB-1/purchase") else None
        killed = asyncio.create_task(_worker(lab, run, "LAB-1").work())
        await bought.wait()
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
        other = asyncio.create_task(_worker(lab, run, "LAB-2").work())
        await taken_over.wait()
        assert rig.ship(1).hold
        reports = await asyncio.gather(_worker(lab, run, "LAB-1").work(), other)
        return reports[0].pairs_failed, reports[1].pairs_failed

    rig.pass_by = count_claims
    assert rig.play(play) == (0, 0)
    assert rig.counts(run) == {"COMPLETED": 3}
    assert rig.ship(1).hold == {}


def _worker(lab: Lab, run: ExperimentRun, ship: str, stop: asyncio.Event | None = None) -> ShipWorker:
    command = ShipExperimentWorkerCommand(run.run_id, ship)
    return ShipWorker(lab, run, command, stop or asyncio.Event(), Pulse(lab))


def _lose_ship_after_its_first_purchase(rig: Rig, ship: str) -> None:
    def lose(exchange: Exchange) -> None:
        if exchange.fits("POST", f"{ship}/purchase"):
            del rig.universe.fleets[rig.agent.symbol][ship]

    rig.wire.after = lose


def test_ships_may_claim_the_pair_that_begins_nearest(rig: Rig) -> None:
    """From where its first pair ended, a single ship goes to the nearest buy market that is left."""
    design = replace(FOUR_CELLS, claim_order=ClaimOrder.NEAREST)
    run = rig.queue(rig.pairs(8), design)
    rig.fly(run, "LAB-1")
    assert rig.counts(run) == {"COMPLETED": 8}
    places = rig.universe.home.waypoints
    visited = list(dict.fromkeys((r.pair_id, r.buy_market, r.sell_market) for r in rig.records(run)))
    for number, ((_, _, here), (_, chosen, _)) in enumerate(pairwise(visited), 1):
        left = {buy for _, buy, _ in visited[number:]}
        apart = {buy: distance(places[here].x, places[here].y, places[buy].x, places[buy].y) for buy in left}
        assert apart[chosen] == min(apart.values())

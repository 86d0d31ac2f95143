"""What a plan foretells is what a run of it takes: hours and requests of every design, with one ship and several."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from spacetraders_lab.analysis.allocation import allocate
from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName
from spacetraders_lab.core.limits import Limits
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.run.revisit import how_far
from spacetraders_lab.study.forecast import Forecast, forecast, system_as_seen
from spacetraders_lab.study.rig import FRIGATE, PROBE, Rig
from tests.run.test_designs import LADDER, Played, Slow, play

MakeRig = Callable[..., Rig]

SEEDED = Design(seeded=True, washout_seconds=45 * 60)
RECOVERY = Design(name=DesignName.RECOVERY, washout_seconds=8 * 3600, claim_order=ClaimOrder.NEAREST)
ONE, THREE, AND_A_PROBE = (FRIGATE,), (FRIGATE,) * 3, (FRIGATE, FRIGATE, PROBE)


def assert_foretold(played: Played) -> None:
    plan = played.prepared.schedule
    assert plan.hours == pytest.approx(played.hours, rel=0.15)
    assert plan.requests == pytest.approx(len(played.wire), rel=0.15)


@pytest.mark.parametrize("ships", [ONE, THREE], ids=["one", "three"])
@pytest.mark.parametrize(
    ("design", "pairs"), [(Design(), 8), (SEEDED, 16), (LADDER, 24)], ids=["grid", "seeded", "ladder"]
)
def test_a_plan_foretells_hours_and_requests(
    make_rig: MakeRig, design: Design, pairs: int, ships: tuple[str, ...]
) -> None:
    rig = make_rig(ships=ships)
    assert_foretold(play(rig, design=design, max_pairs=pairs, budget=5_000_000, seed=5))


@pytest.mark.parametrize("ships", [ONE, AND_A_PROBE], ids=["one", "two and a probe"])
def test_a_recovery_plan_foretells_the_watch_too(make_rig: MakeRig, ships: tuple[str, ...]) -> None:
    """How many readings can be made when they are due, and with the eight hours what they cost."""
    rig = make_rig(ships=ships)
    played = play(rig, design=RECOVERY, max_pairs=2, budget=5_000_000, seed=5)
    assert_foretold(played)
    watch, plan = rig.play(lambda lab: how_far(lab, played.run)), played.prepared.schedule
    assert (watch.planned, watch.to_come) == (plan.readings_planned, ())
    assert plan.readings == pytest.approx(watch.done, rel=0.05)
    assert (watch.missed == 0) is (ships is not ONE)


@pytest.mark.parametrize("ships", [ONE, (FRIGATE, PROBE)], ids=["one", "one and a probe"])
def test_a_recovery_plan_counts_the_stops_for_fuel(make_rig: MakeRig, ships: tuple[str, ...]) -> None:
    """On a home system ways have stops, a probe is slower than the ship, and the watch begins while others trade."""
    rig = make_rig(profile="home", ships=ships)
    played = play(rig, design=RECOVERY, budget=60_000, seed=5)
    assert_foretold(played)
    assert played.prepared.schedule.requests == pytest.approx(len(played.wire), rel=0.04)
    watch = rig.play(lambda lab: how_far(lab, played.run))
    assert played.prepared.schedule.readings == pytest.approx(watch.done, rel=0.05)


@pytest.mark.parametrize("limits", [Limits(max_hours=0.8), Limits(max_requests=300)], ids=["hours", "requests"])
def test_a_plan_with_a_limit_foretells_where_it_ends(make_rig: MakeRig, limits: Limits) -> None:
    rig = make_rig(ships=ONE)
    assert_foretold(play(rig, design=LADDER, budget=5_000_000, seed=5, limits=limits))


@pytest.mark.parametrize("limits", [Limits(max_hours=0.4), Limits(max_requests=500)], ids=["hours", "requests"])
def test_what_an_adaptive_run_with_a_limit_takes_is_foretold_by_playing_it(make_rig: MakeRig, limits: Limits) -> None:
    rig = make_rig(ships=THREE)
    rig.wire = Slow(rig.wire.inner, rig.clock)
    rig.scout()
    design = Design(name=DesignName.ADAPTIVE, washout_seconds=45 * 60, claim_order=ClaimOrder.NEAREST)
    prepared = rig.prepare(design=design, budget=5_000_000, seed=5, limits=limits)

    async def foresee(lab: Lab) -> Forecast:
        return forecast(prepared, await system_as_seen(lab, prepared.run.system_symbol))

    foreseen, run = rig.play(foresee), rig.launch(prepared)
    began, before = rig.clock.elapsed, len(rig.wire.log)
    with ThreadPoolExecutor(1) as executor:

        async def go(lab: Lab) -> None:
            asking = replace(lab, allocate=allocate, calculator=executor)
            await run_workers(asking, run, rig.fleet, asyncio.Event())

        rig.play(go)
    assert foreseen.hours.median == pytest.approx((rig.clock.elapsed - began) / 3600, rel=0.15)
    assert foreseen.requests.median == pytest.approx(len(rig.wire.log) - before, rel=0.15)
    assert foreseen.transactions.median == pytest.approx(len(rig.records(run)), rel=0.15)

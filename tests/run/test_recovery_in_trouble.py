"""What the world does to a recovery run between two readings: the ships wait, stay or make room; none breaks off."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from spacetraders_lab.core.experiment import ExperimentRun, RunStatus
from spacetraders_lab.core.revisits import Watch
from spacetraders_lab.run import changes, revisit
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.fleet import open_fleet, run_workers
from spacetraders_lab.run.revisit import how_far
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.study.rig import FRIGATE, PROBE, Rig
from tests.run.test_recovery import RECOVERY, begin, progress
from tests.run.yard import Yard

MakeRig = Callable[..., Rig]


def watches_only(rig: Rig, run: ExperimentRun) -> bool:
    return set(rig.counts(run)) == {"COMPLETED"}


@pytest.fixture
def yard(make_rig: MakeRig, tmp_path: Path) -> Yard:
    return Yard(make_rig(ships=(FRIGATE,)), tmp_path)


def test_a_quarter_of_an_hour_without_a_network_costs_readings_and_no_ship(yard: Yard) -> None:
    rig = yard.rig
    run = begin(rig, 1)
    away: list[float] = []

    def no_network(_: httpx2.Request) -> None:
        if not away and watches_only(rig, run):
            away.append(rig.clock.elapsed)
        if away and rig.clock.elapsed < away[0] + 900:
            raise httpx2.ConnectError("no network")

    rig.wire.before = no_network

    async def story() -> None:
        stop = asyncio.Event()
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: away and rig.clock.elapsed > away[0] + 1800, step=60)
        assert [(c.state.value, c.restarts) for c in yard.all_containers()] == [("RUNNING", 0)]
        stop.set()
        await serving

    yard.play(story)
    read = [x.at for x in rig.wire.log if x.path.endswith("/market")]
    assert len([at for at in read if (rig.clock.now() - at).total_seconds() < 900]) > 1
    assert rig.run(run).status is RunStatus.RUNNING


def test_a_purse_without_money_for_fuel_suspends_the_run(make_rig: MakeRig, tmp_path: Path) -> None:
    yard = Yard(make_rig(ships=(FRIGATE,), profile="home"), tmp_path)
    rig = yard.rig
    run = begin(rig, 2)

    stop = asyncio.Event()
    rig.wire.after = lambda _: stop.set() if watches_only(rig, run) else None
    rig.fly(run, stop=stop)  # what is traded before it is no concern of the daemon's
    rig.wire.after = lambda _: None
    assert rig.run(run).status is RunStatus.RUNNING
    rig.agent.credits = 0
    yard.play_until_over(run)
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert "out_of_credits: the purse cannot pay for fuel" in str(rig.run(run).status_reason)
    assert yard.states() == {"LAB-1": "PENDING"}


def test_a_ship_that_is_found_in_transit_is_waited_for(make_rig: MakeRig) -> None:
    """While it flies, its waypoint is where it will be: nothing can be read there yet."""
    rig = make_rig(ships=(FRIGATE,), profile="home", credits=5_000_000)
    run = begin(rig, 2)
    stop = asyncio.Event()
    rig.wire.after = lambda x: stop.set() if x.fits("POST", "/navigate") and watches_only(rig, run) else None
    rig.fly(run, stop=stop)
    rig.wire.after = lambda _: None
    flight = rig.ship().flight
    before = len(rig.wire.log)

    async def on_again(lab: Lab) -> None:
        again = asyncio.Event()
        asyncio.get_running_loop().call_later((flight.arrival - rig.clock.now()).total_seconds() - 1, again.set)
        await run_workers(lab, run, rig.fleet, again)

    assert flight.arrival > rig.clock.now()
    rig.play(on_again)
    assert rig.clock.now() < flight.arrival
    assert not [x for x in rig.wire.log[before:] if x.path.endswith("/market")]


def test_the_market_of_a_ship_that_leaves_is_looked_after_by_another(make_rig: MakeRig) -> None:
    rig = make_rig(ships=(FRIGATE, FRIGATE, PROBE))
    run = begin(rig, 1)

    async def the_probe_leaves(lab: Lab) -> None:
        stops = {ship: asyncio.Event() for ship in rig.fleet}
        async with open_fleet(lab, run) as fleet:
            tasks = {ship: asyncio.create_task(fleet.work(ship, stops[ship])) for ship in rig.fleet}
            await asyncio.sleep(3600)
            assert len(lab.targets) == 3
            assert watches_only(rig, run)
            stops["LAB-3"].set()
            await tasks.pop("LAB-3")
            assert "LAB-3" not in lab.targets
            await asyncio.gather(*tasks.values())
            assert not lab.targets

    rig.play(the_probe_leaves)
    assert progress(rig, run).missed == 0


def test_the_budget_holds_the_fuel_of_the_watch_and_the_watch_keeps_to_it(make_rig: MakeRig) -> None:
    """The plan counts that fuel; a ship that may buy none reads where it is, and the run ends all the same."""
    rig = make_rig(ships=2 * (FRIGATE,), profile="home", credits=5_000_000)
    run = begin(rig, 4)
    assert rig.prepare(design=RECOVERY, max_pairs=4, seed=2).run.kept_for_fuel == run.kept_for_fuel
    tanks = rig.prepare(max_pairs=1).run.kept_for_fuel
    assert run.kept_for_fuel > 2 * tanks
    tight = rig.prepare(design=RECOVERY, budget=100_000, seed=2)
    assert tight.run.kept_for_fuel > tanks
    assert tight.needed <= 100_000
    poor: list[int] = []
    highest = 0

    def watched(_: object) -> None:
        nonlocal highest
        if watches_only(rig, run) and not poor:
            (money,) = rig.rows("SELECT outlay, fuel_credits FROM experiment_runs")
            poor.append(money["fuel_credits"])
            limit = money["outlay"] + tanks
            with rig.database.transaction() as connection:
                connection.exec_driver_sql(f"UPDATE experiment_runs SET budget = {limit}, kept_for_fuel = {tanks}")
        if poor:
            (money,) = rig.rows("SELECT outlay, budget FROM experiment_runs")
            highest = max(highest, money["outlay"] - money["budget"])

    rig.wire.after = watched
    rig.fly(run)
    watch = rig.play(lambda lab: how_far(lab, run))
    assert rig.run(run).status is RunStatus.COMPLETED
    assert watch.done > 0
    assert watch.missed > 0
    assert highest <= 0
    (money,) = rig.rows("SELECT fuel_credits FROM experiment_runs")
    assert 0 < money["fuel_credits"] - poor[0] <= tanks


def test_a_run_whose_ships_all_broke_off_says_so_and_can_be_resumed(make_rig: MakeRig, tmp_path: Path) -> None:
    yard = Yard(make_rig(ships=1), tmp_path)
    run = yard.run(2)
    gone = httpx2.Response(404, json={"error": {"message": "Ship LAB-1 not found", "code": 4047}})
    yard.rig.wire.before = lambda request: gone if request.url.path.endswith("/LAB-1") else None
    yard.play_until_over(run)
    assert yard.rig.run(run).status is RunStatus.SUSPENDED
    assert yard.rig.run(run).status_reason == "no_ship_left: Ship LAB-1 not found"
    assert yard.rig.counts(run) == {"PENDING": 2}
    yard.rig.wire.before = lambda _: None
    yard.write(lambda c: ContainerRepository(c).start(run, run.ships, now=yard.clock.now()))
    yard.write(lambda c: c.exec_driver_sql("UPDATE experiment_runs SET status = 'RUNNING', status_reason = NULL"))
    yard.play_until_over(run)
    assert yard.rig.counts(run) == {"COMPLETED": 2}


def test_probes_do_not_wait_for_ever_for_a_trader_that_has_left(make_rig: MakeRig, tmp_path: Path) -> None:
    """They read what there is to read, then the run waits for its user; a ship with a hold brings it to its end."""
    yard = Yard(make_rig(ships=(FRIGATE, FRIGATE, PROBE)), tmp_path)
    rig = yard.rig
    rig.scout(*rig.fleet[:2])
    one, two, probe = rig.fleet
    wishes = {"design": RECOVERY, "budget": 2_000_000, "max_pairs": 2, "seed": 2, "ship_symbols": (one, probe)}
    run = rig.launch(rig.prepare(**wishes))
    yard.write(lambda c: changes.remove_ship(c, run.run_id, one, now=yard.clock.now()))
    yard.play_until_over(run)
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert "no_ship_left: pairs wait" in str(rig.run(run).status_reason)
    assert yard.states() == {one: "STOPPED", probe: "PENDING"}
    rig.play(lambda lab: changes.add_ships(lab, run.run_id, [two]))
    rig.play(lambda lab: changes.reopen(lab, run.run_id))
    yard.play_until(lambda: watches_only(rig, run))

    async def most_of_the_watch(lab: Lab) -> None:
        """By a command: a daemon looks every two seconds, and the watch lasts eight hours."""
        enough = asyncio.Event()
        asyncio.get_running_loop().call_later(7.5 * 3600, enough.set)
        await run_workers(lab, run, (two, probe), enough)

    rig.play(most_of_the_watch)
    assert rig.run(run).status is RunStatus.RUNNING
    yard.play_until_over(run)
    assert rig.run(run).status is RunStatus.COMPLETED
    assert rig.counts(run) == {"COMPLETED": 2}


def test_a_pair_that_ends_while_a_ship_looks_at_the_watch_is_watched(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one ship has read of the database may be old when it asks whether the run is over."""
    rig = make_rig(ships=2)
    run = begin(rig, 1)
    looked = revisit.how_far

    async def looked_long_ago(lab: Lab, run: ExperimentRun) -> Watch:
        watch = await looked(lab, run)
        while not watch.to_come and (await lab.read(lambda c: WorkQueueRepository(c).open_pairs(run.run_id))):
            await lab.clock.sleep(1.0)
        return watch

    monkeypatch.setattr(revisit, "how_far", looked_long_ago)
    rig.fly(run)
    assert rig.run(run).status is RunStatus.COMPLETED
    assert progress(rig, run).to_come == ()

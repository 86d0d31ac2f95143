"""Ships that leave a run and come back, and a pause that comes when there is nothing left to do."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import ExperimentRun, RunStatus
from spacetraders_lab.run import changes
from spacetraders_lab.run.faultpoints import Point, pass_by
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.study.rig import Exchange, Rig
from tests.run.yard import Yard


class Killed(BaseException):
    """The process is gone, as after a SIGKILL."""


@pytest.fixture
def yard(make_rig: Callable[..., Rig], tmp_path: Path) -> Yard:
    return Yard(make_rig(ships=3), tmp_path)


@pytest.fixture
def planned(yard: Yard) -> ExperimentRun:
    """A run of the first two ships, as it was planned."""
    yard.rig.scout()
    one, two, _ = yard.rig.fleet
    return yard.rig.launch(yard.rig.prepare(ship_symbols=(one, two), budget=1_000_000, max_pairs=2, seed=1))


def said_of_ships(yard: Yard, run: ExperimentRun) -> list[str]:
    deviations = yard.rig.read(lambda c: ExperimentRepository(c).deviations(run.run_id))
    return [deviation.what for deviation in deviations if deviation.kind == "ships"]


def leave(yard: Yard, run: ExperimentRun, ship: str) -> None:
    yard.write(lambda c: changes.remove_ship(c, run.run_id, ship, now=yard.clock.now()))


def join(yard: Yard, run: ExperimentRun, ship: str) -> None:
    yard.rig.play(lambda lab: changes.add_ships(lab, run.run_id, [ship]))


def test_who_comes_back_is_no_stranger_and_every_time_is_written_down(yard: Yard, planned: ExperimentRun) -> None:
    _, two, three = yard.rig.fleet
    for ship in (two, three):
        for _ in range(2):
            if ship == two:
                leave(yard, planned, ship)
            join(yard, planned, ship)
            if ship == three:
                leave(yard, planned, ship)
            yard.clock.run(yard.clock.sleep(60))
    said = [what.partition(" (again")[0] for what in said_of_ships(yard, planned)]
    assert said == [
        *[f"{two} has left", f"joined by {two}, which had left"] * 2,
        *[f"joined by {three}, which the plan does not name", f"{three} has left"] * 2,
    ]


def test_who_is_not_resumed_with_the_others_has_left(yard: Yard, planned: ExperimentRun) -> None:
    one, two, _ = yard.rig.fleet
    yard.write(lambda c: changes.pause(c, planned.run_id))
    yard.rig.play(lambda lab: changes.reopen(lab, planned.run_id, [one]))
    join(yard, planned, two)
    assert said_of_ships(yard, planned) == [f"{two} has left", f"joined by {two}, which had left"]


def test_nobody_joins_a_run_that_was_cancelled(yard: Yard, planned: ExperimentRun) -> None:
    three = yard.rig.fleet[2]
    yard.write(lambda c: changes.cancel(c, planned.run_id, now=yard.clock.now()))
    with pytest.raises(UserError, match="is CANCELLED"):
        join(yard, planned, three)
    assert three not in yard.states()


def test_fuel_is_kept_once_for_a_ship_that_comes_and_goes(yard: Yard, planned: ExperimentRun) -> None:
    _, two, three = yard.rig.fleet
    leave(yard, planned, two)
    join(yard, planned, two)
    assert yard.rig.run(planned).kept_for_fuel == planned.kept_for_fuel
    join(yard, planned, three)
    kept = yard.rig.run(planned).kept_for_fuel
    assert kept == planned.kept_for_fuel * 3 / 2
    leave(yard, planned, three)
    join(yard, planned, three)
    assert yard.rig.run(planned).kept_for_fuel == kept


def test_a_pause_that_comes_with_the_last_trade_leaves_the_run_completed(yard: Yard) -> None:
    """The pair ends all the same, while the other ships are told to stop."""
    run, stop, sales = yard.run(1), asyncio.Event(), []

    def pause_at_the_last(exchange: Exchange) -> None:
        if exchange.path.endswith("/sell"):
            sales.append(exchange)
            if len(sales) == 4:
                yard.write(lambda c: changes.pause(c, run.run_id))

    async def story() -> None:
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: yard.rig.run(run).status is not RunStatus.RUNNING)
        await yard.until(lambda: yard.is_over(run), within=60.0)
        stop.set()
        await serving

    yard.rig.wire.after = pause_at_the_last
    yard.play(story)
    assert len(sales) == 4
    assert set(yard.states().values()) == {"COMPLETED"}


def test_resume_marks_a_run_that_nobody_had_marked_as_ended(yard: Yard) -> None:
    """Paused, and its daemon killed as the last pair ended."""
    run = yard.run(1)
    yard.fly_to_the_end(run)
    yard.write(lambda c: c.execute(text("UPDATE experiment_runs SET status = 'SUSPENDED', finished_at = NULL")))
    with pytest.raises(UserError, match="has ended"):
        yard.rig.play(lambda lab: changes.reopen(lab, run.run_id))
    assert yard.rig.run(run).status is RunStatus.COMPLETED


def _bought_unseen_by(yard: Yard, ship: str, run: ExperimentRun) -> None:
    """Let the ship's process die when the game has sold it something, and let the others end the run's only pair."""

    async def die(passed: Point) -> None:
        if passed is Point.ANSWERED:
            raise Killed

    yard.rig.pass_by = die
    with pytest.raises(Killed):
        yard.rig.fly(run, ship)
    yard.rig.pass_by = pass_by
    yard.rig.fly(run, *(other for other in yard.rig.fleet if other != ship))
    assert yard.rig.counts(run) == {"COMPLETED": 1}


def test_a_run_goes_on_until_it_is_known_what_its_ships_have_aboard(yard: Yard) -> None:
    """The pair was ended by another; what became of the dead one's purchase nobody has looked at."""
    run, one = yard.run(1), yard.rig.fleet[0]
    _bought_unseen_by(yard, one, run)
    assert yard.rig.run(run).status is RunStatus.RUNNING
    yard.fly_to_the_end(run)
    assert not yard.rig.ship().hold
    assert yard.rig.rows("SELECT 1 FROM experiment_intents WHERE state = 'OPEN'") == []


def test_a_container_whose_daemon_died_is_stopped_and_removed_without_another_daemon(yard: Yard) -> None:
    run = yard.run(1, "LAB-1")
    yard.write(lambda c: ContainerRepository(c).adopt("dead", [run.player_id], now=yard.clock.now(), lease_seconds=60))
    (container,) = yard.all_containers()
    yard.write(lambda c: ContainerRepository(c).stop(container.container_id, now=yard.clock.now()))
    assert yard.states() == {"LAB-1": "RUNNING"}  # as far as anybody can tell
    yard.clock.run(yard.clock.sleep(60))
    yard.write(lambda c: ContainerRepository(c).stop(container.container_id, now=yard.clock.now()))
    assert yard.states() == {"LAB-1": "STOPPED"}
    yard.write(lambda c: ContainerRepository(c).remove(container.container_id))


def test_a_container_whose_daemon_died_before_the_run_ended_is_completed(yard: Yard) -> None:
    run, stop = yard.run(1), asyncio.Event()
    one, *others = yard.rig.fleet

    async def story() -> None:
        dies_at = yard.clock.elapsed + 600
        yard.write(
            lambda c: ContainerRepository(c).adopt("dead", [run.player_id], now=yard.clock.now(), lease_seconds=600)
        )
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: yard.is_over(run), within=590.0)
        assert yard.states()[one] == "RUNNING"
        await asyncio.sleep(dies_at + 10 - yard.clock.elapsed)
        stop.set()
        await serving

    yard.play(story)
    assert yard.states() == dict.fromkeys([one, *others], "COMPLETED")

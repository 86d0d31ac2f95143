"""Ships that leave a run and come back, and a pause that comes when there is nothing left to do."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import ExperimentRun, RunStatus
from spacetraders_lab.run import changes
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.study.rig import Exchange, Rig
from tests.run.yard import Yard


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

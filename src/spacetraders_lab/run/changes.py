"""Changes to a run that is under way. They are written into the database; whoever drives the ships sees them there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from spacetraders_lab import __version__
from spacetraders_lab.core.container import Container
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import DesignName, ExperimentRun, RunStatus
from spacetraders_lab.core.halt import Halt
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.coordinator import Begun
from spacetraders_lab.run.fleet import is_over, mark_ended
from spacetraders_lab.run.purse import fuel_money
from spacetraders_lab.run.roster import checked_ships
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository

BY_THE_USER = "by the user"


async def reopen(
    lab: Lab,
    run_id: str,
    ship_symbols: Sequence[str] = (),
    *,
    budget: int | None = None,
    keep_for: str | None = None,
) -> Begun:
    """Set the run to RUNNING and want its ships at work again, those named or those that it has.

    `budget` raises what the run may lose. Raises UserError when there is nothing left to do or it belongs elsewhere,
    when ships that are not named are at work on it, and for a budget that is no more than it has. Ships that are named
    must be fit for it; those that it began with may have been lost since, and the others go on. `keep_for` as for
    `launch`.
    """
    fleet: list[Ship] = []
    now = lab.clock.now()
    await lab.write(lambda c: mark_ended(c, run_id, now=now))  # whoever was to do so may have been killed
    if ship_symbols:
        run = await lab.read(lambda c: _own_run(c, lab, run_id))
        must_trade = bool(await lab.read(lambda c: WorkQueueRepository(c).open_pairs(run_id)))
        fleet = await _checked(lab, run, ship_symbols, must_trade=must_trade)

    def work(connection: Connection) -> Begun:
        run = _own_run(connection, lab, run_id, to_change=True)
        if ship_symbols:
            _refuse_to_send_away(connection, run, ship_symbols, now)
        plan = ExperimentRepository(connection).get_plan(run_id)
        if (fuel := _fuel_money(fleet, plan)) > run.kept_for_fuel:
            Budget(connection, run_id).keep_for_fuel(fuel)
        if budget is not None:
            _raise_budget(connection, run, budget, now=now)
        ships = tuple(dict.fromkeys(ship_symbols)) or run.ships
        joining = [ship for ship in ships if ship not in run.ships]
        leaving = [("ships", f"{ship} has left") for ship in run.ships if ship not in ships]
        _note(connection, run_id, [*_deviations(plan, "resumed with", joining), *leaving, *_upgraded(plan)], now=now)
        return _go_on(connection, run, ships, now=now, keep_for=keep_for, keep_seconds=lab.times.lease)

    return await lab.write(work)


async def add_ships(lab: Lab, run_id: str, ship_symbols: Sequence[str]) -> list[Container]:
    """Let more ships work on a run; they claim as soon as a daemon sees them. Raises UserError for unfit ships."""
    run = await lab.read(lambda c: _own_run(c, lab, run_id))
    fleet = await _checked(lab, run, ship_symbols, must_trade=False)  # others do
    now = lab.clock.now()

    def work(connection: Connection) -> list[Container]:
        run = _own_run(connection, lab, run_id, to_change=True)
        plan, containers = ExperimentRepository(connection).get_plan(run_id), ContainerRepository(connection)
        new = tuple(dict.fromkeys(ship_symbols))
        joining = [ship for ship in new if ship not in run.ships]
        _note(connection, run_id, _deviations(plan, "joined by", joining), now=now)
        ExperimentRepository(connection).set_ships(run_id, (*run.ships, *joining))
        # what was kept for a ship that has left is kept still
        counted = {
            *plan.get("ships", ()),
            *run.ships,
            *(found.ship_symbol for found in containers.list_containers(run_id)),
        }
        more = _fuel_money([ship for ship in fleet if ship.symbol not in counted], plan)
        Budget(connection, run_id).keep_for_fuel(run.kept_for_fuel + more)
        return containers.start(run, new, now=now)

    return await lab.write(work)


def remove_ship(connection: Connection, run_id: str, ship: str, *, now: datetime) -> list[str]:
    """Let a ship finish its trade and leave the run for good; the others take over its pair.

    Returns the ships that stay. Raises UserError for a ship that is not in the run, and for its last one.
    """
    run = ExperimentRepository(connection).get_run(run_id, to_change=True)
    if run.finished_at is not None:
        raise UserError(f"run {run_id} is {run.status} already")
    others = [symbol for symbol in run.ships if symbol != ship]
    if len(others) == len(run.ships):
        raise UserError(f"{ship} is not in run {run_id}; its ships are {', '.join(run.ships)}")
    if not others:
        raise UserError(f"{ship} is the last ship of run {run_id}; use `experiment pause` or `experiment cancel`")
    ExperimentRepository(connection).set_ships(run_id, others)
    _note(connection, run_id, [("ships", f"{ship} has left")], now=now)
    repository = ContainerRepository(connection)
    for container in repository.list_containers(run_id):
        if container.ship_symbol == ship:
            repository.stop(container.container_id, now=now)
    return others


def resume(connection: Connection, run_id: str, *, now: datetime) -> None:
    """Let a run's ships go on where they stopped. Raises UserError for a run that has ended."""
    run = ExperimentRepository(connection).get_run(run_id, to_change=True)
    _go_on(connection, run, run.ships, now=now)


def pause(connection: Connection, run_id: str) -> None:
    """Let every ship finish its trade and wait until the run is resumed. Raises UserError unless the run is at work."""
    experiments = ExperimentRepository(connection)
    if not experiments.suspend(run_id, Halt.PAUSED, BY_THE_USER):
        run = experiments.get_run(run_id)
        reason = f" ({run.status_reason})" if run.status_reason else ""
        raise UserError(f"run {run_id} is {run.status} already{reason}")


def cancel(connection: Connection, run_id: str, *, now: datetime) -> None:
    """End a run for good after the trades under way; what was measured stays. Raises UserError when it has ended."""
    experiments = ExperimentRepository(connection)
    if not experiments.cancel(run_id, f"cancelled: {BY_THE_USER}", now=now):
        raise UserError(f"run {run_id} is {experiments.get_run(run_id).status} already")
    ContainerRepository(connection).stop_of_run(run_id, now=now)
    WorkQueueRepository(connection).put_down_stale(run_id, now=now)


async def _checked(lab: Lab, run: ExperimentRun, ship_symbols: Sequence[str], *, must_trade: bool) -> list[Ship]:
    """The ships of those names; raises UserError for one that cannot work on the run."""
    watches = run.design.name is DesignName.RECOVERY
    return await checked_ships(lab, ship_symbols, run.system_symbol, probes_too=watches, must_trade=must_trade)


def _fuel_money(fleet: Sequence[Ship], plan: Mapping[str, Any]) -> int:
    """What is to be kept for these ships on the ways that were planned."""
    return fuel_money((ship.fuel_capacity for ship in fleet), plan.get("fuel_on_the_way", 0))


def _own_run(connection: Connection, lab: Lab, run_id: str, *, to_change: bool = False) -> ExperimentRun:
    """The run, if this account can go on with it; raises UserError when it cannot, or when nothing is left to do."""
    run = ExperimentRepository(connection).get_run(run_id, to_change=to_change)
    if run.universe_id != lab.universe_id:
        raise UserError(f"run {run_id} belongs to another universe or server; its data are kept, but it is over")
    if run.player_id != lab.player_id:
        raise UserError(f"run {run_id} belongs to another agent; use that agent's token")
    if run.status is RunStatus.CANCELLED:
        raise UserError(f"run {run_id} is CANCELLED; begin another with `spacetraders experiment liquidity`")
    if is_over(connection, run_id):
        raise UserError(f"run {run_id} has ended; every pair is completed or failed")
    return run


def _refuse_to_send_away(connection: Connection, run: ExperimentRun, stay: Sequence[str], now: datetime) -> None:
    """Who names one more ship for a run under way does not mean to stop the others."""
    at_work = ContainerRepository(connection).driven_ships(run.player_id, run.ships, now=now)
    sent_away = [ship for ship in run.ships if at_work.get(ship) == run.run_id and ship not in stay]
    if sent_away and run.status is RunStatus.RUNNING:
        raise UserError(
            f"{', '.join(sent_away)} would have to leave: at work on this run (where a program died, for a minute yet);"
            " `experiment add-ships` lets more join, `experiment remove-ship` takes one away"
        )


def _raise_budget(connection: Connection, run: ExperimentRun, budget: int, *, now: datetime) -> None:
    if budget <= run.budget:
        raise UserError(f"the budget of run {run.run_id} is {run.budget:,} credits already; --budget can only raise it")
    Budget(connection, run.run_id).raise_to(budget)
    _note(connection, run.run_id, [("budget", f"raised from {run.budget:,} to {budget:,} credits")], now=now)


def _go_on(connection: Connection, run: ExperimentRun, ships: Sequence[str], *, now: datetime, **keep: Any) -> Begun:
    """Set the run to RUNNING and want just these ships at work; `keep` as for `ContainerRepository.start`."""
    experiments, repository = ExperimentRepository(connection), ContainerRepository(connection)
    experiments.set_status(run.run_id, RunStatus.RUNNING, None, now=now)
    experiments.set_ships(run.run_id, ships)
    repository.stop_of_run(run.run_id, but=ships, now=now)
    again = replace(run, status=RunStatus.RUNNING, status_reason=None, ships=tuple(ships))
    return Begun(again, repository.start(again, ships, now=now, **keep))


def _deviations(plan: Mapping[str, Any], how: str, joining: Sequence[str]) -> list[tuple[str, str]]:
    """What to write down of ships that come to a run."""
    named = plan.get("ships", ())
    return [
        ("ships", f"{how} {ship}, which {'had left' if ship in named else 'the plan does not name'}")
        for ship in joining
    ]


def _upgraded(plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    if plan.get("version", __version__) == __version__:
        return []
    return [("version", f"planned by version {plan['version']}, resumed by {__version__}")]


def _note(connection: Connection, run_id: str, deviations: Sequence[tuple[str, str]], *, now: datetime) -> None:
    """Write them down; ships come and go more than once, and what is said of that in the same words has its hour."""
    experiments = ExperimentRepository(connection)
    known = {deviation.what for deviation in experiments.deviations(run_id)}
    for kind, what in deviations:
        again = f" (again, {now:%Y-%m-%d %H:%M:%S} UTC)" if kind == "ships" and what in known else ""
        experiments.record_deviation(run_id, kind, what + again, now=now)

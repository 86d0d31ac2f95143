"""The watching half of a recovery run: ships read again, at set times, what the run has traded and then left alone.

What is due follows from the rows and readings in the database, so a watch goes on after any interruption. Trades
nothing but the fuel it needs.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from spacetraders_lab.core.commands import NavigateShipCommand
from spacetraders_lab.core.experiment import ExperimentRun
from spacetraders_lab.core.planning import Ways
from spacetraders_lab.core.revisits import Revisit, Watch, watched
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game.execute import execute
from spacetraders_lab.game.outcome import Done
from spacetraders_lab.game.ways import find_ways
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.effects import read_market
from spacetraders_lab.run.interrupt import unless_stopped
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.revisits import readings_since, shocks
from spacetraders_lab.store.work_queue import WorkQueueRepository

_LONGEST_PAUSE = 150.0  # game seconds between two looks at what is due
_BE_THERE_BEFORE = 5.0  # game seconds to spare for docking and asking

_ENDED = "every listing was watched to the end"


async def how_far(lab: Lab, run: ExperimentRun) -> Watch:
    """What of the run's watching is done, missed and to come."""

    def work(connection: Connection) -> Watch:
        found = shocks(connection, run.run_id)
        since = min((shock.at for shock in found), default=lab.clock.now())
        readings = readings_since(connection, run.run_id, since)
        return watched(found, readings, lab.clock.now(), speed=lab.game.client.speed)

    return await lab.read(work)


async def read_again(lab: Lab, run: ExperimentRun, ship: Ship, stop: asyncio.Event) -> Ship:
    """Read the market that is due next, or wait a little when that is later; returns the ship as it is then.

    When nothing is to come and every pair has ended, the run is marked as having ended. Raises Interrupted.
    """
    watch = await how_far(lab, run)
    if not watch.to_come:
        lab.targets.pop(ship.symbol, None)
        await _end_if_over(lab, run)
        await unless_stopped(stop, lab.clock.sleep(_LONGEST_PAUSE / 2 / lab.game.client.speed))
        return ship
    ways = await find_ways(lab.game, ship.system, [ship])
    now, speed = lab.clock.now(), lab.game.client.speed
    elsewhere = {market for other, market in lab.targets.items() if other != ship.symbol}
    revisit = _choose(watch.to_come, ship, elsewhere, ways, now, speed)
    lab.targets[ship.symbol] = revisit.market if revisit else ship.waypoint
    flight = 0.0 if revisit is None else _seconds(ways, ship.waypoint, revisit.market)
    wait = _LONGEST_PAUSE if revisit is None else (revisit.due - now).total_seconds() * speed - flight
    if revisit is None or wait > _BE_THERE_BEFORE:
        await unless_stopped(stop, lab.clock.sleep(min(max(wait, 1.0), _LONGEST_PAUSE) / speed))
        return ship
    if ship.waypoint != revisit.market:
        ship = await unless_stopped(stop, _fly(lab, run, ship, revisit.market))
    await unless_stopped(stop, lab.clock.sleep(max(0.0, (revisit.due - lab.clock.now()).total_seconds())))
    await unless_stopped(stop, read_market(lab, revisit.market, "recovery", ship=ship.symbol))
    return ship


def _choose(
    to_come: Sequence[Revisit], ship: Ship, elsewhere: Collection[str], ways: Ways, now: datetime, speed: float
) -> Revisit | None:
    """The revisit that the ship can make soonest, at a market that no other ship looks after; None when there is none.

    A probe stays where it is as long as its market is wanted.
    """
    is_parked = ship.cargo_capacity == 0 and any(r.market == ship.waypoint for r in to_come)
    in_time = []
    for revisit in to_come:
        at = max(revisit.due, now + timedelta(seconds=_seconds(ways, ship.waypoint, revisit.market)) / speed)
        is_mine = revisit.market == ship.waypoint if is_parked else revisit.market not in elsewhere
        if is_mine and at < revisit.until:
            in_time.append((at, revisit.market, revisit))
    return min(in_time)[2] if in_time else None


async def _fly(lab: Lab, run: ExperimentRun, ship: Ship, market: str) -> Ship:
    async def account(credits: int) -> None:
        await lab.write(lambda c: ExperimentRepository(c).add_fuel(run.run_id, credits))

    outcome = await execute(lab.game, NavigateShipCommand(ship.symbol, market), ship, account=account)
    assert isinstance(outcome, Done)  # a flight is done or raises
    return outcome.ship


async def _end_if_over(lab: Lab, run: ExperimentRun) -> None:
    def work(connection: Connection) -> None:
        if WorkQueueRepository(connection).open_pairs(run.run_id):
            return
        ExperimentRepository(connection).nothing_more(run.run_id, _ENDED)

    await lab.write(work)


def _seconds(ways: Ways, start: str, end: str) -> float:
    return 0.0 if start == end else ways(start, end).seconds

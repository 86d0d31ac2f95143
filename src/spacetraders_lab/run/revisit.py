"""The watching half of a recovery run: ships read again, at set times, what the run has traded and then left alone.

What is due follows from the rows and readings in the database, so a watch goes on after any interruption. Trades
nothing but the fuel it needs.
"""

import asyncio
import logging
from collections.abc import Sequence

from sqlalchemy import Connection

from spacetraders_lab.core.commands import NavigateShipCommand
from spacetraders_lab.core.errors import BudgetReached, NobodyTrades
from spacetraders_lab.core.experiment import DesignName, ExperimentRun, TradeRecord
from spacetraders_lab.core.revisits import Watch, next_errand, stays
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.game import reads
from spacetraders_lab.game.ways import find_ways
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.effects import move, read_market
from spacetraders_lab.run.interrupt import unless_stopped
from spacetraders_lab.run.purse import fuel_money
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.doctor import ships_at_work
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.revisits import watch_of
from spacetraders_lab.store.work_queue import WorkQueueRepository

log = logging.getLogger(__name__)

_PAUSE = 75.0  # game seconds between two looks at a watch of which nothing is to come
_ENDED = "every listing was watched to the end"


async def how_far(lab: Lab, run: ExperimentRun) -> Watch:
    """What of the run's watching is done, missed and to come."""
    return await lab.read(lambda c: _watch(c, lab, run))


def _watch(connection: Connection, lab: Lab, run: ExperimentRun) -> Watch:
    return watch_of(connection, run.run_id, lab.game.now(), speed=lab.game.client.speed)


async def read_again(lab: Lab, run: ExperimentRun, ship: Ship, stop: asyncio.Event) -> Ship:
    """Read the market that is due next, or wait a little when that is later; returns the ship as it is then.

    When nothing is to come and every pair has ended, the run is marked as having ended. A ship whose fuel the budget
    does not allow reads where it is. Raises Interrupted, OutOfCredits when the purse cannot pay for fuel, and
    NobodyTrades when a probe finds only its like left.
    """
    if ship.status is NavStatus.IN_TRANSIT:
        ship = await unless_stopped(stop, _fly(lab, run, ship, ship.waypoint))
    watch = await how_far(lab, run)
    if not watch.to_come:
        lab.targets.pop(ship.symbol, None)
        await _end_if_over(lab, run)
        if ship.cargo_capacity == 0:
            await _see_that_somebody_trades(lab, run)
        await unless_stopped(stop, lab.clock.sleep(_PAUSE / lab.game.client.speed))
        return ship
    ways = await find_ways(lab.game, ship.system, [ship])

    def seconds(start: str, end: str) -> float:
        return 0.0 if start == end else ways(start, end).seconds

    now, speed = lab.game.now(), lab.game.client.speed
    elsewhere = {market for other, market in lab.targets.items() if other != ship.symbol}
    errand = next_errand(
        watch.to_come,
        ship.waypoint,
        elsewhere,
        seconds,
        now,
        is_probe=ship.cargo_capacity == 0,
        may_fly=await _can_pay_for_a_flight(lab, run, ship),
        speed=speed,
    )
    revisit = errand.revisit
    lab.targets[ship.symbol] = revisit.market if revisit else ship.waypoint
    if revisit is None or errand.rest:
        await unless_stopped(stop, lab.clock.sleep(errand.rest / speed))
        return ship
    if ship.waypoint != revisit.market:
        try:
            ship = await unless_stopped(stop, _fly(lab, run, ship, revisit.market))
        except BudgetReached as reached:
            log.warning("%s stays where it is: %s", ship.symbol, reached)
            return await reads.get_ship(lab.game.client, ship.symbol)
    await unless_stopped(stop, lab.clock.sleep(max(0.0, (revisit.due - lab.game.now()).total_seconds())))
    await unless_stopped(stop, _read(lab, revisit.market, ship))
    return ship


async def stay_to_read(lab: Lab, run: ExperimentRun, records: Sequence[TradeRecord], ship: Ship) -> None:
    """In a recovery run, read the market that the ship has just traded a few times before it leaves.

    May be broken off at any time: what is to be read follows from the last of the `records`.
    """
    last, speed = (records[-1] if records else None), lab.game.client.speed
    if run.design.name is not DesignName.RECOVERY or last is None or ship.waypoint != last.market:
        return
    for due in stays(last.timestamp, lab.game.now(), speed=speed):
        await lab.clock.sleep(max(0.0, (due - lab.game.now()).total_seconds()))
        await _read(lab, last.market, ship)


async def _read(lab: Lab, market: str, ship: Ship) -> None:
    await read_market(lab, market, "recovery", ship=ship.symbol)
    log.info("%s has read %s again", ship.symbol, market)


async def _can_pay_for_a_flight(lab: Lab, run: ExperimentRun, ship: Ship) -> bool:
    """Whether the run's budget still has the fuel for it, of which a part is kept since the run was planned."""
    money = await lab.read(lambda c: Budget(c, run.run_id).left(with_fuel=True))
    return money >= fuel_money([ship.fuel_capacity])


async def _fly(lab: Lab, run: ExperimentRun, ship: Ship, market: str) -> Ship:
    async def spend(credits: int) -> None:
        await lab.write(lambda c: Budget(c, run.run_id).afford_fuel(credits, with_kept=True))

    return (await move(lab, NavigateShipCommand(ship.symbol, market), ship, spend)).ship


async def _end_if_over(lab: Lab, run: ExperimentRun) -> None:
    def work(connection: Connection) -> None:
        if WorkQueueRepository(connection).open_pairs(run.run_id):
            return
        if _watch(connection, lab, run).to_come:  # of a pair that has ended since the watch was looked at
            return
        ExperimentRepository(connection).nothing_more(run.run_id, _ENDED)

    await lab.write(work)


async def _see_that_somebody_trades(lab: Lab, run: ExperimentRun) -> None:
    """Raise NobodyTrades where pairs wait and every ship that is wanted is a probe: it would wait for ever."""
    now = lab.clock.now()

    def look(connection: Connection) -> tuple[bool, list[str]]:
        is_waiting = bool(WorkQueueRepository(connection).open_pairs(run.run_id))
        is_idle = not ships_at_work(connection, run.run_id, now=now)
        return is_waiting and is_idle, ContainerRepository(connection).ships_wanted(run.run_id)

    waits, wanted = await lab.read(look)
    if not waits or not wanted:
        return
    holds = {ship.symbol: ship.cargo_capacity for ship in await reads.list_ships(lab.game.client)}
    if not any(holds.get(ship) for ship in wanted):
        raise NobodyTrades("pairs wait, and no ship with a hold is left; bring one with `experiment add-ships`")

"""Visits markets to see their prices: the only way the game shows them. Trades nothing but the fuel it needs."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from spacetraders_lab.core.commands import NavigateShipCommand
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.travel import distance
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.game import reads
from spacetraders_lab.game.execute import execute
from spacetraders_lab.game.outcome import Done
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.effects import read_market
from spacetraders_lab.store.world import World

log = logging.getLogger(__name__)


async def scout(
    lab: Lab, system: str, ship_symbols: Sequence[str], *, visited: Callable[[str, int, int], None] = lambda *_: None
) -> int:
    """Read every market of a system once, with the ships given; returns how many were read.

    Each ship takes the nearest market that nobody has taken yet. `visited(waypoint, done, total)` reports progress.
    """
    fleet = {ship.symbol: ship for ship in await reads.list_ships(lab.game.client)}
    missing = [symbol for symbol in ship_symbols if symbol not in fleet]
    if missing:
        raise UserError(f"no such ship: {', '.join(missing)}; you have {', '.join(sorted(fleet))}")
    astray = [symbol for symbol in ship_symbols if fleet[symbol].system != system]
    if astray:
        raise UserError(f"{', '.join(astray)}: not in {system}")
    waypoints = await lab.game.map(system)
    await lab.write(lambda c: World(c).save_waypoints(lab.universe_id, waypoints))
    places = {waypoint.symbol: waypoint for waypoint in waypoints}
    waiting = {waypoint.symbol for waypoint in waypoints if waypoint.has_market}
    total = len(waiting)

    async def tour(ship: Ship) -> None:
        while waiting:
            target = min(waiting, key=lambda symbol: (_apart(places[ship.waypoint], places[symbol]), symbol))
            waiting.remove(target)
            outcome = await execute(lab.game, NavigateShipCommand(ship.symbol, target), ship)
            assert isinstance(outcome, Done)  # a flight is done or raises
            ship = outcome.ship
            await read_market(lab, target, "scout")
            visited(target, total - len(waiting), total)

    async with asyncio.TaskGroup() as group:
        for symbol in dict.fromkeys(ship_symbols):
            group.create_task(tour(fleet[symbol]))
    return total


def _apart(a: Waypoint, b: Waypoint) -> float:
    return distance(a.x, a.y, b.x, b.y)

"""Visits markets to see their prices: the only way the game shows them. Trades nothing but the fuel it needs."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from spacetraders_lab.core.commands import NavigateShipCommand
from spacetraders_lab.core.errors import GameError, GameUnreachable, PricesHidden, UserError
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.touring import TourProblem, tour_problem
from spacetraders_lab.game import reads
from spacetraders_lab.game.execute import execute
from spacetraders_lab.game.outcome import Done
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.drivers import refuse_ships_at_work
from spacetraders_lab.run.effects import read_market
from spacetraders_lab.run.roster import ships_named
from spacetraders_lab.run.tours import best_tours
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.world import World

log = logging.getLogger(__name__)

_LOOKS = 3  # at a market that shows no prices, before it is left out

Visited = Callable[[str, int, int], None]  # the market, how many are done, how many there are


@dataclass(frozen=True, slots=True)
class ScoutingPlan:
    """Who visits what, in which order. `seconds` of game time until the last market has been read, as planned.

    `fresh` markets were read lately and are left out. Of the `listed` ones it is known what they trade, which the game
    tells without a visit; prices it shows only to a ship that is there. Of the `uncharted` waypoints the game does not
    even say whether there is a market.
    """

    system: str
    ships: tuple[Ship, ...]
    tours: tuple[tuple[str, ...], ...]
    seconds: float
    fresh: frozenset[str]
    listed: frozenset[str]
    uncharted: int

    @property
    def markets(self) -> int:
        """How many markets will be visited."""
        return sum(map(len, self.tours))


async def scout(lab: Lab, system: str, ship_symbols: Sequence[str], *, visited: Visited = lambda *_: None) -> int:
    """Read every market of a system once, with the ships given; returns how many were read."""
    return await follow(lab, await plan_scouting(lab, system, ship_symbols), visited=visited)


async def plan_scouting(
    lab: Lab, system: str, ship_symbols: Sequence[str] = (), *, max_age: timedelta = timedelta(0)
) -> ScoutingPlan:
    """Share the markets of a system out among the ships so that all have been read as soon as possible.

    Where no ships are named, those go that are there and fly for no run.

    Markets that were read within `max_age` of game time are left out, so a scouting that was broken off goes on where
    it stopped. Raises UserError for ships that are not there, Unreachable for one that cannot set off.
    """
    ships = await scouts(lab, system, ship_symbols)
    waypoints = await lab.game.map(system)
    oldest = lab.game.now() - max_age / lab.game.client.speed

    def known(connection: Connection) -> tuple[frozenset[str], frozenset[str]]:
        world = World(connection)
        world.save_waypoints(lab.universe_id, waypoints)
        fresh = world.latest_listings(lab.universe_id, system, newer_than=oldest) if max_age else []
        return frozenset(x.waypoint for x in fresh), frozenset(world.market_lists(lab.universe_id, system))

    fresh, listed = await lab.write(known)
    markets = [w.symbol for w in waypoints if w.has_market and w.symbol not in fresh]
    problem = await _problem(lab, system, ships, markets)
    tours = best_tours(problem)
    return ScoutingPlan(
        system=system,
        ships=ships,
        tours=tuple(tuple(markets[i] for i in tour) for tour in tours),
        seconds=problem.makespan(tours),
        fresh=fresh,
        listed=listed,
        uncharted=sum("UNCHARTED" in waypoint.traits for waypoint in waypoints),
    )


async def follow(lab: Lab, plan: ScoutingPlan, *, visited: Visited = lambda *_: None) -> int:
    """Fly the tours of a plan, all ships at once, and keep what every market quotes; returns how many were read."""
    done = 0

    async def fly(ship: Ship, tour: Sequence[str]) -> None:
        nonlocal done
        for market in tour:
            ship = await visit(lab, ship, market)
            done += 1
            visited(market, done, plan.markets)

    try:
        async with asyncio.TaskGroup() as group:
            for ship, tour in zip(plan.ships, plan.tours, strict=True):
                group.create_task(fly(ship, tour))
    except ExceptionGroup as troubles:
        raise troubles.exceptions[0] from troubles
    return done


async def visit(lab: Lab, ship: Ship, market: str) -> Ship:
    """Bring a ship to a market, unless it is there, and read it; in orbit or docked makes no difference.

    A ship that somebody else has sent away comes back for it; a market that shows no prices even so is left out.
    """
    for look in range(_LOOKS):
        try:
            outcome = await execute(lab.game, NavigateShipCommand(ship.symbol, market), ship)
            assert isinstance(outcome, Done)  # a flight is done or raises
            await read_market(lab, market, "scout", ship=ship.symbol)
            return outcome.ship
        except GameError as refused:  # sent away as it set off, it may lack the fuel for the way that was planned
            if not isinstance(refused, PricesHidden) and (isinstance(refused, GameUnreachable) or look == _LOOKS - 1):
                raise
            log.warning("%s", refused)
            ship = await reads.get_ship(lab.game.client, ship.symbol)
    return ship


async def scouts(lab: Lab, system: str, ship_symbols: Sequence[str]) -> tuple[Ship, ...]:
    """The ships with these symbols, each once, or all that are there and free where none is named.

    Raises UserError for ships that are not there, or at work for a run.
    """
    if not ship_symbols:
        return await _free(lab, system)
    await refuse_ships_at_work(lab, ship_symbols)
    ships = await ships_named(lab, ship_symbols)
    astray = [ship.symbol for ship in ships if ship.system != system]
    if astray:
        raise UserError(f"{', '.join(astray)}: not in {system}; bring them there with spacetraders ship navigate")
    return tuple(ships)


async def _free(lab: Lab, system: str) -> tuple[Ship, ...]:
    """The player's ships in the system that no run is flying; raises UserError where there is none."""
    here = {ship.symbol: ship for ship in await reads.list_ships(lab.game.client) if ship.system == system}
    flown = await lab.read(lambda c: ContainerRepository(c).driven_ships(lab.player_id, [*here], now=lab.clock.now()))
    if free := tuple(ship for symbol, ship in here.items() if symbol not in flown):
        return free
    if here:
        raise UserError(f"your ships in {system} all fly for experiments: {', '.join(here)}; pause one of them first")
    raise UserError(f"you have no ship in {system}; bring one there with spacetraders ship navigate")


async def _problem(lab: Lab, system: str, ships: Sequence[Ship], markets: Sequence[str]) -> TourProblem:
    now, speed = lab.clock.now(), lab.game.client.speed
    fleet = [(ship, await lab.game.legs(system, ship.speed), speed * _seconds_in_flight(ship, now)) for ship in ships]
    return tour_problem(fleet, markets, await lab.game.fuel_stations(system))


def _seconds_in_flight(ship: Ship, now: datetime) -> float:
    if ship.status is not NavStatus.IN_TRANSIT or ship.arrival is None:
        return 0.0
    return max(0.0, (ship.arrival - now).total_seconds())

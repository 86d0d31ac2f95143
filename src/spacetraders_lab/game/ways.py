"""What flying between the markets of a system takes, for plans: the same routes that the ships will fly."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache, lru_cache

from spacetraders_lab.core.legs import LegTable
from spacetraders_lab.core.planning import Way, Ways
from spacetraders_lab.core.routing import Preference, Route, Unreachable, find_route
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.travel import FlightMode, distance, travel_seconds
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.game.game import Game

_MAPS = 16  # with an engine and a tank: all accounts of a universe fly the same ways


async def find_ways(game: Game, system: str, ships: Sequence[Ship]) -> Ways:
    """The way between any two markets for the slowest of the ships with a full tank, in the mode it ends up in.

    Where no route is known the slowest flight stands in: the ship may find fuel that nobody has seen yet.
    """
    slowest = min(ships, key=lambda ship: (ship.speed, ship.fuel_capacity))
    table, stations = await game.legs(system, slowest.speed), await game.fuel_stations(system)
    key = system, slowest.speed, slowest.fuel_capacity, slowest.flight_mode, stations
    if key not in game.ways:
        places = await game.map(system)
        game.ways[key] = _ways(places, table, stations, slowest.fuel_capacity, slowest.flight_mode, game.preference)
    return game.ways[key]


@lru_cache(_MAPS)
def _ways(
    waypoints: tuple[Waypoint, ...],
    table: LegTable,
    stations: frozenset[str],
    tank: int,
    usual_mode: FlightMode,
    preference: Preference,
) -> Ways:
    places = {waypoint.symbol: waypoint for waypoint in waypoints}

    def route(start: str, end: str, mode: FlightMode) -> Route:
        return find_route(
            table,
            start,
            end,
            fuel=tank,
            fuel_capacity=tank,
            fuel_stations=stations,
            mode=mode,
            docked=True,
            preference=preference,
        )

    @cache
    def way(start: str, end: str) -> Way:
        with suppress(Unreachable):
            first = route(start, end, usual_mode)
            # the mode stays as the last flight left it: it need not be changed each time
            changed = first.legs and first.legs[-1].mode is not usual_mode
            usual = route(start, end, first.legs[-1].mode) if changed else first
            fuel, bought = (usual.fuel, usual.bought) if tank else (0, 0)
            return Way(usual.seconds, len(usual.legs), usual.requests + 1, fuel, bought)
        apart = distance(places[start].x, places[start].y, places[end].x, places[end].y)
        return Way(travel_seconds(apart, table.speed, FlightMode.DRIFT), 1, 3, 1)

    return way

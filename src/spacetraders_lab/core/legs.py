"""The flights of a system for one engine, laid out for a search that looks at very many of them. Chooses nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spacetraders_lab.core.travel import FlightMode, distance, fuel_cost, travel_seconds
from spacetraders_lab.core.waypoint import Waypoint

# STEALTH is left out: it burns what CRUISE burns and is slower. A ship that is in it changes before it flies.
MODES = (FlightMode.CRUISE, FlightMode.BURN, FlightMode.DRIFT)
CRUISE, BURN, DRIFT = range(len(MODES))


@dataclass(frozen=True, slots=True, eq=False)  # one is like no other: what is worked out from it is kept under it
class LegTable:
    """All legs of a system for one engine. Make it once for a system and an engine: it costs more than a search.

    A flight's seconds and fuel depend on its distance only through `units`, the map units rounded, at least 1:
    `units[i][j]` between waypoints, `seconds[mode][units]` in the order of the modes; `nearest[i]` sorts the others;
    `spots[i]` is the first waypoint that lies where `i` lies: a planet and its moons share one.
    """

    symbols: tuple[str, ...]
    index: Mapping[str, int]
    units: tuple[tuple[int, ...], ...]
    nearest: tuple[tuple[int, ...], ...]
    seconds: tuple[tuple[int, ...], ...]
    speed: int
    spots: tuple[int, ...]


def leg_table(waypoints: Sequence[Waypoint], speed: int) -> LegTable:
    """The legs among all `waypoints` of a system at an engine's `speed`."""
    symbols = tuple(waypoint.symbol for waypoint in waypoints)
    count = range(len(symbols))
    half = [
        [fuel_cost(distance(a.x, a.y, b.x, b.y), FlightMode.CRUISE) for b in waypoints[: i + 1]]
        for i, a in enumerate(waypoints)
    ]
    units = tuple(tuple(half[i][j] if j <= i else half[j][i] for j in count) for i in count)
    nearest = tuple(tuple(sorted((j for j in count if j != i), key=units[i].__getitem__)) for i in count)
    longest = max((max(row) for row in units), default=0)
    seconds = tuple(tuple(travel_seconds(u, speed, mode) for u in range(longest + 1)) for mode in MODES)
    first = {(w.x, w.y): i for i, w in reversed(list(enumerate(waypoints)))}
    spots = tuple(first[w.x, w.y] for w in waypoints)
    return LegTable(symbols, {symbol: i for i, symbol in enumerate(symbols)}, units, nearest, seconds, speed, spots)

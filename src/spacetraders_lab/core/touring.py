"""Which ship visits which markets in which order, and which market is worth a look next. Plans, and asks nobody.

A tour ends at its last market; nobody flies home.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from spacetraders_lab.core.legs import LegTable
from spacetraders_lab.core.routing import find_route, route_of
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.travel import FlightMode, travel_seconds

VISIT_SECONDS = 2.0  # what the requests of a visit take beside the flight: orbit, flight, reading, now and then fuel

Tour = tuple[int, ...]  # markets by their index


@dataclass(frozen=True, slots=True)
class TourProblem:
    """Markets to visit and, ship by ship, the seconds it takes: `first[s][m]` until the ship has read its first market
    (a flight under way included), `between[s][m][n]` from one market to having read the next.
    """

    markets: tuple[str, ...]
    ships: tuple[str, ...]
    first: tuple[tuple[float, ...], ...]
    between: tuple[tuple[tuple[float, ...], ...], ...]

    def seconds(self, ship: int, tour: Tour) -> float:
        """How long the ship needs for its tour."""
        if not tour:
            return 0.0
        legs = self.between[ship]
        return self.first[ship][tour[0]] + sum(legs[a][b] for a, b in pairwise(tour))

    def makespan(self, tours: Sequence[Tour]) -> float:
        """How long it takes until the last ship has ended its tour."""
        return max((self.seconds(ship, tour) for ship, tour in enumerate(tours)), default=0.0)


def tour_problem(
    fleet: Sequence[tuple[Ship, LegTable, float]], markets: Sequence[str], stations: Collection[str]
) -> TourProblem:
    """The problem for ships, each with the legs of its engine and the seconds until its flight under way ends.

    Legs are the fastest under fuel, taking the tank to be full after a stop at a fuel station and half full after one
    elsewhere. Raises Unreachable for a ship that cannot set off.
    """
    asked = tuple(markets), frozenset(stations)
    return TourProblem(
        markets=tuple(markets),
        ships=tuple(ship.symbol for ship, _, _ in fleet),
        first=tuple(_first(ship, table, wait, markets, stations) for ship, table, wait in fleet),
        between=tuple(_between(table, ship.fuel_capacity, *asked) for ship, table, _ in fleet),
    )


def greedy_tours(problem: TourProblem) -> tuple[Tour, ...]:
    """Tours in which the ship that would be there first takes the next market, again and again."""
    tours: list[list[int]] = [[] for _ in problem.ships]
    spent = [0.0 for _ in problem.ships]
    waiting = set(range(len(problem.markets)))

    def there_at(ship: int, market: int) -> float:
        tour = tours[ship]
        return spent[ship] + (problem.between[ship][tour[-1]] if tour else problem.first[ship])[market]

    while waiting:
        at, ship, market = min((there_at(s, m), s, m) for s in range(len(tours)) for m in waiting)
        tours[ship].append(market)
        spent[ship] = at
        waiting.remove(market)
    return tuple(tuple(tour) for tour in tours)


@dataclass(frozen=True, slots=True)
class Watched:
    """A market that is kept fresh: the seconds since it was read, and credits that its listings move at a time."""

    waypoint: str
    age_seconds: float
    value: float


def next_visit(markets: Iterable[Watched], seconds_to: Mapping[str, float], *, fresh_seconds: float) -> Watched | None:
    """The market whose reading now renews most stale value for the time it takes; None while all of them are fresh.

    Only markets in `seconds_to` are considered: those that the ship may take, with the seconds to get there.
    """
    stale = [m for m in markets if m.waypoint in seconds_to and m.age_seconds >= fresh_seconds]

    def gain(market: Watched) -> tuple[float, str]:
        cost = seconds_to[market.waypoint] + fresh_seconds  # a look from where the ship is is cheap, but not free
        return market.age_seconds * (1.0 + market.value) / cost, market.waypoint

    return max(stale, key=gain, default=None)


def _first(
    ship: Ship, table: LegTable, wait: float, markets: Sequence[str], stations: Collection[str]
) -> tuple[float, ...]:
    return tuple(wait + route_of(ship, table, market, stations).seconds + VISIT_SECONDS for market in markets)


@lru_cache(16)  # who looks at a system again, or for another account, asks the same
def _between(
    table: LegTable, capacity: int, markets: tuple[str, ...], stations: frozenset[str]
) -> tuple[tuple[float, ...], ...]:
    def seconds(origin: str, destination: str) -> float:
        fuel = capacity if origin in stations else (capacity + 1) // 2
        units = table.units[table.index[origin]][table.index[destination]]
        if 2 * units <= fuel and origin != destination:  # no way is faster than BURN all along
            return travel_seconds(units, table.speed, FlightMode.BURN) + VISIT_SECONDS
        route = find_route(
            table,
            origin,
            destination,
            fuel=fuel,
            fuel_capacity=capacity,
            fuel_stations=stations,
            mode=FlightMode.BURN,
        )
        return route.seconds + VISIT_SECONDS

    return tuple(tuple(seconds(a, b) for b in markets) for a in markets)

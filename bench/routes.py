"""How long a route takes to find: on maps as the game makes them, and on drawn ones of 100 and 200 waypoints.

Beside the exact search runs the plainest one that ignores fuel: Dijkstra over the same legs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from statistics import fmean

from bench.figures import Figure, cpu_seconds
from spacetraders_lab.core.legs import CRUISE, LegTable, leg_table
from spacetraders_lab.core.routing import find_route
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.sandbox.home import generate_home
from spacetraders_lab.sandbox.settings import SandboxSettings

SHIPS = ((400, 36), (80, 9), (300, 15), (600, 15), (600, 36), (800, 36), (2_300, 36))  # tank and speed
GAMES, GAME_QUERIES = 40, 10
DRAWN = {100: 80, 200: 20}  # maps by their waypoints
TARGETS = {100: 10, 200: 50}  # ms
REPEATS = 3  # the quickest counts: the machine does other things as well


@dataclass(frozen=True, slots=True)
class Query:
    """One question: the map, the ship's tank and what is in it, where fuel is sold, from where to where."""

    table: LegTable
    capacity: int
    fuel: int
    stations: frozenset[str]
    start: str
    goal: str

    def ask(self) -> None:
        """Find the route."""
        find_route(
            self.table,
            self.start,
            self.goal,
            fuel=self.fuel,
            fuel_capacity=self.capacity,
            fuel_stations=self.stations,
        )

    def ask_plainly(self) -> None:
        """Find the shortest way of CRUISE flights, as if fuel were free: Dijkstra."""
        table, goal = self.table, self.table.index[self.goal]
        best = {self.table.index[self.start]: 0}
        waiting = [(0, self.table.index[self.start])]
        while waiting:
            cost, place = heappop(waiting)
            if place == goal:
                return
            for other in table.nearest[place]:
                further = cost + table.seconds[CRUISE][table.units[place][other]]
                if further < best.get(other, further + 1):
                    best[other] = further
                    heappush(waiting, (further, other))


def measure(full: bool = False) -> list[Figure]:
    """The game's maps, then drawn ones."""
    figures = [_figure(f"maps of the game, {GAMES} systems", list(_game_queries()), TARGETS[100])]
    for size, maps in DRAWN.items():
        figures.append(_figure(f"drawn maps of {size} waypoints", list(_drawn_queries(size, maps)), TARGETS[size]))
    return figures


def _game_queries() -> Iterator[Query]:
    for seed in range(GAMES):
        random = Random(seed)
        home = generate_home(SandboxSettings(), random)
        stations = frozenset(place for place, market in home.markets.items() if FUEL in market.listings)
        yield from _queries(list(home.waypoints.values()), stations, SHIPS, random, GAME_QUERIES)


def _drawn_queries(size: int, maps: int) -> Iterator[Query]:
    """Scattered around the middle, some far out, and fuel at a tenth or three tenths of the waypoints."""
    for tank, speed in ((80, 9), (300, 9), (400, 36), (600, 15)):
        for percent in (10, 30):
            for seed in range(maps):
                random = Random(seed)
                places = [(round(random.gauss(0, 200)), round(random.gauss(0, 200))) for _ in range(size)]
                waypoints = [Waypoint(f"X1-B1-{i}", "PLANET", x, y) for i, (x, y) in enumerate(places)]
                stations = frozenset(w.symbol for w in random.sample(waypoints, size * percent // 100))
                yield from _queries(waypoints, stations, ((tank, speed),), random, 1)


def _queries(
    waypoints: list[Waypoint],
    stations: frozenset[str],
    ships: Iterable[tuple[int, int]],
    random: Random,
    count: int,
) -> Iterator[Query]:
    for tank, speed in ships:
        table = leg_table(waypoints, speed)
        for _ in range(count):
            start, goal = (waypoint.symbol for waypoint in random.sample(waypoints, 2))
            yield Query(table, tank, random.randint(tank // 10, tank), stations, start, goal)


def _figure(what: str, queries: list[Query], target: int) -> Figure:
    spent = sorted(1000 * min(cpu_seconds(query.ask)[0] for _ in range(REPEATS)) for query in queries)
    plain = 1000 * fmean(cpu_seconds(query.ask_plainly)[0] for query in queries)
    late = sum(one > target for one in spent)
    return Figure(
        f"a route: {what}, {len(queries):,} queries",
        f"mean {fmean(spent):.2f} ms CPU, 99 of 100 below {spent[len(spent) * 99 // 100]:.1f}, worst {spent[-1]:.1f}",
        f"{plain:.2f} ms: the shortest way as if fuel were free",
        f"{fmean(spent) / plain:.1f}×, {late} above the target",
        f"≤ {target} ms",
    )

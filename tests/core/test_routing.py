"""Routes against an exhaustive search of the game itself, step by step, and what users may rely on."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from statistics import median

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spacetraders_lab.core import route_search
from spacetraders_lab.core.legs import leg_table
from spacetraders_lab.core.route_search import Label
from spacetraders_lab.core.routing import Preference, Route, Unreachable, find_route
from spacetraders_lab.core.travel import FlightMode, distance, fuel_cost, travel_seconds
from spacetraders_lab.core.waypoint import Waypoint

CRUISE, BURN, DRIFT, STEALTH = FlightMode.CRUISE, FlightMode.BURN, FlightMode.DRIFT, FlightMode.STEALTH
FASTEST, CHEAPEST, FEWEST = Preference.FASTEST, Preference.CHEAPEST, Preference.FEWEST_REQUESTS


def place(name: str, x: int, y: int = 0) -> Waypoint:
    return Waypoint(f"X1-T1-{name}", "PLANET", x, y)


def line(*xs: int) -> list[Waypoint]:
    """Waypoints A, B, C ... on a line."""
    return [place(chr(ord("A") + i), x) for i, x in enumerate(xs)]


def way(route: Route) -> list[tuple[str, str, FlightMode, bool]]:
    """A route in brief: from, to, mode, refuelled before."""
    return [(leg.origin[-1], leg.destination[-1], leg.mode, leg.refuel_before) for leg in route.legs]


# --- the oracle: every state of the game, one request at a time ----------------------------------------------------


@dataclass(frozen=True)
class Task:
    """One question to both searches."""

    waypoints: tuple[Waypoint, ...]
    speed: int
    fuel: int
    capacity: int
    stations: frozenset[str]
    mode: FlightMode
    docked: bool
    end_fuel: int
    preference: Preference
    request_worth: int  # half seconds

    @property
    def start(self) -> Waypoint:
        return self.waypoints[0]

    @property
    def goal(self) -> Waypoint:
        return self.waypoints[-1]

    def route(self) -> Route:
        return find_route(
            leg_table(self.waypoints, self.speed),
            self.start.symbol,
            self.goal.symbol,
            fuel=self.fuel,
            fuel_capacity=self.capacity,
            fuel_stations=self.stations,
            mode=self.mode,
            docked=self.docked,
            end_fuel=self.end_fuel,
            preference=self.preference,
            request_seconds=self.request_worth / 2,
        )

    def cost(self, seconds: int, fuel: int, requests: int) -> tuple[int, ...]:
        """What the preference minimises, in order."""
        time_cost = 2 * seconds + requests * self.request_worth
        return {
            FASTEST: (time_cost, fuel),
            CHEAPEST: (fuel, time_cost),
            FEWEST: (requests, seconds),
        }[self.preference]


State = tuple[int, int, FlightMode, bool]  # waypoint, fuel, mode, docked


def requests_from(task: Task, state: State) -> Iterator[tuple[State, int, int]]:
    """Every request that the game would accept: the state after it, its seconds, the fuel it burns.

    Left out are flights in STEALTH, which routes do not use, and arrivals with less fuel than was asked for.
    """
    at, fuel, mode, docked = state
    yield (at, fuel, mode, not docked), 0, 0  # dock, orbit
    if docked and task.waypoints[at].symbol in task.stations:
        yield (at, task.capacity, mode, docked), 0, 0
    for other in FlightMode:
        yield (at, fuel, other, docked), 0, 0
    for to, waypoint in enumerate(task.waypoints):
        length = distance(task.waypoints[at].x, task.waypoints[at].y, waypoint.x, waypoint.y)
        burned = fuel_cost(length, mode) if task.capacity else 0
        arrived_short = to == len(task.waypoints) - 1 and fuel - burned < task.end_fuel
        if to != at and not docked and burned <= fuel and mode is not STEALTH and not arrived_short:
            yield (to, fuel - burned, mode, docked), travel_seconds(length, task.speed, mode), burned


def exhaustive_cost(task: Task) -> tuple[int, ...] | None:
    """The least cost of arriving at the goal, by visiting every state there is; None when none is the end."""
    start = (0, task.fuel, task.mode, task.docked)
    queue = [(task.cost(0, 0, 0), 0, start)]
    seen: set[State] = set()
    pushed = 0
    while queue:
        cost, _, state = heappop(queue)
        if state in seen:
            continue
        seen.add(state)
        at = state[0]
        if at == len(task.waypoints) - 1:
            return cost
        for after, seconds, burned in requests_from(task, state):
            pushed += 1
            step = task.cost(seconds, burned, 1)
            heappush(queue, (tuple(a + b for a, b in zip(cost, step, strict=True)), pushed, after))
    return None


@st.composite
def tasks(draw: st.DrawFn, most_waypoints: int = 6) -> Task:
    coordinates = st.tuples(st.integers(-30, 30), st.integers(-30, 30))
    places = draw(st.lists(coordinates, min_size=2, max_size=most_waypoints))
    waypoints = tuple(place(f"{i}", x, y) for i, (x, y) in enumerate(places))
    capacity = draw(st.integers(1, 60))
    return Task(
        waypoints=waypoints,
        speed=draw(st.sampled_from([1, 3, 9, 15, 36])),
        fuel=draw(st.integers(0, capacity)),
        capacity=capacity,
        stations=frozenset(w.symbol for w in waypoints if draw(st.booleans())),
        mode=draw(st.sampled_from(FlightMode)),
        docked=draw(st.booleans()),
        end_fuel=draw(st.sampled_from([0, 0, 1, capacity // 2, capacity])),
        preference=draw(st.sampled_from(Preference)),
        request_worth=draw(st.sampled_from([0, 1, 1, 20, 100])),
    )


# The tank is filled beside the goal, which lies at the same spot and is a station itself.
BESIDE_THE_GOAL = Task(
    waypoints=(place("0", 14), place("1", 0), place("2", -4, 5), place("3", 8, 29), place("4", 8, 29)),
    speed=1,
    fuel=0,
    capacity=27,
    stations=frozenset({"X1-T1-0", "X1-T1-3", "X1-T1-4"}),
    mode=CRUISE,
    docked=False,
    end_fuel=1,
    preference=FASTEST,
    request_worth=0,
)


@given(tasks())
@example(BESIDE_THE_GOAL)
@settings(max_examples=300, deadline=None)
def test_no_way_through_the_game_is_better(task: Task) -> None:
    expected = exhaustive_cost(task)
    if expected is None:
        with pytest.raises(Unreachable):
            task.route()
    else:
        route = task.route()
        assert task.cost(route.seconds, route.fuel, route.requests) == expected


@given(tasks(most_waypoints=12))
@settings(max_examples=200, deadline=None)
def test_every_route_can_be_flown_and_its_sums_are_right(task: Task) -> None:
    try:
        route = task.route()
    except Unreachable:
        return
    by_symbol = {waypoint.symbol: waypoint for waypoint in task.waypoints}
    at, fuel, mode, docked, requests = task.start.symbol, task.fuel, task.mode, task.docked, 0
    for leg in route.legs:
        assert leg.origin == at
        if leg.refuel_before:
            assert at in task.stations
            requests += 1 if docked else 2
            fuel, docked = task.capacity, True
        requests += docked + (leg.mode is not mode) + 1
        a, b = by_symbol[leg.origin], by_symbol[leg.destination]
        length = distance(a.x, a.y, b.x, b.y)
        assert leg.fuel == fuel_cost(length, leg.mode)
        assert leg.seconds == travel_seconds(length, task.speed, leg.mode)
        fuel -= leg.fuel
        assert fuel >= 0
        at, mode, docked = leg.destination, leg.mode, False
    assert at == task.goal.symbol
    assert fuel >= task.end_fuel
    assert route.requests == requests
    assert route.seconds == sum(leg.seconds for leg in route.legs)
    assert route.fuel == sum(leg.fuel for leg in route.legs)


# --- what users see ------------------------------------------------------------------------------------------------


def go(
    waypoints: list[Waypoint],
    *,
    speed: int = 36,
    fuel: int = 400,
    capacity: int = 400,
    stations: str = "",
    goal: str | None = None,
    mode: FlightMode = BURN,
    docked: bool = False,
    end_fuel: int = 0,
    preference: Preference = FASTEST,
    request_seconds: float = 0.5,
) -> Route:
    """A route from A to the last waypoint (or `goal`); `stations` by the last letters of their symbols."""
    return find_route(
        leg_table(waypoints, speed),
        waypoints[0].symbol,
        f"X1-T1-{goal}" if goal else waypoints[-1].symbol,
        fuel=fuel,
        fuel_capacity=capacity,
        fuel_stations={f"X1-T1-{letter}" for letter in stations},
        mode=mode,
        docked=docked,
        end_fuel=end_fuel,
        preference=preference,
        request_seconds=request_seconds,
    )


def test_a_ship_that_is_there_has_nothing_to_do() -> None:
    assert go(line(0, 10), goal="A") == Route((), 0, 0, 0)


def test_with_fuel_enough_it_burns_straight_to_the_goal() -> None:
    route = go(line(0, 100, 200))
    assert way(route) == [("A", "C", BURN, False)]
    assert (route.seconds, route.fuel, route.requests) == (84, 400, 1)


def test_without_fuel_for_burning_it_cruises_and_with_hardly_any_it_drifts() -> None:
    assert way(go(line(0, 300), fuel=350)) == [("A", "B", CRUISE, False)]
    assert way(go(line(0, 300), fuel=299)) == [("A", "B", DRIFT, False)]


def test_a_leg_split_at_a_waypoint_without_fuel_lets_part_of_it_be_burned() -> None:
    """Why fuel stations and goal alone are not enough to find the best route."""
    direct, split = go(line(0, 1000), fuel=1400, capacity=1400), go(line(0, 400, 1000), fuel=1400, capacity=1400)
    assert way(direct) == [("A", "B", CRUISE, False)]
    assert way(split) == [("A", "B", BURN, False), ("B", "C", CRUISE, False)]
    assert split.seconds < direct.seconds


def test_a_stop_for_fuel_is_made_when_it_gains_more_than_its_requests_cost() -> None:
    waypoints = line(0, 150, 300)
    stopping = go(waypoints, fuel=300, capacity=300, stations="B")
    assert way(stopping) == [("A", "B", BURN, False), ("B", "C", BURN, True)]
    assert stopping.requests == 5  # two flights; dock, refuel and orbit between them
    passing = go(waypoints, fuel=300, capacity=300, stations="B", request_seconds=50)
    assert [leg.refuel_before for leg in passing.legs] == [False] * len(passing.legs)


def test_a_change_of_mode_that_gains_less_than_a_request_is_not_made() -> None:
    waypoints = line(0, 2)  # 16 seconds on CRUISE and on BURN
    assert way(go(waypoints, mode=CRUISE)) == [("A", "B", CRUISE, False)]
    assert way(go(waypoints, mode=BURN)) == [("A", "B", BURN, False)]


def test_a_mode_that_will_be_wanted_later_is_set_at_once() -> None:
    """The stop in between is reached sooner on CRUISE, requests counted, and yet BURN is better from the start."""
    route = go(line(0, 10, 130), fuel=30, stations="B", mode=CRUISE, request_seconds=10)
    assert way(route) == [("A", "B", BURN, False), ("B", "C", BURN, True)]


def test_a_way_that_is_dearer_so_far_is_kept_when_it_is_in_the_better_mode() -> None:
    task = Task(
        waypoints=tuple(line(188, 187, 141)),
        speed=36,
        fuel=34,
        capacity=60,
        stations=frozenset({"X1-T1-B", "X1-T1-C"}),
        mode=DRIFT,
        docked=False,
        end_fuel=0,
        preference=FASTEST,
        request_worth=60,
    )
    route = task.route()
    assert task.cost(route.seconds, route.fuel, route.requests) == exhaustive_cost(task)


def test_a_docked_ship_counts_its_orbit_and_saves_the_dock_for_refuelling() -> None:
    assert go(line(0, 100), docked=True).requests == 2
    assert go(line(0, 100), docked=True, fuel=0, stations="A").requests == 3
    assert go(line(0, 100), docked=False, fuel=0, stations="A").requests == 4


def test_a_ship_without_tank_flies_straight_in_the_fastest_mode_and_burns_nothing() -> None:
    route = go(line(0, 400, 900), fuel=0, capacity=0, speed=9, mode=CRUISE)
    assert way(route) == [("A", "C", BURN, False)]
    assert (route.fuel, route.requests) == (0, 2)
    assert way(go(line(0, 900), fuel=0, capacity=0, mode=CRUISE, preference=FEWEST)) == [("A", "B", CRUISE, False)]


@given(tasks())
@settings(max_examples=50, deadline=None)
def test_no_way_is_better_for_a_ship_without_tank(task: Task) -> None:
    probe = Task(**(vars(task) | {"fuel": 0, "capacity": 0, "end_fuel": 0, "stations": frozenset()}))
    if probe.start.symbol != probe.goal.symbol:
        route = probe.route()
        assert probe.cost(route.seconds, route.fuel, route.requests) == exhaustive_cost(probe)


def test_preferences_trade_time_fuel_and_requests() -> None:
    waypoints = line(0, 200, 400)
    fastest, cheapest, fewest = (
        go(waypoints, fuel=300, capacity=400, stations="AB", preference=p) for p in (FASTEST, CHEAPEST, FEWEST)
    )
    assert fastest.seconds < fewest.seconds <= cheapest.seconds
    assert cheapest.fuel < fewest.fuel or cheapest.fuel <= 1
    assert fewest.requests <= min(fastest.requests, cheapest.requests)


def test_fuel_wanted_at_the_end_is_there() -> None:
    route = go(line(0, 100), fuel=200, end_fuel=100)
    assert way(route) == [("A", "B", CRUISE, False)]
    assert way(go(line(0, 100), fuel=200, end_fuel=101)) == [("A", "B", DRIFT, False)]
    assert way(go(line(0, 100), fuel=200, end_fuel=101, stations="B")) == [("A", "B", DRIFT, False)]
    assert way(go(line(0, 100), fuel=200, end_fuel=101, stations="A")) == [("A", "B", BURN, True)]


def test_stealth_is_left_for_a_mode_that_routes_use() -> None:
    assert way(go(line(0, 100), mode=STEALTH)) == [("A", "B", BURN, False)]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"fuel": 0}, "the tank is empty"),
        ({"fuel": 50, "end_fuel": 60}, "with 60 fuel left"),
        ({"goal": "Z"}, "is not a waypoint of this system"),
    ],
)
def test_unreachable_says_why_and_what_would_help(question: dict[str, object], words: str) -> None:
    with pytest.raises(Unreachable, match=words):
        go(line(0, 100), **question)  # type: ignore[arg-type]


# --- how long it takes ---------------------------------------------------------------------------------------------


def system(random: Random, size: int) -> tuple[Waypoint, ...]:
    return tuple(place(f"{i}", round(random.gauss(0, 200)), round(random.gauss(0, 200))) for i in range(size))


@pytest.fixture
def labels_kept(monkeypatch: pytest.MonkeyPatch) -> list[Label]:
    """Every label that a search kept to go on from: what its time goes with."""
    kept: list[Label] = []

    def push(heap: list[tuple[float, int, Label]], item: tuple[float, int, Label]) -> None:
        kept.append(item[2])
        heappush(heap, item)

    monkeypatch.setattr(route_search, "heappush", push)
    return kept


@pytest.mark.parametrize(("size", "usual", "most"), [(100, 110, 1_100), (200, 560, 2_000)])
@pytest.mark.parametrize(("capacity", "speed"), [(400, 36), (80, 9), (300, 9), (600, 15)])
def test_a_search_looks_at_few_of_the_ways(  # how long that takes is measured by `make bench TOPICS=routes`
    labels_kept: list[Label], size: int, usual: int, most: int, capacity: int, speed: int
) -> None:
    counts: dict[int, list[int]] = {10: [], 30: []}  # by the percentage of waypoints with fuel
    for seed in range(20):
        random = Random(seed)
        waypoints = system(random, size)
        legs, drawn = leg_table(waypoints, speed), random.getstate()  # the table takes longer than the searches
        for percent_with_fuel, found in counts.items():
            random.setstate(drawn)
            stations = {w.symbol for w in random.sample(waypoints, size * percent_with_fuel // 100)}
            start, goal = (w.symbol for w in random.sample(waypoints, 2))
            fuel = random.randint(capacity // 10, capacity)
            labels_kept.clear()
            find_route(legs, start, goal, fuel=fuel, fuel_capacity=capacity, fuel_stations=stations)
            found.append(len(labels_kept))
    for found in counts.values():
        assert median(found) <= usual
        assert max(found) <= most


def test_moons_are_no_more_work_than_their_planets(labels_kept: list[Label]) -> None:
    planets = system(Random(3), 30)
    moons = [place(f"{planet.symbol[6:]}-{moon}", planet.x, planet.y) for planet in planets[1:-1] for moon in range(3)]
    counts = []
    for waypoints in (planets, (*planets[:-1], *moons, planets[-1])):
        labels_kept.clear()
        start, goal = planets[0].symbol, planets[-1].symbol
        find_route(leg_table(waypoints, 15), start, goal, fuel=60, fuel_capacity=200, fuel_stations={planets[5].symbol})
        counts.append(len(labels_kept))
    assert counts[1] < 2 * counts[0]


def test_where_no_fuel_is_sold_the_nearest_station_is_named() -> None:
    with pytest.raises(Unreachable, match=r"A sells no fuel; the nearest fuel station is X1-T1-C"):
        go(line(0, 300, 100, 200), fuel=0, stations="CD")


def test_too_much_wanted_at_the_end_says_how_much_there_can_be() -> None:
    with pytest.raises(Unreachable, match=r"the most to arrive with is 399; ask for less at the end$"):
        go(line(0, 100), end_fuel=400, stations="A")
    with pytest.raises(Unreachable, match=r"the most to arrive with is 49.*none is known"):
        go(line(0, 100), fuel=50, end_fuel=60)

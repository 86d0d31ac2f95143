"""When a ship arrives: computed from the game's reply, whatever our own clock says, and waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import httpx2
import pytest

from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import FlightMode, travel_seconds
from spacetraders_lab.game import moves, reads
from spacetraders_lab.game.client import Caller, GameClient, caller
from spacetraders_lab.game.game import Game
from spacetraders_lab.study.virtual import VirtualClock
from tests.game.journeys import by_distance, flights, fly, home, length, state
from tests.game.sandbox import BASE_URL, Sandbox, Trouble


def test_arrival_is_waited_for_to_the_second_and_never_asked_about() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        goal = by_distance(sandbox, ship)[10]
        here = next(w for w in sandbox.places if w.symbol == ship.waypoint)
        began = sandbox.clock.now()
        await fly(game, ship, goal.symbol)
        seconds = travel_seconds(length(here, goal), ship.speed, FlightMode.BURN)
        assert (sandbox.clock.now() - began).total_seconds() == pytest.approx(seconds, abs=0.01)
        assert not [sent for sent in sandbox.line.sent if sent.startswith("GET")]

    sandbox.play(scene)


def test_with_its_arrival_a_ship_takes_its_place_in_the_line_for_the_limit() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        caller.set(own := Caller())
        await asyncio.create_task(fly(game, ship, by_distance(sandbox, ship)[10].symbol))
        assert own.since == pytest.approx(sandbox.clock.monotonic())
        assert own.requests == len(sandbox.line.sent)

    sandbox.play(scene)


def test_at_a_higher_speed_the_flight_takes_as_much_less() -> None:
    sandbox = home(speed=60.0)

    async def scene(game: Game, ship: Ship) -> None:
        began = sandbox.clock.now()
        ship = (await fly(game, ship, by_distance(sandbox, ship)[10].symbol)).ship
        assert (sandbox.clock.now() - began).total_seconds() < 5
        assert state(sandbox, ship).waypoint == ship.waypoint

    sandbox.play(scene)


class SkewedClock:
    """A clock that is wrong by a constant."""

    def __init__(self, right: VirtualClock, wrong_by: timedelta) -> None:
        self._right, self._wrong_by = right, wrong_by

    def now(self) -> datetime:
        return self._right.now() + self._wrong_by

    def monotonic(self) -> float:
        return self._right.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._right.sleep(seconds)


def skewed(sandbox: Sandbox, game: Game, minutes: float) -> Game:
    """The same game, played by somebody whose clock is wrong."""
    clock = SkewedClock(sandbox.clock, timedelta(minutes=minutes))
    token = sandbox.universe.agents["LAB"].token
    client = GameClient(BASE_URL, token, clock=clock, limiter=sandbox.limiter, transport=sandbox.line)
    return Game(client, clock, waypoints=game.waypoints)


@pytest.mark.parametrize("minutes", [-30, 30])
def test_a_wrong_clock_makes_no_flight_longer_and_no_request_more(minutes: float) -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        wrong = skewed(sandbox, game, minutes)
        began = sandbox.clock.now()
        for goal in by_distance(sandbox, ship)[3:6]:
            ship = (await fly(wrong, ship, goal.symbol)).ship
        assert [sent for sent in sandbox.line.sent if sent.startswith("GET")] == []
        assert sandbox.line.sent.count("POST navigate") == flights(sandbox) == 3
        assert sandbox.clock.now() - began < timedelta(minutes=5)

    sandbox.play(scene)


async def under_way(sandbox: Sandbox, game: Game, ship: Ship, to: int) -> Ship:
    """The ship just after setting off for the n-th nearest waypoint, as the game tells it."""
    ship = await moves.orbit(game, ship)
    await moves.set_off(game, ship, by_distance(sandbox, ship)[to].symbol)
    return await reads.get_ship(game.client, ship.symbol)


def test_a_flight_under_way_is_waited_for_before_the_next() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        ship = await under_way(sandbox, game, ship, 10)
        goal = by_distance(sandbox, ship)[3].symbol
        sandbox.line.sent.clear()
        ship = (await fly(game, ship, goal)).ship
        assert (ship.waypoint, state(sandbox, ship).waypoint) == (goal, goal)
        assert [sent for sent in sandbox.line.sent if "nav" not in sent] == []

    sandbox.play(scene)


def test_a_flight_under_way_to_the_goal_is_only_waited_for() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        ship = await under_way(sandbox, game, ship, 10)
        sandbox.line.sent.clear()
        done = await fly(game, ship, ship.waypoint)
        assert done.ship.status is NavStatus.IN_ORBIT
        assert sandbox.line.sent == []
        assert sandbox.clock.now() >= state(sandbox, ship).flight.arrival

    sandbox.play(scene)


@pytest.mark.parametrize("command", [moves.dock, moves.orbit])
def test_a_clock_ahead_of_the_games_is_told_that_the_ship_still_flies_and_waits(
    command: Callable[[Game, Ship], Awaitable[Ship]],
) -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        ship = await under_way(sandbox, game, ship, 10)
        wrong = skewed(sandbox, game, 60)
        early = replace(ship, status=NavStatus.DOCKED if command is moves.orbit else NavStatus.IN_ORBIT)
        ship = await command(wrong, early)
        assert state(sandbox, ship).status is ship.status
        assert sandbox.clock.now() - state(sandbox, ship).flight.arrival < timedelta(seconds=2.1)

    sandbox.play(scene)


def test_a_journey_begun_with_a_clock_ahead_goes_on_after_the_flight_under_way() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        ship = await under_way(sandbox, game, ship, 10)
        goal = by_distance(sandbox, ship)[2].symbol
        ship = (await fly(skewed(sandbox, game, 60), ship, goal)).ship
        assert state(sandbox, ship).waypoint == goal
        assert flights(sandbox) == 2

    sandbox.play(scene)


@pytest.mark.parametrize("told", [None, "x", [1]])
def test_a_ship_that_flies_for_nobody_knows_how_long_is_asked_when_it_arrives(told: object) -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        ship = await under_way(sandbox, game, ship, 10)
        no = {"error": {"message": "in transit", "code": 4214, "data": {"secondsToArrival": told}}}
        sandbox.line.troubles.append(Trouble("POST", "dock", httpx2.Response(400, json=no)))
        ship = await moves.dock(game, replace(ship, status=NavStatus.IN_ORBIT))
        assert state(sandbox, ship).status is ship.status is NavStatus.DOCKED
        assert sandbox.line.sent.count("POST dock") == 2

    sandbox.play(scene)

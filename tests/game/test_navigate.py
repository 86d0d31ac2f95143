"""Journeys on the real sandbox: where they end, how long they take, what they cost in requests, what may go wrong."""

import asyncio
from dataclasses import replace
from random import Random

import httpx2
import pytest

from spacetraders_lab.core.commands import PurchaseCargoCommand
from spacetraders_lab.core.errors import GameError, GameUnreachable
from spacetraders_lab.core.routing import Preference, Route, Unreachable, route_of
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.game import moves, reads
from spacetraders_lab.game.client import GameClient
from spacetraders_lab.game.execute import execute
from spacetraders_lab.game.game import Game
from tests.game.journeys import by_distance, flights, fly, home, length, state
from tests.game.sandbox import BASE_URL, Sandbox, Trouble

LOST = httpx2.ReadTimeout("x")


# --- the fewest requests -------------------------------------------------------------------------------------------


def test_a_visit_without_stop_costs_orbit_flight_and_dock() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        ship = replace(ship, flight_mode=FlightMode.BURN)
        state(sandbox, ship).mode = FlightMode.BURN
        market = next(w for w in by_distance(sandbox, ship) if w.has_market)
        ship = (await fly(game, ship, market.symbol)).ship
        await execute(game, PurchaseCargoCommand(ship.symbol, "FUEL", 1), ship)
        assert sandbox.line.sent == ["POST orbit", "POST navigate", "POST dock", "POST purchase"]

    sandbox.play(scene)


def test_a_change_of_mode_and_a_refuelling_cost_one_request_each() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        state(sandbox, ship).fuel = 1
        game.sells_fuel[ship.waypoint] = True
        outcome = await fly(game, replace(ship, fuel=1), by_distance(sandbox, ship)[20].symbol)
        assert sandbox.line.sent == ["POST refuel", "PATCH nav", "POST orbit", "POST navigate"]
        assert outcome.fuel_credits == 175_000 - sandbox.universe.agents["LAB"].credits > 0

    sandbox.play(scene)


@pytest.mark.parametrize("hull", ["SHIP_COMMAND_FRIGATE", "SHIP_MINING_DRONE", "SHIP_LIGHT_HAULER", "SHIP_PROBE"])
def test_random_journeys_end_where_they_should_in_the_planned_time_with_the_planned_requests(hull: str) -> None:
    sandbox = home(hull)

    async def scene(game: Game, ship: Ship) -> None:
        random = Random(7)
        for market in (w for w in sandbox.places if w.has_market):
            game.learn(await reads.get_market(game.client, market.symbol))
        for _ in range(15):
            goal = random.choice(by_distance(sandbox, ship))
            sandbox.line.sent.clear()
            before, purse, waited = sandbox.clock.now(), sandbox.universe.agents["LAB"].credits, _waited(sandbox)
            planned = await planned_route(game, ship, goal.symbol)
            outcome = await fly(game, ship, goal.symbol)
            ship = outcome.ship
            assert (ship.waypoint, ship.status) == (goal.symbol, NavStatus.IN_ORBIT)
            assert ship == replace(await reads.get_ship(game.client, ship.symbol), arrival=ship.arrival)
            assert len(sandbox.line.sent) - 1 == planned.requests
            assert outcome.fuel_credits == purse - sandbox.universe.agents["LAB"].credits
            took = (sandbox.clock.now() - before).total_seconds() - (_waited(sandbox) - waited)
            assert took == pytest.approx(planned.seconds, abs=0.01)

    sandbox.play(scene)


def _waited(sandbox: Sandbox) -> float:
    return sandbox.limiter.waited_seconds


async def planned_route(game: Game, ship: Ship, goal: str) -> Route:
    stations = await game.fuel_stations(ship.system)
    table = await game.legs(ship.system, ship.speed)
    return route_of(ship, table, goal, stations, end_fuel=0 if game.sells_fuel.get(goal) else 1)


def test_two_ships_that_set_off_together_read_the_map_once() -> None:
    sandbox = home()

    async def main() -> None:
        game = await sandbox.join()
        ships = await reads.list_ships(game.client)
        await asyncio.gather(*(fly(game, ship, by_distance(sandbox, ship)[5].symbol) for ship in ships))

    sandbox.clock.run(main())
    assert sandbox.played["GET /systems/{system}/waypoints"] == -(-len(sandbox.places) // 20)
    assert flights(sandbox) == 2


# --- answers that are lost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize(("method", "ending"), [("POST", "/navigate"), ("POST", "/orbit"), ("PATCH", "/nav")])
@pytest.mark.parametrize("trouble", [LOST, httpx2.Response(500), httpx2.Response(200, text="<html>")], ids=str)
def test_a_step_without_answer_is_judged_from_the_ship_and_flown_once(
    method: str, ending: str, executed: bool, trouble: httpx2.Response | Exception
) -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        goal = by_distance(sandbox, ship)[20].symbol
        sandbox.line.troubles.append(Trouble(method, ending, trouble, executed))
        ship = (await fly(game, ship, goal)).ship
        assert (ship.waypoint, ship.status) == (goal, NavStatus.IN_ORBIT)
        assert flights(sandbox) == 1
        assert sandbox.line.sent.count("GET LAB-1") == 1
        assert await moves.dock(game, ship)

    sandbox.play(scene)


def test_a_lost_flight_that_takes_effect_late_is_found_and_not_flown_twice() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        goal = by_distance(sandbox, ship)[20].symbol
        late = asyncio.Event()

        class Late(httpx2.AsyncBaseTransport):
            """The request is on its way while the client gives up, and lands before the next one."""

            async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
                if request.url.path.endswith("/navigate") and not late.is_set():
                    late.set()
                    self.held = request
                    raise LOST
                if request.url.path.endswith("/navigate"):
                    await sandbox.line.handle_async_request(self.held)
                return await sandbox.line.handle_async_request(request)

        token = sandbox.universe.agents["LAB"].token
        client = GameClient(BASE_URL, token, clock=sandbox.clock, limiter=sandbox.limiter, transport=Late())
        ship = (await fly(Game(client, sandbox.clock, waypoints=game.waypoints), ship, goal)).ship
        assert (ship.waypoint, state(sandbox, ship).waypoint) == (goal, goal)
        assert flights(sandbox) == 1

    sandbox.play(scene)


def test_a_step_that_is_never_answered_is_given_up() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        sandbox.line.troubles.append(Trouble("POST", "/navigate", LOST, times=99))
        with pytest.raises(GameUnreachable):
            await fly(game, ship, by_distance(sandbox, ship)[3].symbol)
        assert sandbox.line.sent.count("POST navigate") == 4

    sandbox.play(scene)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_lost_on_the_way_the_ship_returned_is_the_ship_that_the_game_has(seed: int) -> None:
    sandbox, random = home("SHIP_MINING_DRONE"), Random(seed)
    steps = [("POST", "/navigate"), ("POST", "/orbit"), ("PATCH", "/nav"), ("POST", "/dock"), ("POST", "/refuel")]
    answers = [LOST, httpx2.ConnectError("x"), httpx2.Response(500), httpx2.Response(201, text="<html>")]

    async def scene(game: Game, ship: Ship) -> None:
        for _ in range(8):
            for step in random.sample(steps, 2):
                answer = random.choice(answers)
                executed = random.random() < 0.5 and not isinstance(answer, httpx2.ConnectError)
                sandbox.line.troubles.append(Trouble(*step, answer, executed))
            purse = sandbox.universe.agents["LAB"].credits
            goal = random.choice(by_distance(sandbox, ship)[:40]).symbol
            outcome = await fly(game, ship, goal)
            ship = outcome.ship
            assert ship.waypoint == goal
            assert ship == replace(await reads.get_ship(game.client, ship.symbol), arrival=ship.arrival)
            assert outcome.fuel_credits == purse - sandbox.universe.agents["LAB"].credits

    sandbox.play(scene)


# --- fuel ----------------------------------------------------------------------------------------------------------


def test_a_small_tank_is_filled_on_the_way_where_fuel_was_made_sure_of() -> None:
    sandbox = home("SHIP_MINING_DRONE")

    async def scene(game: Game, ship: Ship) -> None:
        far = by_distance(sandbox, ship)[60]
        for waypoint in (leg.origin for leg in (await planned_route(game, ship, far.symbol)).legs if leg.refuel_before):
            sandbox.stop_selling_fuel(waypoint)
        start = ship.waypoint
        outcome = await fly(game, ship, far.symbol)
        stops = [entry.waypoint for entry in sandbox.universe.ledger if entry.kind == "REFUEL"]
        assert stops
        assert sandbox.played["POST /my/ships/{ship}/refuel"] == len(stops)  # none was tried in vain
        assert all(game.sells_fuel[waypoint] for waypoint in stops)
        assert False in game.sells_fuel.values()
        assert outcome.fuel_credits == 175_000 - sandbox.universe.agents["LAB"].credits > 0
        sandbox.line.sent.clear()
        await fly(game, outcome.ship, start)
        again = sandbox.line.sent.count("GET market")
        assert again <= 2  # what is known of a market is not asked again

    sandbox.play(scene)


def test_a_market_that_turns_out_to_sell_no_fuel_is_remembered_and_passed_over() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        state(sandbox, ship).fuel = 30
        sandbox.stop_selling_fuel(ship.waypoint)
        start, goal = ship.waypoint, by_distance(sandbox, ship)[20].symbol
        ship = (await fly(game, replace(ship, fuel=30), goal)).ship
        assert ship.waypoint == goal
        assert game.sells_fuel[start] is False

    sandbox.play(scene)


def test_other_refusals_of_fuel_are_raised() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        no_credits = httpx2.Response(400, json={"error": {"message": "no", "code": 4600, "data": {}}})
        sandbox.line.troubles.append(Trouble("POST", "/refuel", no_credits))
        with pytest.raises(GameError) as refused:
            await fly(game, replace(ship, fuel=1), by_distance(sandbox, ship)[20].symbol)
        assert refused.value.code == 4600

    sandbox.play(scene)


def test_where_no_fuel_is_sold_enough_is_kept_to_drift_away() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        dry = next(w for w in by_distance(sandbox, ship) if not w.has_market)
        start = next(w for w in sandbox.places if w.symbol == ship.waypoint)
        tank = max(1, round(length(start, dry)))  # just enough to cruise there
        state(sandbox, ship).fuel = tank
        game.sells_fuel[ship.waypoint] = False
        ship = (await fly(game, replace(ship, fuel=tank), dry.symbol)).ship
        assert ship.fuel >= 1

    sandbox.play(scene)


def test_preferences_reach_the_planner() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        goal = by_distance(sandbox, ship)[10].symbol
        cheap = replace(game, preference=Preference.CHEAPEST)
        assert (await fly(cheap, ship, goal)).ship.fuel == ship.fuel - 1

    sandbox.play(scene)


# --- where there is no way -----------------------------------------------------------------------------------------


def test_no_way_leads_to_another_system_an_unknown_place_or_anywhere_on_an_empty_tank() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        for goal in ("X1-ELSEWHERE-A1", f"{ship.system}-ZZ99"):
            with pytest.raises(Unreachable):
                await fly(game, ship, goal)
        game.sells_fuel[ship.waypoint] = False
        with pytest.raises(Unreachable, match="the tank is empty"):
            await fly(game, replace(ship, fuel=0), by_distance(sandbox, ship)[3].symbol)
        assert sandbox.line.sent == []

    sandbox.play(scene)

"""Journeys from system to system on the real sandbox: gates, antimatter, cooldowns, and what stands in the way."""

from dataclasses import replace
from random import Random

import httpx2
import pytest

from spacetraders_lab.core.errors import GameError
from spacetraders_lab.core.routing import Preference, Unreachable
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.game import moves, reads
from spacetraders_lab.game.game import Game
from tests.game.journeys import fly, home
from tests.game.sandbox import Sandbox, Trouble


def galaxy(systems: int = 3, **settings: object) -> Sandbox:
    return home(systems=systems, **settings)


def gate_of(sandbox: Sandbox, system: str) -> str:
    return next(w.symbol for w in sandbox.universe.systems[system].waypoints.values() if w.type == "JUMP_GATE")


def market_in(sandbox: Sandbox, system: str) -> str:
    gate = gate_of(sandbox, system)
    return next(m for m in sandbox.universe.systems[system].markets if m != gate)


def far(sandbox: Sandbox, ship: Ship) -> str:
    """A system that several jumps lead to, or one where all are neighbours."""
    connected = {gate.rpartition("-")[0] for gate in sandbox.universe.galaxy.gates[gate_of(sandbox, ship.system)]}
    others = [system for system in sandbox.universe.systems if system != ship.system]
    return next((system for system in others if system not in connected), others[-1])


def jumps(sandbox: Sandbox) -> int:
    return sum(entry.kind == "JUMP" for entry in sandbox.universe.ledger)


def under_construction(sandbox: Sandbox, system: str) -> str:
    """Make the gate of a system one that is still being built."""
    gate = gate_of(sandbox, system)
    places = sandbox.universe.systems[system].waypoints
    places[gate] = replace(places[gate], is_under_construction=True)
    return gate


def test_a_ship_reaches_a_waypoint_of_another_system() -> None:
    sandbox = galaxy()

    async def scene(game: Game, ship: Ship) -> None:
        goal = market_in(sandbox, far(sandbox, ship))
        purse = sandbox.universe.agents["LAB"].credits
        done = await fly(game, ship, goal)
        assert (done.ship.waypoint, done.ship.status) == (goal, NavStatus.IN_ORBIT)
        assert done.ship == replace(await reads.get_ship(game.client, ship.symbol), arrival=done.ship.arrival)
        assert jumps(sandbox) == 1
        assert done.fuel_credits == purse - sandbox.universe.agents["LAB"].credits > 0
        assert done.credits == sandbox.universe.agents["LAB"].credits

    sandbox.play(scene)


def test_each_jump_waits_for_the_cooldown_without_asking() -> None:
    sandbox = galaxy(9)

    async def scene(game: Game, ship: Ship) -> None:
        goal = far(sandbox, ship)
        done = await fly(game, ship, gate_of(sandbox, goal))
        assert done.ship.system == goal
        assert jumps(sandbox) == 2
        assert sandbox.played["POST /my/ships/{ship}/jump"] == 2  # none was tried in vain
        first, second = (e.timestamp for e in sandbox.universe.ledger if e.kind == "JUMP")
        assert (second - first).total_seconds() >= 60
        assert sandbox.played["GET /my/ships/{ship}/cooldown"] == 0

    sandbox.play(scene)


def detour(sandbox: Sandbox, ship: Ship) -> tuple[str, int]:
    """A gate two jumps away, after the system between has been moved so far off that three jumps are faster."""
    gates = sandbox.universe.galaxy.gates
    start = gate_of(sandbox, ship.system)
    for system in sandbox.universe.systems:
        move(sandbox, system, 0)
    goal = gate_of(sandbox, far(sandbox, ship))
    for between in set(gates[start]) & set(gates[goal]):
        move(sandbox, between.rpartition("-")[0], 1_000)
    return goal, len(set(gates[start]) & set(gates[goal]))


def move(sandbox: Sandbox, system: str, x: int) -> None:
    sandbox.universe.systems[system] = replace(sandbox.universe.systems[system], x=x, y=0)


@pytest.mark.parametrize(
    ("preference", "jumps_made"),
    [(Preference.FASTEST, 3), (Preference.CHEAPEST, 2), (Preference.FEWEST_REQUESTS, 2)],
)
def test_more_jumps_are_made_where_their_cooldowns_are_shorter_and_time_counts(
    preference: Preference, jumps_made: int
) -> None:
    sandbox = galaxy(9)

    async def scene(game: Game, ship: Ship) -> None:
        goal, ways = detour(sandbox, ship)
        assert ways
        done = await fly(replace(game, preference=preference), ship, goal)
        assert (done.ship.waypoint, jumps(sandbox)) == (goal, jumps_made)
        first, *_, last = (e.timestamp for e in sandbox.universe.ledger if e.kind == "JUMP")
        assert ((last - first).total_seconds() < 1_000) is (preference is Preference.FASTEST)
        asked = sandbox.played["GET /systems/{system}"]
        assert (asked == 0) is (preference is Preference.FEWEST_REQUESTS)

    sandbox.play(scene)


def test_a_neighbour_is_jumped_to_for_two_requests_more_than_the_jump() -> None:
    sandbox = galaxy(9)

    async def scene(game: Game, ship: Ship) -> None:
        await fly(game, ship, sandbox.universe.galaxy.gates[gate_of(sandbox, ship.system)][0])
        assert sandbox.played["GET /systems/{system}"] == 0
        assert sandbox.played["GET /systems/{system}/waypoints/{waypoint}"] == 1
        assert sandbox.played["GET /systems/{system}/waypoints/{waypoint}/jump-gate"] == 1

    sandbox.play(scene)


def test_a_way_that_is_known_is_not_asked_for_again() -> None:
    sandbox = galaxy()

    async def scene(game: Game, ship: Ship) -> None:
        there, back = gate_of(sandbox, far(sandbox, ship)), gate_of(sandbox, ship.system)
        ship = (await fly(game, ship, there)).ship
        ship = (await fly(game, ship, back)).ship
        read = sandbox.played["GET /systems/{system}/waypoints/{waypoint}/jump-gate"]
        await fly(game, ship, there)
        assert sandbox.played["GET /systems/{system}/waypoints/{waypoint}/jump-gate"] == read
        assert jumps(sandbox) == 3

    sandbox.play(scene)


def test_a_gate_under_construction_is_gone_round() -> None:
    sandbox = galaxy(7)

    async def scene(game: Game, ship: Ship) -> None:
        goal = far(sandbox, ship)
        neighbours = sandbox.universe.galaxy.gates[gate_of(sandbox, ship.system)]
        between = [g for g in neighbours if g in sandbox.universe.galaxy.gates[gate_of(sandbox, goal)]]
        under_construction(sandbox, between[0].rpartition("-")[0])
        done = await fly(game, ship, gate_of(sandbox, goal))
        assert done.ship.system == goal
        assert sandbox.played["POST /my/ships/{ship}/jump"] == jumps(sandbox)

    sandbox.play(scene)


def test_a_goal_whose_gate_is_under_construction_is_out_of_reach_and_nothing_is_flown() -> None:
    sandbox = galaxy()

    async def scene(game: Game, ship: Ship) -> None:
        goal = far(sandbox, ship)
        gate = under_construction(sandbox, goal)
        with pytest.raises(Unreachable, match=f"under construction are in the way .*{gate}"):
            await fly(game, ship, market_in(sandbox, goal))
        assert not [request for request in sandbox.line.sent if request.startswith("POST")]

    sandbox.play(scene)


def test_from_a_system_whose_own_gate_is_being_built_nothing_leads_away() -> None:
    sandbox = home()

    async def scene(game: Game, ship: Ship) -> None:
        with pytest.raises(Unreachable, match="under construction"):
            await fly(game, ship, "X1-ELSE-A1")

    sandbox.play(scene)


def test_a_system_without_a_gate_is_left_by_nobody() -> None:
    sandbox = galaxy()

    async def scene(game: Game, ship: Ship) -> None:
        game.waypoints[ship.system] = (Waypoint(ship.waypoint, "PLANET", 0, 0),)
        with pytest.raises(Unreachable, match="has no jump gate"):
            await fly(game, ship, "X1-ELSE-A1")

    sandbox.play(scene)


def test_a_system_that_no_gate_leads_to_is_out_of_reach() -> None:
    sandbox = galaxy()

    async def scene(game: Game, ship: Ship) -> None:
        with pytest.raises(Unreachable, match="no charted jump gates lead there"):
            await fly(game, ship, "X1-ELSE-A1")

    sandbox.play(scene)


def test_a_gate_that_nobody_has_charted_leads_nowhere() -> None:
    sandbox = galaxy()
    uncharted = httpx2.Response(400, json={"error": {"message": "no", "code": 4001, "data": {}}})

    async def scene(game: Game, ship: Ship) -> None:
        sandbox.line.troubles.append(Trouble("GET", "/jump-gate", uncharted, times=9))
        with pytest.raises(Unreachable, match="no charted jump gates lead there"):
            await fly(game, ship, market_in(sandbox, far(sandbox, ship)))

    sandbox.play(scene)


def test_a_cooldown_that_was_not_known_of_is_waited_for_as_the_game_says() -> None:
    sandbox = galaxy()

    async def scene(game: Game, ship: Ship) -> None:
        home_system = ship.system
        ship = (await fly(game, ship, gate_of(sandbox, far(sandbox, ship)))).ship
        game.cooldowns.clear()  # another process flew the ship here
        ship = (await fly(game, ship, gate_of(sandbox, home_system))).ship
        assert ship.system == home_system
        assert sandbox.played["POST /my/ships/{ship}/jump"] == 3

    sandbox.play(scene)


def test_without_credits_for_antimatter_the_games_no_is_raised() -> None:
    sandbox = galaxy()

    async def scene(game: Game, ship: Ship) -> None:
        goal, gate = gate_of(sandbox, far(sandbox, ship)), gate_of(sandbox, ship.system)
        ship = (await fly(game, ship, gate)).ship
        sandbox.universe.agents["LAB"].credits = 0
        with pytest.raises(GameError) as refused:
            await fly(game, ship, goal)
        assert refused.value.code == 4600

    sandbox.play(scene)


@pytest.mark.parametrize("seed", range(4))
def test_a_jump_whose_answer_was_lost_is_made_once(seed: int) -> None:
    sandbox, random = galaxy(), Random(seed)

    async def scene(game: Game, ship: Ship) -> None:
        answer = random.choice([httpx2.ReadTimeout("x"), httpx2.Response(500), httpx2.Response(201, text="<html>")])
        sandbox.line.troubles.append(Trouble("POST", "/jump", answer, executed=seed % 2 == 0))
        goal = gate_of(sandbox, far(sandbox, ship))
        ship = (await fly(game, ship, goal)).ship
        assert ship.waypoint == goal
        assert jumps(sandbox) == 1

    sandbox.play(scene)


def refused_jump(sandbox: Sandbox, cooldown: object, times: int) -> Trouble:
    no = {"error": {"message": "on cooldown", "code": 4000, "data": {"cooldown": cooldown}}}
    trouble = Trouble("POST", "jump", httpx2.Response(409, json=no), times=times)
    sandbox.line.troubles.append(trouble)
    return trouble


@pytest.mark.parametrize("cooldown", [None, {}, {"remainingSeconds": None}, {"remainingSeconds": "soon"}])
def test_a_cooldown_of_unknown_length_is_waited_for_and_a_few_times_at_most(cooldown: object) -> None:
    sandbox = galaxy()

    async def scene(game: Game, ship: Ship) -> None:
        ship = (await fly(game, ship, gate_of(sandbox, ship.system))).ship
        gate = sandbox.universe.galaxy.gates[ship.waypoint][0]
        refused_jump(sandbox, cooldown, 2)
        began = game.clock.now()
        there = (await moves.jump(game, ship, gate)).ship
        assert there.waypoint == gate
        assert 180 <= (game.clock.now() - began).total_seconds() < 185
        game.cooldowns.clear()
        trouble = refused_jump(sandbox, cooldown, 100)
        with pytest.raises(GameError, match="on cooldown"):
            await moves.jump(game, there, ship.waypoint)
        assert trouble.times == 95

    sandbox.play(scene)

"""Flying over the API: durations, fuel, states, flight modes, jumps, and the refusals on the way."""

from datetime import datetime, timedelta

import pytest

from spacetraders_lab.core.travel import FlightMode, distance, fuel_cost, travel_seconds
from tests.sandbox.player import Player


@pytest.fixture
def player() -> Player:
    return Player(profile="lab")


def places(player: Player) -> list[str]:
    return list(player.universe.home.waypoints)


def moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def test_a_flight_takes_the_seconds_and_the_fuel_of_the_formulas(player):
    home = player.universe.home.waypoints
    here, there = (home[symbol] for symbol in places(player)[:2])
    length = distance(here.x, here.y, there.x, there.y)
    player.post(f"{player.ship_path}/orbit")
    reply = player.post(f"{player.ship_path}/navigate", {"waypointSymbol": there.symbol})
    route = reply["nav"]["route"]
    assert reply["nav"]["status"] == "IN_TRANSIT"
    assert reply["nav"]["waypointSymbol"] == there.symbol
    assert (route["origin"]["symbol"], route["destination"]["symbol"]) == (here.symbol, there.symbol)
    assert route["departure"] == route["origin"]
    flown = moment(route["arrival"]) - moment(route["departureTime"])
    assert flown == timedelta(seconds=travel_seconds(length, 36, FlightMode.CRUISE))
    assert reply["fuel"] == {
        "current": 400 - fuel_cost(length, FlightMode.CRUISE),
        "capacity": 400,
        "consumed": {"amount": fuel_cost(length, FlightMode.CRUISE), "timestamp": "2026-03-01T12:00:00.000Z"},
    }


def test_a_ship_arrives_in_orbit_at_its_time_and_not_before(player):
    player.post(f"{player.ship_path}/orbit")
    reply = player.post(f"{player.ship_path}/navigate", {"waypointSymbol": places(player)[3]})
    flown = moment(reply["nav"]["route"]["arrival"]) - player.clock.now()
    player.clock.advance(flown.total_seconds() - 0.001)
    status, code, data = player.refusal("POST", f"{player.ship_path}/dock")
    assert (status, code) == (400, 4214)
    assert data == {
        "departureSymbol": places(player)[0],
        "destinationSymbol": places(player)[3],
        "arrival": reply["nav"]["route"]["arrival"],
        "departureTime": "2026-03-01T12:00:00.000Z",
        "secondsToArrival": 1,
    }
    assert player.get(f"{player.ship_path}/nav")["status"] == "IN_TRANSIT"
    player.clock.advance(0.001)
    assert player.get(f"{player.ship_path}/nav")["status"] == "IN_ORBIT"
    assert player.post(f"{player.ship_path}/dock")["nav"]["status"] == "DOCKED"


def test_docking_and_orbiting_twice_change_nothing(player):
    for _ in range(2):
        assert player.post(f"{player.ship_path}/dock")["nav"]["status"] == "DOCKED"
    for _ in range(2):
        assert player.post(f"{player.ship_path}/orbit")["nav"]["status"] == "IN_ORBIT"
    assert [entry.kind for entry in player.universe.ledger] == ["REGISTER", "REGISTER", "ORBIT"]


@pytest.mark.parametrize("speed", [1, 3, 250.0, 10_000])
def test_flights_take_their_share_of_wall_time_to_the_millisecond(speed):
    player = Player(profile="lab", speed=speed)
    assert player.send("GET", "/").headers["x-sandbox-speed"] == f"{speed:g}"
    for _ in range(5):
        here, there = (places(player)[1], places(player)[0])[:: 1 if player.ship.waypoint == places(player)[1] else -1]
        player.post(f"{player.ship_path}/orbit")
        reply = player.post(f"{player.ship_path}/navigate", {"waypointSymbol": there})
        route = reply["nav"]["route"]
        a, b = (player.universe.home.waypoints[x] for x in (here, there))
        wall = travel_seconds(distance(a.x, a.y, b.x, b.y), 36, FlightMode.CRUISE) / speed
        flown = (moment(route["arrival"]) - moment(route["departureTime"])).total_seconds()
        assert flown == pytest.approx(wall, abs=0.0006)
        assert moment(route["departureTime"]) <= player.clock.now()
        player.clock.time = moment(route["arrival"])
        player.ship.fuel = 400


def test_a_probe_flies_free():
    player = Player(profile="lab", ships=("SHIP_PROBE",))
    player.post(f"{player.ship_path}/orbit")
    reply = player.post(f"{player.ship_path}/navigate", {"waypointSymbol": places(player)[2]})
    assert (reply["fuel"]["current"], reply["fuel"]["capacity"]) == (0, 0)


def test_flight_modes_change_pace_and_fuel(player):
    home = player.universe.home.waypoints
    a, b = (home[x] for x in places(player)[:2])
    length = distance(a.x, a.y, b.x, b.y)
    for mode in FlightMode:
        player.ship.fuel, player.ship.waypoint = 400, a.symbol
        player.patch(f"{player.ship_path}/nav", {"flightMode": mode})
        player.post(f"{player.ship_path}/orbit")
        reply = player.post(f"{player.ship_path}/navigate", {"waypointSymbol": b.symbol})
        route = reply["nav"]["route"]
        flown = moment(route["arrival"]) - moment(route["departureTime"])
        assert reply["nav"]["flightMode"] == mode
        assert flown.total_seconds() == travel_seconds(length, 36, mode)
        assert reply["fuel"]["consumed"]["amount"] == fuel_cost(length, mode)
        player.clock.time = moment(route["arrival"])


def test_speeding_up_in_transit_shortens_what_is_left_and_costs_fuel(player):
    player.post(f"{player.ship_path}/orbit")
    reply = player.post(f"{player.ship_path}/navigate", {"waypointSymbol": places(player)[4]})
    arrival = moment(reply["nav"]["route"]["arrival"])
    player.clock.advance((arrival - player.clock.now()).total_seconds() / 2)
    left = (arrival - player.clock.now()).total_seconds()
    reply = player.patch(f"{player.ship_path}/nav", {"flightMode": "BURN"})
    now_left = (moment(reply["nav"]["route"]["arrival"]) - player.clock.now()).total_seconds()
    assert 0.4 * left < now_left < 0.7 * left
    assert reply["fuel"]["current"] < 400 - 116 - 50
    assert player.refusal("PATCH", f"{player.ship_path}/nav", {"flightMode": "CRUISE"})[1] == 4269


@pytest.mark.parametrize("steps", [("CRUISE", "BURN"), ("STEALTH", "CRUISE", "BURN")])
def test_speeding_up_step_by_step_costs_and_gains_as_much_as_at_once(steps):
    def flown(modes: tuple[str, ...], *, apart: float = 0.0) -> tuple[int, float]:
        """Fuel left, and seconds left at the last change, of a flight that is sped up half-way."""
        one = Player()
        one.patch(f"{one.ship_path}/nav", {"flightMode": "DRIFT"})
        one.post(f"{one.ship_path}/orbit")
        one.post(f"{one.ship_path}/navigate", {"waypointSymbol": places(one)[4]})
        one.clock.advance((one.ship.flight.arrival - one.clock.now()).total_seconds() / 2)
        for mode in modes:
            reply = one.patch(f"{one.ship_path}/nav", {"flightMode": mode})
            one.clock.advance(apart)
        return reply["fuel"]["current"], (one.ship.flight.arrival - one.clock.now()).total_seconds()

    once, stepwise = flown(("BURN",)), flown(steps)
    assert abs(once[0] - stepwise[0]) <= 1  # each step is rounded
    assert abs(once[1] - stepwise[1]) < 0.01
    assert flown(steps, apart=60.0)[0] > once[0]  # what was flown slower is paid slower


def test_an_empty_or_unknown_flight_mode(player):
    assert player.patch(f"{player.ship_path}/nav", {})["nav"]["flightMode"] == "CRUISE"
    assert player.refusal("PATCH", f"{player.ship_path}/nav", {"flightMode": "WALK"})[:2] == (422, 3001)


def test_flights_that_are_refused(player):
    here, there = places(player)[:2]
    navigate = f"{player.ship_path}/navigate"
    assert player.refusal("POST", navigate, {"waypointSymbol": there})[1:] == (4236, {"waypointSymbol": here})
    player.post(f"{player.ship_path}/orbit")
    assert player.refusal("POST", navigate, {"waypointSymbol": here})[1:] == (
        4204,
        {"shipSymbol": "TESTER-1", "destinationSymbol": here},
    )
    assert player.refusal("POST", navigate, {"waypointSymbol": "X1-NO-A1"})[1] == 4201
    assert player.refusal("POST", navigate, {"waypointSymbol": ""})[1] == 4201
    player.ship.fuel = 3
    status, code, data = player.refusal("POST", navigate, {"waypointSymbol": there})
    assert (status, code, data["fuelAvailable"]) == (400, 4203, 3)
    assert data["fuelRequired"] > 40
    assert player.ship.fuel == 3
    player.ship.fuel = 400
    player.post(navigate, {"waypointSymbol": there})
    assert player.refusal("POST", navigate, {"waypointSymbol": here})[1] == 4214
    assert player.refusal("POST", f"{player.ship_path}/orbit")[1] == 4214


def crossing() -> tuple[Player, str, str]:
    """A frigate in orbit at the gate of a galaxy of five: the player, this gate and one that it reaches."""
    player = Player(systems=5)
    gate = next(w.symbol for w in player.universe.home.waypoints.values() if w.type == "JUMP_GATE")
    player.ship.waypoint = gate
    player.post(f"{player.ship_path}/orbit")
    return player, gate, player.universe.galaxy.gates[gate][0]


def test_a_jump_is_instant_costs_antimatter_and_cools_down():
    player, gate, other = crossing()
    market = player.universe.home.markets[gate]
    price, stock = market.quote("ANTIMATTER").ask, market.listings["ANTIMATTER"].stock
    shown = player.get(f"/systems/{player.universe.home.symbol}/waypoints/{gate}/jump-gate")
    assert other in shown["connections"]
    reply = player.post(f"{player.ship_path}/jump", {"waypointSymbol": other})
    assert reply["nav"]["status"] == "IN_ORBIT"
    assert reply["nav"]["waypointSymbol"] == other
    assert reply["nav"]["systemSymbol"] == other.rpartition("-")[0]
    assert reply["transaction"]["pricePerUnit"] == price
    assert reply["agent"]["credits"] == 175_000 - price
    assert market.listings["ANTIMATTER"].stock == stock - 1
    cooldown = reply["cooldown"]
    assert cooldown["totalSeconds"] == cooldown["remainingSeconds"] >= 60
    assert player.get(f"{player.ship_path}/cooldown") == cooldown
    status, code, data = player.refusal("POST", f"{player.ship_path}/jump", {"waypointSymbol": gate})
    assert (status, code, data["cooldown"]) == (409, 4000, cooldown)
    player.clock.advance(cooldown["totalSeconds"])
    assert player.send("GET", f"{player.ship_path}/cooldown").status_code == 204
    assert player.get(player.ship_path)["cooldown"]["remainingSeconds"] == 0
    assert player.post(f"{player.ship_path}/jump", {"waypointSymbol": gate})["nav"]["waypointSymbol"] == gate


def test_a_ship_trades_and_flies_where_it_jumped_to():
    player, _, other = crossing()
    player.post(f"{player.ship_path}/jump", {"waypointSymbol": other})
    shown = player.get(player.market_path(other))
    assert {x["symbol"] for x in shown["tradeGoods"]} == {"ANTIMATTER", "FUEL"}
    system = player.universe.systems[other.rpartition("-")[0]]
    stop = next(
        w
        for w in system.waypoints.values()
        if w.type == "FUEL_STATION" and "ANTIMATTER" in system.markets[w.symbol].listings
    )
    player.fly(stop.symbol)
    assert player.post(f"{player.ship_path}/refuel")["fuel"]["current"] == 400
    assert (
        player.refusal("POST", f"{player.ship_path}/navigate", {"waypointSymbol": player.agent.headquarters})[1] == 4202
    )


def test_jumps_that_are_refused():
    player, gate, other = crossing()
    jump = f"{player.ship_path}/jump"
    assert player.refusal("POST", jump, {"waypointSymbol": "X1-NO-A1"})[1] == 4255
    assert player.refusal("POST", jump, {"waypointSymbol": gate})[1] == 4255
    player.agent.credits = 1
    assert player.refusal("POST", jump, {"waypointSymbol": other})[1] == 4600
    player.post(f"{player.ship_path}/dock")
    assert player.refusal("POST", jump, {"waypointSymbol": other})[1] == 4236
    player.ship.waypoint = player.agent.headquarters
    player.post(f"{player.ship_path}/orbit")
    assert player.refusal("POST", jump, {"waypointSymbol": other})[1] == 4254


def test_a_gate_under_construction_takes_nobody():
    player = Player()
    gate = next(w.symbol for w in player.universe.home.waypoints.values() if w.type == "JUMP_GATE")
    player.ship.waypoint = gate
    player.post(f"{player.ship_path}/orbit")
    assert player.refusal("POST", f"{player.ship_path}/jump", {"waypointSymbol": gate})[1] == 4256
    path = f"/systems/{player.universe.home.symbol}/waypoints/{gate}"
    assert player.get(f"{path}/jump-gate") == {"symbol": gate, "connections": []}
    assert player.get(f"{path}/construction")["isComplete"] is False
    assert player.get(path)["isUnderConstruction"] is True

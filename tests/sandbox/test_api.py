"""The API's manners: envelopes, pages, tokens, who sees prices, bad requests, what is not played."""

import base64
import json
import math
import re
from datetime import timedelta
from typing import Any

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.sandbox.api import create_app
from spacetraders_lab.sandbox.error_codes import ERROR_CODES
from spacetraders_lab.sandbox.goods import RECIPES
from spacetraders_lab.sandbox.routes import NOT_PLAYED, PLAYED
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from tests.sandbox.player import START, Player

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def player() -> Player:
    """In a home system; the tests that use it change nothing that others look at."""
    return Player()


@pytest.fixture(scope="module")
def home(player: Player) -> str:
    return f"/systems/{player.universe.home.symbol}"


# Envelopes and pages.


def test_replies_are_wrapped_in_data_and_lists_have_meta(player):
    one = player.send("GET", "/my/agent").json()
    assert set(one) == {"data"}
    many = player.send("GET", "/my/ships").json()
    assert set(many) == {"data", "meta"}
    assert many["meta"] == {"total": 2, "page": 1, "limit": 10}


def test_pages_hold_every_item_once_and_end_with_an_empty_one(player, home):
    total = len(player.universe.home.waypoints)
    seen, page = [], 0
    while True:
        page += 1
        reply = player.send("GET", f"{home}/waypoints", params={"page": page, "limit": 20}).json()
        assert reply["meta"] == {"total": total, "page": page, "limit": 20}
        if not reply["data"]:
            break
        seen += [x["symbol"] for x in reply["data"]]
    assert page == -(-total // 20) + 1
    assert seen == list(player.universe.home.waypoints)


@pytest.mark.parametrize(
    "query",
    [{"limit": "21"}, {"limit": "0"}, {"page": "0"}, {"page": "-1"}, {"limit": "ten"}, {"page": "1.5"}, {"page": ""}],
)
def test_pages_outside_the_bounds_are_refused(player, query):
    for path in ("/systems", "/my/ships", "/agents", "/factions", "/my/contracts"):
        status, code, data = player.refusal("GET", path, params=query)
        assert (status, code) == (422, 3001)
        assert data["zodIssues"][0]["path"] == list(query)


def test_a_number_too_long_for_the_machine_is_only_bad_input(player):
    assert player.refusal("GET", "/systems", params={"page": "9" * 5000})[:2] == (422, 3001)


def test_waypoints_are_filtered_by_type_and_by_all_traits_asked_for(player, home):
    def symbols(query: Any) -> set[str]:
        return {x["symbol"] for x in player._data(player.send("GET", f"{home}/waypoints", params=query))}

    places = player.universe.home.waypoints.values()
    assert symbols({"type": "GAS_GIANT"}) == {x.symbol for x in places if x.type == "GAS_GIANT"}
    assert symbols({"traits": "SHIPYARD"}) == set(player.universe.home.shipyards)
    both = [("traits", "SHIPYARD"), ("traits", "INDUSTRIAL"), ("limit", "20")]
    assert symbols(both) == {x.symbol for x in places if {"SHIPYARD", "INDUSTRIAL"} <= x.traits} != set()
    assert symbols({"type": "NEBULA"}) == set()
    for query in ({"type": "CASTLE"}, {"traits": "HAUNTED"}):
        assert player.refusal("GET", f"{home}/waypoints", params=query)[:2] == (422, 3001)


def test_orbitals_are_listed_at_their_parent_and_name_it(player, home):
    for system in player.get("/systems"):
        places = {x["symbol"]: x for x in system["waypoints"]}
        for place in places.values():
            for orbital in place["orbitals"]:
                assert places[orbital["symbol"]]["orbits"] == place["symbol"]
            if "orbits" in place:
                assert {"symbol": place["symbol"]} in places[place["orbits"]]["orbitals"]


# Who sees what.


def test_prices_and_transactions_are_seen_only_with_a_ship_there():
    player = Player(ships=("SHIP_COMMAND_FRIGATE",))
    here, there = list(player.universe.home.markets)[:2]
    shown, hidden = (player.get(player.market_path(x)) for x in (here, there))
    assert {"symbol", "exports", "imports", "exchange", "transactions", "tradeGoods"} == set(shown)
    assert {"symbol", "exports", "imports", "exchange"} == set(hidden)
    assert "tradeGoods" not in player._data(
        player.send("GET", player.market_path(here), headers={"authorization": None})
    )
    yard = f"/systems/{player.universe.home.symbol}/waypoints/{there}/shipyard"
    assert set(player.get(yard)) == {"symbol", "shipTypes", "modificationsFee"}
    player.post(f"{player.ship_path}/orbit")
    assert "tradeGoods" in player.get(player.market_path(here))
    player.post(f"{player.ship_path}/navigate", {"waypointSymbol": there})
    assert "tradeGoods" not in player.get(player.market_path(here))
    assert "tradeGoods" not in player.get(player.market_path(there))
    player.clock.time = player.ship.flight.arrival
    assert "tradeGoods" in player.get(player.market_path(there))
    assert "ships" in player.get(yard)


def test_an_exchange_has_no_activity_and_the_others_have(player):
    shown = player.get(player.market_path(player.ship.waypoint))["tradeGoods"]
    assert {"FUEL"} == {x["symbol"] for x in shown if x["type"] == "EXCHANGE"}
    for good in shown:
        assert ("activity" in good) == (good["type"] != "EXCHANGE")
        assert all(isinstance(good[key], int) for key in ("tradeVolume", "purchasePrice", "sellPrice"))


def test_other_agents_ships_are_not_to_be_found(player):
    assert player.refusal("GET", "/my/ships/SOMEBODY-1")[:2] == (404, 404)
    assert player.refusal("POST", "/my/ships/SOMEBODY-1/dock")[:2] == (404, 404)


def test_two_agents_share_a_universe():
    player = Player(profile="lab", seed=3)
    other = {"authorization": "Bearer an-account"}
    token = player._data(player.send("POST", "/register", json={"symbol": "OTHER", "faction": "VOID"}, headers=other))[
        "token"
    ]
    good = next(iter(player.universe.home.markets[player.ship.waypoint].listings))
    player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": 3})
    reply = player.send("GET", player.market_path(player.ship.waypoint), headers={"authorization": f"Bearer {token}"})
    assert [t["shipSymbol"] for t in reply.json()["data"]["transactions"]] == ["TESTER-1"]
    assert [x["symbol"] for x in player.get("/agents")] == ["TESTER", "OTHER"]
    assert all("accountId" not in x for x in player.get("/agents"))
    assert player.get("/agents/other")["startingFaction"] == "VOID"


# Registration and tokens.


def register(player: Player, body: Any, token: str | None = "account") -> tuple[int, int, dict[str, Any]]:
    headers = {"authorization": token and f"Bearer {token}"}
    return player.refusal("POST", "/register", body, headers=headers)


def test_registration_gives_token_agent_faction_contract_and_ships(player):
    headers = {"authorization": "Bearer account"}
    reply = player.send("POST", "/register", json={"symbol": "newcomer", "faction": "LORDS"}, headers=headers)
    assert reply.status_code == 201
    data = reply.json()["data"]
    assert set(data) == {"token", "agent", "faction", "contract", "ships", "ship"}
    assert data["ship"] == data["ships"][0]
    assert [x["registration"]["role"] for x in data["ships"]] == ["COMMAND", "SATELLITE"]
    assert data["agent"]["symbol"] == "NEWCOMER"
    assert data["agent"]["credits"] == 175_000
    assert data["ships"][0]["nav"]["waypointSymbol"] == data["agent"]["headquarters"]
    assert data["ships"][1]["nav"]["waypointSymbol"] in player.universe.home.shipyards
    assert data["ships"][0]["cargo"]["capacity"] == 40
    assert data["ships"][0]["fuel"] == {"current": 400, "capacity": 400}
    claims = json.loads(base64.urlsafe_b64decode(data["token"].split(".")[1] + "=="))
    assert claims["reset_date"] == player.get("/")["resetDate"] == "2026-03-01"
    assert claims["identifier"] == "NEWCOMER"


@pytest.mark.parametrize("symbol", ["ab", "x" * 15, "white space", "ünïcode", "", 7, None])
def test_call_signs_that_are_refused(player, symbol):
    assert register(player, {"symbol": symbol, "faction": "COSMIC"})[:2] == (422, 3001)


def test_registrations_that_are_refused(player):
    good = {"symbol": "SOMEONE", "faction": "COSMIC"}
    assert register(player, good | {"faction": "PIRATES"})[:2] == (422, 3001)
    assert register(player, {"symbol": "tester", "faction": "COSMIC"}) == (409, 4111, {"agentSymbol": "TESTER"})
    assert register(player, good, token=None)[:2] == (401, 4116)
    assert register(player, good, token=player.agent.token)[:2] == (401, 4114)


def test_registration_without_a_token_where_the_settings_allow_it():
    player = Player(open_registration=True)
    body = {"symbol": "SOMEONE", "faction": "COSMIC"}
    assert player.send("POST", "/register", json=body, headers={"authorization": None}).status_code == 201


def forged(player: Player, **claims: Any) -> str:
    head, body, signature = player.agent.token.split(".")
    content = json.loads(base64.urlsafe_b64decode(body + "==")) | claims
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip('=')}.{signature}"


def test_tokens_that_are_refused(player):
    def refusal(token: str | None, scheme: str = "Bearer") -> tuple[int, int, dict[str, Any]]:
        header = token and f"{scheme} {token}"
        return player.refusal("GET", "/my/agent", headers={"authorization": header})

    assert refusal(None)[:2] == (401, 4103)
    assert refusal("x", scheme="Basic")[:2] == (401, 4103)
    for token in ("nonsense", "a.b", "a.b.c", "....", "a.!!!.c", "a.W10.c"):
        assert refusal(token)[:2] == (401, 4104)
    assert refusal(player.agent.token[:-2] + "xx")[:2] == (401, 4115)
    assert refusal(forged(player, identifier="NOBODY"))[:2] == (401, 4115)
    assert refusal(forged(player, sub="account-token"))[:2] == (401, 4114)
    assert refusal(forged(player, reset_date="2026-02-15")) == (
        401,
        4113,
        {"expected": "2026-03-01", "actual": "2026-02-15"},
    )


def test_open_reads_need_no_token_but_refuse_a_bad_one(player, home):
    for path in ("/", "/systems", home, f"{home}/waypoints", "/agents", "/factions", "/error-codes"):
        assert player.send("GET", path, headers={"authorization": None}).status_code == 200
        assert player.refusal("GET", path, headers={"authorization": "Bearer nonsense"})[:2] == (401, 4104)


def test_a_token_is_good_only_in_its_own_universe(player):
    other = Universe.create(SandboxSettings(seed=2), START + timedelta(days=14))
    app, player_app = create_app(other, player.clock), player.app
    try:
        player.turn_to(app)
        assert player.refusal("GET", "/my/agent") == (
            401,
            4113,
            {"expected": "2026-03-15", "actual": "2026-03-01"},
        )
    finally:
        player.turn_to(player_app)


# Reads.


def test_the_status_says_when_the_next_reset_is_and_that_markets_live(player):
    player.clock.advance(7 * 3600)
    status = player.get("/")
    assert status["serverResets"]["next"] == "2026-03-15T12:00:00.000Z"
    assert status["stats"]["waypoints"] == len(player.universe.home.waypoints)
    last = status["health"]["lastMarketUpdate"]
    assert "2026-03-01T18:55:00.000Z" <= last <= "2026-03-01T19:00:00.000Z"
    assert status["leaderboards"]["mostCredits"][0]["credits"] == 175_000
    assert player.send("GET", "").json() == status


def test_what_is_known_of_error_codes_supply_chain_account_and_factions(player):
    assert {"code": 4604, "name": "marketTradeUnitLimitError"} in player.get("/error-codes")["errorCodes"]
    chain = player.get("/market/supply-chain")["exportToImportMap"]
    assert chain["IRON"] == ["IRON_ORE"]
    assert len(chain) == len(RECIPES)
    assert set(player.get("/my/account")["account"]) == {"id", "email", "createdAt"}
    assert player.get("/my/factions") == [{"symbol": "COSMIC", "reputation": 0}]
    assert player.get("/my/agent/events") == []
    assert len(player.get("/factions", limit=20)) == 19
    assert player.get("/factions/VOID")["symbol"] == "VOID"


@pytest.mark.parametrize(
    "path",
    [
        "/systems/X1-NO",
        "/systems/X1-NO/waypoints",
        "{home}/waypoints/X1-NO-A1",
        "{home}/waypoints/X1-NO-A1/market",
        "{home}/waypoints/{hq}/jump-gate",
        "{home}/waypoints/{hq}/construction",
        "{home}/waypoints/{hq}/shipyard",
        "/agents/NOBODY",
        "/factions/NOBODY",
        "/my/contracts/none",
    ],
)
def test_what_does_not_exist_is_not_found(player, home, path):
    path = path.format(home=home, hq=player.agent.headquarters)
    assert player.refusal("GET", path)[:2] == (404, 404)


@pytest.mark.parametrize("path", ["/nowhere", "/my/agent//", "/my/ships/TESTER-1//"])
def test_a_path_that_is_not_of_the_game_is_refused_in_the_form_of_its_web_server(player, path):
    reply = player.send("GET", path)
    assert reply.status_code == 404
    assert reply.json() == {"message": f"Route GET:/v2{path} not found", "error": "Not Found", "statusCode": 404}


def test_the_wrong_method_names_the_right_ones(player):
    reply = player.send("DELETE", "/my/ships/TESTER-1/nav")
    assert reply.status_code == 405
    assert {"GET", "PATCH"} <= set(reply.headers["allow"].split(", "))
    assert reply.json()["statusCode"] == 405


@pytest.mark.parametrize("content_type", ["text/plain", None])
def test_orders_without_a_body_are_taken_when_nobody_calls_it_json(player, content_type):
    headers = {"content-type": content_type}
    for action in ("orbit", "dock", "refuel"):
        assert player.send("POST", f"{player.ship_path}/{action}", headers=headers, content=b"").status_code == 200
    assert player.send("PATCH", f"{player.ship_path}/nav", headers=headers, content=b"").status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_an_empty_body_that_is_called_json_is_refused_and_nothing_done(player, content_type):
    headers, orbit, nav = {"content-type": content_type}, f"{player.ship_path}/orbit", f"{player.ship_path}/nav"
    player.post(f"{player.ship_path}/dock")
    for method, path in (("POST", orbit), ("PATCH", nav), ("POST", "/my/ships")):
        assert player.refusal(method, path, headers=headers, content=b"")[:2] == (422, 3001)
    assert player.get(nav)["status"] == "DOCKED"
    assert player.send("GET", nav, headers=headers).status_code == 200
    assert player.send("POST", orbit, headers=headers, content=b"{}").status_code == 200


def test_ships_are_shown_whole(player):
    ship = player.get("/my/ships/TESTER-1")
    assert ship["frame"]["fuelCapacity"] == ship["fuel"]["capacity"] == 400
    assert ship["engine"]["speed"] == 36
    assert ship["crew"]["morale"] == 100
    assert ship["cooldown"] == {"shipSymbol": "TESTER-1", "totalSeconds": 0, "remainingSeconds": 0}
    assert sum(module.get("capacity", 0) for module in ship["modules"]) == 40
    assert player.get("/my/ships/TESTER-1/modules") == ship["modules"]
    assert player.get("/my/ships/TESTER-1/mounts") == ship["mounts"]
    assert player.get("/my/ships/TESTER-1/nav") == ship["nav"]
    assert player.get("/my/ships/TESTER-1/cargo") == ship["cargo"]


def stamps(content: Any) -> list[str]:
    """Every text in a reply that begins like a date and a time."""
    if isinstance(content, dict):
        return [x for value in content.values() for x in stamps(value)]
    if isinstance(content, list):
        return [x for value in content for x in stamps(value)]
    return [content] if isinstance(content, str) and re.match(r"\d{4}-\d\d-\d\dT", content) else []


def test_all_moments_are_written_with_milliseconds_and_z():
    player = Player(profile="lab", speed=7)
    player.clock.advance(0.123456)
    player.ship.fuel = 100
    player.post(f"{player.ship_path}/refuel")
    player.post(f"{player.ship_path}/orbit")
    player.post(f"{player.ship_path}/navigate", {"waypointSymbol": list(player.universe.home.markets)[1]})
    paths = ["/", "/my/ships", "/my/contracts", "/my/account", player.market_path(player.agent.headquarters)]
    found = [x for path in paths for x in stamps(player.send("GET", path).json())]
    found += stamps(player.refusal("POST", f"{player.ship_path}/dock")[2])
    assert len(found) > 12
    assert all(STAMP.fullmatch(x) for x in found), found
    assert "2026-03-01T12:00:00.123Z" in found


def test_statuses_that_are_only_guessed_can_be_set():
    player = Player(error_statuses=((4603, 400),))
    rock = next(w.symbol for w in player.universe.home.waypoints.values() if not w.has_market)
    assert player.refusal("GET", player.market_path(rock))[:2] == (400, 4603)


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"speed": 0}, "above 0"),
        ({"speed": -1}, "above 0"),
        ({"speed": math.nan}, "speed of a sandbox must be a number, not nan"),
        ({"speed": math.inf}, "speed of a sandbox must be at most 1,000,000"),
        ({"hold": -1}, "hold of a sandbox must be at least 1"),
        ({"credits": -5}, "credits of a sandbox must be at least 0"),
        ({"seed": 10**23}, "seed of a sandbox must be at most"),
        ({"npc_traders": -1}, "npc_traders of a sandbox must be at least 0"),
        ({"burst_requests": 0}, "burst_requests of a sandbox must be at least 1"),
        ({"tick_minutes": 0.0}, "tick_minutes of a sandbox must be above 0"),
        ({"rest_import": (0.0, math.inf)}, "rest_import of a sandbox must be a finite number"),
        ({"systems": 0}, "systems of a sandbox must be at least 1"),
        ({"ships": ()}, "SHIP_COMMAND_FRIGATE"),
        ({"ships": ("SHIP_PROBE", "SHIP_ARK")}, "SHIP_ARK"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, remedy):
    with pytest.raises(UserError, match=remedy):
        SandboxSettings(**wrong)


# What is not played.


def test_no_operation_stands_in_the_table_twice():
    known = [(endpoint.method, endpoint.path) for endpoint in PLAYED + NOT_PLAYED]
    assert len(known) == len(set(known))


@pytest.mark.parametrize("endpoint", NOT_PLAYED, ids=lambda x: f"{x.method} {x.path}")
def test_what_is_not_played_is_refused_with_a_code_of_the_game(player, endpoint):
    gate = next(w.symbol for w in player.universe.home.waypoints.values() if w.type == "JUMP_GATE")
    contract = player.get("/my/contracts")[0]["id"]
    path = endpoint.path.format(ship="TESTER-1", contract=contract, system=player.universe.home.symbol, waypoint=gate)
    status, code, _ = player.refusal(endpoint.method, path)
    assert 400 <= status < 500
    assert code in ERROR_CODES
    nowhere = endpoint.path.format(ship="NO-1", contract="no", system="X1-NO", waypoint="X1-NO-A1")
    assert player.refusal(endpoint.method, nowhere)[0] == 404


def test_requests_are_counted_by_route_template_and_status():
    player = Player(profile="lab")
    player.get("/my/ships/TESTER-1")
    player.get("/my/ships/TESTER-2")
    player.refusal("GET", "/my/ships/NO-1")
    player.send("GET", "/nowhere")
    assert player.app.state.requests == {
        ("POST", "/register", 201): 1,
        ("GET", "/my/ships/{ship}", 200): 2,
        ("GET", "/my/ships/{ship}", 404): 1,
        ("GET", "unknown", 404): 1,
    }

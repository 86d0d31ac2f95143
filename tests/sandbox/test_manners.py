"""What clients of every kind meet at the edge: browsers, slashes, unknown routes, tokens and bodies out of the way."""

import asyncio
import base64
from datetime import datetime

import httpx2
import pytest

from spacetraders_lab.sandbox.server import Admin, running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from tests.sandbox.player import Player


@pytest.fixture(scope="module")
def player() -> Player:
    return Player()


def test_a_page_of_a_browser_may_play():
    player = Player(rate_limit=True)
    origin = {"origin": "http://localhost:5173"}
    asked = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization,content-type"}
    preflight = player.send("OPTIONS", f"{player.ship_path}/nav", headers=origin | asked | {"authorization": None})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    assert {"authorization", "content-type"} <= set(
        preflight.headers["access-control-allow-headers"].lower().split(", ")
    )
    for path, status in (("/my/agent", 200), ("/nowhere", 404)):
        reply = player.send("GET", path, headers=origin)
        assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (status, "*")
        shown = set(reply.headers["access-control-expose-headers"].split(", "))
        assert {"x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"} <= shown


def test_no_page_of_a_browser_may_be_the_operator():
    with running_sandbox(SandboxSettings(profile="lab"), admin=Admin("sesame")) as sandbox:
        headers = {"origin": "http://evil.test", "authorization": "Bearer sesame"}
        reply = httpx2.get(f"{sandbox.admin_url}/faults", headers=headers)
        assert reply.status_code == 200
        assert not [name for name in reply.headers if name.startswith("access-control")]


def test_one_slash_at_the_end_of_a_path_changes_nothing(player):
    assert player.get("/my/agent/") == player.get("/my/agent")
    assert player.get("/my/ships/", limit=1) == player.get("/my/ships", limit=1)
    assert player.send("GET", "/my/agent//").status_code == 404
    assert player.get("/") == player.get("")


def test_what_is_not_in_the_api_counts_against_the_limit_too():
    player = Player(rate_limit=True)
    reply = player.send("GET", "/nowhere")
    assert (reply.status_code, reply.headers["x-ratelimit-remaining"]) == (404, "30")
    assert player.send("DELETE", "/my/agent").headers["x-ratelimit-remaining"] == "29"
    statuses = [player.send("GET", "/nowhere").status_code for _ in range(31)]
    assert statuses == [404] * 29 + [429] * 2
    assert player.app.state.requests["GET", "unknown", 429] == 2


def test_a_client_cannot_choose_the_address_that_it_is_counted_under():
    settings = SandboxSettings(profile="lab", burst_requests=2, requests_per_second=1)
    with running_sandbox(settings) as sandbox, httpx2.Client() as client:
        ways = [client.get(sandbox.base_url, headers={"x-forwarded-for": f"9.9.9.{n}"}) for n in range(6)]
    assert 429 in [reply.status_code for reply in ways]


def token(claims: bytes) -> str:
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize("claims", [b"[" * 100_000, b"{}", b'{"sub": null}', b'{"sub": ""}', b'{"sub": 7}'])
def test_a_token_that_is_nobodys_is_malformed(player, claims):
    headers = {"authorization": f"Bearer {token(claims)}"}
    assert player.refusal("GET", "/my/agent", headers=headers)[:2] == (401, 4104)


def test_a_request_without_a_token_is_refused_with_empty_data(player):
    reply = player.send("GET", "/my/agent", headers={"authorization": None})
    assert reply.json()["error"]["data"] == {}


def test_a_ship_bought_nowhere_names_the_place(player):
    order = {"shipType": "SHIP_PROBE", "waypointSymbol": "NOPE"}
    reply = player.send("POST", "/my/ships", json=order)
    assert (reply.status_code, reply.json()["error"]["message"]) == (404, "Waypoint NOPE was not found.")


def test_a_fault_of_the_sandbox_itself_is_told_in_the_games_form():
    player = Player()
    player.universe.fleets.clear()

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=player.app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox/v2") as client:
            return await client.get("/my/ships", headers=player.headers)

    reply = asyncio.run(ask())
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, 500)


# Bodies and queries.


def issues(player: Player, method: str, path: str, **arguments) -> list[tuple[str, list[str]]]:
    """The code and path of each zod issue of a call that must be refused."""
    status, code, data = player.refusal(method, path, **arguments)
    assert (status, code) == (422, 3001)
    return [(issue["code"], issue["path"]) for issue in data["zodIssues"]]


@pytest.mark.parametrize("units", ["2", "2.0", "2e0", "20E-1"])
def test_whole_numbers_may_be_written_as_javascript_writes_them(units):
    player = Player()
    body = f'{{"symbol": "FUEL", "units": {units}}}'.encode()
    reply = player.send("POST", f"{player.ship_path}/purchase", content=body)
    assert (reply.status_code, player.ship.hold) == (201, {"FUEL": 2})


@pytest.mark.parametrize(
    ("units", "code"),
    [
        ("1.5", "invalid_type"),
        ('"1"', "invalid_type"),
        ("true", "invalid_type"),
        ("null", "invalid_type"),
        ("0", "too_small"),
        ("-1.0", "too_small"),
        ("1e300", "too_big"),
    ],
)
def test_units_that_are_none_are_refused_by_zods_name(player, units, code):
    body = f'{{"symbol": "FUEL", "units": {units}}}'.encode()
    assert issues(player, "POST", f"{player.ship_path}/purchase", content=body) == [(code, ["units"])]


def test_everything_that_is_wrong_with_a_body_is_named_at_once(player):
    path = f"{player.ship_path}/purchase"
    assert issues(player, "POST", path, body={}) == [("invalid_type", ["symbol"]), ("invalid_type", ["units"])]
    assert issues(player, "POST", path, body={"symbol": "NOPE", "units": 0}) == [
        ("invalid_enum_value", ["symbol"]),
        ("too_small", ["units"]),
    ]
    assert issues(player, "POST", "/my/ships", body={"shipType": "SHIP_PROBE"}) == [
        ("invalid_type", ["waypointSymbol"])
    ]
    assert issues(player, "POST", path, body=[1]) == [("invalid_type", [])]


@pytest.mark.parametrize("body", [b'{"units":1,"x":' + b"[" * 100_000, b'{"units":"x', b'{"symbol":"\xff","units":1}'])
def test_a_body_that_is_no_json_or_too_deep_is_bad_input(player, body):
    assert issues(player, "POST", f"{player.ship_path}/purchase", content=body) == [("invalid_type", [])]


def test_null_is_not_the_same_as_nothing(player):
    assert issues(player, "POST", f"{player.ship_path}/refuel", body={"units": None}) == [("invalid_type", ["units"])]
    path = f"{player.ship_path}/nav"
    assert issues(player, "PATCH", path, body={"flightMode": None}) == [("invalid_type", ["flightMode"])]
    assert player.patch(path, {})["nav"]["flightMode"] == "CRUISE"


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        *((strange, "invalid_type") for strange in ("1_0", "１０", " 5", "+5", "5\n")),
        ("0", "too_small"),
        ("21", "too_big"),
    ],
)
def test_numbers_of_a_query_are_plain_digits(player, limit, code):
    assert issues(player, "GET", "/systems", params={"limit": limit}) == [(code, ["limit"])]


def test_waypoints_are_asked_for_by_one_type_at_a_time(player):
    path = f"/systems/{player.universe.home.symbol}/waypoints"
    both = [("type", "PLANET"), ("type", "MOON")]
    assert issues(player, "GET", path, params=both) == [("invalid_type", ["type"])]


@pytest.mark.parametrize(
    ("symbol", "code"),
    [("abc\n", "invalid_string"), ("a b c", "invalid_string"), ("ab", "too_small"), ("a" * 15, "too_big")],
)
def test_a_call_sign_has_three_to_fourteen_letters_and_no_line_end(player, symbol, code):
    headers = {"authorization": "Bearer account"}
    body = {"symbol": symbol, "faction": "COSMIC"}
    assert issues(player, "POST", "/register", body=body, headers=headers) == [(code, ["symbol"])]


# The calendar.


@pytest.mark.parametrize("speed", [1, 1000])
def test_the_next_reset_is_always_ahead_by_two_weeks_at_most(speed):
    player = Player(speed=speed)
    week = 7 * 86_400
    for _ in range(9):
        ahead = datetime.fromisoformat(player.get("/")["serverResets"]["next"]) - player.clock.now()
        assert 0 < ahead.total_seconds() <= 2 * week
        player.clock.advance(week * 0.4)


@pytest.mark.parametrize("speed", [1, 60])
def test_the_starter_contract_lasts_from_registration(speed):
    player = Player(speed=speed)
    player.clock.advance(30 * 86_400)
    headers, day = {"authorization": "Bearer account"}, 86_400 / speed
    reply = player.send("POST", "/register", json={"symbol": "LATER", "faction": "COSMIC"}, headers=headers)
    contract = reply.json()["data"]["contract"]
    ends = [datetime.fromisoformat(x) for x in (contract["deadlineToAccept"], contract["terms"]["deadline"])]
    assert [(end - player.clock.now()).total_seconds() for end in ends] == [day, 7 * day]
    player.clock.advance(3600)
    later = player.send("GET", "/my/contracts", headers={"authorization": f"Bearer {reply.json()['data']['token']}"})
    assert later.json()["data"] == [contract]

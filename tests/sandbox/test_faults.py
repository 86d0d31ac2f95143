"""Faults on demand: what each does to reply and world, when they strike, and that they strike the same way again."""

import asyncio
import json
from pathlib import Path

import httpx2
import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.sandbox.api import create_app
from spacetraders_lab.sandbox.faults import Fault, FaultMenu, FaultRule, load_faults
from spacetraders_lab.sandbox.mishaps import ConnectionLost
from spacetraders_lab.sandbox.server import RunningSandbox, running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from spacetraders_lab.study.virtual import VirtualClock
from tests.sandbox.player import Player

ORBIT = "/my/ships/{ship}/orbit"


@pytest.fixture
def player() -> Player:
    return Player(profile="lab", seed=3)


def strike(player: Player, fault: Fault, **fields) -> None:
    """Let the next order to orbit meet the fault."""
    player.app.state.faults.set((FaultRule(fault, path=ORBIT, count=1, **fields),))


def kinds(player: Player) -> list[str]:
    return [entry.kind for entry in player.universe.ledger if entry.kind != "REGISTER"]


def test_a_lost_request_does_nothing_and_a_lost_reply_comes_after_effect(player):
    strike(player, Fault.LOST_REQUEST)
    with pytest.raises(ConnectionLost):
        player.post(f"{player.ship_path}/orbit")
    assert kinds(player) == []
    strike(player, Fault.LOST_REPLY)
    with pytest.raises(ConnectionLost):
        player.post(f"{player.ship_path}/orbit")
    assert kinds(player) == ["ORBIT"]
    assert player.post(f"{player.ship_path}/orbit")["nav"]["status"] == "IN_ORBIT"


def test_a_server_error_comes_after_effect(player):
    strike(player, Fault.SERVER_ERROR)
    assert player.refusal("POST", f"{player.ship_path}/orbit")[:2] == (500, 3000)
    assert kinds(player) == ["ORBIT"]


def test_a_truncated_reply_comes_after_effect_and_is_no_json(player):
    strike(player, Fault.TRUNCATED)
    reply = player.send("POST", f"{player.ship_path}/orbit")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/json")
    with pytest.raises(json.JSONDecodeError):
        reply.json()
    assert kinds(player) == ["ORBIT"]


def test_latency_comes_after_effect(player):
    strike(player, Fault.LATENCY, seconds=30)
    before = player.clock.now()
    assert player.post(f"{player.ship_path}/orbit")["nav"]["status"] == "IN_ORBIT"
    assert (player.clock.now() - before).total_seconds() == 30
    assert player.universe.ledger[-1].timestamp == before


def test_a_late_request_is_done_late_even_when_nobody_waits_any_more():
    clock = VirtualClock()
    settings = SandboxSettings(
        profile="lab", rate_limit=False, faults=(FaultRule(Fault.LATE_REQUEST, path=ORBIT, seconds=20),)
    )
    universe = Universe.create(settings, clock.now())
    transport = httpx2.ASGITransport(app=create_app(universe, clock))

    async def impatient() -> list[str]:
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox/v2") as client:
            body = {"symbol": "TESTER", "faction": "COSMIC"}
            account = {"authorization": "Bearer account"}
            token = (await client.post("/register", json=body, headers=account)).json()["data"]["token"]
            headers = {"authorization": f"Bearer {token}"}
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(15):
                    await client.post("/my/ships/TESTER-1/orbit", headers=headers)
            given_up = [entry.kind for entry in universe.ledger]
            await clock.sleep(10)
            return given_up

    assert clock.run(impatient()) == ["REGISTER", "REGISTER"]
    orbit = universe.ledger[-1]
    assert (orbit.kind, (orbit.timestamp - clock.start).total_seconds()) == ("ORBIT", 20)


@pytest.mark.parametrize("locks", [True, False])
def test_a_ship_whose_request_is_still_being_answered_refuses_the_next_one(locks):
    clock = VirtualClock()
    slow = FaultRule(Fault.LATENCY, path=ORBIT, seconds=20)
    settings = SandboxSettings(profile="lab", open_registration=True, faults=(slow,), ship_locks=locks)
    universe = Universe.create(settings, clock.now())
    transport = httpx2.ASGITransport(app=create_app(universe, clock))

    async def scene() -> list[int]:
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox/v2") as client:
            reply = await client.post("/register", json={"symbol": "TESTER", "faction": "COSMIC"})
            client.headers["authorization"] = f"Bearer {reply.json()['data']['token']}"

            async def later(seconds: float, method: str, path: str) -> int:
                await clock.sleep(seconds)
                return (await client.request(method, f"/my/ships/{path}")).status_code

            return await asyncio.gather(
                later(0, "POST", "TESTER-1/orbit"),
                later(5, "POST", "TESTER-1/dock"),
                later(5, "POST", "TESTER-2/dock"),
                later(5, "GET", "TESTER-1"),
                later(21, "POST", "TESTER-1/dock"),
            )

    assert clock.run(scene()) == [200, 409 if locks else 200, 200, 200, 200]


def test_a_locked_ship_and_both_kinds_of_429_do_nothing(player):
    strike(player, Fault.LOCKED)
    assert player.refusal("POST", f"{player.ship_path}/orbit") == (409, 409, {"shipSymbol": "TESTER-1"})
    strike(player, Fault.LIMITED, seconds=2.5)
    reply = player.send("POST", f"{player.ship_path}/orbit")
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "3")
    assert reply.headers["x-ratelimit-remaining"] == "0"
    assert reply.json()["error"]["data"]["retryAfter"] == 2.5
    strike(player, Fault.LIMITED_BARE)
    reply = player.send("POST", f"{player.ship_path}/orbit")
    assert reply.status_code == 429
    assert not any(name.startswith("x-ratelimit") or name == "retry-after" for name in reply.headers)
    assert "data" not in reply.json()["error"]
    assert kinds(player) == []


@pytest.mark.parametrize(("fault", "status"), [(Fault.PROXY_429, 429), (Fault.PROXY_502, 502)])
def test_somebody_in_front_answers_in_html(player, fault, status):
    strike(player, fault)
    reply = player.send("POST", f"{player.ship_path}/orbit")
    assert reply.status_code == status
    assert reply.headers["content-type"].startswith("text/html")
    assert "x-sandbox-speed" not in reply.headers
    assert kinds(player) == []


def test_maintenance_closes_everything_for_an_hour_of_game_time():
    player = Player(profile="lab", speed=10)
    strike(player, Fault.MAINTENANCE)
    assert player.refusal("POST", f"{player.ship_path}/orbit")[:2] == (503, 3100)
    for path in ("/", "/my/agent", "/systems"):
        assert player.refusal("GET", path)[:2] == (503, 3100)
    player.clock.advance(359.9)
    assert player.refusal("GET", "/my/agent")[:2] == (503, 3100)
    player.clock.advance(0.1)
    assert player.get("/my/agent")["symbol"] == "TESTER"
    assert kinds(player) == []


def test_a_reset_begins_another_universe_with_another_date(player):
    old = player.universe
    strike(player, Fault.RESET)
    status, code, data = player.refusal("POST", f"{player.ship_path}/orbit")
    assert (status, code, data) == (401, 4113, {"expected": "2026-03-02", "actual": "2026-03-01"})
    new = player.app.state.universe
    assert new is not old
    assert new.agents == {}
    assert new.home.symbol != old.home.symbol
    headers = {"authorization": "Bearer account"}
    body = {"symbol": "TESTER", "faction": "COSMIC"}
    reply = player.send("POST", "/register", json=body, headers=headers)
    assert reply.status_code == 201
    assert player.send("GET", "/", headers={"authorization": None}).json()["resetDate"] == "2026-03-02"


def test_a_reset_with_maintenance_before_it(player):
    strike(player, Fault.RESET, seconds=600)
    assert player.refusal("POST", f"{player.ship_path}/orbit")[:2] == (503, 3100)
    player.clock.advance(600)
    assert player.refusal("GET", "/my/agent")[:2] == (401, 4113)


def test_a_reset_long_after_maintenance_begins_at_once(player):
    host = player.app.state.host
    host.close(10)
    player.clock.advance(5_000)
    host.reset()
    assert player.app.state.universe.start == player.clock.now()


# When they strike.


def menu(*rules: FaultRule, seed: int = 1) -> FaultMenu:
    return FaultMenu(seed, rules)


def strikes(found: FaultMenu, requests: int = 200, method: str = "GET", path: str = "/my/agent") -> list[int]:
    return [n for n in range(requests) if found.choose(method, path)]


def test_faults_strike_with_their_probability_and_the_same_way_for_the_same_seed():
    rule = FaultRule(Fault.LATENCY, probability=0.2)
    first = strikes(menu(rule), 2000)
    assert 320 < len(first) < 480
    assert first == strikes(menu(rule), 2000)
    assert first != strikes(menu(rule, seed=2), 2000)


def test_rules_name_their_requests():
    rule = FaultRule(Fault.LATENCY, method="POST", path=ORBIT)
    assert strikes(menu(rule), 3, "POST", ORBIT) == [0, 1, 2]
    assert strikes(menu(rule), 3, "GET", ORBIT) == []
    assert strikes(menu(rule), 3, "POST", "/my/ships") == []


def test_the_first_ones_are_spared_and_the_count_is_kept():
    found = menu(FaultRule(Fault.LATENCY, after=3, count=2))
    assert strikes(found, 10) == [3, 4]
    assert found.injected == {Fault.LATENCY: 2}


def test_of_several_rules_the_first_that_strikes_is_taken():
    found = menu(FaultRule(Fault.LATENCY, count=1), FaultRule(Fault.LOCKED))
    chosen = [found.choose("GET", "/") for _ in range(3)]
    assert [rule.fault for rule in chosen if rule] == [Fault.LATENCY, Fault.LOCKED, Fault.LOCKED]


def test_rules_are_read_from_a_file(tmp_path: Path):
    file = tmp_path / "faults.json"
    file.write_text('[{"fault": "lost-reply", "probability": 0.1, "method": "POST"}, {"fault": "reset", "after": 9}]')
    assert load_faults(file) == (
        FaultRule(Fault.LOST_REPLY, probability=0.1, method="POST"),
        FaultRule(Fault.RESET, after=9),
    )


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[{}]",
        '[{"fault": "earthquake"}]',
        '[{"fault": "reset", "wen": 1}]',
        '[{"fault": "reset", "probability": 2}]',
    ],
)
def test_files_that_hold_no_rules_are_refused(tmp_path: Path, content: str):
    file = tmp_path / "faults.json"
    file.write_text(content)
    with pytest.raises(UserError, match="no list of faults"):
        load_faults(file)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="cannot be read"):
        load_faults(tmp_path / "nowhere.json")


# Over a real connection.


def orbit_over_http(sandbox: RunningSandbox) -> None:
    body, account = {"symbol": "TESTER", "faction": "COSMIC"}, {"authorization": "Bearer account"}
    token = httpx2.post(f"{sandbox.base_url}/register", json=body, headers=account).json()["data"]["token"]
    httpx2.post(f"{sandbox.base_url}/my/ships/TESTER-1/orbit", headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize(("fault", "done"), [(Fault.LOST_REQUEST, []), (Fault.LOST_REPLY, ["ORBIT"])])
def test_a_real_connection_is_cut_without_a_reply(fault, done):
    settings = SandboxSettings(profile="lab", faults=(FaultRule(fault, path=ORBIT),))
    with running_sandbox(settings) as sandbox:
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            orbit_over_http(sandbox)
        assert [entry.kind for entry in sandbox.universe.ledger][2:] == done
        assert httpx2.get(sandbox.base_url).status_code == 200

"""The sandbox against the official API description, where a copy of it lies beside the repository."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from spacetraders_lab.sandbox.routes import ENDPOINTS, NOT_PLAYED
from spacetraders_lab.sandbox.server import running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from tests.sandbox.player import Player

OFFICIAL = Path(__file__).parents[2].parent / "shared" / "spacetraders-api" / "openapi.json"
ADDITIONS = OFFICIAL.with_name("openapi-live-additions.json")

pytestmark = pytest.mark.skipif(not OFFICIAL.is_file(), reason="the official API description is not here")


def template(path: str) -> str:
    """A path with nameless parameters, so that ours and the official ones compare."""
    return re.sub(r"\{\w+\}", "{}", path)


OURS = {(endpoint.method, template(endpoint.path)) for endpoint in ENDPOINTS}


def operations(file: Path) -> set[tuple[str, str]]:
    paths = json.loads(file.read_text())["paths"]
    ways = {"get", "post", "patch", "put", "delete"}
    return {(way.upper(), template(path)) for path, found in paths.items() for way in found if way in ways}


def test_every_official_operation_is_known_and_no_other():
    assert len(operations(OFFICIAL)) == 59
    events_by_socket = ("GET", "/my/socket.io")
    official = operations(OFFICIAL) | operations(ADDITIONS) - {events_by_socket}
    assert official == OURS - {("GET", "")}


class Validated(Player):
    """A player who holds every successful reply against the official schemas and notes which operations it saw."""

    def __init__(self, **settings: Any) -> None:
        import schemathesis  # half a second, which every run of every test would wait for

        self.schemas = [schemathesis.openapi.from_path(str(file)) for file in (OFFICIAL, ADDITIONS)]
        self.seen: set[tuple[str, str]] = set()
        super().__init__(**settings)

    def send(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        reply = super().send(method, path, **arguments)
        if reply.is_success:
            for schema in self.schemas:
                known = [x for x in schema if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", x), path)]
                for name in sorted(known, key=lambda x: x.count("{"))[:1]:
                    if method in schema[name]:
                        schema[name][method].validate_response(reply)
                        self.seen.add((method, template(name)))
            if reply.content:
                assert nulls(reply.json()) <= {"email"}
        return reply


def nulls(content: Any, key: str = "") -> set[str]:
    """The keys whose value is null."""
    if isinstance(content, dict):
        return set().union(*(nulls(value, name) for name, value in content.items()))
    if isinstance(content, list):
        return set().union(*(nulls(value, key) for value in content))
    return {key} if content is None else set()


def test_what_a_player_sees_in_a_whole_life_validates():
    player = Validated(systems=3, credits=10**8, npc_traders=30)
    home = f"/systems/{player.universe.home.symbol}"
    hq = player.agent.headquarters
    gate = next(w.symbol for w in player.universe.home.waypoints.values() if w.type == "JUMP_GATE")
    player.clock.advance(86_400)
    for path in (
        "/", "/error-codes", "/my/account", "/my/agent", "/my/agent/events", "/my/factions", "/my/contracts",
        "/factions", "/factions/COSMIC", "/agents", "/agents/TESTER", "/market/supply-chain", "/systems", home,
        f"{home}/waypoints", f"{home}/waypoints/{hq}", player.market_path(gate), f"{home}/waypoints/{gate}/jump-gate",
        player.ship_path, f"{player.ship_path}/mounts", f"{player.ship_path}/modules", f"{player.ship_path}/cargo",
    ):  # fmt: skip
        player.get(path)
    player.get(f"/my/contracts/{player.get('/my/contracts')[0]['id']}")
    yard = next(iter(player.universe.home.shipyards))
    for _ in range(2):
        player.get(f"{home}/waypoints/{yard}/shipyard")
        player.post("/my/ships", {"shipType": "SHIP_LIGHT_HAULER", "waypointSymbol": yard})
    player.fly(yard)
    player.get("/my/ships", limit=20)
    for symbol, place in player.universe.home.markets.items():
        player.ship.waypoint, player.ship.fuel = symbol, 120
        player.post(f"{player.ship_path}/dock")
        player.get(player.market_path(symbol))
        good = next(iter(place.listings))
        player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": 2})
        player.post(f"{player.ship_path}/refuel", {"units": 100})
        player.get(f"{player.ship_path}/cargo")
        player.get(player.market_path(symbol))
        player.post(f"{player.ship_path}/sell", {"symbol": good, "units": 1})
        player.post(f"{player.ship_path}/jettison", {"symbol": good, "units": 1})
    player.ship.waypoint = yard
    player.post(f"{player.ship_path}/purchase", {"symbol": "FUEL", "units": 3})
    player.post(f"{player.ship_path}/transfer", {"tradeSymbol": "FUEL", "units": 1, "shipSymbol": "TESTER-3"})
    player.post(f"{player.ship_path}/refuel", {"fromCargo": True})
    player.post(f"{player.ship_path}/orbit")
    player.patch(f"{player.ship_path}/nav", {"flightMode": "BURN"})
    player.post(f"{player.ship_path}/navigate", {"waypointSymbol": hq})
    player.get(f"{player.ship_path}/nav")
    player.clock.advance(3600)
    player.ship.waypoint = gate
    player.post(f"{player.ship_path}/jump", {"waypointSymbol": player.universe.galaxy.gates[gate][0]})
    player.get(f"{player.ship_path}/cooldown")
    player.get(player.ship_path)

    lonely = Validated()
    gate = next(w.symbol for w in lonely.universe.home.waypoints.values() if w.type == "JUMP_GATE")
    lonely.get(f"/systems/{lonely.universe.home.symbol}/waypoints/{gate}/construction")
    played = OURS - {(x.method, template(x.path)) for x in NOT_PLAYED} - {("GET", "")}
    assert player.seen | lonely.seen == played


def with_real_symbols(universe: Universe) -> dict[str, Any]:
    """The official description, its parameters narrowed to what exists, so that requests get past the 404s."""
    document = json.loads(OFFICIAL.read_text())
    gate = next(iter(universe.galaxy.gates))
    choices = {
        "systemSymbol": [universe.home.symbol],
        "waypointSymbol": [universe.home.headquarters, gate, *universe.home.shipyards],
        "shipSymbol": list(universe.ships),
        "contractId": ["contract-tester-1"],
        "agentSymbol": ["TESTER", "NOBODY"],
    }

    def narrow(found: Any) -> None:
        for item in found.values() if isinstance(found, dict) else found:
            if isinstance(item, dict):
                if item.get("in") == "path" and item.get("name") in choices:
                    item["schema"] = {"type": "string", "enum": choices[item["name"]]}
                for name, field in item.get("properties", {}).items():
                    if name in choices and field.get("type") == "string":
                        field["enum"] = choices[name]
            if isinstance(item, dict | list):
                narrow(item)

    narrow(document["paths"])
    return document


def test_schemathesis_finds_nothing(tmp_path):
    """All operations and phases, the stateful one too: no server error, no reply that breaks its schema."""
    settings = SandboxSettings(rate_limit=False, systems=2, credits=10**9, ships=("SHIP_LIGHT_HAULER",) * 3)
    with running_sandbox(settings) as sandbox:
        account = {"authorization": "Bearer account"}
        body = {"symbol": "TESTER", "faction": "COSMIC"}
        token = httpx2.post(f"{sandbox.base_url}/register", json=body, headers=account).json()["data"]["token"]
        document = tmp_path / "openapi.json"
        document.write_text(json.dumps(with_real_symbols(sandbox.universe)))
        command = [
            str(Path(sys.executable).with_name("st")), "run", str(document), "--url", sandbox.base_url,
            "--header", f"Authorization: Bearer {token}", "--max-examples", "5", "--seed", "1", "--no-color",
            "--checks", "not_a_server_error,response_schema_conformance",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
        answered = {(method, path) for (method, path, status) in sandbox.app.state.requests if status < 300}
        assert len(answered) > 25
        assert all(status < 500 for (_, _, status) in sandbox.app.state.requests)

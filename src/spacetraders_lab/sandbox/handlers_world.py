"""What can be read without a ship, and registration: status, systems, markets, factions, agents, contracts."""

from typing import Annotated, Any

import msgspec

from spacetraders_lab.sandbox import agents, refusals, view
from spacetraders_lab.sandbox.calls import Call, Page
from spacetraders_lab.sandbox.error_codes import ERROR_CODES
from spacetraders_lab.sandbox.factions import contract, faction
from spacetraders_lab.sandbox.goods import RECIPES
from spacetraders_lab.sandbox.refusals import stamp
from spacetraders_lab.sandbox.status import status
from spacetraders_lab.sandbox.symbols import FACTIONS, WAYPOINT_TRAITS, WAYPOINT_TYPES, FactionSymbol


class Registration(msgspec.Struct):
    symbol: Annotated[str, msgspec.Meta(min_length=3, max_length=14, pattern=r"^[A-Za-z0-9_-]*\Z")]
    faction: FactionSymbol


def get_status(call: Call) -> dict[str, Any]:
    return status(call.universe, call.now)


def error_codes(call: Call) -> dict[str, Any]:
    return {"errorCodes": [{"code": code, "name": name} for code, name in ERROR_CODES.items()]}


def register(call: Call) -> dict[str, Any]:
    """Needs the bearer token of an account: any text that is no agent's token, unless registration is open."""
    body = call.parse(Registration)
    if call.token is None and not call.universe.settings.open_registration:
        raise refusals.missing_account_token()
    claims = agents.token_claims(call.token or "")
    if claims and claims.get("sub") == "agent-token":
        raise refusals.wrong_token_kind("account", "agent")
    agent, ships = agents.register(call.universe, body.symbol, body.faction.value, call.now)
    shown = [view.ship(ship, agent.faction, call.now) for ship in ships]
    return {
        "token": agent.token,
        "agent": view.agent(call.universe, agent),
        "faction": faction(call.universe, agent.faction),
        "contract": contract(call.universe, agent),
        "ships": shown,
        "ship": shown[0],  # the name that older clients know
    }


def my_account(call: Call) -> dict[str, Any]:
    account = {"id": call.player.account_id, "email": None, "createdAt": stamp(call.universe.start)}
    return {"account": account}


def my_agent(call: Call) -> dict[str, Any]:
    return view.agent(call.universe, call.player)


def my_events(call: Call) -> list[Any]:
    return []


def my_factions(call: Call) -> Page:
    return call.page([call.player.faction], lambda symbol: {"symbol": symbol, "reputation": 0})


def list_agents(call: Call) -> Page:
    return call.page(list(call.universe.agents.values()), lambda x: view.agent(call.universe, x, private=False))


def get_agent(call: Call) -> dict[str, Any]:
    found = call.universe.agents.get(call.path["agent"].upper())
    if found is None:
        raise refusals.not_found(f"Agent {call.path['agent']}")
    return view.agent(call.universe, found, private=False)


def list_factions(call: Call) -> Page:
    return call.page(FACTIONS, lambda symbol: faction(call.universe, symbol))


def get_faction(call: Call) -> dict[str, Any]:
    if call.path["faction"] not in FACTIONS:
        raise refusals.not_found(f"Faction {call.path['faction']}")
    return faction(call.universe, call.path["faction"])


def list_contracts(call: Call) -> Page:
    return call.page([call.player], lambda agent: contract(call.universe, agent))


def get_contract(call: Call) -> dict[str, Any]:
    return call.contract()


def list_systems(call: Call) -> Page:
    return call.page(list(call.universe.systems.values()), view.system)


def get_system(call: Call) -> dict[str, Any]:
    return view.system(call.universe.system(call.path["system"]))


def list_waypoints(call: Call) -> Page:
    system = call.universe.system(call.path["system"])
    kind = call.choice("type", WAYPOINT_TYPES)
    traits = call.choices("traits", WAYPOINT_TRAITS)
    found = [x for x in system.waypoints.values() if kind in (None, x.type) and traits <= x.traits]
    return call.page(found, lambda x: view.waypoint(system, x, call.universe.start))


def get_waypoint(call: Call) -> dict[str, Any]:
    system, place = call.place()
    return view.waypoint(system, place, call.universe.start)


def get_market(call: Call) -> dict[str, Any]:
    _, place = call.place()
    market = call.universe.market(place.symbol, call.now)
    return view.market(market, watched=call.universe.is_watched(call.agent, place.symbol, call.now))


def get_shipyard(call: Call) -> dict[str, Any]:
    system, place = call.place()
    yard = system.shipyards.get(place.symbol)
    if yard is None:
        raise refusals.not_found(f"Shipyard at {place.symbol}")
    watched = call.universe.is_watched(call.agent, place.symbol, call.now)
    return view.shipyard(yard, call.universe.settings.modifications_fee, watched=watched)


def get_jump_gate(call: Call) -> dict[str, Any]:
    _, place = call.place()
    if place.type != "JUMP_GATE":
        raise refusals.not_found(f"Jump gate at {place.symbol}")
    return {"symbol": place.symbol, "connections": call.universe.galaxy.gates[place.symbol]}


def get_construction(call: Call) -> dict[str, Any]:
    _, place = call.place()
    if not place.is_under_construction:
        raise refusals.not_found(f"Construction site at {place.symbol}")
    return view.construction(place.symbol)


def supply_chain(call: Call) -> dict[str, Any]:
    return {"exportToImportMap": RECIPES}

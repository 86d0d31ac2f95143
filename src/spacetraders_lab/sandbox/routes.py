"""The operations of the API: each handler takes a Call and returns what goes into `data`."""

from enum import Enum
from typing import Annotated, Any

import msgspec

from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.sandbox import agents, flight, refusals, trade, view
from spacetraders_lab.sandbox.calls import Access, Call, Endpoint, Page
from spacetraders_lab.sandbox.factions import FACTIONS, contract, faction
from spacetraders_lab.sandbox.goods import RECIPES, TRADE_SYMBOLS
from spacetraders_lab.sandbox.hulls import HULLS
from spacetraders_lab.sandbox.status import status

TradeSymbol = Enum("TradeSymbol", {symbol: symbol for symbol in sorted(TRADE_SYMBOLS)}, type=str)  # type: ignore[misc]
ShipType = Enum("ShipType", {kind: kind for kind in HULLS}, type=str)  # type: ignore[misc]
FactionSymbol = Enum("FactionSymbol", {symbol: symbol for symbol in FACTIONS}, type=str)  # type: ignore[misc]
Units = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Registration(msgspec.Struct):
    symbol: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{3,14}$")]
    faction: FactionSymbol


class Trade(msgspec.Struct):
    symbol: TradeSymbol
    units: Units


class Destination(msgspec.Struct):
    waypointSymbol: str


class FlightModeChange(msgspec.Struct):
    flightMode: FlightMode = FlightMode.CRUISE


class Refuel(msgspec.Struct):
    units: Units | None = None
    fromCargo: bool = False


class ShipPurchase(msgspec.Struct):
    shipType: ShipType
    waypointSymbol: str


def get_status(call: Call) -> dict[str, Any]:
    return status(call.universe, call.now)


def register(call: Call) -> dict[str, Any]:
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
        "ship": shown[0],
    }


def my_agent(call: Call) -> dict[str, Any]:
    return view.agent(call.universe, call.player)


def list_agents(call: Call) -> Page:
    return call.page(list(call.universe.agents.values()), lambda x: view.agent(call.universe, x, private=False))


def get_agent(call: Call) -> dict[str, Any]:
    found = call.universe.agents.get(call.path["agent"])
    if found is None:
        raise refusals.not_found(f"Agent {call.path['agent']}")
    return view.agent(call.universe, found, private=False)


def list_factions(call: Call) -> Page:
    return call.page(tuple(FACTIONS), lambda symbol: faction(call.universe, symbol))


def get_faction(call: Call) -> dict[str, Any]:
    if call.path["faction"] not in FACTIONS:
        raise refusals.not_found(f"Faction {call.path['faction']}")
    return faction(call.universe, call.path["faction"])


def list_contracts(call: Call) -> Page:
    return call.page([contract(call.universe, call.player)], lambda x: x)


def list_systems(call: Call) -> Page:
    return call.page(list(call.universe.systems.values()), view.system)


def get_system(call: Call) -> dict[str, Any]:
    return view.system(call.universe.system(call.path["system"]))


def list_waypoints(call: Call) -> Page:
    system = call.universe.system(call.path["system"])
    kind = call.query.get("type")
    traits = _all(call, "traits")
    found = [x for x in system.waypoints.values() if (kind is None or x.type == kind) and traits <= x.traits]
    return call.page(found, lambda x: view.waypoint(system, x, call.universe.start))


def get_waypoint(call: Call) -> dict[str, Any]:
    system, place = call.universe.place(call.path["system"], call.path["waypoint"])
    return view.waypoint(system, place, call.universe.start)


def get_market(call: Call) -> dict[str, Any]:
    _, place = call.universe.place(call.path["system"], call.path["waypoint"])
    market = call.universe.market(place.symbol, call.now)
    return view.market(market, watched=call.universe.is_watched(call.agent, place.symbol, call.now))


def get_shipyard(call: Call) -> dict[str, Any]:
    system, place = call.universe.place(call.path["system"], call.path["waypoint"])
    offers = system.shipyards.get(place.symbol)
    if offers is None:
        raise refusals.not_found(f"Shipyard at {place.symbol}")
    watched = call.universe.is_watched(call.agent, place.symbol, call.now)
    return view.shipyard(place.symbol, offers, call.universe.settings.modifications_fee, watched=watched)


def supply_chain(call: Call) -> dict[str, Any]:
    return {"exportToImportMap": RECIPES}


def list_ships(call: Call) -> Page:
    fleet = list(call.universe.fleets[call.player.symbol].values())
    for ship in fleet:
        ship.settle(call.now)
    return call.page(fleet, lambda ship: view.ship(ship, call.player.faction, call.now))


def buy_ship(call: Call) -> dict[str, Any]:
    body = call.parse(ShipPurchase)
    ship, bought = trade.buy_ship(call.universe, call.player, body.shipType.value, body.waypointSymbol, call.now)
    agent = view.agent(call.universe, call.player)
    return {"agent": agent, "ship": view.ship(ship, call.player.faction, call.now), "transaction": bought}


def get_ship(call: Call) -> dict[str, Any]:
    return view.ship(call.ship(), call.player.faction, call.now)


def get_nav(call: Call) -> dict[str, Any]:
    return view.nav(call.ship())


def get_cargo(call: Call) -> dict[str, Any]:
    return view.cargo(call.ship())


def get_cooldown(call: Call) -> dict[str, Any] | None:
    shown = view.cooldown(call.ship(), call.now)
    return shown if "expiration" in shown else None


def orbit(call: Call) -> dict[str, Any]:
    ship = call.ship()
    flight.orbit(call.universe, ship, call.now)
    return {"nav": view.nav(ship)}


def dock(call: Call) -> dict[str, Any]:
    ship = call.ship()
    flight.dock(call.universe, ship, call.now)
    return {"nav": view.nav(ship)}


def navigate(call: Call) -> dict[str, Any]:
    ship = call.ship()
    flight.navigate(call.universe, ship, call.parse(Destination).waypointSymbol, call.now)
    return {"nav": view.nav(ship), "fuel": view.fuel(ship), "events": []}


def patch_nav(call: Call) -> dict[str, Any]:
    ship = call.ship()
    flight.set_mode(call.universe, ship, call.parse_optional(FlightModeChange).flightMode, call.now)
    return {"nav": view.nav(ship), "fuel": view.fuel(ship), "events": []}


def refuel(call: Call) -> dict[str, Any]:
    ship, body = call.ship(), call.parse_optional(Refuel)
    done = trade.refuel(call.universe, ship, body.units, body.fromCargo, call.now)
    shown = {"agent": view.agent(call.universe, call.player), "fuel": view.fuel(ship), "transaction": done}
    return shown | ({"cargo": view.cargo(ship)} if body.fromCargo else {})


def purchase(call: Call) -> dict[str, Any]:
    ship, body = call.ship(), call.parse(Trade)
    done = trade.purchase(call.universe, ship, body.symbol.value, body.units, call.now)
    return {"agent": view.agent(call.universe, call.player), "cargo": view.cargo(ship), "transaction": done}


def sell(call: Call) -> dict[str, Any]:
    ship, body = call.ship(), call.parse(Trade)
    done = trade.sell(call.universe, ship, body.symbol.value, body.units, call.now)
    return {"agent": view.agent(call.universe, call.player), "cargo": view.cargo(ship), "transaction": done}


def jettison(call: Call) -> dict[str, Any]:
    ship, body = call.ship(), call.parse(Trade)
    trade.jettison(call.universe, ship, body.symbol.value, body.units, call.now)
    return {"cargo": view.cargo(ship)}


def _all(call: Call, name: str) -> set[str]:
    """All values of a parameter that may be repeated or hold several values between commas."""
    values = call.query.getlist(name) if hasattr(call.query, "getlist") else [call.query[name]]
    return {value for text in values for value in text.split(",") if value}


_WAYPOINT = "/systems/{system}/waypoints/{waypoint}"
_SHIP = "/my/ships/{ship}"

# The busiest first: they are matched in this order.
ENDPOINTS = (
    Endpoint("GET", f"{_WAYPOINT}/market", get_market, Access.OPEN),
    Endpoint("POST", f"{_SHIP}/purchase", purchase, status=201),
    Endpoint("POST", f"{_SHIP}/sell", sell, status=201),
    Endpoint("POST", f"{_SHIP}/navigate", navigate),
    Endpoint("POST", f"{_SHIP}/dock", dock),
    Endpoint("POST", f"{_SHIP}/orbit", orbit),
    Endpoint("POST", f"{_SHIP}/refuel", refuel),
    Endpoint("GET", _SHIP, get_ship),
    Endpoint("GET", "/my/ships", list_ships),
    Endpoint("POST", "/my/ships", buy_ship, status=201),
    Endpoint("GET", f"{_SHIP}/nav", get_nav),
    Endpoint("PATCH", f"{_SHIP}/nav", patch_nav),
    Endpoint("GET", f"{_SHIP}/cargo", get_cargo),
    Endpoint("GET", f"{_SHIP}/cooldown", get_cooldown),
    Endpoint("POST", f"{_SHIP}/jettison", jettison),
    Endpoint("GET", "/my/agent", my_agent),
    Endpoint("GET", "/my/contracts", list_contracts),
    Endpoint("GET", "/systems", list_systems, Access.OPEN),
    Endpoint("GET", "/systems/{system}", get_system, Access.OPEN),
    Endpoint("GET", "/systems/{system}/waypoints", list_waypoints, Access.OPEN),
    Endpoint("GET", _WAYPOINT, get_waypoint, Access.OPEN),
    Endpoint("GET", f"{_WAYPOINT}/shipyard", get_shipyard, Access.OPEN),
    Endpoint("GET", "/market/supply-chain", supply_chain),
    Endpoint("GET", "/agents", list_agents, Access.OPEN),
    Endpoint("GET", "/agents/{agent}", get_agent, Access.OPEN),
    Endpoint("GET", "/factions", list_factions, Access.OPEN),
    Endpoint("GET", "/factions/{faction}", get_faction, Access.OPEN),
    Endpoint("POST", "/register", register, Access.ACCOUNT, status=201),
    Endpoint("GET", "/", get_status, Access.OPEN, enveloped=False),
    Endpoint("GET", "", get_status, Access.OPEN, enveloped=False),
)

"""What an agent does with its ships: look at them, fly, dock, trade, refuel, jump, buy more."""

from typing import Annotated, Any

import msgspec

from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.sandbox import cargo, flight, refusals, trade, view, yard
from spacetraders_lab.sandbox.calls import Call, Page
from spacetraders_lab.sandbox.symbols import ShipType, TradeSymbol
from spacetraders_lab.sandbox.universe import ShipState

Units = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class CargoOrder(msgspec.Struct):
    symbol: TradeSymbol
    units: Units


class TransferOrder(msgspec.Struct, rename="camel"):
    trade_symbol: TradeSymbol
    units: Units
    ship_symbol: str


class FlightOrder(msgspec.Struct, rename="camel"):
    waypoint_symbol: str


class NavPatch(msgspec.Struct, rename="camel"):
    flight_mode: FlightMode | msgspec.UnsetType = msgspec.UNSET


class RefuelOrder(msgspec.Struct, rename="camel"):
    units: Units | msgspec.UnsetType = msgspec.UNSET
    from_cargo: bool = False


class ShipOrder(msgspec.Struct, rename="camel"):
    ship_type: ShipType
    waypoint_symbol: str


def list_ships(call: Call) -> Page:
    def show(ship: ShipState) -> dict[str, Any]:
        ship.settle(call.now)
        return view.ship(ship, call.player.faction, call.now)

    return call.page(list(call.universe.fleets[call.player.symbol].values()), show)


def buy_ship(call: Call) -> dict[str, Any]:
    order = call.parse(ShipOrder)
    ship, bought = yard.buy_ship(call.universe, call.player, order.ship_type.value, order.waypoint_symbol, call.now)
    shown = view.ship(ship, call.player.faction, call.now)
    return {"agent": view.agent(call.universe, call.player), "ship": shown, "transaction": bought}


def get_ship(call: Call) -> dict[str, Any]:
    return view.ship(call.ship(), call.player.faction, call.now)


def get_nav(call: Call) -> dict[str, Any]:
    return view.nav(call.ship())


def get_cargo(call: Call) -> dict[str, Any]:
    return view.cargo(call.ship())


def get_mounts(call: Call) -> Any:
    return view.equipment(call.ship().hull)["mounts"]


def get_modules(call: Call) -> Any:
    return view.equipment(call.ship().hull)["modules"]


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
    ship, order = call.ship(), call.parse(FlightOrder)
    flight.navigate(call.universe, ship, order.waypoint_symbol, call.now)
    return {"nav": view.nav(ship), "fuel": view.fuel(ship), "events": []}


def patch_nav(call: Call) -> dict[str, Any]:
    ship, order = call.ship(), call.parse_optional(NavPatch)
    if order.flight_mode is not msgspec.UNSET:
        flight.set_mode(call.universe, ship, order.flight_mode, call.now)
    return {"nav": view.nav(ship), "fuel": view.fuel(ship), "events": []}


def jump(call: Call) -> dict[str, Any]:
    ship, order = call.ship(), call.parse(FlightOrder)
    done = flight.jump(call.universe, ship, order.waypoint_symbol, call.now)
    return {
        "nav": view.nav(ship),
        "cooldown": view.cooldown(ship, call.now),
        "transaction": done,
        "agent": view.agent(call.universe, call.player),
    }


def refuel(call: Call) -> dict[str, Any]:
    ship, order = call.ship(), call.parse_optional(RefuelOrder)
    units = None if order.units is msgspec.UNSET else order.units
    done = trade.refuel(call.universe, ship, units, order.from_cargo, call.now)
    shown = {"agent": view.agent(call.universe, call.player), "fuel": view.fuel(ship), "transaction": done}
    return shown | ({"cargo": view.cargo(ship)} if order.from_cargo else {})


def purchase(call: Call) -> dict[str, Any]:
    ship, order = call.ship(), call.parse(CargoOrder)
    done = trade.purchase(call.universe, ship, order.symbol.value, order.units, call.now)
    return {"agent": view.agent(call.universe, call.player), "cargo": view.cargo(ship), "transaction": done}


def sell(call: Call) -> dict[str, Any]:
    ship, order = call.ship(), call.parse(CargoOrder)
    done = trade.sell(call.universe, ship, order.symbol.value, order.units, call.now)
    return {"agent": view.agent(call.universe, call.player), "cargo": view.cargo(ship), "transaction": done}


def jettison(call: Call) -> dict[str, Any]:
    ship, order = call.ship(), call.parse(CargoOrder)
    cargo.jettison(call.universe, ship, order.symbol.value, order.units, call.now)
    return {"cargo": view.cargo(ship)}


def transfer(call: Call) -> dict[str, Any]:
    ship, order = call.ship(), call.parse(TransferOrder)
    to = call.universe.fleets[call.player.symbol].get(order.ship_symbol)
    if to is None:
        message = f"Ship transfer failed. Ship {order.ship_symbol} was not found."
        raise refusals.refuse(4231, message, shipSymbol=order.ship_symbol)
    to.settle(call.now)
    cargo.transfer(call.universe, ship, to, order.trade_symbol.value, order.units, call.now)
    return {"cargo": view.cargo(ship), "targetCargo": view.cargo(to)}

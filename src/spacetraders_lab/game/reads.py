"""What can be asked of the game, and how an agent is registered. One function a question; nothing is kept."""

from dataclasses import replace

from spacetraders_lab.core.errors import GameUnreachable, PricesHidden, ShipUnfit
from spacetraders_lab.core.market import MarketSnapshot
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.waypoint import Waypoint, system_of
from spacetraders_lab.game.client import GameClient
from spacetraders_lab.game.lists import read_list
from spacetraders_lab.game.parse import (
    Agent,
    Cargo,
    Data,
    JumpGate,
    MarketShape,
    Registration,
    ShipShape,
    Status,
    SystemShape,
    WaypointShape,
)
from spacetraders_lab.game.refusals import UNSHOWABLE


async def get_status(client: GameClient) -> Status:
    """The universe's reset date and the time of the next reset; needs no token."""
    return await client.get(Status, "/")


async def get_agent(client: GameClient) -> Agent:
    """The client's own agent."""
    return (await client.get(Data[Agent], "/my/agent")).data


async def list_ships(client: GameClient) -> tuple[Ship, ...]:
    """Every ship of the agent that the game can show, in its order."""
    return tuple(_by_our_clock(client, shape.ship) for shape in await read_list(client, ShipShape, "/my/ships"))


async def get_ship(client: GameClient, ship_symbol: str) -> Ship:
    """One ship, live; raises ShipUnfit for one that the game cannot show."""
    try:
        shape = (await client.get(Data[ShipShape], "/my/ships/{ship}", ship=ship_symbol)).data
    except GameUnreachable as error:
        if error.code != UNSHOWABLE:
            raise
        raise ShipUnfit(
            f"the game cannot show {ship_symbol} (HTTP {error.http_status}, code {UNSHOWABLE}): use other ships until "
            "it can, which may not be before the next reset"
        ) from error
    return _by_our_clock(client, shape.ship)


def _by_our_clock(client: GameClient, ship: Ship) -> Ship:
    """The ship with its arrival, which the game has stamped, by our clock: not before it is there for sure.

    A market that was asked a moment too early would show no prices, and nobody would notice.
    """
    return ship if ship.arrival is None else replace(ship, arrival=client.skew.past(ship.arrival))


async def get_cargo(client: GameClient, ship: Ship) -> Ship:
    """The ship with its hold as the game sees it now."""
    return (await client.get(Data[Cargo], "/my/ships/{ship}/cargo", ship=ship.symbol)).data.of(ship)


async def list_waypoints(client: GameClient, system: str) -> tuple[Waypoint, ...]:
    """The system's waypoints."""
    shapes = await read_list(client, WaypointShape, "/systems/{system}/waypoints", system=system)
    return tuple(shape.waypoint for shape in shapes)


async def get_waypoint(client: GameClient, waypoint: str) -> Waypoint:
    """One waypoint."""
    template = "/systems/{system}/waypoints/{waypoint}"
    return (
        await client.get(Data[WaypointShape], template, system=system_of(waypoint), waypoint=waypoint)
    ).data.waypoint


async def get_system_position(client: GameClient, system: str) -> tuple[int, int]:
    """Where a system lies, in map units of the galaxy."""
    found = (await client.get(Data[SystemShape], "/systems/{system}", system=system)).data
    return found.x, found.y


async def get_jump_gate(client: GameClient, waypoint: str) -> tuple[str, ...]:
    """The gates that can be jumped to from a gate; it must be charted or an own ship there (else code 4001)."""
    template = "/systems/{system}/waypoints/{waypoint}/jump-gate"
    reply = await client.get(Data[JumpGate], template, system=system_of(waypoint), waypoint=waypoint)
    return tuple(reply.data.connections)


async def get_market(client: GameClient, waypoint: str, *, ship: str | None = None) -> MarketSnapshot:
    """The market, stamped with the time that the reply came, by the game's clock, as all that it tells is stamped.

    Without prices when no own ship is there; raises PricesHidden when `ship` is thought to be.
    """
    template = "/systems/{system}/waypoints/{waypoint}/market"
    reply = await client.get(Data[MarketShape], template, system=system_of(waypoint), waypoint=waypoint)
    snapshot = reply.data.snapshot(client.skew.games(client.clock.now()))
    if ship is not None and not snapshot.goods and snapshot.listed:
        raise PricesHidden(f"{waypoint} shows no prices: as the game sees it, {ship} is not there")
    return snapshot


async def register(client: GameClient, symbol: str, faction: str, account_token: str | None) -> Registration:
    """A new agent. After EffectUnknown the call sign may be taken by ourselves, its token lost."""
    body = {"symbol": symbol, "faction": faction}
    return (await client.post(Data[Registration], "/register", json=body, token=account_token)).data

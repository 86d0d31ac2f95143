"""`spacetraders ship ...`: fly and trade by hand, with the same commands that the workers use."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from spacetraders_lab.cli import render
from spacetraders_lab.cli.context import with_lab
from spacetraders_lab.cli.settings import Json
from spacetraders_lab.core.bounds import MOST_UNITS, within
from spacetraders_lab.core.commands import (
    Command,
    DockShipCommand,
    NavigateShipCommand,
    OrbitShipCommand,
    PurchaseCargoCommand,
    RefuelShipCommand,
    SellCargoCommand,
)
from spacetraders_lab.core.errors import GameError, LabError, UserError
from spacetraders_lab.core.routing import Preference
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.waypoint import system_of
from spacetraders_lab.game import reads
from spacetraders_lab.game.execute import execute
from spacetraders_lab.game.outcome import Done, Outcome, Refused, Unknown
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.drivers import refuse_ships_at_work

ShipSymbol = Annotated[str, Parameter(help="The ship.")]
Units = Annotated[int, Parameter(help="How many units.")]
Good = Annotated[str, Parameter(help="The good.")]

_NOT_FOUND = 404
_NOT_ABOARD = {4218, 4219}  # none of the good in the hold, or fewer units than were to be sold


def list_ships(*, json: Json = False) -> None:
    """List your ships: where they are, what they hold."""

    async def read(lab: Lab) -> tuple[Ship, ...]:
        return await reads.list_ships(lab.game.client)

    ships = with_lab(read)
    if json:
        render.print_json([_json(ship) for ship in ships])
        return
    render.print_table(
        ["ship", "waypoint", "status", "mode", "speed", "fuel", "cargo"],
        [
            (
                ship.symbol,
                ship.waypoint,
                ship.status,
                ship.flight_mode,
                ship.speed,
                f"{ship.fuel}/{ship.fuel_capacity}",
                f"{ship.cargo_units}/{ship.cargo_capacity}",
            )
            for ship in ships
        ],
        right=["speed", "fuel", "cargo"],
    )


def navigate(
    ship: ShipSymbol,
    destination: Annotated[str, Parameter(help="The waypoint to fly to, in this system or another.")],
    *,
    prefer: Preference = Preference.FASTEST,
) -> None:
    """Fly to a waypoint and wait for the arrival.

    Parameters
    ----------
    prefer:
        What to save on the way: time, fuel and antimatter, or requests.
    """
    system_of(destination.upper())
    done = _do(ship, lambda symbol: NavigateShipCommand(symbol, destination.upper()), prefer)
    print(f"{done.ship.symbol} is at {done.ship.waypoint} ({done.ship.status})")


def dock(ship: ShipSymbol) -> None:
    """Dock where the ship is."""
    done = _do(ship, DockShipCommand)
    print(f"{done.ship.symbol} is docked at {done.ship.waypoint}")


def orbit(ship: ShipSymbol) -> None:
    """Leave the dock."""
    done = _do(ship, OrbitShipCommand)
    print(f"{done.ship.symbol} is in orbit at {done.ship.waypoint}")


def refuel(ship: ShipSymbol) -> None:
    """Fill the tank at the market where the ship is."""
    done = _do(ship, RefuelShipCommand)
    print(f"{done.ship.symbol} has {done.ship.fuel}/{done.ship.fuel_capacity} fuel")


def buy(ship: ShipSymbol, good: Good, units: Units) -> None:
    """Buy cargo where the ship is, in one transaction."""
    _trade(ship, lambda symbol: PurchaseCargoCommand(symbol, good.upper(), within("units", units, 1, MOST_UNITS)))


def sell(ship: ShipSymbol, good: Good, units: Units) -> None:
    """Sell cargo where the ship is, in one transaction."""
    _trade(ship, lambda symbol: SellCargoCommand(symbol, good.upper(), within("units", units, 1, MOST_UNITS)))


def _trade(ship: str, command: Callable[[str], Command]) -> None:
    done = _do(ship, command)
    trade = done.transaction
    assert trade is not None  # a trade that is done has its transaction
    verb = "bought" if trade.operation == "BUY" else "sold"
    print(
        f"{done.ship.symbol} {verb} {trade.units} {trade.trade_symbol} at {trade.price_per_unit:,} = "
        f"{trade.total_price:,} credits; {done.credits:,} credits left"
    )


def _do(ship_symbol: str, command: Callable[[str], Command], prefer: Preference = Preference.FASTEST) -> Done:
    async def go(lab: Lab) -> Outcome:
        await refuse_ships_at_work(lab, [ship_symbol.upper()])
        ship = await _own_ship(lab, ship_symbol.upper())
        return await execute(replace(lab.game, preference=prefer), command(ship.symbol), ship)

    match with_lab(go):
        case Done() as done:
            return done
        case Refused(error=error) if error.code in _NOT_ABOARD:
            raise UserError(f"insufficient inventory: {error}") from error
        case Refused(error=error):
            raise error
        case Unknown(reason=reason):
            raise LabError(f"{reason}; it is not known whether it took effect; check with: spacetraders ship list")


async def _own_ship(lab: Lab, symbol: str) -> Ship:
    try:
        return await reads.get_ship(lab.game.client, symbol)
    except GameError as error:
        if error.http_status != _NOT_FOUND:
            raise
        raise UserError(f"no such ship: {symbol}; `spacetraders ship list` shows yours") from error


def _json(ship: Ship) -> dict[str, object]:
    return {
        "symbol": ship.symbol,
        "waypoint": ship.waypoint,
        "status": ship.status,
        "flight_mode": ship.flight_mode,
        "speed": ship.speed,
        "fuel": ship.fuel,
        "fuel_capacity": ship.fuel_capacity,
        "cargo_capacity": ship.cargo_capacity,
        "inventory": dict(ship.inventory),
    }

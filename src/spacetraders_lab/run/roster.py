"""The ships that the user names, and which of them may work on a run. Asks the game; flies and buys nothing."""

from collections.abc import Sequence
from contextlib import suppress

from spacetraders_lab.core.errors import GameError, UserError
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab


async def ships_named(lab: Lab, symbols: Sequence[str]) -> list[Ship]:
    """The ships of those names, each once and in that order.

    Raises UserError where there is none of a name, ShipUnfit for one that the game cannot show.
    """
    fleet = {ship.symbol: ship for ship in await reads.list_ships(lab.game.client)}
    unknown = [symbol for symbol in symbols if symbol not in fleet]
    if unknown:
        with suppress(GameError):  # it knows no such ship
            await reads.get_ship(lab.game.client, unknown[0])
        raise UserError(f"no such ship: {', '.join(unknown)}; you have {', '.join(sorted(fleet))}")
    return [fleet[symbol] for symbol in dict.fromkeys(symbols)]


async def checked_ships(
    lab: Lab, symbols: Sequence[str], system: str, *, probes_too: bool = False, must_trade: bool = True
) -> list[Ship]:
    """The ships of those names, each once; raises UserError for one that cannot work in the system.

    With `probes_too` ships without a hold may come along; where they `must_trade`, one of them needs a hold.
    """
    ships = await ships_named(lab, symbols)
    for ship in ships:
        if ship.system != system:
            raise UserError(f"{ship.symbol} is in {ship.system}, not in {system}")
        if ship.cargo_capacity == 0 and not probes_too:
            raise UserError(f"{ship.symbol} has no hold; a probe can scout (market scout) but not trade")
    if must_trade and not any(ship.cargo_capacity for ship in ships):
        raise UserError(f"{ships[0].symbol} has no hold, and there is something to trade; name a ship that has one too")
    return ships


def check_room(ships: Sequence[Ship]) -> None:
    """Raise UserError for a ship that could buy nothing."""
    for ship in ships:
        if not ship.free_space:
            cargo = ", ".join(f"{units} {good}" for good, units in ship.inventory.items())
            raise UserError(
                f"{ship.symbol} has no room in its hold ({cargo}); sell it first: `spacetraders ship sell`, or"
                " `spacetraders experiment doctor --fix` for what a run has left aboard"
            )

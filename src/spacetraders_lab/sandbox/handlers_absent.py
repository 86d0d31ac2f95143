"""The parts of the game that a sandbox does not play: each operation answers with the game's own refusal.

A client that tries gets a 4xx with a known code, as it would from a ship without the equipment, never a 404.
"""

from typing import Any

from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.calls import Call, Handler

_NOT_PLAYED = "{} is not part of this sandbox."


def ship_refusal(code: int, what: str) -> Handler:
    """A handler for something a ship cannot do here."""

    def handler(call: Call) -> Any:
        ship = call.ship()
        raise refusals.refuse(code, _NOT_PLAYED.format(what), shipSymbol=ship.symbol)

    return handler


def contract_refusal(code: int, what: str) -> Handler:
    """A handler for something that contracts do not allow here; 404 for a contract that is not the agent's."""

    def handler(call: Call) -> Any:
        call.contract()
        raise refusals.refuse(code, _NOT_PLAYED.format(what), contractId=call.path["contract"])

    return handler


def supply_construction(call: Call) -> Any:
    _, place = call.place()
    if not place.is_under_construction:
        raise refusals.not_found(f"Construction site at {place.symbol}")
    raise refusals.refuse(4800, _NOT_PLAYED.format("Construction"), waypointSymbol=place.symbol)

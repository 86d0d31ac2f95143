"""What tests of journeys ask again and again: to fly, what is near, what the server knows."""

from spacetraders_lab.core.commands import NavigateShipCommand
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.travel import distance
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.game.execute import execute
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.outcome import Done
from spacetraders_lab.sandbox.universe import ShipState
from tests.game.sandbox import Sandbox


def home(ship: str = "SHIP_COMMAND_FRIGATE", **settings: object) -> Sandbox:
    """A universe like the real ones, played with one ship of a type and a probe."""
    return Sandbox(ships=(ship, "SHIP_PROBE"), **settings)


async def fly(game: Game, ship: Ship, destination: str) -> Done:
    outcome = await execute(game, NavigateShipCommand(ship.symbol, destination), ship)
    assert isinstance(outcome, Done)
    return outcome


def length(a: Waypoint, b: Waypoint) -> float:
    return distance(a.x, a.y, b.x, b.y)


def by_distance(sandbox: Sandbox, ship: Ship) -> list[Waypoint]:
    """The other waypoints, nearest first."""
    here = next(w for w in sandbox.places if w.symbol == ship.waypoint)
    return sorted((w for w in sandbox.places if w is not here), key=lambda w: (length(here, w), w.symbol))


def state(sandbox: Sandbox, ship: Ship) -> ShipState:
    """The ship as the server has it."""
    return sandbox.universe.fleets["LAB"][ship.symbol]


def flights(sandbox: Sandbox) -> int:
    return sum(entry.kind == "NAVIGATE" for entry in sandbox.universe.ledger)

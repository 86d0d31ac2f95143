"""What became of a command: done, refused, or unknown. Never two of them, and never a guess."""

from dataclasses import dataclass

from spacetraders_lab.core.errors import GameError
from spacetraders_lab.core.market import MarketTransaction
from spacetraders_lab.core.ship import Ship


@dataclass(frozen=True, slots=True)
class Done:
    """It happened; `ship` is the ship afterwards.

    `transaction`: the purchase, sale or refuelling that the command asked for. `credits`: the purse, when a reply
    told it. `fuel_credits`: what was paid for fuel, on the way or as asked.
    """

    ship: Ship
    transaction: MarketTransaction | None = None
    credits: int | None = None
    fuel_credits: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A trade that did not happen: the game said no, or (GameUnreachable) the request never reached it."""

    error: GameError


@dataclass(frozen=True, slots=True)
class Unknown:
    """A trade that may have happened or not; only the ship's hold can tell."""

    reason: str


Outcome = Done | Refused | Unknown

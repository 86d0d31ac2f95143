"""The errors that more than one room knows. The message is what the user reads: what is wrong, and the remedy.

LabError
├── UserError            the user asked for something that cannot be: exit code 2, nothing changed
├── GameError            the game said no to a read or a ship's move (with the game's own code)
│   ├── GameUnreachable  no usable answer: network, time-out, 5xx
│   └── PricesHidden     a market shows no prices although a ship should be there
├── PairError            this pair cannot be measured; other pairs can
├── ShipUnfit            this ship cannot measure any pair as it is; other ships can
├── WorldCondition       the world does not let anybody trade now: the run is suspended, no pair fails
│   ├── OutOfCredits (CreditFloor) · BudgetReached (TooDear) · Maintenance · UniverseReset · TokenRefused
│   └── NobodyTrades
└── LeaseLost            another owner has the work now; normal, and no reason to stop the process
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from spacetraders_lab.core.halt import Halt


class LabError(Exception):
    """Something the lab knows how to explain."""


class UserError(LabError):
    """The request cannot be carried out as it was made."""


class GameError(LabError):
    """The game refused a request; `code` is its error code, `data` what it said beside the message."""

    def __init__(
        self, message: str, *, code: int = 0, http_status: int = 0, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.http_status = http_status
        self.data: Mapping[str, Any] = data or {}


class GameUnreachable(GameError):
    """No usable answer came from the game, and asking again did not help."""


class PricesHidden(GameError):
    """A market shows no prices to a ship that should be there: as the game sees it, the ship is somewhere else."""


class PairError(LabError):
    """This pair cannot be measured, for a reason that lies in the pair; `code` is the game's, where it refused."""

    def __init__(self, message: str, *, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class ShipUnfit(LabError):
    """The ship cannot measure anything as it is; other ships can."""


class WorldCondition(LabError):
    """Nobody can trade at present; the run waits and no pair is to blame."""

    halt: ClassVar[Halt]


class OutOfCredits(WorldCondition):
    """The purse cannot pay for the next purchase."""

    halt = Halt.OUT_OF_CREDITS


class CreditFloor(OutOfCredits):
    """The next purchase would leave fewer credits in the purse than the user wants to keep."""

    halt = Halt.CREDIT_FLOOR


class BudgetReached(WorldCondition):
    """The next purchase could take the run beyond the budget that the user accepted."""

    halt = Halt.BUDGET_REACHED


class TooDear(BudgetReached):
    """The next purchase could take the run beyond its budget; a cheaper good may not."""


class Maintenance(WorldCondition):
    """The game is being maintained or reset."""

    halt = Halt.MAINTENANCE


class UniverseReset(WorldCondition):
    """The universe that the run belongs to no longer exists."""

    halt = Halt.UNIVERSE_RESET


class TokenRefused(WorldCondition):
    """The game does not accept the agent's token."""

    halt = Halt.TOKEN_REFUSED


class NobodyTrades(WorldCondition):
    """There is something to trade, and no ship of the run has a hold."""

    halt = Halt.NO_SHIP_LEFT


class LeaseLost(LabError):
    """The lease on the pair has ended or passed to another owner."""

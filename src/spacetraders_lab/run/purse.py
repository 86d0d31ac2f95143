"""What is in the account's purse, as far as this process knows: the last reply, less what is being spent now."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from spacetraders_lab.core.errors import CreditFloor
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.travel import FUEL_PER_MARKET_UNIT
from spacetraders_lab.game.navigate import DEAREST_FUEL


def fuel_money(ship: Ship) -> int:
    """Credits to keep back for a ship's fuel, so that a loaded ship can still fly to where it sells: two full tanks."""
    return 2 * math.ceil(ship.fuel_capacity / FUEL_PER_MARKET_UNIT) * DEAREST_FUEL


class Purse:
    """One account's credits; all its ships in this process share it. Unknown until a reply has told them."""

    def __init__(self) -> None:
        self.credits: int | None = None
        self._under_way = 0
        self._fuel: dict[str, int] = {}

    def provide_for(self, ship: Ship) -> None:
        """Count a ship's fuel among what must be kept back."""
        self._fuel[ship.symbol] = fuel_money(ship)

    @property
    def fuel_reserve(self) -> int:
        """Credits of the budget that nothing may be bought with: each ship that is at work may need its fuel."""
        return sum(self._fuel.values())

    @contextmanager
    def spending(self, cost: int, floor: int) -> Iterator[None]:
        """Count `cost` as gone for the length of the block; raises CreditFloor if less than `floor` would be left."""
        left = (self.credits or 0) - self._under_way - cost
        if floor and self.credits is not None and left < floor:
            raise CreditFloor(f"the next purchase would leave {left:,} credits; {floor:,} are to be kept")
        self._under_way += cost
        try:
            yield
        finally:
            self._under_way -= cost

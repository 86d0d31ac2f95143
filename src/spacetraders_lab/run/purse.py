"""What is in the account's purse, as far as this process knows: the last reply, less what is being spent now."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from spacetraders_lab.core.errors import CreditFloor
from spacetraders_lab.core.travel import market_units
from spacetraders_lab.game.navigate import DEAREST_FUEL


def fuel_money(fuel_capacities: Iterable[int], on_the_way: int = 0) -> int:
    """Credits to keep for ships' fuel, so that loaded ones can still fly to where they sell.

    A full tank each and another one, or what is bought `on_the_way` (market units) where that is more.
    """
    tanks = [market_units(capacity) for capacity in fuel_capacities]
    return sum((tank + max(tank, on_the_way)) * DEAREST_FUEL for tank in tanks if tank)


class Purse:
    """One account's credits; all its ships in this process share it. Unknown until a reply has told them."""

    def __init__(self) -> None:
        self.credits: int | None = None
        self._under_way = 0

    def allows(self, cost: int, floor: int) -> bool:
        """Whether `floor` would be left after spending `cost`, as far as is known."""
        return not floor or self.credits is None or self._left(cost) >= floor

    @contextmanager
    def spending(self, cost: int, floor: int) -> Iterator[None]:
        """Count `cost` as gone for the length of the block; raises CreditFloor if less than `floor` would be left."""
        if not self.allows(cost, floor):
            raise CreditFloor(f"the next purchase would leave {self._left(cost):,} credits; {floor:,} are to be kept")
        self._under_way += cost
        try:
            yield
        finally:
            self._under_way -= cost

    def _left(self, cost: int) -> int:
        return (self.credits or 0) - self._under_way - cost

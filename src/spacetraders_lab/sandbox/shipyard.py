"""A shipyard: what it offers at what price, and whom it sold to. It knows no purses."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from spacetraders_lab.sandbox.hulls import HULLS


@dataclass(slots=True)
class Shipyard:
    """A yard at a waypoint: prices in credits by ship type, the newest transactions as they are shown."""

    waypoint: str
    prices: dict[str, int]
    transactions: deque[dict[str, Any]] = field(default_factory=deque)

    def sold(self, transaction: dict[str, Any], growth: float, kept: int) -> None:
        """Note a sale; it raises the price of its type."""
        kind = transaction["shipType"]
        self.prices[kind] = round(self.prices[kind] * (1 + growth))
        self.transactions.append(transaction)
        while len(self.transactions) > kept:
            self.transactions.popleft()


def make_shipyard(waypoint: str, types: Iterable[str], random: Random) -> Shipyard:
    """A yard whose prices are within 2 % of the usual ones."""
    return Shipyard(waypoint, {kind: round(HULLS[kind].price * random.uniform(0.98, 1.02)) for kind in types})

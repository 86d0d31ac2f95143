"""The hidden truth about one good at one market. Values only; `economies.py` and `market.py` change them."""

from dataclasses import dataclass
from typing import NamedTuple

from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from spacetraders_lab.sandbox.economy import supply_label


@dataclass(slots=True)
class Listing:
    """What the sandbox knows about a listing. `stock` is in units, `rest` in trade volumes, `phase` in game seconds.

    An EXPORT makes units until it rests, an IMPORT uses them up until it rests. `busy_ticks` counts how long traders
    have fed it, `fed_units` what they moved since its last tick. The last five are for the alternative economies: the
    move of one trade volume, the displacement by trades that will pass and that will last, the drift, and how many
    trades there were.
    """

    good: str
    kind: ListingType
    mid: float
    factor: float
    trade_volume: int
    first_volume: int
    stock: int
    rest: float
    phase: float
    rate_weak: float
    rate_growing: float
    base_activity: Activity = Activity.WEAK
    busy_ticks: int = 0
    fed_units: int = 0
    impact: float = 0.0
    shift: float = 0.0
    lasting: float = 0.0
    wander: float = 0.0
    trades: int = 0

    @property
    def tranches(self) -> float:
        """The stock in trade volumes: the `s` of the price law."""
        return self.stock / self.trade_volume

    @property
    def supply(self) -> Supply:
        return supply_label(self.kind, self.tranches)


class Trade(NamedTuple):
    """A transaction as an economy sees it; `activity` is what the listing shows (None for EXCHANGE)."""

    listing: Listing
    market: str
    activity: Activity | None
    operation: Operation
    units: int

    @property
    def share(self) -> float:
        """The units in trade volumes."""
        return self.units / self.listing.trade_volume

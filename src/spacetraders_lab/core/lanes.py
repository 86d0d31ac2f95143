"""Where a unit bought here sells for more there, at the quotes as they stand. What a trade does to them is ignored."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations

from spacetraders_lab.core.market import Listing, ListingType

_NATURAL = {
    (ListingType.EXPORT, ListingType.IMPORT),
    (ListingType.EXCHANGE, ListingType.IMPORT),
    (ListingType.EXPORT, ListingType.EXCHANGE),
}


def is_natural(source: ListingType, target: ListingType) -> bool:
    """Whether a good flows this way by itself: from where it is made to where it is used."""
    return (source, target) in _NATURAL


@dataclass(frozen=True, slots=True)
class Lane:
    """A good from one market to another. `spread` is bid there less ask here, in credits a unit."""

    source: Listing
    target: Listing

    @property
    def good(self) -> str:
        return self.source.good.symbol

    @property
    def spread(self) -> int:
        return self.target.good.sell_price - self.source.good.purchase_price

    @property
    def is_natural(self) -> bool:
        """Whether the good flows this way by itself: from where it is made to where it is used."""
        return is_natural(self.source.good.type, self.target.good.type)

    @property
    def units_a_visit(self) -> int:
        """What one transaction may move on both sides."""
        return min(self.source.good.trade_volume, self.target.good.trade_volume)


def best_lanes(listings: Iterable[Listing]) -> list[Lane]:
    """The best lane of each good, the most profitable transaction first; FUEL is left out."""
    by_good: dict[str, list[Listing]] = defaultdict(list)
    for listing in listings:
        if listing.good.symbol != "FUEL":
            by_good[listing.good.symbol].append(listing)
    best = [
        max((Lane(*pair) for pair in permutations(found, 2)), key=_profit)
        for found in by_good.values()
        if len(found) > 1
    ]
    return sorted(best, key=_profit, reverse=True)


def _profit(lane: Lane) -> tuple[int, str, str]:
    return lane.spread * lane.units_a_visit, lane.source.waypoint, lane.target.waypoint

"""Every pair that an adaptive run might fly: the cells it measures or takes listings towards, and what it costs.

Whether a pair is wanted is not asked here.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from spacetraders_lab.analysis.dataset import SIDES, SUPPLIES
from spacetraders_lab.core.allocation import AllocationPlan
from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.core.market import CellKey, Listing, ListingKey, Operation
from spacetraders_lab.core.menus import LARGEST_DISPLACEMENT, load_sizes
from spacetraders_lab.core.prior import HALVING_HOURS

USUAL_VOLUMES = 3.0  # tradeVolumes that a visit trades of a side, about
_PASSED = 0.4  # of what a visit is worth, for the next supply level on its way: a few tradeVolumes often get there
_STEERED = 0.15  # the same for the other side of that level: it takes another visit
_HALVING_LOSS = 200_000  # credits that a visit may lose for half of its worth,
_HALVING_SHARE = 0.3  # ... or of what the run may still lose, where that is less: else few pairs use up a small budget
_USUAL_MOVE = 0.03 * 1.5  # log move of a usual visit, against which the rounding of a quote is held

_Reach = Mapping[tuple[str, Operation], Iterable[tuple[CellKey, float, float]]]  # by market and side


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair, the cells of its two sides, how much it trades there (tradeVolumes a side, `trades` in all), its credits.

    `reach` has for these and for each cell that trading takes a side towards how many usual visits the visit is worth.
    `displacement` says how far (log) the worse of its two quotes is pushed already the way the pair would push it;
    `discount` is what its worth is divided by for the credits that it loses.
    """

    pair: MarketPair
    cells: tuple[CellKey, CellKey]
    volumes: tuple[float, float]
    trades: int
    reach: tuple[tuple[CellKey, float], ...]
    displacement: float
    outlay: float
    loss: float
    discount: float

    @property
    def is_displaced(self) -> bool:
        return self.displacement > math.log(LARGEST_DISPLACEMENT)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.pair.good_symbol, self.pair.buy_market, self.pair.sell_market

    @property
    def listings(self) -> set[ListingKey]:
        return set(self.pair.listings)

    def score(self, worth: Mapping[CellKey, float]) -> float:
        gain: float = sum(worth[cell] * part for cell, part in self.reach)
        return gain / self.discount


def possible_pairs(plan: AllocationPlan) -> Iterator[Candidate]:
    """Every pair of two listings of a good that may be flown, whatever keeps it from being measured now."""
    aims = {(side, good.type, good.supply, good.activity) for good in plan.reference.values() for side in SIDES}
    by_good: dict[str, list[Listing]] = {}
    for listing in sorted(plan.listings, key=lambda listing: (listing.good.symbol, listing.waypoint)):
        by_good.setdefault(listing.good.symbol, []).append(listing)
    for good, listings in by_good.items():
        reach = {(listing.waypoint, side): [*_reach(listing, side, aims)] for listing in listings for side in SIDES}
        for source in listings:
            for target in listings:
                if source.waypoint != target.waypoint:
                    candidate = _candidate(good, source, target, plan, reach)
                    if plan.may_lose or candidate.loss < 0:
                        yield candidate


def _candidate(good: str, source: Listing, target: Listing, plan: AllocationPlan, reach: _Reach) -> Candidate:
    ask, bid = source.good.purchase_price, target.good.sell_price
    resting_ask = plan.reference[source.waypoint, good].purchase_price
    resting_bid = plan.reference[target.waypoint, good].sell_price
    bought, sold = load_sizes(source.good, target.good, plan.hold)
    units = sum(bought)
    loss = units * (ask - bid)
    volumes = units / source.good.trade_volume, units / target.good.trade_volume
    return Candidate(
        MarketPair.of(good, source.waypoint, target.waypoint),
        (cell_of(source, Operation.BUY), cell_of(target, Operation.SELL)),
        volumes,
        len(bought) + len(sold),
        (
            *_visits(reach[source.waypoint, Operation.BUY], volumes[0]),
            *_visits(reach[target.waypoint, Operation.SELL], volumes[1]),
        ),
        max(
            math.log(ask / resting_ask) * _unforgotten(source, plan),
            math.log(resting_bid / bid) * _unforgotten(target, plan),
        ),
        units * ask,
        loss,
        1 + max(0.0, loss) / max(1.0, min(_HALVING_LOSS, _HALVING_SHARE * plan.credits_left)),
    )


def _reach(listing: Listing, side: Operation, aims: Set[CellKey]) -> Iterator[tuple[CellKey, float, float]]:
    """The cell that the listing is in, and the aims on both sides of it that trading this side takes it towards.

    With each the clarity of its quote, and the share of a visit's worth that counts for it.
    """
    good, levels = listing.good, SUPPLIES if side is Operation.SELL else SUPPLIES[::-1]
    clarity = {other: _clarity(good.price(other)) for other in SIDES}
    yield cell_of(listing, side), clarity[side], 1.0
    for steps, supply in enumerate(levels[levels.index(good.supply) + 1 :], 1):
        for other in SIDES:
            cell = other, good.type, supply, good.activity
            if cell in aims:
                yield cell, clarity[other], (_PASSED if other is side else _STEERED) ** steps


def _visits(reach: Iterable[tuple[CellKey, float, float]], volumes: float) -> Iterator[tuple[CellKey, float]]:
    """How many usual visits a visit of so many tradeVolumes is worth to each cell."""
    return ((cell, volumes / USUAL_VOLUMES * clarity * share) for cell, clarity, share in reach)


def _unforgotten(listing: Listing, plan: AllocationPlan) -> float:
    """The share of a displacement that is taken to be left, so long after it was seen."""
    hours = max(0.0, (plan.now - listing.observed_at).total_seconds()) * plan.speed / 3600
    return float(2 ** (-hours / HALVING_HOURS))


def _clarity(price: int) -> float:
    """How much of a usual visit's information is left when quotes are rounded to whole credits, 0 to 1."""
    rounding = math.sqrt(2 / 12) / (price * _USUAL_MOVE)
    return 1 / (1 + rounding**2)


def feasible_now(candidates: Iterable[Candidate], plan: AllocationPlan) -> list[Candidate]:
    """Those of the candidates whose listings are free and not too far from rest."""
    busy = busy_listings(plan)
    return [c for c in candidates if not c.is_displaced and not c.listings & busy]


def busy_listings(plan: AllocationPlan) -> set[ListingKey]:
    """Listings that somebody is at, waits for, or must leave alone."""
    queued = {(market, pair.good_symbol) for pair in plan.queued for market in (pair.buy_market, pair.sell_market)}
    return queued | {key for key, end in plan.locked.items() if end > plan.now}


def cell_of(listing: Listing, side: Operation) -> CellKey:
    return side, listing.good.type, listing.good.supply, listing.good.activity

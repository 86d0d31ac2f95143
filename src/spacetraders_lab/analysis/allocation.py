"""Which pairs an adaptive run measures next: where an interval is too wide for its target, in reach and not too dear.

Greedy: a visit is worth the part that it is of all the visits its two cells still need, so that cells within reach are
finished first and no cell is given up. States that no listing shows any more can be had again by trading: buying takes
a listing to emptier levels, selling to fuller ones, so a visit is worth a part of what the levels on its way need,
where a listing was in them when the run was planned. Intervals are taken to narrow with the root of the trades (Neyman
1934, JRSS 97:558). It stops by precision, never by significance. Chooses only; what a visit trades is the design's
business.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from spacetraders_lab.analysis.analyse import measure_impact, usable_part
from spacetraders_lab.analysis.dataset import SIDES, SUPPLIES, dataset_of
from spacetraders_lab.analysis.findings import CellEstimate, Estimate
from spacetraders_lab.analysis.observations import observations_of
from spacetraders_lab.analysis.quiet import drift_variance, quiet_reads
from spacetraders_lab.analysis.runs import combine_quotes, runs_of
from spacetraders_lab.core.allocation import Allocation, AllocationPlan, ListingKey
from spacetraders_lab.core.analysis_plan import FEWEST_UNITS, FEWEST_VOLUMES
from spacetraders_lab.core.experiment import MarketPair, PlaceboBracket, TradeRecord
from spacetraders_lab.core.market import Activity, Listing, ListingType, Operation, Supply
from spacetraders_lab.core.menus import LARGEST_DISPLACEMENT
from spacetraders_lab.core.prior import HALVING_HOURS

CellKey = tuple[Operation, ListingType, Supply, Activity | None]

NEVER_SEEN, MOST_NEED = 4.0, 5.0
VISIT_VOLUMES = 3.0  # tradeVolumes that a visit trades, about
_ONLY_BREADTH = 0.3  # what a visit is worth to a cell that is precise but known from too little
_FEWEST_COUNTED = 2.0  # tradeVolumes that a cell is taken to have, for its interval is a guess before
_PASSED = 0.4  # of what a visit is worth, for the next supply level on its way: a few tradeVolumes often get there
_STEERED = 0.15  # the same for the other side of that level: it takes another visit
_PATIENCE = 0.3  # of what the best pair is worth: pairs worth less wait until that one can be measured
_FRUITLESS = 120  # trades in a row of no cell that is wanted, about 17 visits: steering does not get there
_PASSES = timedelta(hours=6 * HALVING_HOURS)  # then what comes back by itself has come back
_HALVING_LOSS = 200_000  # credits
_NEXT_DOOR = 1.2  # for a pair that begins where another ends: one flight less, of a pair's 20 requests 3 or 4
_USUAL_MOVE = 0.03 * 1.5  # log move of a usual visit, against which the rounding of a quote is held
_NAMED = 3  # of the cells that were not reached
_CHANCE = (0.8, 1.2)  # keeps every feasible pair possible


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A pair, the cells of its two sides, and the credits it costs.

    `reach` has for these and for each cell that trading takes a side towards what part of its worth is the visit's.
    `displacement` says how far (log) the worse of its two quotes is pushed already the way the pair would push it.
    """

    pair: MarketPair
    cells: tuple[CellKey, CellKey]
    reach: tuple[tuple[CellKey, float], ...]
    displacement: float
    outlay: float
    loss: float

    @property
    def is_displaced(self) -> bool:
        return self.displacement > math.log(LARGEST_DISPLACEMENT)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.pair.good_symbol, self.pair.buy_market, self.pair.sell_market

    @property
    def listings(self) -> set[ListingKey]:
        return {(self.pair.buy_market, self.pair.good_symbol), (self.pair.sell_market, self.pair.good_symbol)}

    def score(self, worth: Mapping[CellKey, float]) -> float:
        gain: float = sum(worth[cell] * part for cell, part in self.reach)
        return gain / (1 + max(0.0, self.loss) / _HALVING_LOSS)


def allocate(rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
    """The pairs most worth measuring next, or why there is nothing left to measure; equal arguments, equal pairs."""
    candidates = list(_candidates(plan))
    over = plan.over
    if plan.until is not None and plan.now >= plan.until:
        over = "the time of the run is over"
    if over is not None:
        return Allocation(ended=_so_far(over, candidates, cell_needs(cell_estimates(rows, plan.placebos), plan)))
    affordable = [candidate for candidate in candidates if candidate.outlay <= plan.credits_left]
    may_wait = _may_wait(rows, affordable, plan)
    if may_wait and not _feasible(affordable, plan):
        return Allocation()
    estimates = cell_estimates(rows, plan.placebos)
    needs = cell_needs(estimates, plan)
    if not any(needs[cell] for candidate in candidates for cell, _ in candidate.reach):
        return Allocation(ended="every cell within reach is known as well as was asked for")
    if _is_fruitless(rows, needs, plan):
        return Allocation(ended=_so_far("the states left to measure are not to be had", candidates, needs))
    chosen = tuple(_choose(affordable, _Wanted(estimates, needs), plan))
    if not chosen and not may_wait:
        return Allocation(ended=_so_far(_why_nothing(affordable), candidates, needs))
    return Allocation(chosen)


def _may_wait(rows: Sequence[TradeRecord], affordable: Sequence[_Candidate], plan: AllocationPlan) -> bool:
    """Whether time alone may make a pair feasible: somebody is at work, or a displacement has had no time to pass."""
    if _busy(plan):
        return True
    is_passing = not rows or plan.now - rows[-1].timestamp <= _PASSES
    return is_passing and any(candidate.is_displaced for candidate in affordable)


def _why_nothing(affordable: Iterable[_Candidate]) -> str:
    if any(candidate.is_displaced for candidate in affordable):
        return "quotes that were pushed away have not come back"
    return "what is left to measure costs more than may still be lost"


def _is_fruitless(rows: Sequence[TradeRecord], needs: Mapping[CellKey, float], plan: AllocationPlan) -> bool:
    """Whether the last trades were of no cell that is wanted now, and have not finished any that was wanted before."""
    before, last = rows[:-_FRUITLESS], rows[-_FRUITLESS:]
    traded = {(row.operation, row.listing_type, row.supply_before, row.activity_before) for row in last}
    if not before or any(needs[cell] for cell in traded):
        return False
    then = cell_needs(cell_estimates(before, plan.placebos), plan)
    return not any(then[cell] for cell in traded)


def _so_far(over: str, candidates: Iterable[_Candidate], needs: Mapping[CellKey, float]) -> str:
    """Why the run ends, how much is as precise as was asked for, and what is farthest from it."""
    cells = {cell: " ".join(word for word in cell if word) for candidate in candidates for cell, _ in candidate.reach}
    left = sorted((cell for cell in cells if needs[cell]), key=lambda cell: (-needs[cell], cells[cell]))
    named = ", ".join(cells[cell] for cell in left[:_NAMED])
    what = f"; farthest from it: {named}" if left else ""
    return f"{over}; {len(cells) - len(left)} of {len(cells)} cells within reach are as precise as was asked for{what}"


def feasible_pairs(plan: AllocationPlan) -> list[MarketPair]:
    """Every pair that could be measured now, wanted or not."""
    return [candidate.pair for candidate in _feasible(_candidates(plan), plan)]


def cell_estimates(rows: Sequence[TradeRecord], placebos: Sequence[PlaceboBracket]) -> dict[CellKey, CellEstimate]:
    """The impact by cell from rows and placebo brackets, as the final analysis estimates it with b = 1.

    Whether b is 1 hardly changes how wide an interval is, and to ask takes as long as all the rest.
    """
    data = usable_part(dataset_of(rows), None)
    drift2 = drift_variance(quiet_reads(data, observations_of(())), placebos)
    cells = measure_impact(data, combine_quotes(runs_of(data)), drift2).cells
    return {(cell.side, cell.type, cell.supply, cell.activity): cell for cell in cells}


def is_precise(estimate: Estimate | None, target: float, floor: float) -> bool:
    """Whether the half-width is at most the larger of `target` times the estimate and `floor` (a slope)."""
    return _shortfall(estimate, target, floor) <= 1


def cell_needs(estimates: Mapping[CellKey, CellEstimate], plan: AllocationPlan) -> dict[CellKey, float]:
    """How much each cell is wanted: its half-width in targets, at most 5; 4 when never seen, 0 when done.

    Done takes the target, 3 listings (or all that are in the cell now) and 8 tradeVolumes.
    """
    existing = Counter(_cell(listing, side) for listing in plan.listings for side in SIDES)
    return {key: _need(cell, plan, existing[key]) for key, cell in estimates.items()}


def _need(cell: CellEstimate, plan: AllocationPlan, existing: int) -> float:
    if not cell.transactions:
        return NEVER_SEEN
    need = _shortfall(cell.measured, plan.target, plan.floor)
    is_broad = cell.markets >= min(FEWEST_UNITS, existing) and cell.trade_volumes >= FEWEST_VOLUMES
    if need <= 1:
        return 0.0 if is_broad else 1.0
    return min(need, MOST_NEED)


def _shortfall(estimate: Estimate | None, target: float, floor: float) -> float:
    if estimate is None or math.isnan(estimate.high - estimate.low):
        return math.inf
    return (estimate.high - estimate.low) / 2 / max(target * estimate.value, floor)


def _cell(listing: Listing, side: Operation) -> CellKey:
    return side, listing.good.type, listing.good.supply, listing.good.activity


def _candidates(plan: AllocationPlan) -> Iterator[_Candidate]:
    """Every pair of two listings of a good that may be flown, whatever keeps it from being measured now."""
    aims = {(side, good.type, good.supply, good.activity) for good in plan.reference.values() for side in SIDES}
    by_good: dict[str, list[Listing]] = {}
    for listing in sorted(plan.listings, key=lambda listing: (listing.good.symbol, listing.waypoint)):
        by_good.setdefault(listing.good.symbol, []).append(listing)
    for good, listings in by_good.items():
        for source in listings:
            for target in listings:
                if source.waypoint != target.waypoint:
                    candidate = _candidate(good, source, target, plan, aims)
                    if plan.may_lose or candidate.loss < 0:
                        yield candidate


def _candidate(good: str, source: Listing, target: Listing, plan: AllocationPlan, aims: Set[CellKey]) -> _Candidate:
    ask, bid = source.good.purchase_price, target.good.sell_price
    resting_ask = plan.reference[source.waypoint, good].purchase_price
    resting_bid = plan.reference[target.waypoint, good].sell_price
    units = min(plan.hold, VISIT_VOLUMES * source.good.trade_volume)
    return _Candidate(
        MarketPair.of(good, source.waypoint, target.waypoint),
        (_cell(source, Operation.BUY), _cell(target, Operation.SELL)),
        (*_reach(source, Operation.BUY, aims), *_reach(target, Operation.SELL, aims)),
        max(
            math.log(ask / resting_ask) * _unforgotten(source, plan.now),
            math.log(resting_bid / bid) * _unforgotten(target, plan.now),
        ),
        units * ask,
        units * (ask - bid),
    )


def _reach(listing: Listing, side: Operation, aims: Set[CellKey]) -> Iterator[tuple[CellKey, float]]:
    """The cell that the listing is in, and the aims on both sides of it that trading this side takes it towards."""
    good, levels = listing.good, SUPPLIES if side is Operation.SELL else SUPPLIES[::-1]
    yield _cell(listing, side), _clarity(good.price(side))
    for steps, supply in enumerate(levels[levels.index(good.supply) + 1 :], 1):
        for other in SIDES:
            cell = other, good.type, supply, good.activity
            if cell in aims:
                yield cell, _clarity(good.price(other)) * (_PASSED if other is side else _STEERED) ** steps


def _unforgotten(listing: Listing, now: datetime) -> float:
    """The share of a displacement that is taken to be left, so long after it was seen."""
    hours = max(0.0, (now - listing.observed_at).total_seconds()) / 3600
    return float(2 ** (-hours / HALVING_HOURS))


def _clarity(price: int) -> float:
    """How much of a usual visit's information is left when quotes are rounded to whole credits, 0 to 1."""
    rounding = math.sqrt(2 / 12) / (price * _USUAL_MOVE)
    return 1 / (1 + rounding**2)


def _feasible(candidates: Iterable[_Candidate], plan: AllocationPlan) -> list[_Candidate]:
    """Those of the candidates whose listings are free and not too far from rest."""
    busy = _busy(plan)
    return [c for c in candidates if not c.is_displaced and not c.listings & busy]


def _busy(plan: AllocationPlan) -> set[ListingKey]:
    """Listings that somebody is at, waits for, or must leave alone."""
    queued = {(market, pair.good_symbol) for pair in plan.queued for market in (pair.buy_market, pair.sell_market)}
    return queued | {key for key, end in plan.locked.items() if end > plan.now}


class _Wanted:
    """What a visit is worth to each cell, after all the visits that are counted on."""

    def __init__(self, estimates: Mapping[CellKey, CellEstimate], needs: Mapping[CellKey, float]) -> None:
        self._volumes = {key: max(1.0, cell.trade_volumes) for key, cell in estimates.items()}
        self._needs = dict(needs)
        self.worth = {cell: _worth(need, self._volumes[cell]) for cell, need in needs.items()}

    def count_on(self, visit: _Candidate) -> None:
        """Take it that the visit will measure the cells it begins in."""
        for cell in visit.cells:
            before = self._volumes[cell]
            self._volumes[cell] = before + VISIT_VOLUMES
            self._needs[cell] *= math.sqrt(before / self._volumes[cell])
            self.worth[cell] = _worth(self._needs[cell], self._volumes[cell])


def _choose(candidates: Sequence[_Candidate], wanted: _Wanted, plan: AllocationPlan) -> Iterator[MarketPair]:
    """The best pairs one after the other, each listing once; each choice counts on what the ones before will tell."""
    chance = Random(f"allocation:{plan.seed}:{plan.turn}")
    feasible = _feasible(candidates, plan)
    luck = [chance.uniform(*_CHANCE) for _ in feasible]
    under_way = {(pair.good_symbol, pair.buy_market, pair.sell_market) for pair in plan.queued}
    for candidate in candidates:
        if candidate.key in under_way:
            wanted.count_on(candidate)
    best_of_all = max((c.score(wanted.worth) for c in candidates if not c.is_displaced), default=0.0)
    left, taken = float(plan.credits_left), set[ListingKey]()
    ends = Counter(pair.sell_market for pair in plan.queued)
    for _ in range(plan.wanted):
        scores = [
            (
                candidate.score(wanted.worth) * factor * (_NEXT_DOOR if ends[candidate.pair.buy_market] > 0 else 1.0),
                -number,
            )
            for number, (candidate, factor) in enumerate(zip(feasible, luck, strict=True))
            if candidate.outlay <= left and not candidate.listings & taken
        ]
        score, number = max(scores, default=(0.0, 0))
        if score <= _PATIENCE * best_of_all:
            return
        best = feasible[-number]
        yield best.pair
        ends[best.pair.buy_market] -= 1
        ends[best.pair.sell_market] += 1
        taken |= best.listings
        left -= max(0.0, best.loss)
        wanted.count_on(best)


def _worth(need: float, volumes: float) -> float:
    """The part of what a cell still needs that a visit is."""
    if need <= 1:
        return _ONLY_BREADTH if need == 1 else 0.0
    return min(1.0, VISIT_VOLUMES / (max(_FEWEST_COUNTED, volumes) * (need**2 - 1)))

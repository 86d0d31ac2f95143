"""Which pairs an adaptive run measures next: where an interval is too wide for its target, in reach and not too dear.

Greedy: a visit is worth the part that it is of all the visits its two cells still need, so that cells within reach are
finished first and no cell is given up; of the pairs that are worth enough, the first is the one worth most for the time
it takes. States that no listing shows any more can be had again by trading: buying takes a listing to emptier levels,
selling to fuller ones, so a visit is worth a part of what the levels on its way need, where a listing was in them when
the run was planned. Intervals are taken to narrow with the root of the trades (Neyman 1934, JRSS 97:558). It stops by
precision, never by significance. Chooses only; what a visit trades is the design's business.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random

from spacetraders_lab.analysis.candidates import USUAL_VOLUMES, Candidate, busy_listings, feasible_now, possible_pairs
from spacetraders_lab.analysis.effort import Effort
from spacetraders_lab.analysis.findings import CellEstimate
from spacetraders_lab.analysis.needs import cell_estimates, cell_needs
from spacetraders_lab.core.allocation import Allocation, AllocationPlan
from spacetraders_lab.core.experiment import MarketPair, TradeRecord
from spacetraders_lab.core.market import CellKey, ListingKey
from spacetraders_lab.core.prior import HALVING_HOURS

_ONLY_BREADTH = 0.3  # what a visit is worth to a cell that is precise but known from too little
_FEWEST_COUNTED = 2.0  # tradeVolumes that a cell is taken to have, for its interval is a guess before
_PATIENCE = 0.3  # of what the best pair is worth: pairs worth less wait until that one can be measured
_FRUITLESS = 120  # trades in a row of no cell that is wanted, about 17 visits: steering does not get there
_PASSES = timedelta(hours=6 * HALVING_HOURS)  # then what comes back by itself has come back
_NAMED = 3  # of the cells that were not reached
_CHANCE = (0.8, 1.2)  # keeps every feasible pair possible


def allocate(rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
    """The pairs most worth measuring next, or why there is nothing left to measure; equal arguments, equal pairs."""
    candidates = list(possible_pairs(plan))
    over = plan.over
    if plan.until is not None and plan.now >= plan.until:
        over = "the time of the run is over"
    if over is not None:
        return Allocation(ended=_so_far(over, candidates, cell_needs(cell_estimates(rows, plan.placebos), plan)))
    affordable = [candidate for candidate in candidates if candidate.outlay <= plan.credits_left]
    may_wait = _may_wait(rows, affordable, plan)
    if may_wait and not feasible_now(affordable, plan):
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


def _may_wait(rows: Sequence[TradeRecord], affordable: Sequence[Candidate], plan: AllocationPlan) -> bool:
    """Whether time alone may make a pair feasible: somebody is at work, or a displacement has had no time to pass."""
    if busy_listings(plan):
        return True
    is_passing = not rows or (plan.now - rows[-1].timestamp) * plan.speed <= _PASSES
    return is_passing and any(candidate.is_displaced for candidate in affordable)


def _why_nothing(affordable: Iterable[Candidate]) -> str:
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


def _so_far(over: str, candidates: Iterable[Candidate], needs: Mapping[CellKey, float]) -> str:
    """Why the run ends, how much is as precise as was asked for, and what is farthest from it."""
    cells = {cell: " ".join(word for word in cell if word) for candidate in candidates for cell, _ in candidate.reach}
    left = sorted((cell for cell in cells if needs[cell]), key=lambda cell: (-needs[cell], cells[cell]))
    named = ", ".join(cells[cell] for cell in left[:_NAMED])
    what = f"; farthest from it: {named}" if left else ""
    return f"{over}; {len(cells) - len(left)} of {len(cells)} cells within reach are as precise as was asked for{what}"


def feasible_pairs(plan: AllocationPlan) -> list[MarketPair]:
    """Every pair that could be measured now, wanted or not."""
    return [candidate.pair for candidate in feasible_now(possible_pairs(plan), plan)]


class _Wanted:
    """What a visit is worth to each cell, after all the visits that are counted on."""

    def __init__(self, estimates: Mapping[CellKey, CellEstimate], needs: Mapping[CellKey, float]) -> None:
        self._volumes = {key: max(1.0, cell.trade_volumes) for key, cell in estimates.items()}
        self._needs = dict(needs)
        self.worth = {cell: _worth(need, self._volumes[cell]) for cell, need in needs.items()}

    def count_on(self, visit: Candidate) -> None:
        """Take it that the visit will measure the cells it begins in."""
        for cell, volumes in zip(visit.cells, visit.volumes, strict=True):
            before = self._volumes[cell]
            self._volumes[cell] = before + volumes
            self._needs[cell] *= math.sqrt(before / self._volumes[cell])
            self.worth[cell] = _worth(self._needs[cell], self._volumes[cell])


def _choose(candidates: Sequence[Candidate], wanted: _Wanted, plan: AllocationPlan) -> Iterator[MarketPair]:
    """The best pairs one after the other, each listing once; each choice counts on what the ones before will tell."""
    chance = Random(f"allocation:{plan.seed}:{plan.turn}")
    feasible = feasible_now(candidates, plan)
    luck = [chance.uniform(*_CHANCE) for _ in feasible]
    under_way = {(pair.good_symbol, pair.buy_market, pair.sell_market) for pair in plan.queued}
    for candidate in candidates:
        if candidate.key in under_way:
            wanted.count_on(candidate)
    enough = _PATIENCE * max((c.score(wanted.worth) for c in candidates if not c.is_displaced), default=0.0)
    left, taken, effort = float(plan.credits_left), set[ListingKey](), Effort(plan)
    for _ in range(plan.wanted):
        scores = [
            (score * factor / effort.seconds(candidate), -number)
            for number, (candidate, factor) in enumerate(zip(feasible, luck, strict=True))
            if candidate.outlay <= left
            and not candidate.listings & taken
            and (score := candidate.score(wanted.worth)) > enough
        ]
        if not scores:
            return
        best = feasible[-max(scores)[1]]
        yield best.pair
        effort.count_on(best)
        taken |= best.listings
        left -= max(0.0, best.loss)
        wanted.count_on(best)


def _worth(need: float, volumes: float) -> float:
    """The part of what a cell still needs that a usual visit is."""
    if need <= 1:
        return _ONLY_BREADTH if need == 1 else 0.0
    return min(1.0, USUAL_VOLUMES / (max(_FEWEST_COUNTED, volumes) * (need**2 - 1)))

"""Which pairs measure every listing of a system on both sides, and in which order. Chooses only.

A pair buys at one listing and sells at another, so it measures two of the sides at once.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import permutations, zip_longest

from spacetraders_lab.core.draws import draw, shuffled
from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.core.lanes import Lane
from spacetraders_lab.core.market import Listing, Operation

Stratum = tuple[Hashable, ...]


def survey_pairs(listings: Mapping[str, Sequence[Listing]], rounds: int) -> list[Lane]:
    """Lanes that together use each side of each listing `rounds` times, or once more where it does not come out even.

    `listings` by good. The lanes a good flows along by itself come first, the most profitable of them before the
    others; of the rest, those that lose least.
    """
    return sorted((lane for found in listings.values() for lane in _cover(found, rounds)), key=_preference)


def separate_lanes(lanes: Iterable[Lane]) -> list[Lane]:
    """The lanes, in their order, that share no listing with one before them."""
    used: set[tuple[str, str]] = set()
    chosen = []
    for lane in lanes:
        ends = {(lane.source.waypoint, lane.good), (lane.target.waypoint, lane.good)}
        if not used & ends:
            chosen.append(lane)
            used |= ends
    return chosen


def numbered(pairs: Iterable[MarketPair], before: Mapping[str, int] | None = None) -> list[MarketPair]:
    """The pairs, those that occur again (or occurred `before`, counted by their plain id) with the visit's number."""
    seen = Counter(before or {})
    result = []
    for pair in pairs:
        plain = MarketPair.of(pair.good_symbol, pair.buy_market, pair.sell_market)
        seen[plain.pair_id] += 1
        result.append(MarketPair.of(*_ends(pair), visit=seen[plain.pair_id]))
    return result


def stratified_order(
    pairs: Sequence[MarketPair], stratum: Callable[[MarketPair], Stratum], seed: int
) -> list[MarketPair]:
    """A drawn order in which the strata take turns, so that wherever a run is broken off it has seen of each alike."""
    strata: dict[Stratum, list[MarketPair]] = defaultdict(list)
    for pair in sorted(pairs, key=lambda pair: pair.pair_id):
        strata[stratum(pair)].append(pair)
    names = sorted(strata, key=lambda name: draw(seed, "stratum", *name))
    columns = [shuffled(strata[name], seed, "pairs", *name) for name in names]
    return [pair for row in zip_longest(*columns) for pair in row if pair is not None]


def _cover(found: Sequence[Listing], rounds: int) -> list[Lane]:
    """Greedy: the preferred lane that uses no side too often, then for each side still missing the preferred lane."""
    used: Counter[tuple[str, Operation]] = Counter()
    chosen: list[Lane] = []

    def take(lane: Lane) -> None:
        chosen.append(lane)
        used.update(_sides(lane))

    candidates = sorted((Lane(*ends) for ends in permutations(found, 2)), key=_preference)
    for _ in range(rounds):
        for lane in candidates:
            if all(used[side] < rounds for side in _sides(lane)) and chosen.count(lane) < rounds:
                take(lane)
    for lane in candidates:
        if any(used[side] < rounds for side in _sides(lane)) and all(used[side] <= rounds for side in _sides(lane)):
            take(lane)
    return chosen


def _sides(lane: Lane) -> tuple[tuple[str, Operation], tuple[str, Operation]]:
    return (lane.source.waypoint, Operation.BUY), (lane.target.waypoint, Operation.SELL)


def _preference(lane: Lane) -> tuple[bool, int, str, str, str]:
    return not lane.is_natural, -lane.spread * lane.units_a_visit, lane.good, lane.source.waypoint, lane.target.waypoint


def _ends(pair: MarketPair) -> tuple[str, str, str]:
    return pair.good_symbol, pair.buy_market, pair.sell_market

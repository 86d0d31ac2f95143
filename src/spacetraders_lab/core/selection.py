"""Which markets stand for a good, and which pairs are flown between them. Chooses only; it reads and stores nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter

from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.core.market import Listing
from spacetraders_lab.core.planning import Ways

FEWEST, MOST = 4, 8
_ROOM_A_SHIP = 1.5  # pairs at once at the end of a run for each ship but one: some are too far from where it is
_SECONDS_AT_MARKETS = 60.0  # of a pair, about: its trades and readings

_Level = tuple[str, str | None]  # ("supply", "SCARCE") or ("activity", None)
_Group = tuple[str, str | None]  # (supply, activity); an EXCHANGE has no activity
_Leg = tuple[str | None, MarketPair | None]  # where it leads, and the pair it stands for


class MarketSelector:
    """Chooses the markets that represent a good, and pairs them."""

    def select_representative_markets(self, listings: Sequence[Listing]) -> list[Listing]:
        """Four to eight listings of one good that differ as much as possible; fewer only when fewer exist.

        Listings are grouped by (supply, activity). Every supply level and every activity present gets a market
        first, then every group, then a second market of the groups; within a group the larger tradeVolume goes
        first. A third market of a group is taken only to reach four in all. Sorted by waypoint.
        """
        groups = _by_group(listings)
        covering_first = dict.fromkeys([*_covering(list(groups)), *groups])
        chosen: list[Listing] = []
        # a first market of each group, a second one, and where that makes fewer than four a third and a fourth
        for order, most in ((covering_first, MOST), (groups, MOST), (groups, FEWEST), (groups, FEWEST)):
            for group in order:
                if groups[group] and len(chosen) < most:
                    chosen.append(groups[group].pop(0))
        return sorted(chosen, key=lambda listing: listing.waypoint)

    def generate_market_pairs(self, markets: Iterable[str], good: str) -> list[MarketPair]:
        """All N x (N-1) ordered pairs of distinct markets, in the order in which they are given."""
        distinct = list(dict.fromkeys(markets))
        return [MarketPair.of(good, buy, sell) for buy in distinct for sell in distinct if buy != sell]


def balanced_order(pairs_by_good: Sequence[Sequence[MarketPair]]) -> list[MarketPair]:
    """The order in which pairs are chosen when not all are wanted: goods in turn, and within a good along closed walks.

    On a walk each pair buys where the one before it sold, so a listing that has been filled is emptied
    again before it is filled anew. In the plain order (A to B, A to C, ...) one listing is bought from
    N-1 times in a row, and since its price runs away exponentially that costs hundreds of times the quote.
    """
    walks = [_chained(pairs) for pairs in pairs_by_good]
    longest = max(map(len, walks), default=0)
    return [walk[i] for i in range(longest) for walk in walks if i < len(walk)]


def queue_order(pairs: Iterable[MarketPair], ships: int = 1, ways: Ways | None = None) -> list[MarketPair]:
    """The order in which chosen pairs are queued: good by good, along closed walks, the last goods mixed.

    A ship that has sold is where the next pair buys, which saves a third of the flights. Two pairs of a listing are
    never flown at once: goods whose pairs keep each other waiting longest go first (without `ways` flights are taken to
    be alike), and as many of the last ones are mixed as keep all `ships` at work to the end (docs/decisions/0003).
    """
    by_good: dict[str, list[MarketPair]] = {}
    for pair in pairs:
        by_good.setdefault(pair.good_symbol, []).append(pair)
    walks = [_chained(walk) for walk in sorted(by_good.values(), key=partial(_fewest_seconds, ways), reverse=True)]
    last = _goods_at_the_end(walks, ships)
    return [*chain(*walks[: len(walks) - last]), *_mixed(walks[len(walks) - last :])]


def _goods_at_the_end(walks: Sequence[Sequence[MarketPair]], ships: int) -> int:
    """How many of the last goods are mixed, so that enough of their pairs can be flown at the same time."""
    count, room = 0, 0
    while count < len(walks) and room < _ROOM_A_SHIP * (ships - 1):
        count += 1
        room += _at_once(walks[-count])
    return count


def _fewest_seconds(ways: Ways | None, pairs: Sequence[MarketPair]) -> float:
    """In how many seconds the pairs of a good can be flown at best, by however many ships: one at a time a listing."""
    busy: dict[str, float] = defaultdict(float)
    for pair in pairs:
        flight = ways(pair.buy_market, pair.sell_market).seconds if ways is not None else 0.0
        for market in (pair.buy_market, pair.sell_market):
            busy[market] += _SECONDS_AT_MARKETS + flight
    return max(max(busy.values()), sum(busy.values()) / 2 / _at_once(pairs))


def _at_once(pairs: Sequence[MarketPair]) -> int:
    """The most pairs of a good that can be flown at the same time: each has two markets to itself."""
    return len({market for pair in pairs for market in (pair.buy_market, pair.sell_market)}) // 2


def _mixed(walks: Sequence[Sequence[MarketPair]]) -> list[MarketPair]:
    """The walks in one, each with its pairs spread evenly over the whole."""
    places = [((2 * n + 1) / len(walk), pair) for walk in walks for n, pair in enumerate(walk)]
    return [pair for _, pair in sorted(places, key=itemgetter(0))]


def _group(listing: Listing) -> _Group:
    return listing.good.supply, listing.good.activity


def _by_group(listings: Sequence[Listing]) -> dict[_Group, list[Listing]]:
    """Listings of each group, and the groups themselves: the largest tradeVolume first."""
    groups: dict[_Group, list[Listing]] = defaultdict(list)
    for listing in sorted(listings, key=lambda item: (-item.good.trade_volume, item.waypoint)):
        groups[_group(listing)].append(listing)
    return groups


def _covering(groups: list[_Group]) -> list[_Group]:
    """Groups that together show every supply level and every activity present; at most eight.

    The group that shows most of what is not shown yet goes next; among equals the one whose levels are rarest, then
    the one that is given first. Five levels of each kind never need nine groups this way: all but the first would
    have to show one new level only, so every group would have to share a level with the first, and then the first
    has the commonest levels of all.
    """
    chosen: list[_Group] = []
    frequency = Counter(level for group in groups for level in _levels(group))
    uncovered = set(frequency)
    while uncovered:
        best = max(
            groups, key=lambda g: (len(uncovered.intersection(_levels(g))), -sum(frequency[x] for x in _levels(g)))
        )
        chosen.append(best)
        uncovered.difference_update(_levels(best))
    return chosen


def _levels(group: _Group) -> tuple[_Level, _Level]:
    return ("supply", group[0]), ("activity", group[1])


def _chained(pairs: Sequence[MarketPair]) -> list[MarketPair]:
    """The pairs along closed walks where they allow it, else along as few chains as they need (Hierholzer).

    Where a market has more purchases than sales, or fewer, no walk closes; a market that does not exist (None)
    makes up the difference, and the chains are what is left of the closed walks without it.
    """
    surplus = Counter(pair.buy_market for pair in pairs)
    surplus.subtract(pair.sell_market for pair in pairs)
    leaving: dict[str | None, list[_Leg]] = defaultdict(list)
    for market, purchases in surplus.items():
        leaving[None].extend([(market, None)] * purchases)
        leaving[market].extend([(None, None)] * -purchases)
    for pair in reversed(pairs):
        leaving[pair.buy_market].append((pair.sell_market, pair))
    return [pair for start in [None, *surplus] for pair in _closed_walk(leaving, start)]


def _closed_walk(leaving: dict[str | None, list[_Leg]], start: str | None) -> list[MarketPair]:
    """Take from `leaving` a walk from the start and back over everything that it can reach."""
    stack: list[_Leg] = [(start, None)]
    walk: list[MarketPair] = []
    while stack:
        market, arrived_by = stack[-1]
        if leaving[market]:
            stack.append(leaving[market].pop())
        else:
            stack.pop()
            if arrived_by is not None:
                walk.append(arrived_by)
    return walk[::-1]

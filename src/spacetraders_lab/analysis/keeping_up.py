"""A lane flown for a week: what its trips earn while both markets come back, in every draw.

Whoever flies it sees the quotes on arrival, so a trip takes no unit that would lose: it shrinks, to nothing if need
be, where a market comes back more slowly than was thought. A trip that went on trading would move the quotes further
each time and could lose more than the lane ever earned. What the law does not say of the quotes to come nobody sees
beforehand, so a trip is chosen without it and paid with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, Ints
from spacetraders_lab.analysis.curve import Curve
from spacetraders_lab.analysis.resilience import WEEK, Resilience
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE

Ends = tuple[Resilience, Resilience]  # of a lane: where one buys, and where one sells

_SHORTEST = 30.0  # minutes between trips: quotes go back by ticks of half an hour, so oftener brings no more
_LONGER = 1.4  # from one cadence to the next
_MOST_CAPS = 9
_FEW_DRAWS = 20
_FURTHER = 16  # times as many units, from one guess to the next of where a trip ends


def cadences(shortest: float) -> Iterator[float]:
    """Minutes between trips worth trying: from as often as one ship can, at the longest once in the week."""
    minutes = max(shortest, _SHORTEST)
    while minutes < WEEK:
        yield minutes
        minutes *= _LONGER
    yield max(shortest, WEEK)


def caps(hold: int) -> Ints:
    """Most units of a trip worth trying, ascending: evenly spread over the log."""
    return np.unique(np.geomspace(1, hold, _MOST_CAPS).round().astype(np.int64))


def trips(buy: Curve, sell: Curve, most: Ints, minutes: Floats | float, ends: Ends) -> Iterator[tuple[Ints, Floats]]:
    """Units and profit, fuel left aside, of each trip of a week: ways x draws.

    Of each way to fly it, no trip takes more units than its `most`, and there is one every so many `minutes`, which
    ascend: so those that still have trips to come are always the first. All begin at the quotes of now, which earlier
    trades may have left displaced.
    """
    return _trips(_Parts.of(buy, sell, most, np.arange(buy.draws), int(most.max())), minutes, ends)


def week(buy: Curve, sell: Curve, most: Ints, minutes: Floats | float, ends: Ends) -> tuple[Floats, Floats]:
    """Mean units and mean profit, fuel left aside, of a week's trips: ways x draws."""
    units, profits = np.zeros((2, len(most), buy.draws))
    reach = _furthest(buy, sell, int(most.max()))
    for furthest in np.unique(reach):
        draws = np.flatnonzero(reach == furthest)
        parts = _Parts.of(buy, sell, most, draws, int(furthest))
        for taken, earned in _trips(parts, minutes, (ends[0].of_draws(draws), ends[1].of_draws(draws))):
            units[: len(taken), draws] += taken
            profits[: len(taken), draws] += earned
    count = _in_a_week(np.reshape(minutes, (-1, 1)))
    return units / count, profits / count


def few_draws(curve: Curve, end: Resilience) -> tuple[Curve, Resilience]:
    """Some of the draws, evenly chosen: enough to choose by."""
    kept = np.unique(np.linspace(0, curve.draws - 1, _FEW_DRAWS).astype(np.int64))
    return curve.of_draws(kept), end.of_draws(kept)


def _trips(parts: "_Parts", minutes: Floats | float, ends: Ends) -> Iterator[tuple[Ints, Floats]]:
    ways = len(parts.within)
    apart = np.zeros((ways, 1)) + np.reshape(minutes, (-1, 1))
    count = _in_a_week(apart)
    passing = [np.zeros((ways, curve.draws)) + curve.displaced for curve in parts.curves]
    stays = [-curve.displaced + np.zeros((ways, curve.draws)) for curve in parts.curves]
    for trip in range(int(count[0, 0])):
        left = int((count > trip).sum())
        (ask, asked), (bid, paid) = (parts.prices(i, passing[i][:left] + stays[i][:left]) for i in range(2))
        units, place = parts.best(bid - ask)
        yield units, parts.earned(paid - asked, place)
        for i, end in enumerate(ends):
            moved = parts.moved[i][place]
            stays[i] = stays[i][:left] + end.lasting * moved
            passing[i] = end.gone_back(passing[i][:left] + (1 - end.lasting) * moved, apart[:left])


def _in_a_week(minutes: Floats) -> Ints:
    """Trips so many minutes apart."""
    return np.maximum(1, (WEEK / minutes + 1e-9).astype(np.int64), dtype=np.int64)


def _furthest(buy: Curve, sell: Curve, most: int) -> Ints:
    """Units beyond which no trip of at most so many goes, a draw: even where both ends are at rest, all beyond lose.

    Where trades move a quote in the trader's favour, that may be all of them.
    """
    volumes = min(buy.trade_volume, sell.trade_volume)
    tried = np.unique(np.minimum(most, volumes * _FURTHER ** np.arange(1, 7)))
    tried = tried if tried[-1] == most else np.append(tried, most)
    ask, bid = (curve.at(curve.rest[:, None] + (tried - 1) // curve.trade_volume) for curve in (buy, sell))
    lost = (bid < ask) & ~(buy.runs_away | sell.runs_away)[:, None]
    lost[:, -1] = True
    return np.asarray(tried[lost.argmax(axis=1)])


@dataclass(frozen=True, slots=True)
class _Parts:
    """A trip cut where a transaction or a cap ends: all units of a part trade at the same two quotes.

    `upto` are the units up to the end of each part, and at last, where a trip takes no part, none; `units` are those of
    the part alone, and `within` says, for each way to fly, which parts do not exceed its cap. Of each curve, `number`
    is which transaction a part belongs to, `errors` what the law leaves unsaid of it, and `moved` how far `upto` moves
    the quote.
    """

    curves: tuple[Curve, Curve]
    upto: Ints
    units: Ints
    within: Bools
    number: tuple[Ints, Ints]
    errors: tuple[Floats, Floats]
    moved: tuple[Floats, Floats]

    @classmethod
    def of(cls, buy: Curve, sell: Curve, most: Ints, draws: Ints, furthest: int) -> "_Parts":
        """For these draws, in which no trip goes further than so many units."""
        ends = (np.arange(curve.trade_volume, furthest, curve.trade_volume) for curve in (buy, sell))
        upto = np.unique(np.concatenate([np.minimum(most, furthest), *ends]))
        here, there = ((upto - 1) // curve.trade_volume for curve in (buy, sell))
        taken = np.append(upto, 0)
        return cls(
            (buy.of_draws(draws), sell.of_draws(draws)),
            taken,
            np.diff(upto, prepend=0),
            upto <= most[:, None, None],
            (here, there),
            (buy.errors(int(here[-1]) + 1)[draws][:, here], sell.errors(int(there[-1]) + 1)[draws][:, there]),
            (buy.moved_by_each(taken), sell.moved_by_each(taken)),
        )

    def prices(self, i: int, displaced: Floats) -> tuple[Floats, Floats]:
        """Of curve i, what a unit of each part trades at, ways x draws x parts.

        First what the law says, which is all that a trader knows beforehand, then with what it leaves unsaid.
        """
        expected = self.curves[i].at(displaced[:, :, None] + np.arange(self.number[i][-1] + 1.0))[..., self.number[i]]
        return expected, np.maximum(LOWEST_QUOTE, expected + self.errors[i])

    def best(self, gains: Floats) -> tuple[Ints, Ints]:
        """The units that should earn most, none beyond the cap, and the last part of them; 0 and -1 where all lose."""
        sums = np.where(self.within[: len(gains)], (gains * self.units).cumsum(axis=2), -np.inf)
        place = sums.argmax(axis=2)
        place[_each(sums, place) <= 0] = -1
        return self.upto[place], place

    def earned(self, gains: Floats, place: Ints) -> Floats:
        """What the parts up to that one earn."""
        return np.where(place < 0, 0.0, _each((gains * self.units).cumsum(axis=2), place))


def _each(sums: Floats, place: Ints) -> Floats:
    """The sum at the place of each way and draw."""
    rows = np.arange(place.size) * sums.shape[2]
    return np.asarray(sums.reshape(-1)[rows + place.reshape(-1)].reshape(place.shape))

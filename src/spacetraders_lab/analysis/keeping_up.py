"""A lane flown for a week: what its trips earn while both markets come back, in every draw.

Whoever flies it sees the quotes on arrival, so a trip takes no unit that would lose: it shrinks, to nothing if need
be, where a market comes back more slowly than was thought. A trip that went on trading would move the quotes further
each time and could lose more than the lane ever earned. What the law does not say of the quotes to come nobody sees
beforehand, so a trip is chosen without it and paid with it.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints
from spacetraders_lab.analysis.curve import Curve
from spacetraders_lab.analysis.resilience import WEEK, Resilience

Ends = tuple[Resilience, Resilience]  # of a lane: where one buys, and where one sells

_SHORTEST = 30.0  # minutes between trips: quotes go back by ticks of half an hour, so oftener brings no more
_LONGER = 1.4  # from one cadence to the next
_MOST_CAPS = 9
_FEW_DRAWS = 20


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


def trips(buy: Curve, sell: Curve, most: Ints, minutes: float, ends: Ends) -> Iterator[tuple[Ints, Floats]]:
    """Units and profit, fuel left aside, of each trip of a week: caps x draws.

    There is one trip every so many minutes, and none takes more units than `most`. All begin at the quotes of now,
    which earlier trades may have left displaced.
    """
    lane = [(buy, ends[0]), (sell, ends[1])]
    passing = [np.zeros((len(most), curve.draws)) + curve.displaced for curve, _ in lane]
    stays = [-curve.displaced + np.zeros((len(most), curve.draws)) for curve, _ in lane]
    for _ in range(max(1, int(WEEK / minutes + 1e-9))):
        asks, bids = (curve.unit_prices_at(int(most.max()), passing[i] + stays[i]) for i, (curve, _) in enumerate(lane))
        units = _best(bids[0] - asks[0], most)
        yield units, _earned(bids[1] - asks[1], units)
        for i, (curve, end) in enumerate(lane):
            moved = curve.moved_by_each(units)
            stays[i] = stays[i] + end.lasting * moved
            passing[i] = end.gone_back(passing[i] + (1 - end.lasting) * moved, minutes)


def week(buy: Curve, sell: Curve, most: Ints, minutes: float, ends: Ends) -> tuple[Floats, Floats]:
    """Mean units and mean profit, fuel left aside, of a week's trips: caps x draws."""
    units, profits = zip(*trips(buy, sell, most, minutes, ends), strict=True)
    return np.mean(units, axis=0), np.mean(profits, axis=0)


def few_draws(curve: Curve, end: Resilience) -> tuple[Curve, Resilience]:
    """Some of the draws, evenly chosen: enough to choose by."""
    kept = np.unique(np.linspace(0, curve.draws - 1, _FEW_DRAWS).astype(np.int64))
    half_life = None if end.half_life is None else end.half_life[kept]
    return (
        curve.of_draws(kept),
        replace(end, half_life=half_life, an_hour=end.an_hour[kept], lasting=end.lasting[kept]),
    )


def _best(gains: Floats, most: Ints) -> Ints:
    """The number of units of each trip that should earn most, none beyond its cap; 0 where all would lose."""
    sums = np.cumsum(gains, axis=2)
    sums[np.arange(sums.shape[2]) >= most[:, None, None] * np.ones((1, sums.shape[1], 1))] = -np.inf
    return np.where(sums.max(axis=2) > 0, sums.argmax(axis=2) + 1, 0)


def _earned(gains: Floats, units: Ints) -> Floats:
    """What so many units of each trip earn."""
    sums = np.concatenate([np.zeros((*units.shape, 1)), np.cumsum(gains, axis=2)], axis=2)
    return np.asarray(np.take_along_axis(sums, units[:, :, None], axis=2)[:, :, 0])

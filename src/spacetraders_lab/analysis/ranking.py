"""Which lanes earn most an hour, each kept up by itself. What a lane earns is said by `advice.lane` alone.

That takes its time, and a system may have thousands. So each lane first gets a bound of what it can earn in
each draw, and only those are worked out that may still be among the best.
"""

import math
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.advice import LaneAdvice, Trip, lane
from spacetraders_lab.analysis.arrays import Floats, Ints
from spacetraders_lab.analysis.curve import Curve
from spacetraders_lab.analysis.keeping_up import cadences
from spacetraders_lab.analysis.resilience import WEEK, Resilience
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE

_STEPS = np.array([0.0, *np.geomspace(1, 1024, 11)])  # tradeVolumes from the best quote: where nothing is left to earn
_FORESEEN = 64  # transactions of a visit: what the law leaves unsaid of more may be anything
_ENDLESS = 1e18


@dataclass(frozen=True, slots=True)
class LaneEnd:
    """One end of lanes, and the prices that no trip of a week can do better than. Arrays have a row a draw.

    `further` is what the law says of quotes `_STEPS` from where they are best: where own trades had not moved them, or,
    in draws in which trades move them in the trader's favour, wherever they lead. `best` is the best price of a unit
    where no trip goes further than so many steps, and at last where one may go any way.
    """

    curve: Curve
    resilience: Resilience
    further: Floats
    best: Floats

    @classmethod
    def of(cls, curve: Curve, resilience: Resilience, hold: int) -> "LaneEnd":
        """The end of lanes that are flown with this hold; the same for all of them."""
        quotes = curve.against * curve.at(curve.rest[:, None] + np.append(_STEPS, _ENDLESS))
        further = np.where(curve.runs_away[:, None], quotes[:, -1:], quotes[:, :-1])
        most = -(-hold // curve.trade_volume)
        errors = np.minimum.accumulate(curve.against * curve.errors(min(most, _FORESEEN)), axis=1)
        upto = np.clip(np.append(_STEPS, _ENDLESS), 1, most).astype(np.int64)
        errors = np.where(upto > _FORESEEN, -_ENDLESS, errors[:, np.minimum(upto, errors.shape[1]) - 1])
        paid = further[:, :1] + errors
        return cls(curve, resilience, curve.against * further, np.maximum(LOWEST_QUOTE, curve.against * paid))

    def furthest(self, other: "LaneEnd") -> Ints:
        """At which of the steps no transaction begins any more, a draw: it would lose, however good the other quote."""
        lost = self.curve.against * (other.further[:, :1] - self.further) <= 0
        return np.where(lost.any(axis=1), lost.argmax(axis=1), len(_STEPS))

    def units_an_hour(self, furthest: Ints) -> Floats:
        """More units an hour than a week's trips can take from here.

        No transaction begins where it would lose. So all that is taken comes back within the week, but for what the
        last trip may leave. That no cadence is longer than it, and whole trips fill at least half of it, bounds the
        rest.
        """
        if self.curve.exponent > 1:  # many small transactions hardly move the quote
            return np.full(self.curve.draws, _ENDLESS)
        volumes = 1 + np.append(_STEPS, _ENDLESS)[furthest]
        back = self.resilience.an_hour
        if self.resilience.half_life is not None:
            back = back + volumes * math.log(2) * 60 / self.resilience.half_life
        return np.asarray(self.curve.trade_volume * (back + volumes * 60 / (WEEK / 2)))


@dataclass(frozen=True, slots=True)
class PossibleLane:
    """A lane from the end `buy` to the end `sell`."""

    buy: LaneEnd
    sell: LaneEnd
    trip: Trip

    def advice(self, hold: int) -> LaneAdvice:
        """How to fly it, and what it earns."""
        return lane(self.buy.curve, self.sell.curve, hold, self.trip, (self.buy.resilience, self.sell.resilience))

    def most_an_hour(self, hold: int) -> float:
        """Credits an hour that the lane cannot exceed in the middle of its draws, however it is kept up."""
        upto, every = (self.buy.furthest(self.sell), self.sell.furthest(self.buy)), np.arange(self.buy.curve.draws)
        gain, fuel = self.sell.best[every, upto[1]] - self.buy.best[every, upto[0]], self.trip.fuel or 0.0
        by_trips = np.maximum(0.0, hold * gain - fuel) * 60 / next(cadences(self.trip.minutes))
        units = (end.units_an_hour(furthest) for end, furthest in zip((self.buy, self.sell), upto, strict=True))
        by_recovery = np.maximum(0.0, gain - fuel / hold) * np.minimum(*units)
        return float(np.median(np.minimum(by_trips, by_recovery)))


@dataclass(frozen=True, slots=True)
class Ranking:
    """Lanes by their place among those asked of: the best and their advice, the best first, and those earning nothing.

    All others earn less than the last of the best, if anything.
    """

    best: tuple[tuple[int, LaneAdvice], ...]
    idle: tuple[int, ...]


def rank(lanes: Sequence[PossibleLane], hold: int, most: int, done: Callable[[], None] = lambda: None) -> Ranking:
    """The `most` lanes that earn most an hour, in the middle of their draws; `done` is called for each worked out."""
    bounds = [each.most_an_hour(hold) for each in lanes]
    idle = [place for place, bound in enumerate(bounds) if bound <= 0]
    found: list[tuple[float, int, LaneAdvice]] = []
    for place in sorted(range(len(lanes)), key=lambda place: (-bounds[place], place)):
        if bounds[place] <= (-found[most - 1][0] if len(found) >= most else 0.0):
            break
        advice = lanes[place].advice(hold)
        if advice.kept_up is not None and advice.kept_up.profit_an_hour.value > 0:
            insort(found, (-advice.kept_up.profit_an_hour.value, place, advice), key=lambda entry: entry[:2])
        else:
            idle.append(place)
        done()
    return Ranking(tuple((place, advice) for _, place, advice in found[:most]), tuple(idle))

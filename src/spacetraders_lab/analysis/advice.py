"""What to trade, how much at once and how often, from curves of the quotes. Pure arithmetic; every figure has a range.

Sizes are chosen on the central curve, cadences so that a market that comes back more slowly than most can bear them;
both are then priced in every draw, so a range says how the chosen advice may turn out. Formulas that the tests hold
this against: Obizhaeva and Wang 2013, Alfonsi, Fruth and Schied 2010.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spacetraders_lab.analysis.arrays import Floats
from spacetraders_lab.analysis.curve import Curve
from spacetraders_lab.analysis.keeping_up import Ends, cadences, caps, few_draws, week
from spacetraders_lab.analysis.resilience import Resilience
from spacetraders_lab.core.protocol import transactions

# Of the draws of what a week earns, the one to choose by: recovery is known badly, and a cadence that half of the
# markets cannot bear loses more there than it gains elsewhere. Tried in the sandbox's economy (`keeping_up`).
_CAUTION = 0.25
SLICES = (0.1, 0.25, 0.5, 1.0)  # shares of the tradeVolume that a purchase may be cut into


@dataclass(frozen=True, slots=True)
class Forecast:
    """A figure in the middle and where nine in ten of the draws lie (5 to 95 %)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: Floats) -> "Forecast":
        return cls(*(float(q) for q in np.quantile(draws, (0.5, 0.05, 0.95))))


@dataclass(frozen=True, slots=True)
class Part:
    """One transaction of a quote: its units, the price of each, and what it comes to."""

    units: int
    price: Forecast
    credits: Forecast


@dataclass(frozen=True, slots=True)
class Quote:
    """What units will cost or bring, transaction by transaction; `premium_percent` is against all at the first quote.

    The premium is positive where the own impact makes it dearer (BUY) and negative where it takes from it (SELL).
    """

    units: int
    parts: tuple[Part, ...]
    total: Forecast
    average: Forecast
    premium_percent: Forecast


@dataclass(frozen=True, slots=True)
class Trip:
    """What a round trip of the lane takes besides the goods: minutes, credits of fuel, and requests but for trades.

    `fuel` is None where its price is not known; then no profit counts it.
    """

    minutes: float
    fuel: float | None
    requests: int

    def less_fuel(self, earned: Floats) -> Floats:
        """What is left of what trips earned once their fuel is paid, where its price is known."""
        return earned - (self.fuel or 0.0)


@dataclass(frozen=True, slots=True)
class Cadence:
    """A way to fly a lane: at most so many units every so many minutes, and what such a trip earns.

    `units_an_hour` are those really taken: a trip shrinks where its last units would lose.
    """

    minutes: float
    units: int
    profit: Forecast
    profit_an_hour: Forecast
    profit_a_request: Forecast
    units_an_hour: float
    requests: int


@dataclass(frozen=True, slots=True)
class LaneAdvice:
    """How to trade a lane: `once` at the quotes of now, and `kept_up` at the cadence that earns most an hour.

    The latter is what the trips of a week earn in the mean, from the quotes of now on, which go back from where own
    trades left them. None where nothing is known of recovery, or nothing is earned.
    `absorbed_an_hour` are the units an hour that both markets take in without moving further (None: not known).
    """

    once: Cadence | None
    kept_up: Cadence | None
    absorbed_an_hour: float | None


def quote(curve: Curve, units: int) -> Quote:
    """Price so many units in full transactions, one after the other, with nobody else trading."""
    prices = curve.unit_prices(units)
    parts, begin = [], 0
    for size in transactions(units, curve.trade_volume):
        price = prices[:, begin]
        parts.append(Part(size, Forecast.of(price), Forecast.of(price * size)))
        begin += size
    total = prices.sum(axis=1)
    premium = 100 * (total / (units * curve.quote) - 1)
    return Quote(units, tuple(parts), Forecast.of(total), Forecast.of(total / units), Forecast.of(premium))


def best_slice(curve: Curve, units: int) -> float:
    """The share of the tradeVolume (of SLICES) that makes the units cheapest to buy, or dearest to sell.

    1 wherever b <= 1: all units of a transaction trade at the quote that it finds.
    """
    middle = curve.central()
    better = 1 if curve.side.value == "BUY" else -1

    def outcome(share: float) -> tuple[float, float]:
        size = max(1, round(share * curve.trade_volume))
        return better * float(middle.unit_prices(units, transaction=size).sum()), -share

    return min(SLICES, key=outcome)


def lane(buy: Curve, sell: Curve, hold: int, trip: Trip, ends: Ends | None) -> LaneAdvice:
    """How to trade from the market of `buy` to that of `sell` with `hold` units; `ends` is how the two come back."""
    once = _once(buy, sell, hold, trip)
    if ends is None:
        return LaneAdvice(once, None, None)
    return LaneAdvice(once, _kept_up(buy, sell, hold, trip, ends), _absorbed(buy, sell, ends))


def split(units: int, visits: int, left: float) -> list[int]:
    """Units for each of so many visits, evenly spaced, of whose displacement the share `left` is there at the next.

    x_1 = x_n = Q / (2 + (n-2)(1-a)) and (1-a) x_1 between, for impact linear in size: Alfonsi, Fruth and Schied 2010.
    What stays for ever costs the same however it is split. Whole units that add up to `units`.
    """
    if visits == 1:
        return [units]
    ends = units / (2 + (visits - 2) * (1 - left))
    exact = [ends, *[ends * (1 - left)] * (visits - 2), ends]
    done = [round(sum(exact[: visit + 1])) for visit in range(visits)]
    return [after - before for before, after in pairwise([0, *done])]


def split_cost(curve: Curve, pieces: Sequence[int], minutes: float, resilience: Resilience) -> Forecast:
    """What the pieces come to, one visit each so many minutes apart, while the quote goes back between them."""
    moves = [curve.moved_by(transactions(units, curve.trade_volume)) for units in pieces]
    total = np.zeros(curve.draws)
    for units, displaced in zip(pieces, resilience.found_by(moves, minutes, curve.displaced), strict=True):
        total += curve.unit_prices(units, displaced=displaced).sum(axis=1)
    return Forecast.of(total)


def _once(buy: Curve, sell: Curve, hold: int, trip: Trip) -> Cadence | None:
    """The number of units that earns most in one visit now; None where even one unit loses."""
    gains = sell.central().unit_prices(hold)[0] - buy.central().unit_prices(hold)[0]
    profit = np.cumsum(gains)
    units = int(np.argmax(profit)) + 1
    if profit[units - 1] <= 0:
        return None
    earned = sell.unit_prices(units).sum(axis=1) - buy.unit_prices(units).sum(axis=1)
    return _cadence(buy, sell, units, trip, trip.minutes, trip.less_fuel(earned))


def _cadence(
    buy: Curve, sell: Curve, units: int, trip: Trip, minutes: float, profits: Floats, taken: float | None = None
) -> Cadence:
    trades = len(transactions(units, buy.trade_volume)) + len(transactions(units, sell.trade_volume))
    requests = trip.requests + trades
    return Cadence(
        minutes=minutes,
        units=units,
        profit=Forecast.of(profits),
        profit_an_hour=Forecast.of(profits * 60 / minutes),
        profit_a_request=Forecast.of(profits / requests),
        units_an_hour=(units if taken is None else taken) * 60 / minutes,
        requests=requests,
    )


def _kept_up(buy: Curve, sell: Curve, hold: int, trip: Trip, ends: Ends) -> Cadence | None:
    """The cadence and the most units a trip that earn most in a week; None where it would lose."""
    few = [few_draws(curve, end) for curve, end in zip((buy, sell), ends, strict=True)]
    tried, most = np.array(list(cadences(trip.minutes))), caps(hold)
    often, most = np.repeat(tried, len(most)), np.tile(most, len(tried))
    _, profits = week(few[0][0], few[1][0], most, often, (few[0][1], few[1][1]))
    an_hour = np.quantile(trip.less_fuel(profits) * 60 / often[:, None], _CAUTION, axis=1)
    way = max(range(len(most)), key=lambda way: (an_hour[way], often[way], -most[way]))
    if an_hour[way] <= 0:
        return None
    minutes, units = float(often[way]), int(most[way])
    taken, earned = week(buy, sell, np.array([units]), minutes, ends)
    return _cadence(buy, sell, units, trip, minutes, trip.less_fuel(earned[0]), float(np.median(taken)))


def _absorbed(buy: Curve, sell: Curve, ends: Ends) -> float | None:
    if ends[0].half_life is not None or ends[1].half_life is not None:
        return None
    return min(float(np.median(end.an_hour)) * c.trade_volume for end, c in zip(ends, (buy, sell), strict=True))

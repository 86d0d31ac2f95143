"""What to trade, how much at once and how often, from curves of the quotes. Pure arithmetic; every figure has a range.

Sizes and cadences are chosen on the central curve and then priced in every draw, so a range says how the chosen
advice may turn out. Formulas that the tests hold this against: Obizhaeva and Wang 2013, Alfonsi, Fruth and Schied 2010.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spacetraders_lab.analysis.arrays import Floats
from spacetraders_lab.analysis.curve import Curve, transactions

SLICES = (0.1, 0.25, 0.5, 1.0)  # shares of the tradeVolume that a purchase may be cut into
LONGEST_CADENCE = 7 * 24 * 60.0  # minutes: half of a universe's life


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
class Decay:
    """How a displacement goes back: it halves every `half_life_minutes`, or shrinks by `volumes_an_hour`, or neither.

    Rates are in tradeVolumes. With neither nothing comes back.
    """

    half_life_minutes: float | None = None
    volumes_an_hour: float | None = None

    def steady(self, moved: float, minutes: float) -> float:
        """The displacement that is left when one comes again every so many minutes and moves so much each time.

        Infinite where the market cannot keep up.
        """
        if self.half_life_minutes is not None:
            left = math.exp2(-minutes / self.half_life_minutes)
            return moved * left / (1.0 - left)
        absorbed = (self.volumes_an_hour or 0.0) * minutes / 60.0
        return 0.0 if moved <= absorbed else math.inf

    def left(self, moved: float, minutes: float) -> float:
        """What is left of one displacement after so many minutes."""
        if self.half_life_minutes is not None:
            return moved * math.exp2(-minutes / self.half_life_minutes)
        return max(0.0, moved - (self.volumes_an_hour or 0.0) * minutes / 60.0)


@dataclass(frozen=True, slots=True)
class Trip:
    """What a round trip of the lane takes besides the goods: minutes, credits of fuel, and requests but for trades."""

    minutes: float
    fuel: float
    requests: int


@dataclass(frozen=True, slots=True)
class Cadence:
    """A way to fly a lane: so many units every so many minutes, and what it earns for ever after."""

    minutes: float
    units: int
    profit: Forecast
    profit_an_hour: Forecast
    profit_a_request: Forecast
    units_an_hour: float
    requests: int


@dataclass(frozen=True, slots=True)
class LaneAdvice:
    """How to trade a lane: one visit at the quotes of now, and the cadence that earns most an hour.

    `once` is for a single trip; `steady` is None where nothing is known of recovery, or no cadence earns anything.
    `absorbed_an_hour` are the units an hour that both markets take in without moving further (None: not known).
    """

    once: Cadence | None
    steady: Cadence | None
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


def lane(buy: Curve, sell: Curve, hold: int, trip: Trip, decays: tuple[Decay, Decay] | None) -> LaneAdvice:
    """How to trade from the market of `buy` to that of `sell` with `hold` units; `decays` are of these two markets."""
    once = _choose(buy, sell, hold, trip, trip.minutes, (0.0, 0.0))
    if decays is None:
        return LaneAdvice(once, None, None)
    found = [
        cadence
        for minutes in _cadences(trip.minutes)
        if (cadence := _steady(buy, sell, hold, trip, minutes, decays)) is not None
    ]
    return LaneAdvice(
        once, max(found, key=lambda c: c.profit_an_hour.value, default=None), _absorbed(buy, sell, decays)
    )


def steady_units(buy: Curve, sell: Curve, hold: int, minutes: float, decays: tuple[Decay, Decay]) -> tuple[int, float]:
    """The units a visit that earn most when one comes again every so many minutes, and the profit (central curve)."""
    buy, sell = buy.central(), sell.central()
    best = (0, 0.0)
    for units in range(1, hold + 1):
        displaced = _displaced(buy, sell, units, minutes, decays)
        if math.isinf(max(displaced)):
            break
        profit = float(_profits(buy, sell, units, displaced)[0])
        if profit > best[1]:
            best = (units, profit)
    return best


def split(units: int, visits: int, left: float) -> list[int]:
    """Units for each of so many visits, evenly spaced, of whose displacement the share `left` is there at the next.

    x_1 = x_n = Q / (2 + (n-2)(1-a)) and (1-a) x_1 between, for impact linear in size: Alfonsi, Fruth and Schied 2010.
    Whole units that add up to `units`.
    """
    if visits == 1:
        return [units]
    ends = units / (2 + (visits - 2) * (1 - left))
    exact = [ends, *[ends * (1 - left)] * (visits - 2), ends]
    done = [round(sum(exact[: visit + 1])) for visit in range(visits)]
    return [after - before for before, after in pairwise([0, *done])]


def split_cost(curve: Curve, pieces: Sequence[int], minutes: float, decay: Decay) -> Forecast:
    """What the pieces come to, one visit each so many minutes apart, while the quote goes back between them."""
    total = np.zeros(curve.draws)
    displaced = 0.0
    for units in pieces:
        total += curve.unit_prices(units, displaced=displaced).sum(axis=1)
        displaced = decay.left(displaced + curve.moved_by(transactions(units, curve.trade_volume)), minutes)
    return Forecast.of(total)


def _profits(buy: Curve, sell: Curve, units: int, displaced: tuple[float, float]) -> Floats:
    """Credits that so many units earn, a draw each."""
    earned = sell.unit_prices(units, displaced=displaced[1]).sum(axis=1)
    profits: Floats = earned - buy.unit_prices(units, displaced=displaced[0]).sum(axis=1)
    return profits


def _displaced(buy: Curve, sell: Curve, units: int, minutes: float, decays: tuple[Decay, Decay]) -> tuple[float, float]:
    here, there = (
        decay.steady(curve.moved_by(transactions(units, curve.trade_volume)), minutes)
        for curve, decay in zip((buy, sell), decays, strict=True)
    )
    return here, there


def _steady(
    buy: Curve, sell: Curve, hold: int, trip: Trip, minutes: float, decays: tuple[Decay, Decay]
) -> Cadence | None:
    units, _ = steady_units(buy, sell, hold, minutes, decays)
    if not units:
        return None
    return _cadence(buy, sell, units, trip, minutes, _displaced(buy, sell, units, minutes, decays))


def _choose(
    buy: Curve, sell: Curve, hold: int, trip: Trip, minutes: float, displaced: tuple[float, float]
) -> Cadence | None:
    """The number of units that earns most in one visit; None where even one unit loses."""
    middle = (buy.central(), sell.central())
    gains = middle[1].unit_prices(hold)[0] - middle[0].unit_prices(hold)[0]
    profit = np.cumsum(gains)
    units = int(np.argmax(profit)) + 1
    if profit[units - 1] <= 0:
        return None
    return _cadence(buy, sell, units, trip, minutes, displaced)


def _cadence(
    buy: Curve, sell: Curve, units: int, trip: Trip, minutes: float, displaced: tuple[float, float]
) -> Cadence:
    profits = _profits(buy, sell, units, displaced) - trip.fuel
    trades = len(transactions(units, buy.trade_volume)) + len(transactions(units, sell.trade_volume))
    requests = trip.requests + trades
    return Cadence(
        minutes=minutes,
        units=units,
        profit=Forecast.of(profits),
        profit_an_hour=Forecast.of(profits * 60 / minutes),
        profit_a_request=Forecast.of(profits / requests),
        units_an_hour=units * 60 / minutes,
        requests=requests,
    )


def _cadences(shortest: float) -> Iterator[float]:
    """Minutes between visits worth trying: from as often as one ship can, each a tenth longer than the one before."""
    minutes = shortest
    yield minutes
    while (minutes := 1.1 * minutes) <= LONGEST_CADENCE:
        yield minutes


def _absorbed(buy: Curve, sell: Curve, decays: tuple[Decay, Decay]) -> float | None:
    rates = [decay.volumes_an_hour for decay in decays]
    if None in rates:
        return None
    return min(rate * curve.trade_volume for rate, curve in zip(rates, (buy, sell), strict=True) if rate is not None)

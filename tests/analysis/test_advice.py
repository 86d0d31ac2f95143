"""Advice against numbers worked out by hand, against closed forms, and against looking at every possibility."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from spacetraders_lab.analysis.advice import (
    Trip,
    best_slice,
    lane,
    quote,
    split,
    split_cost,
)
from spacetraders_lab.analysis.curve import Curve
from spacetraders_lab.analysis.findings import LawForm
from spacetraders_lab.analysis.keeping_up import cadences, caps, trips, week
from spacetraders_lab.analysis.resilience import WEEK, Resilience
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.protocol import transactions

BUY, SELL = Operation.BUY, Operation.SELL
FORMS = list(LawForm)


def curve(side: Operation, price: float, slope: float, trade_volume: int, **more: Any) -> Curve:
    """One draw of a curve; of a constant percentage unless a form is named."""
    form = more.pop("form", LawForm.CONSTANT)
    asymptote = more.pop("asymptote", None)
    return Curve(
        side,
        form,
        trade_volume,
        np.array([price]),
        np.array([slope]),
        None if asymptote is None else np.array([asymptote]),
        **more,
    )


# --- one side -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "sign"), [(BUY, 1), (SELL, -1)])
def test_full_transactions_cost_the_geometric_sum(side: Operation, sign: int) -> None:
    """C(n) = P V (e^(n s) - 1) / (e^s - 1), s = lambda for a purchase and -mu for a sale."""
    step = sign * 0.05
    expected = 1000 * 20 * math.expm1(3 * step) / math.expm1(step)
    found = quote(curve(side, 1000, 0.05, 20), 60)
    assert found.total.value == pytest.approx(expected)
    assert [part.units for part in found.parts] == [20, 20, 20]
    assert [part.price.value for part in found.parts] == pytest.approx([1000 * math.exp(step * k) for k in range(3)])
    assert sum(part.credits.value for part in found.parts) == pytest.approx(found.total.value)


# Premium over the first quote in percent of three tradeVolumes at lambda = 5 %, by exponent and size of transaction;
# worked out apart from this code.
PREMIUMS = {
    0.7: {0.1: 16.0, 0.25: 11.2, 0.5: 8.2, 1.0: 5.2},
    1.0: {0.1: 7.6, 0.25: 7.2, 0.5: 6.6, 1.0: 5.2},
    1.3: {0.1: 3.7, 0.25: 4.7, 0.5: 5.3, 1.0: 5.2},
}


@pytest.mark.parametrize("exponent", PREMIUMS)
def test_the_premium_of_slicing(exponent: float) -> None:
    bought = curve(BUY, 1000, 0.05, 20, form=LawForm.POWER, exponent=exponent)
    found = {
        share: 100 * (float(bought.unit_prices(60, transaction=round(20 * share)).sum()) / 60_000 - 1)
        for share in PREMIUMS[exponent]
    }
    assert found == pytest.approx(PREMIUMS[exponent], abs=0.06)
    assert best_slice(bought, 60) == min(PREMIUMS[exponent], key=lambda share: PREMIUMS[exponent][share])
    sold = curve(SELL, 1000, 0.05, 20, form=LawForm.POWER, exponent=exponent)
    assert best_slice(sold, 60) == (0.1 if exponent > 1 else 1.0)


def _slope(form: LawForm, slope: float, price: float, beyond: float) -> float:
    """Credits for LINEAR; of the asymptotes, one above a quote is approached by buying."""
    if form in (LawForm.ASYMPTOTE, LawForm.STOCK):
        return slope if beyond < 1 else -slope
    return slope * price if form is LawForm.LINEAR else slope


CURVES = st.builds(
    lambda side, form, price, slope, volume, beyond: curve(
        side, price, _slope(form, slope, price, beyond), volume, form=form, asymptote=price * beyond
    ),
    st.sampled_from([BUY, SELL]),
    st.sampled_from(FORMS),
    st.floats(10, 10_000),
    st.floats(0.001, 0.3),
    st.sampled_from([1, 6, 20, 60]),
    st.sampled_from([0.6, 1.4]),
)


@given(CURVES, st.integers(1, 150))
def test_trading_moves_a_quote_only_against_the_trader_and_never_below_a_credit(found: Curve, units: int) -> None:
    prices = found.unit_prices(units)[0]
    moves = np.diff(prices) * (1 if found.side is BUY else -1)
    assert (moves >= -1e-9).all()
    assert (prices >= 1).all()
    assert prices[0] == pytest.approx(float(found.quote[0]))
    assert quote(found, units).total.value == pytest.approx(prices.sum())


@given(CURVES, st.integers(1, 6), st.integers(1, 6))
def test_two_halves_are_one_whole_where_the_law_is_linear_in_volumes(found: Curve, first: int, second: int) -> None:
    """Displacing the curve by what was traded is the same as having traded it."""
    volume = found.trade_volume
    whole = found.unit_prices((first + second) * volume)
    rest = found.unit_prices(second * volume, displaced=float(first))
    assert whole[0, first * volume :] == pytest.approx(rest[0])


def test_the_asymptote_law() -> None:
    """P' = A + (P - A) 2^(k x): an EXPORT's ask runs away from an asymptote below, an IMPORT's ask nears one above."""
    away = curve(BUY, 1000, 0.3, 20, form=LawForm.ASYMPTOTE, asymptote=600.0)
    assert away.unit_prices(21)[0, 20] == pytest.approx(600 + 400 * 2**0.3)
    towards = curve(BUY, 1000, -0.3, 20, form=LawForm.ASYMPTOTE, asymptote=1400.0)
    assert towards.unit_prices(21)[0, 20] == pytest.approx(1400 - 400 * 2**-0.3)
    falls = curve(SELL, 1000, -0.3, 20, form=LawForm.ASYMPTOTE, asymptote=1400.0)
    assert falls.unit_prices(21)[0, 20] == pytest.approx(1400 - 400 * 2**0.3)


@pytest.mark.parametrize("form", FORMS)
def test_a_quote_that_runs_away_stays_a_number(form: LawForm) -> None:
    endless = curve(BUY, 1000, 0.3, 20, form=form, asymptote=600.0)
    assert np.isfinite(endless.unit_prices(20, displaced=1e6)).all()


def test_a_range_holds_nine_draws_in_ten() -> None:
    slopes = np.random.default_rng(1).normal(0.05, 0.01, 400)
    draws = Curve(BUY, LawForm.CONSTANT, 20, np.full(400, 1000.0), slopes)
    found = quote(draws, 40)
    assert found.parts[0].price.low == found.parts[0].price.high == 1000  # the first quote is known
    second = 1000 * np.exp(slopes)
    inside = (found.parts[1].price.low <= second) & (second <= found.parts[1].price.high)
    assert inside.mean() == pytest.approx(0.9, abs=0.01)


def test_what_the_law_leaves_unsaid_piles_up_over_transactions() -> None:
    draws = Curve(BUY, LawForm.NONE, 10, np.full(4000, 1000.0), np.zeros(4000), noise=3.0)
    prices = draws.unit_prices(50)
    assert set(prices[:, 0]) == {1000.0}
    assert prices[:, 40].std() == pytest.approx(3 * math.sqrt(4), rel=0.05)
    assert (draws.unit_prices(50) == prices).all()
    assert draws.central().unit_prices(50).std() == 0


# --- a lane ---------------------------------------------------------------------------------------------------------

FREE = Trip(minutes=60, fuel=0, requests=8)


def test_units_of_one_visit() -> None:
    """P=1000 B=1250 lambda=7 % mu=2 % V=20/60: ln(B/P) / (lambda/V_A + mu/V_B) = 58, in whole transactions 60."""
    found = lane(curve(BUY, 1000, 0.07, 20), curve(SELL, 1250, 0.02, 60), 80, FREE, None)
    assert found.once is not None and found.once.units == 60
    assert round(math.log(1.25) / (0.07 / 20 + 0.02 / 60)) == 58


@given(
    st.floats(0.01, 0.2), st.floats(0.01, 0.2), st.integers(3, 12), st.integers(3, 12), st.integers(1, 40),
    st.floats(0.8, 2.0),
)  # fmt: skip
def test_no_other_number_of_units_earns_more_in_one_visit(
    up: float, down: float, here: int, there: int, hold: int, markup: float
) -> None:
    bought, sold = curve(BUY, 1000, up, here), curve(SELL, 1000 * markup, down, there)
    profits = [quote(sold, n).total.value - quote(bought, n).total.value for n in range(1, hold + 1)]
    found = lane(bought, sold, hold, FREE, None).once
    if max(profits) <= 0:
        assert found is None
    else:
        assert found is not None
        assert found.profit.value == pytest.approx(max(profits))


def halving(minutes: float, lasting: float = 0.0) -> Resilience:
    return Resilience.halving(np.array([minutes]), lasting)


def steadily(volumes_an_hour: float) -> Resilience:
    return Resilience.steadily(np.array([volumes_an_hour]))


def test_a_lane_is_capped_by_its_recovery_not_by_the_number_of_flights() -> None:
    """P=1000, B=1250, lambda=5 %, mu=2 %, V=20/40, half-life 520 min: 3, 14, 60 units earn 400, 1816, 9344."""
    bought, sold = curve(BUY, 1000, 0.05, 20), curve(SELL, 1250, 0.02, 40)
    ends = (halving(520.0), halving(520.0))
    most = np.arange(1, 81)
    for minutes, units, profit in ((60, 3, 400), (240, 14, 1816), (1440, 60, 9344)):
        *_, (_, last) = trips(bought, sold, most, minutes, ends)
        assert most[last[:, 0].argmax()] == units
        assert last.max() == pytest.approx(profit, abs=6)
    best = lane(bought, sold, 80, FREE, ends).kept_up
    assert best is not None
    assert best.profit_an_hour.value >= 454  # a week's first trips, at quotes that are at rest, earn a little more
    assert best.profit_a_request.value == pytest.approx(best.profit.value / best.requests)


RESILIENCES = {
    "halving": halving(300),
    "halving, a tenth stays": halving(300, 0.1),
    "steadily": steadily(0.5),
    "never": steadily(0.0),
}


@pytest.mark.parametrize("minutes", [45, 240, 1440])
@pytest.mark.parametrize("resilience", RESILIENCES.values(), ids=RESILIENCES)
def test_what_is_promised_for_a_week_is_what_flying_for_a_week_ends_with(
    minutes: float, resilience: Resilience
) -> None:
    bought, sold = curve(BUY, 1000, 0.05, 10), curve(SELL, 1300, 0.03, 10)
    for most in (1, 5, 17):
        *_, (units, promised) = trips(bought, sold, np.array([most]), minutes, (resilience, resilience))
        taken = [
            int(found[0, 0]) for found, _ in trips(bought, sold, np.array([most]), minutes, (resilience, resilience))
        ]
        assert len(taken) == int(WEEK / minutes) and max(taken) <= most and taken[-1] == units[0, 0]
        *_, displaced = resilience.found_by([bought.moved_by(transactions(n, 10)) for n in taken], minutes)
        prices = [c.unit_prices(max(1, taken[-1]), displaced=displaced)[0] for c in (bought, sold)]
        gain = float((prices[1] - prices[0]).sum())
        assert float(promised[0, 0]) == pytest.approx(gain if taken[-1] else 0.0, rel=1e-6)
        assert taken[-1] or gain <= 0


@given(st.sampled_from(FORMS), st.integers(1, 5000), st.sampled_from([-1.0, 0.0, 8.0]), st.sampled_from([0.0, 5.0]))
def test_a_large_hold_earns_the_same_however_the_draws_are_flown_together(
    form: LawForm, hold: int, displaced: float, noise: float
) -> None:
    """Against trips that reckon with every unit of the hold; in some draws these have no end, or quotes run away."""
    slopes, every, odd = np.geomspace(1e-4, 0.3, 30), np.ones(30), np.arange(30) % 3 == 0
    bought, sold = (
        Curve(
            side,
            form,
            volume,
            price,
            slopes * (price if form is LawForm.LINEAR else every),
            price * np.where(odd, 1.4, 0.6),  # either side runs away in some draws, from where nothing is earned yet
            bend=0.3 * (np.arange(30) % 5 - 1),
            noise=noise,
            displaced=displaced * every,
        )
        for side, price, volume in ((BUY, 100.0 * every, 6), (SELL, np.where(np.arange(30) % 2, 130.0, 99.0), 20))
    )
    paces = (Resilience.steadily(np.linspace(0, 1, 30)), Resilience.halving(900.0 * every, 0.1))
    most, minutes = np.array([1 + hold // 9, hold]), np.array([2000.0, 4000.0])
    units, profits = week(bought, sold, most, minutes, paces)
    found = [list(trips(bought, sold, most[way : way + 1], minutes[way], paces)) for way in range(2)]
    assert units == pytest.approx(np.array([np.mean([n[0] for n, _ in way], axis=0) for way in found]))
    assert profits == pytest.approx(np.array([np.mean([p[0] for _, p in way], axis=0) for way in found]))


def test_a_trip_takes_no_unit_that_would_lose() -> None:
    """Where nothing comes back the quotes meet, and from then on nothing is traded and nothing lost."""
    bought, sold = curve(BUY, 1000, 0.05, 10), curve(SELL, 1300, 0.03, 10)
    never = (steadily(0.0), steadily(0.0))
    found = [(int(n[0, 0]), float(p[0, 0])) for n, p in trips(bought, sold, np.array([25]), 60, never)]
    assert found[0][0] == 25 and found[-1] == (0, 0.0)
    assert all(profit >= 0 for _, profit in found)
    assert sum(n for n, _ in found) == pytest.approx(10 * math.log(1.3) / 0.08, abs=10)


def test_no_trip_knows_beforehand_what_the_law_does_not_say() -> None:
    """Chance moves prices up as often as down, so it earns nothing where they would have to be foreseen."""
    draws = np.ones(400)
    still = Resilience.steadily(0.5 * draws)

    def mean(noise: float) -> float:
        buy = Curve(BUY, LawForm.CONSTANT, 20, 1000 * draws, 0.05 * draws, noise=noise, seed=1)
        sell = Curve(SELL, LawForm.CONSTANT, 20, 1120 * draws, 0.02 * draws, noise=noise, seed=2)
        return float(np.mean(week(buy, sell, np.array([80]), 120.0, (still, still))[1]))

    assert mean(60.0) == pytest.approx(mean(0.0), rel=0.1)


def test_quotes_go_back_from_where_own_trades_left_them_and_not_to_there() -> None:
    """Both ends were left two tradeVolumes displaced, half of which goes back by the next trip: that earns more."""
    begin = {"buy": curve(BUY, 1100, 0.05, 20, displaced=2.0), "sell": curve(SELL, 1150, 0.05, 20, displaced=2.0)}
    pace = Resilience.steadily(np.array([0.5]))
    found = list(trips(begin["buy"], begin["sell"], np.array([5]), 120.0, (pace, pace)))
    assert found[0][1][0, 0] == pytest.approx(5 * 50)
    back = math.exp(-0.05 * (1 - 0.25))  # a quarter of a tradeVolume had been added
    assert found[1][1][0, 0] == pytest.approx(5 * (1150 / back - 1100 * back))
    at_rest = math.exp(-0.05 * 2)
    assert found[-1][1][0, 0] == pytest.approx(5 * (1150 / at_rest - 1100 * at_rest))


def test_what_own_trades_moved_in_ones_favour_does_not_come_back_once_it_is_used_up() -> None:
    """Three tradeVolumes had been sold to the EXPORT: its ask is low, and ticks go back to where it was before."""
    buy = curve(BUY, 1000, 0.05, 20, displaced=-3.0)
    sell, pace = curve(SELL, 2000, 0.0, 20), Resilience.steadily(np.array([100.0]))
    asks = [2000 - profit[0, 0] / 20 for _, profit in trips(buy, sell, np.array([20]), 120.0, (pace, pace))]
    assert asks[:6] == pytest.approx([1000 * math.exp(0.05 * min(trip, 3)) for trip in range(6)])


def test_a_split_goes_on_from_where_own_trades_left_the_quote() -> None:
    left = curve(BUY, 1000, 0.05, 20, displaced=1.0)
    cost = split_cost(left, [20, 20], 120.0, Resilience.steadily(np.array([1.0])))
    assert cost.value == pytest.approx(20 * 1000 * (1 + math.exp(-0.05)))  # both have gone back by the second visit
    slow = split_cost(left, [20, 20], 120.0, Resilience.steadily(np.array([0.5])))
    assert slow.value == pytest.approx(20 * 1000 * (1 + 1))


def test_a_cadence_is_one_that_slow_markets_can_bear() -> None:
    """Who chooses by the middle of them moves every second market for a week."""
    many = 200
    paces = 0.5 * np.exp(np.random.default_rng(2).normal(0, 0.7, many))
    bought = Curve(BUY, LawForm.CONSTANT, 20, np.full(many, 1000.0), np.full(many, 0.05))
    sold = Curve(SELL, LawForm.CONSTANT, 40, np.full(many, 1250.0), np.full(many, 0.02))
    slow = Resilience.steadily(paces)
    found = lane(bought, sold, 80, FREE, (slow, Resilience.steadily(np.full(many, 9.0)))).kept_up
    assert found is not None
    moved_an_hour = found.units / 20 * 60 / found.minutes
    assert 0.15 < (paces < moved_an_hour).mean() < 0.4
    assert found.profit_an_hour.value > found.profit_an_hour.low > 0


def test_the_cadence_found_is_nearly_the_best_of_all() -> None:
    bought, sold = curve(BUY, 1000, 0.05, 20), curve(SELL, 1250, 0.02, 40)
    ends = (steadily(0.4), steadily(0.3))
    found = lane(bought, sold, 80, FREE, ends).kept_up
    best = max(
        float(week(bought, sold, np.arange(1, 81), minutes, ends)[1].max()) * 60 / minutes
        for minutes in range(60, 1440, 60)
    )
    assert found is not None and 0.9 * best < found.profit_an_hour.value <= 1.02 * best


@given(st.floats(0.5, 2 * WEEK), st.integers(1, 500))
def test_what_is_tried_can_be_flown(shortest: float, hold: int) -> None:
    tried = list(cadences(shortest))
    assert tried == sorted(tried) and tried[0] >= shortest and tried[-1] == max(shortest, WEEK)
    assert caps(hold)[0] == 1 and caps(hold)[-1] == hold


@given(st.floats(20, 2000), st.integers(1, 30), st.floats(0, 1), st.floats(0, 3))
def test_a_longer_pause_never_leaves_more(minutes: float, visits: int, lasting: float, rate: float) -> None:
    for resilience in (halving(300, lasting), steadily(rate)):
        *_, short = resilience.found_by([1.0] * visits, minutes)
        *_, longer = resilience.found_by([1.0] * visits, 2 * minutes)
        assert 0 <= float(longer[0]) <= float(short[0]) + 1e-9
        assert float(short[0]) <= visits - 1 + 1e-9


def test_a_lane_whose_moves_stay_is_not_kept_up() -> None:
    bought, sold = curve(BUY, 1000, 0.05, 20), curve(SELL, 1250, 0.02, 40)
    found = lane(bought, sold, 80, FREE, (halving(60, 0.5), halving(60, 0.5)))
    passing = lane(bought, sold, 80, FREE, (halving(60), halving(60)))
    assert found.once is not None and passing.kept_up is not None
    assert found.kept_up is None or found.kept_up.profit_an_hour.value < 0.1 * passing.kept_up.profit_an_hour.value


def test_ranges_carry_what_is_not_known_of_recovery() -> None:
    many = 400
    bought = Curve(BUY, LawForm.CONSTANT, 20, np.full(many, 1000.0), np.full(many, 0.05))
    sold = Curve(SELL, LawForm.CONSTANT, 40, np.full(many, 1250.0), np.full(many, 0.02))
    known = Resilience.halving(np.full(many, 500.0))
    guessed = Resilience.halving(500.0 * np.exp(np.random.default_rng(1).normal(0, 0.5, many)))
    sure, unsure = (lane(bought, sold, 80, FREE, (r, r)).kept_up for r in (known, guessed))
    assert sure is not None and unsure is not None
    assert sure.profit.low == pytest.approx(sure.profit.high)
    assert unsure.profit.low < 0.9 * unsure.profit.value < unsure.profit.value < unsure.profit.high


def test_with_ticks_a_market_takes_in_so_many_units_an_hour() -> None:
    bought, sold = curve(BUY, 1000, 0.05, 20), curve(SELL, 1250, 0.02, 60)
    found = lane(bought, sold, 80, FREE, (steadily(0.5), steadily(0.4)))
    assert found.absorbed_an_hour == 10
    assert found.kept_up is not None and found.kept_up.units_an_hour <= 10.5


def test_fuel_is_paid_once_a_trip() -> None:
    bought, sold = curve(BUY, 1000, 0.05, 20), curve(SELL, 1250, 0.02, 60)
    free, paid = (lane(bought, sold, 80, Trip(60, fuel, 8), None).once for fuel in (0.0, 500.0))
    assert free is not None and paid is not None
    assert free.profit.value - paid.profit.value == pytest.approx(500)


def test_a_lane_that_loses_on_its_first_unit_is_not_flown() -> None:
    found = lane(curve(BUY, 1000, 0.05, 20), curve(SELL, 990, 0.05, 20), 80, FREE, (halving(500), halving(500)))
    assert (found.once, found.kept_up) == (None, None)


# --- splitting ------------------------------------------------------------------------------------------------------

LAMBDA, PRICE, VOLUME = 0.05, 1000.0, 20


def impact_cost(pieces: Any, left: float) -> float:
    """Credits of impact of pieces bought one visit after the other, for impact linear in units that decays between."""
    slope = LAMBDA * PRICE / VOLUME
    return float(
        sum(
            slope * x * x / 2 + slope * x * sum(pieces[j] * left ** (i - j) for j in range(i))
            for i, x in enumerate(pieces)
        )
    )


@pytest.mark.parametrize(
    ("visits", "expected", "equal"), [(1, 32_000, 32_000), (4, 25_818, 26_511), (8, 20_530, 21_967)]
)
def test_a_split_costs_what_the_literature_says(visits: int, expected: float, equal: float) -> None:
    left = 2 ** (-120 / 520)
    pieces = split(160, visits, left)
    assert sum(pieces) == 160
    assert impact_cost(pieces, left) == pytest.approx(expected, rel=1e-3)
    assert impact_cost([160 / visits] * visits, left) == pytest.approx(equal, abs=1)


@pytest.mark.parametrize(("visits", "left"), [(2, 0.5), (4, 0.85), (6, 0.2)])
def test_no_other_split_costs_less(visits: int, left: float) -> None:
    found = minimize(
        lambda x: impact_cost(x, left) / 1000,
        np.full(visits, 160 / visits),
        constraints={"type": "eq", "fun": lambda x: x.sum() - 160},
        bounds=[(0, 160)] * visits,
    )
    assert impact_cost(split(160, visits, left), left) == pytest.approx(1000 * found.fun, rel=1e-3)


def test_pieces_are_priced_as_the_quote_goes_back() -> None:
    bought = curve(BUY, PRICE, LAMBDA, VOLUME)
    decay = halving(60)
    whole, pieces = split_cost(bought, [80], 60, decay), split_cost(bought, [40, 40], 60, decay)
    assert whole.value == pytest.approx(quote(bought, 80).total.value)
    # the second visit finds half of the first one's two tradeVolumes
    expected = bought.unit_prices(40).sum() + bought.unit_prices(40, displaced=1.0).sum()
    assert pieces.value == pytest.approx(float(expected))
    assert split_cost(bought, [40, 40], 1e6, decay).value == pytest.approx(2 * quote(bought, 40).total.value)


@given(st.integers(1, 500), st.integers(1, 12), st.floats(0, 0.99))
def test_a_split_is_whole_units_that_add_up(units: int, visits: int, left: float) -> None:
    pieces = split(units, visits, left)
    assert (len(pieces), sum(pieces)) == (visits, units)
    assert min(pieces) >= 0
    assert all(type(n) is int for n in pieces)

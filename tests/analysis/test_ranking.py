"""The lanes that earn most, and never another: against arithmetic by hand, and against working all of them out."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, target
from hypothesis import strategies as st

from spacetraders_lab.analysis.advice import Trip
from spacetraders_lab.analysis.curve import Curve
from spacetraders_lab.analysis.findings import LawForm
from spacetraders_lab.analysis.keeping_up import cadences, week
from spacetraders_lab.analysis.ranking import LaneEnd, PossibleLane, rank
from spacetraders_lab.analysis.resilience import WEEK, Resilience
from spacetraders_lab.core.market import Operation

BUY, SELL = Operation.BUY, Operation.SELL
HOLD = 40


def still(side: Operation, price: float) -> LaneEnd:
    """An end whose quote no trade moves."""
    curve = Curve(side, LawForm.NONE, 20, np.array([price]), np.zeros(1))
    return LaneEnd.of(curve, Resilience.steadily(np.zeros(1)), HOLD)


def test_lanes_rank_by_credits_an_hour_and_not_by_their_spread() -> None:
    """40 units at 100, 50 and 30 credits, every 240, 60 and 30 minutes: 1000, 2000 - 200 and 2400 credits an hour."""
    lanes = [
        PossibleLane(still(BUY, 1000), still(SELL, 1000 + gain), Trip(minutes, fuel, 8))
        for gain, minutes, fuel in ((100, 240, 0), (50, 60, 200), (30, 30, None), (-1, 30, 0), (5, 60, 300))
    ]
    found = rank(lanes, HOLD, 2)
    assert [(place, advice.kept_up and advice.kept_up.profit_an_hour.value) for place, advice in found.best] == [
        (2, 2400),
        (1, 1800),
    ]
    assert found.idle == (3, 4)
    assert [place for place, _ in rank(lanes, HOLD, 9).best] == [2, 1, 0]


def test_a_lane_whose_markets_do_not_come_back_earns_its_one_cargo_in_the_week() -> None:
    """Twenty units at a gain of 100, after which the ask has risen by 10 %, for good: 2000 credits in 168 hours."""
    ask = Curve(BUY, LawForm.LINEAR, 20, np.array([1000.0]), np.array([100.0]))
    end = LaneEnd.of(ask, Resilience.steadily(np.zeros(1)), HOLD)
    lane = PossibleLane(end, still(SELL, 1100), Trip(60, 0, 8))
    ((_, advice),) = rank([lane], HOLD, 1).best
    assert advice.kept_up is not None
    assert advice.kept_up.profit_an_hour.value == 2000 * 60 / advice.kept_up.minutes / int(
        WEEK / advice.kept_up.minutes
    )
    assert advice.kept_up.profit_an_hour.value <= lane.most_an_hour(HOLD) < 60


def sudden(side: Operation, price: float, pace: Resilience, **more: Any) -> LaneEnd:
    """An end that hardly moves for 60 units, and then so fast that no trip goes beyond 64."""
    bend = 0.75
    slope = np.array([0.01 * bend * math.exp(-63.5 * bend)])  # by a hundredth after 63.5 units
    curve = Curve(side, LawForm.CONSTANT, 1, np.array([price]), slope, bend=np.array([bend]), **more)
    return LaneEnd.of(curve, pace, 64)


NEVER, AT_ONCE = Resilience.steadily(np.zeros(1)), Resilience.steadily(np.full(1, 1e9))


@pytest.mark.parametrize(
    ("pace", "noise", "minutes", "most", "met"),
    [
        pytest.param(AT_ONCE, 0.0, 60, 64, 0.96, id="by trips: the whole hold every time"),
        pytest.param(NEVER, 0.0, WEEK / 2 + 1, 64, 0.96, id="by recovery: what one trip may leave"),
        pytest.param(Resilience.steadily(np.array([20.0])), 0.0, 30, 10, 0.96, id="by recovery: steadily"),
        pytest.param(Resilience.halving(np.array([100.0])), 0.0, 30, 64, 0.78, id="by recovery: halving"),
        pytest.param(AT_ONCE, 20.0, 60, 64, 0.63, id="by the price, which is better than the law says"),
    ],
)
def test_each_bound_is_all_but_met(pace: Resilience, noise: float, minutes: float, most: int, met: float) -> None:
    """So none may be lower; nor is one much higher than it need be."""
    lane = PossibleLane(sudden(BUY, 1000, pace), sudden(SELL, 1010, AT_ONCE, noise=noise, seed=2), Trip(minutes, 0, 8))
    _, profits = week(lane.buy.curve, lane.sell.curve, np.array([most]), minutes, (pace, AT_ONCE))
    assert met < float(profits[0, 0]) * 60 / minutes / lane.most_an_hour(64) <= 1 + 1e-9


def _draws(values: Sequence[float]) -> np.ndarray:
    return np.array(values, dtype=np.float64)


RESILIENCES = st.builds(
    lambda kind, minutes, an_hour, lasting: {
        "halving": Resilience.halving(_draws([minutes]), lasting),
        "endless": Resilience(_draws([np.inf]), _draws([an_hour]), _draws([lasting])),
        "steadily": Resilience.steadily(_draws([an_hour])),
    }[kind],
    st.sampled_from(["halving", "endless", "steadily"]),
    st.floats(5, 3000),
    st.floats(0, 4),
    st.sampled_from([0.0, 0.2]),
)


@st.composite
def ends(draw: st.DrawFn, side: Operation) -> LaneEnd:
    """An end of one draw, of any law; the constants of an asymptote may say that trades move it the wrong way."""
    form, price = draw(st.sampled_from(list(LawForm))), draw(st.floats(20, 300))
    slope, beyond = draw(st.floats(0.001, 0.3)), draw(st.sampled_from([0.5, 0.97, 1.03, 1.6]))
    if form in (LawForm.ASYMPTOTE, LawForm.STOCK):
        slope *= draw(st.sampled_from([-1, 1]))
    elif form is LawForm.LINEAR:
        slope *= price
    curve = Curve(
        side,
        form,
        draw(st.sampled_from([1, 6, 20, 60])),
        _draws([price]),
        _draws([slope]),
        _draws([price * beyond]),
        exponent=draw(st.sampled_from([0.7, 1.0, 1.3])) if form is LawForm.POWER else 1.0,
        bend=_draws([draw(st.sampled_from([-0.5, 0.0, 0.5]))]),
        noise=draw(st.sampled_from([0.0, 3.0])),
        seed=draw(st.integers(0, 9)),
        displaced=_draws([draw(st.sampled_from([-2.0, 0.0, 2.0]))]),
    )
    return LaneEnd.of(curve, draw(RESILIENCES), HOLD)


def lanes(shortest: float, longest: float) -> st.SearchStrategy[PossibleLane]:
    return st.builds(
        PossibleLane,
        ends(BUY),
        ends(SELL),
        st.builds(Trip, st.floats(shortest, longest), st.sampled_from([None, 0.0, 100.0]), st.just(8)),
    )


@given(lanes(1, 2 * WEEK), st.integers(0, 20), st.integers(1, HOLD))
def test_no_cadence_earns_more_than_the_bound(lane: PossibleLane, cadence: int, most: int) -> None:
    tried = list(cadences(lane.trip.minutes))
    minutes = tried[min(cadence, len(tried) - 1)]
    _, profits = week(
        lane.buy.curve, lane.sell.curve, np.array([most]), minutes, (lane.buy.resilience, lane.sell.resilience)
    )
    earned = float(lane.trip.less_fuel(profits)[0, 0]) * 60 / minutes
    bound = lane.most_an_hour(HOLD)
    target(earned / bound if 0 < bound < 1e15 else 0.0)
    assert earned <= bound * (1 + 1e-9) + 1e-6


@given(st.lists(lanes(2000, 8000), min_size=2, max_size=6), st.integers(1, 3))
def test_the_best_are_those_that_working_out_every_lane_would_name(asked: list[PossibleLane], most: int) -> None:
    ways = [(place, lane.advice(HOLD).kept_up) for place, lane in enumerate(asked)]
    earned = {place: way.profit_an_hour.value for place, way in ways if way and way.profit_an_hour.value > 0}
    assume(len(set(earned.values())) == len(earned))
    found = rank(asked, HOLD, most)
    assert [place for place, _ in found.best] == sorted(earned, key=earned.__getitem__, reverse=True)[:most]
    assert not set(found.idle) & set(earned)


def test_few_lanes_are_worked_out() -> None:
    """A hundred lanes alike but for their gain: besides the best three, only those within the slack of the bound."""
    slopes = 0.05 * np.exp(np.random.default_rng(1).normal(0, 0.2, 400))
    asks = Curve(BUY, LawForm.CONSTANT, 20, np.full(400, 1000.0), slopes)
    pace = Resilience.steadily(np.full(400, 0.5))
    bought = LaneEnd.of(asks, pace, HOLD)
    lanes = [
        PossibleLane(
            bought,
            LaneEnd.of(Curve(SELL, LawForm.CONSTANT, 20, np.full(400, 900.0 + 5 * n), slopes / 2), pace, HOLD),
            Trip(2000, 0, 8),
        )
        for n in range(100)
    ]
    worked_out = []
    found = rank(lanes, HOLD, 3, lambda: worked_out.append(1))
    assert [place for place, _ in found.best] == [99, 98, 97]
    assert len(worked_out) < 30 and set(found.idle) >= set(range(21))

"""Leaving single listings out: the one that the figure hangs on is named first, and nothing is said of the others."""

import numpy as np
import pytest

from spacetraders_lab.analysis.analyse import analyse
from spacetraders_lab.analysis.influence import MOST, influences
from spacetraders_lab.core.market import Operation
from tests.analysis.trading import Trading, lab_markets, trade_at_random

NOISY = {"economy": "constant-percent", "impact": 0.05, "heterogeneity": 0.1, "noise": 0.1}


def found_in(trading: Trading):
    data = trading.dataset()
    return influences(data, analyse(data, trading.observations()))


def test_a_listing_unlike_all_others_changes_the_figure_most():
    markets = lab_markets(**NOISY)
    trading = trade_at_random(markets, 150)
    market, good = next((row["buy_market"], row["good_symbol"]) for row in trading.trades)
    markets[market].listings[good].impact *= 6
    for _ in range(8):
        trading.now += 50 * 3600
        trading.visit(market, good, Operation.SELL, (1.0, 1.0))
    first, *others = found_in(trading)
    assert (first.market, first.good, first.side) == (market, good, Operation.SELL)
    assert first.change < -0.1 and first.without == pytest.approx(first.percent * (1 + first.change))
    assert abs(first.change) > 2 * np.median([abs(other.change) for other in others])


def test_of_each_side_the_most_traded_listings_are_left_out():
    trading = trade_at_random(lab_markets(**NOISY), 150)
    found = found_in(trading)
    for side in Operation:
        own = [x for x in found if x.side is side]
        assert len(own) == MOST
        assert all(abs(x.change) < 0.1 for x in own)
    assert [abs(x.change) for x in found] == sorted((abs(x.change) for x in found), reverse=True)


def test_without_an_impact_nothing_hangs_on_anything():
    assert found_in(trade_at_random(lab_markets(economy="null"), 100)) == ()

"""The exponent of size: found without bias, with an error that agrees with leaving out one listing at a time."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from spacetraders_lab.analysis.distributions import t_reach
from spacetraders_lab.analysis.size import fit_size
from tests.analysis.trading import dear, full_steps, lab_markets, mixed_steps, trade_at_random

NOISY = {"impact": 0.05, "heterogeneity": 0.3, "noise": 0.2}


def power_market(exponent: float, seed: int = 1, **settings):
    return lab_markets(seed=seed, economy="power", exponent=exponent, **settings)


@pytest.mark.parametrize("exponent", [0.7, 1.0, 1.3])
def test_the_exponent_is_found_and_its_interval_holds(exponent):
    fits = []
    for seed in range(12):
        trading = trade_at_random(power_market(exponent, seed, **NOISY), 100, seed=seed, menu=mixed_steps)
        fits.append(fit_size(trading.dataset()).exponent)
    assert np.mean([fit.value for fit in fits]) == pytest.approx(exponent, abs=0.03)
    assert sum(fit.low <= exponent <= fit.high for fit in fits) >= 10


def test_a_linear_market_is_seldom_called_anything_else():
    """At a true null of 5 %, six rejections or more in 40 runs happen once in seventy."""
    rejected = 0
    for seed in range(40):
        trading = trade_at_random(power_market(1.0, seed, **NOISY), 60, seed=seed, menu=mixed_steps)
        rejected += fit_size(trading.dataset()).p < 0.05
    assert rejected <= 5


def test_a_weak_bend_is_seen_in_few_trades():
    """Levels of their own for every supply label, or one quote instead of both, would widen the intervals by 15 %."""
    fits = []
    for seed in range(12):
        trading = trade_at_random(power_market(0.9, seed, **NOISY), 150, seed=seed, menu=mixed_steps)
        fits.append(fit_size(trading.dataset()))
    assert np.mean([(fit.exponent.high - fit.exponent.low) / 2 for fit in fits]) < 0.06
    assert all(fit.p < 0.05 for fit in fits)


def test_with_little_noise_it_is_the_slope_of_the_logs():
    trading = trade_at_random(dear(power_market(0.8, heterogeneity=0.3, noise=0.02)), 80, menu=mixed_steps)
    data = trading.dataset()
    frame = pd.DataFrame(
        {
            "y": np.log(data.sign * np.log(data.after / data.before)),
            "x": np.log(data.x),
            "group": (data.unit * 2 + data.side) * 5 + data.supply,
        }
    )
    oracle = smf.ols("y ~ x + C(group)", frame).fit()
    assert fit_size(data).exponent.value == pytest.approx(oracle.params["x"], abs=0.002)


def test_the_error_agrees_with_leaving_out_one_listing_at_a_time():
    """Few listings, so that each one's pull on the estimate matters."""
    data = trade_at_random(power_market(1.0, **NOISY), 14, menu=mixed_steps).dataset()
    fit = fit_size(data)
    units = np.unique(data.unit)
    without = np.array([fit_size(data.take(data.unit != unit)).exponent.value for unit in units])
    jackknife = t_reach(fit.df) * np.sqrt(((without - fit.exponent.value) ** 2).sum())
    assert (fit.exponent.high - fit.exponent.low) / 2 == pytest.approx(jackknife, rel=0.1)


def test_the_slopes_follow_the_exponent_only_when_linearity_is_rejected():
    linear = fit_size(trade_at_random(power_market(1.0, **NOISY), 150, menu=mixed_steps).dataset())
    bent = fit_size(trade_at_random(power_market(0.7, **NOISY), 150, menu=mixed_steps).dataset())
    assert linear.used == 1.0 and bent.used == bent.exponent.value


def test_one_size_alone_tells_nothing():
    assert fit_size(trade_at_random(power_market(0.8), 100, menu=full_steps).dataset()) is None


def test_a_market_that_never_moves_has_no_exponent():
    assert fit_size(trade_at_random(lab_markets(economy="null"), 100, menu=mixed_steps).dataset()) is None

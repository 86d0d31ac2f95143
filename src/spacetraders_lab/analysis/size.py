"""The law of size: whether the move grows in proportion to the units traded. Fits one exponent, b, to single trades.

Trades are compared within a listing and side. How much its moves differ between states is taken from the model of
impact by cell, and so is the size of move that the weights suppose: levels of few trades would be as noisy as these.

Never a regression of log move on log size: the moves of zero drop out, they are the small trades of cheap goods, and
the slope falls below 1 although the truth is 1.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, sums
from spacetraders_lab.analysis.dataset import SIDES, Dataset
from spacetraders_lab.analysis.distributions import t_interval, t_p
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import SizeLaw
from spacetraders_lab.analysis.impact import fit_impact
from spacetraders_lab.analysis.metaorders import Metaorders, combine_quotes, metaorders_of, single_trades
from spacetraders_lab.analysis.noise import match_noise

_MAX_STEPS, _TOLERANCE = 50, 1e-6
_MAX_TURNS, _TURN_TOLERANCE = 8, 1e-4
_WEIGHINGS = 4
_AHEAD = 0.01  # how far the exponent is moved to see how the moves expected follow it
_MIN_UNITS = 3
_CELL_VARIANCE = 0.04  # between cells, of the log moves expected: a usual one, for hardly anything depends on it
_WIDEST = 2.0  # a standard error of b beyond which the sizes cannot tell anything


def fit_size(data: Dataset, drift2: float = 0.0) -> SizeLaw | None:
    """Fit move = x^b exp(theta + cell) with a theta for each unit and side, all trades together.

    Non-linear least squares with the thetas concentrated out. The error is a CR3 sandwich over units with the degrees
    of freedom 1 / sum(leverage²) - 1 (after Bell and McCaffrey 2002, Survey Methodology 28:169). None where there is
    no impact to speak of, or where the sizes vary too little to tell.
    """
    fit = _fit(data, trades := combine_quotes(single_trades(data)), 1.0, drift2)
    exponent, before = 1.0, math.inf
    for _ in range(_MAX_TURNS):  # the moves expected depend on the exponent, and it on them
        if fit is None or abs(exponent - before) < _TURN_TOLERANCE:
            break
        before = exponent
        exponent = fit.solve(exponent)
        fit = _fit(data, trades, exponent, drift2)
    if fit is None:
        return None
    judged = fit.judge(exponent, fit.in_direction_of_size(exponent))
    if judged is None:
        return None
    estimate, error, df = judged
    t = (exponent - 1) / error
    return SizeLaw(estimate, t, t_p(t, df), df, len(fit.units), len(fit.x))


def fit_order(data: Dataset, drift2: float = 0.0, exponent: float = 1.0) -> tuple[Estimate, float, float] | None:
    """The log effect of a full trade just before on a trade's move, with its t and degrees of freedom.

    Moves grow with the size to the power of the exponent. Visits in random order of sizes should show no effect. None
    where the sizes before do not vary.
    """
    fit = _fit(data, combine_quotes(single_trades(data)), exponent, drift2)
    if fit is None:
        return None
    tangent = fit.tangent(exponent, fit.weigh(exponent), np.where(fit.begins, 0.0, np.append(0.0, fit.x[:-1])))
    step = tangent.score / max(tangent.information, 1e-12)
    # Judged by what the step leaves over: with the effect still in them the residuals would hide it from any test.
    judged = fit.judge(step, replace(tangent, residual=tangent.residual - step * tangent.direction))
    return judged and (judged[0], step / judged[1], judged[2])


def _fit(data: Dataset, trades: Metaorders, exponent: float, drift2: float) -> "_SizeFit | None":
    """The trades of the sides that have an impact; None where these are of fewer than three units."""
    level = _expected_levels(data, trades, exponent, drift2)
    ahead = _expected_levels(data, trades, exponent + _AHEAD, drift2)
    known = np.isfinite(level) & np.isfinite(ahead)
    if len(np.unique(trades.unit[known])) < _MIN_UNITS:
        return None
    return _SizeFit(trades.take(known), level[known], np.log(ahead[known] / level[known]) / _AHEAD, drift2)


def _expected_levels(data: Dataset, trades: Metaorders, exponent: float, drift2: float) -> Floats:
    """The log move of a full tradeVolume that the model by cell expects where each trade was made; NaN where none."""
    orders, level = combine_quotes(metaorders_of(data, exponent)), np.full(len(trades), np.nan)
    for side in range(len(SIDES)):
        model, own = fit_impact(orders.take(orders.side == side), drift2, _CELL_VARIANCE), trades.side == side
        if model is not None:
            unit, cell = np.searchsorted(model.units, trades.unit[own]), np.searchsorted(model.cells, trades.cell[own])
            level[own] = model.slopes[unit, cell]
    return level


@dataclass(frozen=True, slots=True)
class _Tangent:
    """The linearised problem at some b: residuals, a direction within the groups, and their weights."""

    residual: Floats
    direction: Floats
    weight: Floats

    @property
    def information(self) -> float:
        return float((self.weight * self.direction**2).sum())

    @property
    def score(self) -> float:
        return float((self.weight * self.direction * self.residual).sum())


class _SizeFit:
    """Trades in groups (unit x side) whose levels, beside those expected, are concentrated out.

    `bend` is what a larger exponent does to the logs of the levels expected.
    """

    def __init__(self, trades: Metaorders, level: Floats, bend: Floats, drift2: float) -> None:
        self.x, self.move, self.level, self.bend = trades.tranches, trades.move, level, bend
        self.noise = trades.variance + drift2 * trades.minutes
        self.units, self.unit = np.unique(trades.unit, return_inverse=True)
        _, self.group = np.unique(trades.unit * len(SIDES) + trades.side, return_inverse=True)
        self.groups = int(self.group.max()) + 1
        self.begins = _begins_a_visit(trades)

    def solve(self, exponent: float) -> float:
        """The exponent, searched from the one given."""
        for _ in range(_MAX_STEPS):
            tangent = self.in_direction_of_size(exponent)
            step = float(np.clip(tangent.score / max(tangent.information, 1e-12), -0.25, 0.25))
            exponent = float(np.clip(exponent + step, -1.0, 4.0))
            if abs(step) < _TOLERANCE:
                break
        return exponent

    def in_direction_of_size(self, exponent: float) -> _Tangent:
        """The problem in the direction of the exponent itself, the moves expected following it."""
        return self.tangent(exponent, self.weigh(exponent), np.log(self.x) + self.bend)

    def weigh(self, exponent: float) -> Floats:
        """The weights of the trades: one over the variance of their moves."""
        mean, weight, phi = self._mean(exponent), 1 / self.noise, 0.01
        residual_df = max(1.0, len(self.x) - self.groups - 1)
        for _ in range(_WEIGHINGS):
            residual = self.move - self._scale(mean, weight) * mean
            phi = match_noise(residual**2, mean**2 / self.x, self.noise, residual_df, phi)
            weight = 1 / (phi * mean**2 / self.x + self.noise)
        return weight

    def tangent(self, exponent: float, weight: Floats, covariate: Floats) -> _Tangent:
        """The problem in the direction of a covariate of the log move."""
        mean = self._mean(exponent)
        slope = mean * covariate
        slope -= mean * (self._sum(weight * mean * slope) / self._sum(weight * mean**2))[self.group]
        return _Tangent(self.move - self._scale(mean, weight) * mean, slope, weight)

    def _mean(self, exponent: float) -> Floats:
        """The moves expected."""
        mean: Floats = self.level * self.x**exponent
        return mean

    def _scale(self, mean: Floats, weight: Floats) -> Floats:
        """For each trade by how much the moves of its group exceed those expected."""
        scale: Floats = (self._sum(weight * mean * self.move) / self._sum(weight * mean**2))[self.group]
        return scale

    def _sum(self, values: Floats) -> Floats:
        return sums(self.group, values, self.groups)

    def judge(self, value: float, tangent: _Tangent) -> tuple[Estimate, float, float] | None:
        """The value with its interval, cluster-robust error and degrees of freedom; None where it cannot be told."""
        information = tangent.information
        if information < 1 / _WIDEST**2:
            return None
        score = sums(self.unit, tangent.weight * tangent.direction * tangent.residual, len(self.units))
        leverage = sums(self.unit, tangent.weight * tangent.direction**2, len(self.units)) / information
        error = float(np.sqrt(((score / (information * (1 - np.minimum(leverage, 0.99)))) ** 2).sum()))
        df = 1 / float((leverage**2).sum()) - 1
        if df < 1 or error > _WIDEST or error == 0:
            return None
        return t_interval(value, error, df), error, df


def _begins_a_visit(trades: Metaorders) -> Bools:
    """Where another visit, listing or side begins."""
    begins = np.ones(len(trades), dtype=np.bool_)
    begins[1:] = False
    for values in (trades.visit, trades.unit, trades.side):
        begins[1:] |= values[1:] != values[:-1]
    return begins

"""The law of size: whether the move grows in proportion to the units traded. Fits one exponent, b, to single trades.

Never a regression of log move on log size: the moves of zero drop out, they are the small trades of cheap goods, and
the slope falls below 1 although the truth is 1.
"""

from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, sums
from spacetraders_lab.analysis.dataset import SUPPLIES, Dataset
from spacetraders_lab.analysis.distributions import t_interval, t_p
from spacetraders_lab.analysis.findings import Estimate, SizeLaw
from spacetraders_lab.analysis.noise import match_noise
from spacetraders_lab.analysis.rounding import rounding_variance, steps_of

_MAX_STEPS = 50
_TOLERANCE = 1e-6
_MIN_UNITS = 3
_WIDEST = 2.0  # a standard error of b beyond which the sizes cannot tell anything


def fit_size(data: Dataset, drift2: float = 0.0) -> SizeLaw | None:
    """Fit move = x^b exp(theta) with a theta for each unit, side and supply label, all trades together.

    Non-linear least squares with the thetas concentrated out. The error is a CR3 sandwich over units with the degrees
    of freedom 1 / sum(leverage²) - 1 (after Bell and McCaffrey 2002, Survey Methodology 28:169). None where the sizes
    or the moves vary too little to tell.
    """
    rows = data.used()
    if len(np.unique(rows.unit)) < _MIN_UNITS:
        return None
    fit = _SizeFit(rows, drift2)
    weight, exponent = fit.solve()
    judged = fit.judge(exponent, fit.tangent(exponent, weight, np.log(fit.x))[0])
    if judged is None:
        return None
    estimate, error, df = judged
    return SizeLaw(estimate, t_p((exponent - 1) / error, df), df, len(fit.units), len(rows))


def fit_order(data: Dataset, drift2: float = 0.0) -> tuple[Estimate, float, float] | None:
    """The log effect of a full trade just before on a trade's move, with its p and degrees of freedom.

    Visits in random order of sizes should show none. None where the sizes before do not vary.
    """
    rows = data.used()
    if len(np.unique(rows.unit)) < _MIN_UNITS:
        return None
    rows = rows.take(np.lexsort((rows.sequence, rows.side, rows.unit, rows.visit)))
    fit = _SizeFit(rows, drift2)
    weight, exponent = fit.solve()
    joined = np.zeros(len(rows), dtype=np.bool_)
    for values in (rows.visit, rows.unit, rows.side):
        joined[1:] |= values[1:] != values[:-1]
    before = np.where(joined, 0.0, np.append(0.0, rows.x[:-1]))
    tangent, _ = fit.tangent(exponent, weight, before)
    step = tangent.score / max(tangent.information, 1e-12)
    judged = fit.judge(step, tangent)
    return judged and (judged[0], t_p(step / judged[1], judged[2]), judged[2])


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
    """Trades in groups (unit x side x supply label) whose levels are concentrated out."""

    def __init__(self, rows: Dataset, drift2: float) -> None:
        step = steps_of(rows)[rows.type, rows.side]
        self.x = rows.x
        self.move = rows.sign * np.log(rows.after / rows.before)
        minutes = 2 * np.maximum(0.0, rows.seconds) / 60
        self.noise = rounding_variance(rows.before, rows.after, step) + drift2 * minutes
        self.units, self.unit = np.unique(rows.unit, return_inverse=True)
        _, self.group = np.unique((rows.unit * 2 + rows.side) * len(SUPPLIES) + rows.supply, return_inverse=True)
        self.groups = int(self.group.max()) + 1

    def solve(self) -> tuple[Floats, float]:
        """The weights of the trades and the exponent."""
        exponent, phi = 1.0, 0.01
        weight, log_x = 1 / self.noise, np.log(self.x)
        residual_df = max(1.0, len(self.x) - self.groups - 1)
        for _ in range(_MAX_STEPS):
            tangent, mean = self.tangent(exponent, weight, log_x)
            step = float(np.clip(tangent.score / max(tangent.information, 1e-12), -0.25, 0.25))
            by_step = mean**2 / self.x
            phi = match_noise(tangent.residual**2, by_step, self.noise, residual_df, phi)
            weight = 1 / (phi * by_step + self.noise)
            exponent = float(np.clip(exponent + step, -1.0, 4.0))
            if abs(step) < _TOLERANCE:
                break
        return weight, exponent

    def tangent(self, exponent: float, weight: Floats, covariate: Floats) -> tuple[_Tangent, Floats]:
        """The problem in the direction of a covariate of the log move, and the fitted moves."""
        shape = self.x**exponent
        size = sums(self.group, weight * shape**2, self.groups)
        level = np.maximum(0.0, sums(self.group, weight * shape * self.move, self.groups) / size)
        mean = level[self.group] * shape
        slope = mean * covariate
        slope = slope - shape * (sums(self.group, weight * shape * slope, self.groups) / size)[self.group]
        return _Tangent(self.move - mean, slope, weight), mean

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

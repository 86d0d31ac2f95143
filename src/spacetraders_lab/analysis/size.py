"""The law of size: whether the move grows in proportion to the units traded. Fits one exponent, b, to single trades.

Never a regression of log move on log size: the moves of zero drop out, they are the small trades of cheap goods, and
the slope falls below 1 although the truth is 1.
"""

from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints, sums
from spacetraders_lab.analysis.dataset import SUPPLIES, Dataset
from spacetraders_lab.analysis.distributions import t_interval, t_p
from spacetraders_lab.analysis.findings import SizeLaw
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
    return _SizeFit(rows, drift2).run()


@dataclass(frozen=True, slots=True)
class _Tangent:
    """The linearised problem at some b: residuals, the direction of b within the groups, and their weights."""

    residual: Floats
    direction: Floats
    weight: Floats

    @property
    def information(self) -> float:
        return float((self.weight * self.direction**2).sum())


class _SizeFit:
    def __init__(self, rows: Dataset, drift2: float) -> None:
        step = steps_of(rows)[rows.type, rows.side]
        self.x = rows.x
        self.move = rows.sign * np.log(rows.after / rows.before)
        minutes = 2 * np.maximum(0.0, rows.seconds) / 60
        self.noise = rounding_variance(rows.before, rows.after, step) + drift2 * minutes
        self.unit = rows.unit
        _, self.group = np.unique((rows.unit * 2 + rows.side) * len(SUPPLIES) + rows.supply, return_inverse=True)
        self.groups = int(self.group.max()) + 1

    def run(self) -> SizeLaw | None:
        exponent, phi = 1.0, 0.01
        weight = 1 / self.noise
        for _ in range(_MAX_STEPS):
            tangent, mean = self.tangent(exponent, weight)
            score = float((tangent.weight * tangent.direction * tangent.residual).sum())
            step = float(np.clip(score / max(tangent.information, 1e-12), -0.25, 0.25))
            by_step = mean**2 / self.x
            df = max(1.0, len(self.x) - self.groups - 1)
            phi = match_noise(tangent.residual**2, by_step, self.noise, df, phi)
            weight = 1 / (phi * by_step + self.noise)
            exponent = float(np.clip(exponent + step, -1.0, 4.0))
            if abs(step) < _TOLERANCE:
                break
        return self.judge(exponent, self.tangent(exponent, weight)[0])

    def tangent(self, exponent: float, weight: Floats) -> tuple[_Tangent, Floats]:
        """The problem at an exponent, and the fitted moves."""
        shape = self.x**exponent
        size = sums(self.group, weight * shape**2, self.groups)
        level = np.maximum(0.0, sums(self.group, weight * shape * self.move, self.groups) / size)
        mean = level[self.group] * shape
        slope = mean * np.log(self.x)
        slope = slope - shape * (sums(self.group, weight * shape * slope, self.groups) / size)[self.group]
        return _Tangent(self.move - mean, slope, weight), mean

    def judge(self, exponent: float, tangent: _Tangent) -> SizeLaw | None:
        """The exponent with its cluster-robust error."""
        information = tangent.information
        if information < 1 / _WIDEST**2:
            return None
        units, unit = np.unique(self.unit, return_inverse=True)
        score = _by_unit(unit, tangent.weight * tangent.direction * tangent.residual)
        leverage = _by_unit(unit, tangent.weight * tangent.direction**2) / information
        error = float(np.sqrt(((score / (information * (1 - np.minimum(leverage, 0.99)))) ** 2).sum()))
        df = 1 / float((leverage**2).sum()) - 1
        if df < 1 or error > _WIDEST or error == 0:
            return None
        return SizeLaw(
            exponent=t_interval(exponent, error, df),
            p=t_p((exponent - 1) / error, df),
            df=df,
            markets=len(units),
            transactions=len(self.x),
        )


def _by_unit(unit: Ints, values: Floats) -> Floats:
    return sums(unit, values, int(unit.max()) + 1)

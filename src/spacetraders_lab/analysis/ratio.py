"""The simple estimator: the sum of moves over the sum of sizes, with a jackknife over markets. Assumes no model."""

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints
from spacetraders_lab.analysis.distributions import t_interval
from spacetraders_lab.analysis.estimate import Estimate

MIN_UNITS = 3


def ratio_of_sums(move: Floats, volumes: Floats, unit: Ints) -> Estimate | None:
    """sum(move) / sum(volumes) with a t interval from leaving out one unit at a time; None with fewer than 3 units.

    CR3 for a ratio: MacKinnon, Nielsen and Webb 2023, J. Applied Econometrics.
    """
    units, code = np.unique(unit, return_inverse=True)
    count = len(units)
    if count < MIN_UNITS:
        return None
    top, bottom = np.bincount(code, move), np.bincount(code, volumes)
    value = top.sum() / bottom.sum()
    without = (top.sum() - top) / (bottom.sum() - bottom)
    error = np.sqrt((count - 1) / count * ((without - value) ** 2).sum())
    return t_interval(float(value), float(error), count - 1)

"""Random effects: the mean of what differs from listing to listing, each known with its own error.

Source: Rover, Knapp and Friede 2015, BMC Med. Res. Meth. 15:99.
"""

from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Floats


@dataclass(frozen=True, slots=True)
class Pooled:
    """The mean with its standard error, and the variance between the listings themselves."""

    mean: float
    error: float
    between: float


def pool(values: Floats, variances: Floats) -> Pooled:
    """Paule-Mandel mean with its Hartung-Knapp error, never smaller than the fixed-effects one."""
    between = _paule_mandel(values, variances)
    weight = 1 / (variances + between)
    mean = float((weight * values).sum() / weight.sum())
    spread = float((weight * (values - mean) ** 2).sum()) / (len(values) - 1)
    return Pooled(mean, float(np.sqrt(max(1.0, spread) / weight.sum())), between)


def _paule_mandel(values: Floats, variances: Floats) -> float:
    """The variance between at which the weighted sum of squares equals its degrees of freedom, or 0."""
    between = 0.0
    for _ in range(100):
        weight = 1 / (variances + between)
        mean = (weight * values).sum() / weight.sum()
        excess = float((weight * (values - mean) ** 2).sum()) - (len(values) - 1)
        if excess <= 1e-9 and between == 0.0:
            return 0.0
        step = excess / float((weight**2 * (values - mean) ** 2).sum())
        between = max(0.0, between + step)
        if abs(step) < 1e-9:
            break
    return between

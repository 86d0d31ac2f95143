"""Draws of what is known with an interval: in as many as advice is made of, in pairs around the estimate."""

import math

import numpy as np

from spacetraders_lab.analysis.arrays import Floats
from spacetraders_lab.analysis.distributions import NORMAL_REACH
from spacetraders_lab.analysis.estimate import Estimate

DRAWS = 400


def normals(chance: np.random.Generator) -> Floats:
    """Standard normal draws in pairs around 0, so that the median of what is drawn is the estimate itself."""
    half = chance.normal(0.0, 1.0, DRAWS // 2)
    return np.concatenate([half, -half])


def normal(estimate: Estimate, chance: np.random.Generator) -> Floats:
    """Draws around an estimate as wide as its interval; exactly it where it has none."""
    sd = (estimate.high - estimate.low) / (2 * NORMAL_REACH)
    drawn: Floats = estimate.value + normals(chance) * (sd if math.isfinite(sd) else 0.0)
    return drawn


def positive(estimate: Estimate, chance: np.random.Generator) -> Floats:
    """Draws of something that cannot be negative: log-normal where its interval allows it."""
    if 0 < estimate.low <= estimate.high < math.inf:
        sd = math.log(estimate.high / estimate.low) / (2 * NORMAL_REACH)
        drawn: Floats = estimate.value * np.exp(normals(chance) * sd)
        return drawn
    return np.maximum(0.0, normal(estimate, chance))


def evenly(low: float, high: float, chance: np.random.Generator) -> Floats:
    """Draws of something of which nothing is known but two bounds."""
    return low + (high - low) * chance.permutation((np.arange(DRAWS) + 0.5) / DRAWS)

"""Whether buying moves a listing more than selling: paired within listing and supply label, pooled over listings.

The listings should be of one type: an EXPORT gives way more to buyers, an IMPORT to sellers, both together to neither.
"""

from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints, sums
from spacetraders_lab.analysis.dataset import ACTIVITIES, BUY, SUPPLIES
from spacetraders_lab.analysis.distributions import t_interval, t_p
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.impact import ImpactModel
from spacetraders_lab.analysis.metaorders import Metaorders
from spacetraders_lab.analysis.pooling import pool

_CLOSE = 0.3  # standard error of a log ratio above which a pair is left out: the log of a small noisy move is biased
_MIN_UNITS = 3


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """Log of the buying over the selling slope, between listings pooled at random; `t` and `p` are of its being 0."""

    log_ratio: Estimate
    t: float
    p: float
    df: int
    listings: int


def fit_asymmetry(orders: Metaorders, buying: ImpactModel, selling: ImpactModel) -> Asymmetry | None:
    """Paule-Mandel random effects with a Hartung-Knapp t interval (`pooling`).

    Which pairs are close enough to count is decided
    by their size and rounding, not by how they came out. None with fewer than three listings.
    """
    ratios, variances = _unit_ratios(orders, buying, selling)
    if len(ratios) < _MIN_UNITS:
        return None
    pooled, df = pool(ratios, variances), len(ratios) - 1
    t = pooled.mean / pooled.error
    return Asymmetry(t_interval(pooled.mean, pooled.error, df), t, t_p(t, df), df, len(ratios))


def _unit_ratios(orders: Metaorders, buying: ImpactModel, selling: ImpactModel) -> tuple[Floats, Floats]:
    """ln(slope when buying / slope when selling) of each listing, over the labels where both were traded."""
    label = orders.cell // len(ACTIVITIES) % len(SUPPLIES)
    pairs, pair = np.unique(orders.unit * len(SUPPLIES) + label, return_inverse=True)
    logs, variances = [], []
    for side, model in enumerate((buying, selling)):
        log, variance = _log_slopes(orders, pair, len(pairs), side, model)
        logs.append(log)
        variances.append(variance)
    close = np.isfinite(logs[0]) & np.isfinite(logs[1]) & (variances[0] + variances[1] < _CLOSE**2)
    ratio, variance = logs[BUY][close] - logs[1 - BUY][close], (variances[0] + variances[1])[close]
    units, unit = np.unique(pairs[close] // len(SUPPLIES), return_inverse=True)
    weight = 1 / variance
    total = sums(unit, weight, len(units))
    return sums(unit, weight * ratio, len(units)) / total, 1 / total


def _log_slopes(orders: Metaorders, pair: Ints, count: int, side: int, model: ImpactModel) -> tuple[Floats, Floats]:
    """Log of the ratio of sums in each pair on one side, and the variance expected of it; not finite without trades."""
    own = orders.side == side
    size = sums(pair[own], orders.volumes[own], count)
    move = sums(pair[own], orders.move[own], count)
    rounding = sums(pair[own], orders.variance[own], count)
    typical = float(np.exp(np.average(model.solution.theta, weights=model.trades.sum(0))))
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = model.variances.phi / size + rounding / (typical * size) ** 2
        return np.log(move / size), variance

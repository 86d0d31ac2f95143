"""Which cells differ from their neighbours: every contrast there is, to look at, not to prove anything with.

Nothing here was fixed before the data. So many comparisons find something by chance; after Benjamini and Hochberg
(1995, JRSS-B 57:289) a tenth of those that are kept are expected to be wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from spacetraders_lab.analysis.dataset import ACTIVITIES, SIDES, SUPPLIES, TYPES
from spacetraders_lab.analysis.distributions import exp_interval, t_p
from spacetraders_lab.analysis.findings import CellContrast
from spacetraders_lab.analysis.hypotheses import UNSHRUNKEN, cell_covariance, cell_parts
from spacetraders_lab.analysis.impact import ImpactModel, fit_impact
from spacetraders_lab.analysis.metaorders import Metaorders
from spacetraders_lab.analysis.ratio import MIN_UNITS


def cell_contrasts(orders: Metaorders, drift2: float = 0.0) -> tuple[CellContrast, ...]:
    """Each cell of three markets beside the next fuller one, and beside the next livelier one, of its side and type.

    The cells' own data count alone. `q` is adjusted over all contrasts of both sides.
    """
    found: list[CellContrast] = []
    for side in range(len(SIDES)):
        model = fit_impact(orders.take(orders.side == side), drift2, UNSHRUNKEN)
        if model is not None:
            found += [_contrast(side, model, *ends) for ends in _neighbours(model)]
    adjusted = false_discovery([contrast.p for contrast in found])
    return tuple(replace(contrast, q=q) for contrast, q in zip(found, adjusted, strict=True))


def false_discovery(p: Sequence[float]) -> list[float]:
    """For each p the smallest expected share of false findings at which it would still be one."""
    adjusted, lowest = [1.0] * len(p), 1.0
    for rank, i in sorted(enumerate(np.argsort(p).tolist(), 1), reverse=True):
        adjusted[i] = lowest = min(lowest, p[i] * len(p) / rank)
    return adjusted


def _neighbours(model: ImpactModel) -> Iterator[tuple[int, int]]:
    """Positions of cells that differ in supply alone, or in activity alone, with no other observed between them."""
    broad = np.flatnonzero((model.trades > 0).sum(0) >= MIN_UNITS)
    kind, supply, activity = cell_parts(model.cells)
    for along, fixed in ((supply, activity), (activity, supply)):
        places = sorted((int(kind[i]), int(fixed[i]), int(along[i]), int(i)) for i in broad)
        for first, second in pairwise(places):
            if first[:2] == second[:2]:
                yield first[-1], second[-1]


def _contrast(side: int, model: ImpactModel, first: int, second: int) -> CellContrast:
    kind, supply, activity = cell_parts(model.cells[[first, second]])
    difference = float(model.solution.theta[second] - model.solution.theta[first])
    covariance = cell_covariance(model)[np.ix_([first, second], [first, second])]
    error = float(np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
    df = len(model.units) - model.rank
    return CellContrast(
        side=SIDES[side],
        type=TYPES[kind[0]],
        supplies=(SUPPLIES[supply[0]], SUPPLIES[supply[1]]),
        activities=(ACTIVITIES[activity[0]], ACTIVITIES[activity[1]]),
        ratio=exp_interval(difference, error, df),
        p=t_p(difference / error, df),
        q=1.0,
    )

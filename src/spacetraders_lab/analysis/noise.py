"""How noisy a step is: the share of a move's variance that neither rounding nor drift explains."""

import numpy as np

from spacetraders_lab.analysis.arrays import Floats

_CAP = 5.0  # standard deviations beyond which a residual counts no more
_LOWEST, _HIGHEST = 1e-6, 25.0


def match_noise(square: Floats, by_step: Floats, other: Floats, residual_df: float, phi: float) -> float:
    """The phi at which sum of square / (phi by_step + other) equals the residual degrees of freedom.

    `square` are squared residuals, `by_step` the variance for phi = 1, `other` what is known; a few Newton steps in
    log phi from the value given.
    """
    for _ in range(3):
        total = phi * by_step + other
        pearson = square / total
        free = pearson < _CAP**2
        slope = (pearson * phi * by_step / total)[free].sum()
        excess = np.minimum(pearson, _CAP**2).sum() - residual_df
        phi *= float(np.exp(min(max(excess / max(slope, 1e-9), -1.5), 1.5)))
        phi = min(max(phi, _LOWEST), _HIGHEST)
    return phi

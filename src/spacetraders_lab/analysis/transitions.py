"""How trades move a listing's supply label. Labels are cut points of a hidden stock: steps are counted, not fitted."""

import numpy as np

from spacetraders_lab.analysis.arrays import sums
from spacetraders_lab.analysis.dataset import BUY, SIDES, SUPPLIES, Dataset
from spacetraders_lab.analysis.findings import TransitionMatrix
from spacetraders_lab.analysis.ratio import ratio_of_sums

_FULL = 0.9  # of a tradeVolume; trades of this size or more enter the matrix


def supply_transitions(data: Dataset) -> tuple[TransitionMatrix, ...]:
    """One matrix a side, from the usable rows.

    kappa is the labels crossed over the tradeVolumes traded, with a jackknife over listings. Labels at the end of the
    scale are left aside in it and in the chance of a step: a market that is SCARCE cannot become scarcer.
    """
    rows = data.used()
    rows = rows.take(rows.supply_after >= 0)
    return tuple(_matrix(rows.take(rows.side == side), side) for side in range(len(SIDES)))


def _matrix(rows: Dataset, side: int) -> TransitionMatrix:
    full = rows.take(rows.x >= _FULL)
    levels = len(SUPPLIES)
    counts = sums(full.supply * levels + full.supply_after, np.ones(len(full)), levels**2).astype(int)
    crossed = (rows.supply - rows.supply_after) * (1 if side == BUY else -1)
    end = 0 if side == BUY else levels - 1
    free = rows.supply != end
    kappa = ratio_of_sums(crossed[free].astype(np.float64), rows.x[free], rows.unit[free])
    could = full.take(full.supply != end)
    return TransitionMatrix(
        side=SIDES[side],
        counts=tuple(tuple(row) for row in counts.reshape(levels, levels).tolist()),
        kappa=kappa,
        step_probability=float((could.supply != could.supply_after).mean()) if len(could) else None,
    )

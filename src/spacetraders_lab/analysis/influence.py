"""How much the headline figures hang on single listings: each of the most traded ones is left out once."""

from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import sums
from spacetraders_lab.analysis.dataset import SIDES, TYPES, Dataset
from spacetraders_lab.analysis.findings import Findings, percent_per_volume
from spacetraders_lab.analysis.impact import fit_impact
from spacetraders_lab.analysis.metaorders import CELLS, Metaorders, combine_quotes, metaorders_of
from spacetraders_lab.core.market import ListingType, Operation

MOST = 20  # listings left out, the most traded ones


@dataclass(frozen=True, slots=True)
class Influence:
    """The mean move by one tradeVolume over all trades of a side and type, in percent, with and without a listing."""

    market: str
    good: str
    side: Operation
    type: ListingType
    transactions: int
    percent: float
    without: float

    @property
    def change(self) -> float:
        """By how much of itself the figure changes without the listing."""
        return self.without / self.percent - 1


def influences(data: Dataset, findings: Findings) -> tuple[Influence, ...]:
    """One entry for each of those listings, side and type that it was traded in, the largest change first.

    The spread between cells and the drift are taken as they were found with all listings.
    """
    orders = combine_quotes(metaorders_of(data, findings.exponent))
    found: list[Influence] = []
    for fit in findings.sides:
        side = SIDES.index(fit.side)
        own = orders.take(orders.side == side)
        spread = (fit.drift_sd**2, fit.cell_sd**2)
        whole = _headlines(own, *spread)
        trades = sums(own.unit, own.trades.astype(np.float64), len(data.unit_names))
        for unit in np.argsort(-trades, kind="stable")[: min(MOST, int((trades > 0).sum()))].tolist():
            kinds = {TYPES[kind] for kind in own.type[own.unit == unit]}
            without = _headlines(own.take(own.unit != unit), *spread)
            for kind in sorted(kinds & whole.keys() & without.keys()):
                market, good = data.unit_names[unit]
                with_it, without_it = (percent_per_volume(fit.side, slopes[kind]) for slopes in (whole, without))
                found.append(Influence(market, good, fit.side, kind, int(trades[unit]), with_it, without_it))
    return tuple(sorted(found, key=lambda x: (-abs(x.change), x.market, x.good, x.side)))


def _headlines(orders: Metaorders, drift2: float, omega2: float) -> dict[ListingType, float]:
    """The mean slope over the trades of each type; nothing where there is no impact to speak of."""
    model = fit_impact(orders, drift2, omega2)
    if model is None:
        return {}
    kinds = model.cells // (CELLS // len(TYPES))
    return {
        TYPES[kind]: float(np.average(model.slopes[:, kinds == kind], weights=model.trades[:, kinds == kind]))
        for kind in np.unique(kinds)
    }

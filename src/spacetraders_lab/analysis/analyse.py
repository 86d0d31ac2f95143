"""The one verb of this room: everything that can be found in recorded trades and market snapshots."""

import numpy as np

from spacetraders_lab.analysis.cells import cell_table, listing_table
from spacetraders_lab.analysis.checks import check_prices
from spacetraders_lab.analysis.dataset import SIDES, Dataset, count_exclusions
from spacetraders_lab.analysis.findings import CellEstimate, Findings, ListingEstimate, SideFit
from spacetraders_lab.analysis.impact import ImpactModel, fit_impact
from spacetraders_lab.analysis.law import fit_law
from spacetraders_lab.analysis.observations import Observations
from spacetraders_lab.analysis.placebo import drift_variance
from spacetraders_lab.analysis.runs import Runs, combine_quotes, elasticities, runs_of
from spacetraders_lab.analysis.size import fit_size


def analyse(data: Dataset, observations: Observations) -> Findings:
    """Estimate everything; the same rows always give the same numbers.

    Slopes are computed with sizes to the power b only where b = 1 is rejected.
    """
    drift2 = drift_variance(data, observations)
    size_law = fit_size(data, drift2)
    raw = runs_of(data, size_law.used if size_law is not None else 1.0)
    runs = combine_quotes(raw)
    cells: list[CellEstimate] = []
    listings: list[ListingEstimate] = []
    sides: list[SideFit] = []
    for side in range(len(SIDES)):
        own = runs.take(runs.side == side)
        model = fit_impact(own, drift2)
        cells += cell_table(data, own, side, model)
        if model is not None:
            listings += listing_table(data, own, side, model)
            sides.append(_side_fit(side, own, model))
    return Findings(
        exclusions=count_exclusions(data),
        checks=check_prices(data),
        cells=tuple(cells),
        listings=tuple(listings),
        sides=tuple(sides),
        elasticities=elasticities(raw),
        size_law=size_law,
        law=fit_law(data),
    )


def _side_fit(side: int, runs: Runs, model: ImpactModel) -> SideFit:
    variances = model.variances
    return SideFit(
        side=SIDES[side],
        runs=len(runs),
        transactions=int(runs.trades.sum()),
        markets=len(model.units),
        market_sd=float(np.sqrt(variances.tau2)),
        cell_sd=float(np.sqrt(variances.omega2)),
        step_cv=float(np.sqrt(variances.phi)),
        drift_sd=float(np.sqrt(variances.drift2)),
        converged=model.converged,
    )

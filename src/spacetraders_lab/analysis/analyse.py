"""The one verb of this room: everything that can be found in recorded trades and market snapshots."""

import numpy as np

from spacetraders_lab.analysis.cells import cell_table, listing_table
from spacetraders_lab.analysis.checks import check_prices
from spacetraders_lab.analysis.dataset import SIDES, Dataset, count_exclusions
from spacetraders_lab.analysis.findings import CellEstimate, Findings, ListingEstimate, SideFit
from spacetraders_lab.analysis.impact import ImpactModel, fit_impact
from spacetraders_lab.analysis.observations import Observations
from spacetraders_lab.analysis.placebo import drift_variance
from spacetraders_lab.analysis.runs import Runs, combine_quotes, elasticities, runs_of


def analyse(data: Dataset, observations: Observations) -> Findings:
    """Estimate everything; the same rows always give the same numbers."""
    raw = runs_of(data)
    runs, drift2 = combine_quotes(raw), drift_variance(data, observations)
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

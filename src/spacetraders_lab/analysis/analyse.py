"""The one verb of this room: everything that can be found in recorded trades and market snapshots."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spacetraders_lab.analysis.cells import cell_table, listing_table
from spacetraders_lab.analysis.checks import check_prices
from spacetraders_lab.analysis.contrasts import cell_contrasts
from spacetraders_lab.analysis.dataset import SIDES, Dataset, count_exclusions
from spacetraders_lab.analysis.findings import CellEstimate, Findings, ListingEstimate, SideFit
from spacetraders_lab.analysis.hypotheses import judge_hypotheses
from spacetraders_lab.analysis.impact import ImpactModel, fit_impact
from spacetraders_lab.analysis.law import fit_law
from spacetraders_lab.analysis.metaorders import Metaorders, combine_quotes, metaorders_of
from spacetraders_lab.analysis.noise import match_noise
from spacetraders_lab.analysis.observations import NO_OTHERS, Observations, OtherTrades
from spacetraders_lab.analysis.quiet import drift_variance, quiet_reads
from spacetraders_lab.analysis.recovery import estimate_recovery
from spacetraders_lab.analysis.recovery_findings import Tick
from spacetraders_lab.analysis.size import fit_size
from spacetraders_lab.analysis.ticks import find_tick, tick_in_bracket
from spacetraders_lab.analysis.transitions import supply_transitions
from spacetraders_lab.analysis.whole_credits import lost_to_rounding
from spacetraders_lab.core.analysis_plan import Exclusion
from spacetraders_lab.core.experiment import PlaceboBracket

_USUAL_PHI = 0.1  # the variance of a step, relative to its move, from where the noise is looked for


@dataclass(frozen=True, slots=True)
class ImpactTables:
    """The impact by cell and by listing, and how well each side's model fits."""

    cells: tuple[CellEstimate, ...]
    listings: tuple[ListingEstimate, ...]
    sides: tuple[SideFit, ...]


def analyse(
    data: Dataset,
    observations: Observations,
    placebos: Sequence[PlaceboBracket] = (),
    others: OtherTrades = NO_OTHERS,
) -> Findings:
    """Estimate everything; the same rows always give the same numbers.

    Placebo brackets, where a design has them, tell of the drift; `others` are trades of runs that are not analysed.
    Slopes are computed with sizes to the power b only where b = 1 is rejected.
    """
    reads = quiet_reads(data, observations, others)
    tick = find_tick(reads)
    data = usable_part(data, tick)
    drift2 = drift_variance(reads, placebos)
    size_law = fit_size(data, drift2)
    exponent = size_law.used if size_law is not None else 1.0
    orders = combine_quotes(metaorders_of(data, exponent))
    tables = measure_impact(data, orders, drift2)
    law = fit_law(data)
    return Findings(
        exclusions=count_exclusions(data),
        checks=check_prices(data),
        cells=tuple(replace(cell, exponent=exponent) for cell in tables.cells),
        listings=tables.listings,
        sides=tables.sides,
        size_law=size_law,
        law=law,
        hypotheses=judge_hypotheses(data, orders, drift2, size_law),
        contrasts=cell_contrasts(orders, drift2),
        recovery=estimate_recovery(data, reads, tick, law, others),
        transitions=supply_transitions(data),
    )


def usable_part(data: Dataset, tick: Tick | None) -> Dataset:
    """The dataset with what only the run as a whole shows to be unusable left out as well."""
    if tick is not None:
        data = data.exclude(tick_in_bracket(data, tick), Exclusion.TICK)
    return data.exclude(lost_to_rounding(data), Exclusion.WHOLE)


def used_part(data: Dataset, findings: Findings) -> Dataset:
    """The dataset as the findings about it were estimated: what is left out is counted in them."""
    return usable_part(data, findings.recovery.tick if findings.recovery is not None else None)


def measure_impact(data: Dataset, orders: Metaorders, drift2: float = 0.0) -> ImpactTables:
    """Fit both sides to the metaorders of the dataset; `drift2` as in `fit_impact`."""
    cells: list[CellEstimate] = []
    listings: list[ListingEstimate] = []
    sides: list[SideFit] = []
    for side in range(len(SIDES)):
        own = orders.take(orders.side == side)
        model = fit_impact(own, drift2)
        cells += cell_table(data, own, side, model)
        told = listing_table(data, own, side, model)
        listings += told
        if model is not None:
            sides.append(_side_fit(side, model))
        elif told:
            sides.append(_lone_fit(side, own, told[0].slope.value, drift2))
    return ImpactTables(tuple(cells), tuple(listings), tuple(sides))


def _side_fit(side: int, model: ImpactModel) -> SideFit:
    variances = model.variances
    return SideFit(
        side=SIDES[side],
        market_sd=float(np.sqrt(variances.tau2)),
        cell_sd=float(np.sqrt(variances.omega2)),
        step_cv=float(np.sqrt(variances.phi)) if model.tells_noise else math.nan,
        drift_sd=float(np.sqrt(variances.drift2)),
        converged=model.converged,
        residual_df=model.residual_df,
    )


def _lone_fit(side: int, orders: Metaorders, slope: float, drift2: float) -> SideFit:
    """The noise of the steps at the only listing of a side; nothing tells how far others, or cells, would differ."""
    mean = orders.volumes * slope
    other = orders.variance + drift2 * orders.minutes
    phi = match_noise(
        (orders.move - mean) ** 2, mean**2 / orders.volumes, other, max(1.0, len(orders) - 1.0), _USUAL_PHI
    )
    return SideFit(
        side=SIDES[side],
        market_sd=math.nan,
        cell_sd=math.nan,
        step_cv=math.sqrt(phi) if len(orders) > 1 else math.nan,
        drift_sd=math.sqrt(drift2),
        converged=True,
        residual_df=len(orders) - 1.0,
    )

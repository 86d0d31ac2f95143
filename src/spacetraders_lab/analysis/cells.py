"""From fitted models to the tables: the impact by cell and by listing, with intervals and warnings."""

import math
from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, sums
from spacetraders_lab.analysis.dataset import ACTIVITIES, NO_ACTIVITY, SIDES, SUPPLIES, TYPES, Dataset
from spacetraders_lab.analysis.distributions import exp_interval
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import CellEstimate, CellFlag, ListingEstimate
from spacetraders_lab.analysis.impact import ImpactModel, fixed_design
from spacetraders_lab.analysis.metaorders import CELLS, Metaorders, cell_index
from spacetraders_lab.analysis.ratio import MIN_UNITS, ratio_of_sums
from spacetraders_lab.core.market import ListingType


@dataclass(frozen=True, slots=True)
class _Means:
    """Weighted means of slopes on the log scale: one entry a cell or a unit. `df` are those of the errors."""

    log: Floats
    error: Floats
    df: float


def cell_table(data: Dataset, orders: Metaorders, side: int, model: ImpactModel | None) -> tuple[CellEstimate, ...]:
    """Every cell that the game can have on a side, observed or not; `orders` are those of the side, `data` all rows."""
    rows = data.take(data.usable & (data.side == side))
    cell = cell_index(rows.type, rows.supply, rows.activity)
    naive = sums(cell, rows.percent, CELLS) / np.maximum(1, np.bincount(cell, minlength=CELLS))
    measured = _measured(model) if model is not None else _measured_alone(orders)
    return tuple(_cell(side, number, orders, float(naive[number]), model, measured) for number in _possible_cells())


def listing_table(
    data: Dataset, orders: Metaorders, side: int, model: ImpactModel | None
) -> tuple[ListingEstimate, ...]:
    """Every listing measured on a side, its slope shrunken towards those of markets like it.

    A listing that was the only one traded has none like it: without a model, its slope is the ratio of its sums.
    """
    if model is None:
        return _lone_listing(data, orders, side)
    share = model.trades / model.trades.sum(1, keepdims=True)
    means = _means(model, share)
    return tuple(
        _listing(
            data,
            orders.take(orders.unit == unit),
            side,
            exp_interval(means.log[i], means.error[i], means.df),
            float(model.solution.eta[i]),
        )
        for i, unit in enumerate(model.units)
    )


def _lone_listing(data: Dataset, orders: Metaorders, side: int) -> tuple[ListingEstimate, ...]:
    """The only listing traded on a side, its visits taken as the clusters; none where they are fewer than three."""
    if len(np.unique(orders.unit)) != 1:
        return ()
    slope = ratio_of_sums(orders.move, orders.volumes, orders.visit)
    return () if slope is None else (_listing(data, orders, side, slope, effect=0.0),)


def _listing(data: Dataset, orders: Metaorders, side: int, slope: Estimate, effect: float) -> ListingEstimate:
    """The listing that these metaorders of a side are of, as it was seen last."""
    unit = int(orders.unit[0])
    # a trade of the other side, or one that cannot be used, may have been the last to read the quotes
    was_read = ~np.isnan(data.ask_after) & ~np.isnan(data.bid_after)
    row = int(np.flatnonzero(was_read & (data.unit == unit))[-1])  # in time order
    return ListingEstimate(
        market=data.unit_names[unit][0],
        good=data.unit_names[unit][1],
        side=SIDES[side],
        type=TYPES[data.type[row]],
        transactions=int(orders.trades.sum()),
        visits=len(np.unique(orders.visit)),
        trade_volumes=float(orders.tranches.sum()),
        slope=slope,
        effect=effect,
        trade_volume=int(data.trade_volume_after[row]),
        ask=int(data.ask_after[row]),
        bid=int(data.bid_after[row]),
        read_at=float(data.time[row]),
    )


def _possible_cells() -> list[int]:
    """EXCHANGE has no activity, the others always have one."""
    kind, _, activity = np.unravel_index(np.arange(CELLS), (len(TYPES), len(SUPPLIES), len(ACTIVITIES)))
    exchange = kind == TYPES.index(ListingType.EXCHANGE)
    possible: list[int] = np.flatnonzero(exchange == (activity == NO_ACTIVITY)).tolist()
    return possible


def _cell(
    side: int, number: int, orders: Metaorders, naive: float, model: ImpactModel | None, measured: dict[int, Estimate]
) -> CellEstimate:
    kind, supply, activity = np.unravel_index(number, (len(TYPES), len(SUPPLIES), len(ACTIVITIES)))
    own = orders.cell == number
    unit = orders.unit[own]
    markets = len(np.unique(unit))
    ratio = ratio_of_sums(orders.move[own], orders.volumes[own], unit) if markets else None
    new, prediction, shrinkage = _expected(number, model) if model is not None else (None, None, None)
    return CellEstimate(
        side=SIDES[side],
        type=TYPES[kind],
        supply=SUPPLIES[supply],
        activity=ACTIVITIES[activity],
        markets=markets,
        transactions=int(orders.trades[own].sum()),
        trade_volumes=float(orders.tranches[own].sum()),
        measured=measured.get(number, ratio),
        new_market=new,
        prediction=prediction,
        ratio=ratio,
        naive_percent=naive if markets else None,
        shrinkage=shrinkage,
        flag=_flag(markets),
    )


def _flag(markets: int) -> CellFlag:
    if not markets:
        return CellFlag.NOT_OBSERVED
    return CellFlag.THIN if markets < MIN_UNITS else CellFlag.OK


def _measured(model: ImpactModel) -> dict[int, Estimate]:
    """Transaction-weighted mean slope over the markets measured, by cell number."""
    share = (model.trades / model.trades.sum(0)).T
    means = _means(model, share, by_cell=True)
    return {int(c): exp_interval(means.log[i], means.error[i], means.df) for i, c in enumerate(model.cells)}


def _measured_alone(orders: Metaorders) -> dict[int, Estimate]:
    """The same where a single listing was traded, by the ratio of its sums with visits as clusters."""
    if len(np.unique(orders.unit)) != 1:
        return {}
    own = {int(cell): orders.take(orders.cell == cell) for cell in np.unique(orders.cell)}
    ratios = {cell: ratio_of_sums(one.move, one.volumes, one.visit) for cell, one in own.items()}
    return {cell: ratio for cell, ratio in ratios.items() if ratio is not None}


def _means(model: ImpactModel, share: Floats, by_cell: bool = False) -> _Means:
    """Log of weighted mean slopes and its standard error, by the delta method with the joint covariance.

    `share` holds each mean's weights: cells x units for means over the units of a cell (`by_cell`), units x cells
    for means over the cells of a unit.
    """
    solution = model.solution
    terms = share * (model.slopes.T if by_cell else model.slopes)
    total = terms.sum(1)
    relative = terms / total[:, None]
    if by_cell:  # each mean leans on one cell's coefficients and on several units' effects
        gradient = solution.design - relative @ solution.pull
        own = (relative**2 * (1 / solution.unit_precision + model.unexplained)).sum(1)
    else:  # each mean leans on several cells' coefficients and on one unit's effect
        gradient = relative @ solution.design - solution.pull
        own = 1 / solution.unit_precision + model.unexplained
    variance = ((gradient @ solution.covariance) * gradient).sum(1) + own
    df = model.residual_df if model.unexplained == 0 else math.inf  # such a spread is supposed as much as estimated
    return _Means(np.log(total), np.sqrt(variance), df)


def _expected(number: int, model: ImpactModel) -> tuple[Estimate | None, Estimate | None, float | None]:
    """What a new market of the cell would show: the mean over such markets, where one will lie, and the shrinkage."""
    covariance, variances = model.solution.covariance, model.variances
    place = np.flatnonzero(model.cells == number)
    fixed = fixed_design(np.array([number]))[0]
    if len(place):
        row, spread, weight = model.solution.design[place[0]], 0.0, float(model.solution.cell_precision[place[0]])
    else:
        if (fixed > fixed_design(model.cells).max(0)).any():
            return None, None, None  # a type, supply or activity never seen on this side
        row, spread, weight = np.append(fixed, np.zeros(len(model.cells))), variances.omega2, 0.0
    theta = float(row @ model.solution.coefficients + model.bias.mean())
    error2 = float(row @ covariance @ row) + spread
    df = len(model.units) - model.rank
    return (
        exp_interval(theta + variances.tau2 / 2, np.sqrt(error2), df),
        exp_interval(theta, np.sqrt(error2 + variances.tau2), df),
        variances.omega2 * weight / (variances.omega2 * weight + 1),
    )

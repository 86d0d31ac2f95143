"""Metaorders, the unit of analysis: consecutive trades of one visit, side and state, taken as one long move.

The quote read after a trade is the one read before the next, so the rounding errors inside a metaorder cancel; what
stays is the rounding of its two ends. Nothing is estimated here but how the two quotes of a listing hang together.
"""

from dataclasses import dataclass, replace

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, Ints, Rows, sums
from spacetraders_lab.analysis.dataset import ACTIVITIES, SUPPLIES, TYPES, Dataset
from spacetraders_lab.analysis.rounding import rounding_variance, steps_of

_FEW_METAORDERS = 5


@dataclass(frozen=True, slots=True)
class Metaorders(Rows):
    """One entry a metaorder. `move` is the log move of the traded quote against the trader, `other` that of the other
    quote, `variance` and `other_variance` what rounding leaves in them. `volumes` is the sum of x^b over the trades,
    `tranches` of x, `minutes` the time from the first read to the last. `cell` numbers type x supply x activity, see
    `cell_index`.
    """

    visit: Ints
    side: Ints
    cell: Ints
    trades: Ints
    volumes: Floats
    tranches: Floats
    minutes: Floats
    move: Floats
    other: Floats
    variance: Floats
    other_variance: Floats

    @property
    def type(self) -> Ints:
        return self.cell // (len(SUPPLIES) * len(ACTIVITIES))


CELLS = len(TYPES) * len(SUPPLIES) * len(ACTIVITIES)


def cell_index(type: Ints, supply: Ints, activity: Ints) -> Ints:
    """The number of a cell, in the order of types, supplies, activities."""
    return (type * len(SUPPLIES) + supply) * len(ACTIVITIES) + activity


def metaorders_of(data: Dataset, exponent: float = 1.0) -> Metaorders:
    """The metaorders of the usable rows, each trade's size counted as (units / tradeVolume)^exponent."""
    rows = in_order(data)
    return _metaorders_from(rows, np.flatnonzero(_begins(rows)), exponent)


def single_trades(data: Dataset) -> Metaorders:
    """Every usable row as a metaorder of its own, in the order of `in_order`."""
    rows = in_order(data)
    return _metaorders_from(rows, np.arange(len(rows)), 1.0)


def in_order(data: Dataset) -> Dataset:
    """The usable rows by visit, listing and side, in the order in which they were traded."""
    rows = data.used()
    return rows.take(np.lexsort((rows.sequence, rows.side, rows.unit, rows.visit)))


def _metaorders_from(rows: Dataset, first: Ints, exponent: float) -> Metaorders:
    """The metaorders that begin at these rows."""
    if not len(first):
        return _no_metaorders()
    last = np.append(first[1:], len(rows)) - 1
    steps = steps_of(rows)[rows.type[first]]
    ask = rounding_variance(rows.ask_before[first], rows.ask_after[last], steps[:, 0])
    bid = rounding_variance(rows.bid_before[first], rows.bid_after[last], steps[:, 1])
    sign, buys = rows.sign[first], rows.sign[first] > 0
    ask_move = sign * np.log(rows.ask_after[last] / rows.ask_before[first])
    bid_move = sign * np.log(rows.bid_after[last] / rows.bid_before[first])
    return Metaorders(
        unit=rows.unit[first],
        visit=rows.visit[first],
        side=rows.side[first],
        cell=cell_index(rows.type[first], rows.supply[first], rows.activity[first]),
        trades=last - first + 1,
        volumes=np.add.reduceat(rows.x**exponent, first),
        tranches=np.add.reduceat(rows.x, first),
        minutes=(rows.time[last] - rows.time[first] + 2 * np.maximum(0.0, rows.seconds[first])) / 60,
        move=np.where(buys, ask_move, bid_move),
        other=np.where(buys, bid_move, ask_move),
        variance=np.where(buys, ask, bid),
        other_variance=np.where(buys, bid, ask),
    )


def elasticities(orders: Metaorders) -> Floats:
    """How much the log ask moves with the log bid in the listings of each of TYPES; both show one hidden state.

    Both are regressed on the size traded (an instrumental ratio), so that the rounding of the bid does not flatten
    the slope; 1 where fewer than five metaorders, or no move at all, could tell.
    """
    buys = orders.side == 0
    ask, bid = np.where(buys, orders.move, orders.other), np.where(buys, orders.other, orders.move)
    weight = orders.volumes / (orders.variance + orders.other_variance)
    found = np.ones(len(TYPES))
    for kind in range(len(TYPES)):
        rows = orders.type == kind
        below = float(weight[rows] @ bid[rows])
        above = float(weight[rows] @ ask[rows])
        if rows.sum() >= _FEW_METAORDERS and below > 0 and above > 0:
            found[kind] = above / below
    return found


def combine_quotes(orders: Metaorders) -> Metaorders:
    """The same metaorders with both quotes' moves combined into the best estimate of the traded quote's.

    The other quote's move is translated by the elasticity and weighted by the inverse of its variance: rounding, and
    how badly the translation fits. After it, `variance` is that of the combined move.
    """
    if not len(orders):
        return orders
    elasticity = elasticities(orders)[orders.type]
    factor = np.where(orders.side == 0, elasticity, 1 / elasticity)
    moved, rounded = factor * orders.other, factor**2 * orders.other_variance
    variance = rounded + _misfit(orders, orders.move - moved, orders.variance + rounded) * orders.volumes**2
    weight = orders.variance / (orders.variance + variance)
    return replace(
        orders,
        move=orders.move + weight * (moved - orders.move),
        variance=orders.variance * variance / (orders.variance + variance),
    )


def _misfit(orders: Metaorders, error: Floats, expected: Floats) -> Floats:
    """Squared error of the translation for one tradeVolume beyond rounding, by type and side, for each metaorder."""
    group = orders.type * 2 + orders.side
    size = sums(group, orders.volumes**2, 2 * len(TYPES))
    excess = sums(group, error**2 - expected, 2 * len(TYPES))
    misfit: Floats = np.maximum(0.0, excess / np.maximum(size, 1e-12))[group]
    return misfit


def _begins(rows: Dataset) -> Bools:
    """Where a new metaorder begins: another visit, listing, side, state or tradeVolume, or quotes that do not join."""
    begins = np.ones(len(rows), dtype=np.bool_)
    same = np.ones(max(0, len(rows) - 1), dtype=np.bool_)
    for values in (rows.visit, rows.unit, rows.side, rows.supply, rows.activity, rows.type, rows.trade_volume):
        same &= values[1:] == values[:-1]
    same &= (rows.ask_before[1:] == rows.ask_after[:-1]) & (rows.bid_before[1:] == rows.bid_after[:-1])
    begins[1:] = ~same
    return begins


def _no_metaorders() -> Metaorders:
    whole, real = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Metaorders(whole, whole, whole, whole, whole, real, real, real, real, real, real, real)

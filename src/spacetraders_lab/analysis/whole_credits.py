"""Markets that keep only the whole credits they show: whether a run met such, and which trades then tell nothing.

Where a hidden price moves on by fractions, small moves of equal trades come and go: 0, 1, 0, 0, 1 credits. Where the
price itself is rounded after every trade they are always 0 or always 1, whatever they would be without rounding. Only
the first trade of a visit is free of it, because meanwhile time has moved the price to anywhere between two credits.
"""

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, sums
from spacetraders_lab.analysis.dataset import SIDES, Dataset
from spacetraders_lab.analysis.rounding import steps_of
from spacetraders_lab.analysis.runs import in_order

_FEWEST = 20  # pairs of small moves that must have been seen
_STEADY = 1 / 3  # of them may differ: in simulated markets 16 % do where prices are kept whole, and 53 % elsewhere
_SMALL = 1.0  # steps of the quote, below which rounding takes a move away or makes it up


def lost_to_rounding(data: Dataset) -> Bools:
    """The rows whose small move rounding has replaced by another; none where prices are not kept whole.

    These are later trades of a visit, of a listing and side whose first trades move the quote by less than a step.
    """
    if not _keeps_whole(data):
        return np.zeros(len(data), dtype=np.bool_)
    first = _is_first(data)
    told = data.usable & first
    group = data.unit * len(SIDES) + data.side
    size = int(group.max()) + 1
    moved = sums(group[told], _moves(data)[told], size) / np.maximum(sums(group[told], data.x[told], size), 1e-9)
    lost: Bools = ~first & (moved[group] * data.x < _SMALL)
    return lost


def _keeps_whole(data: Dataset) -> bool:
    """Whether two equal trades in a row with small moves, the first of a visit left aside, nearly always move alike.

    Small are moves of 0 and 1 steps; two of 0 say nothing.
    """
    rows = in_order(data)
    if len(rows) < 2:
        return False
    move, later = _moves(rows), ~_is_first(rows)
    alike = later[:-1] & later[1:] & (rows.x[1:] == rows.x[:-1])
    for values in (rows.supply, rows.activity):
        alike &= values[1:] == values[:-1]
    small = alike & np.isin(move[:-1], (0, 1)) & np.isin(move[1:], (0, 1)) & (move[:-1] + move[1:] > 0)
    differ = (move[1:] != move[:-1])[small].sum()
    return bool(small.sum() >= _FEWEST and differ < _STEADY * small.sum())


def _moves(data: Dataset) -> Floats:
    """By how many of its steps each trade moved its quote against the trader."""
    moves: Floats = data.sign * (data.after - data.before) / steps_of(data)[data.type, data.side]
    return moves


def _is_first(data: Dataset) -> Bools:
    """Whether a trade is the first of its visit on its listing and side, whether it can be used or not."""
    order = np.lexsort((data.sequence, data.side, data.unit, data.visit))
    begins = np.ones(len(data), dtype=np.bool_)
    begins[1:] = False
    for values in (data.visit[order], data.unit[order], data.side[order]):
        begins[1:] |= values[1:] != values[:-1]
    first = np.empty(len(data), dtype=np.bool_)
    first[order] = begins
    return first

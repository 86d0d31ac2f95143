"""Markets that keep only the whole credits they show: whether a run met such, and which trades then tell nothing.

Where a hidden price moves on by fractions, small moves of equal trades come and go: 0, 1, 0, 0, 1 credits. Where the
price itself is rounded after every trade they are always 0 or always 1, whatever they would be without rounding. Only
the first trade of a visit is free of it, because meanwhile time has moved the price to anywhere between two credits.
"""

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, sums
from spacetraders_lab.analysis.dataset import SIDES, Dataset
from spacetraders_lab.analysis.metaorders import in_order
from spacetraders_lab.analysis.rounding import steps_of

_SMALL = 1.0  # steps of the quote, below which rounding takes a move away or makes it up
_STEADY = 1 / 3  # of pairs of small moves differ at most: in simulated markets that keep whole credits 16 %, else 53 %
_ERRORS = 1.64  # standard errors by which they must be fewer than hidden fractions would make differ


def lost_to_rounding(data: Dataset) -> Bools:
    """The rows whose small move rounding has replaced by another; none where prices are not kept whole.

    These are later trades of a visit, of a listing and side whose first trades move the quote by less than a step.
    """
    later = ~_is_first(data)
    if not (later & data.usable).any() or not _keeps_whole(data):
        return np.zeros(len(data), dtype=np.bool_)
    lost: Bools = later & (_first_moves(data) < _SMALL)
    return lost


def _keeps_whole(data: Dataset) -> bool:
    """Whether two equal trades in a row with small moves, the first of a visit left aside, nearly always move alike.

    Small are moves of 0 and 1 steps; two of 0 say nothing. Of others that move a hidden price by m steps each, with
    its fraction anywhere, a share of 2 (1 - m) differ, and all below a half.
    """
    rows = in_order(data)
    move, later = _moves(rows), ~_is_first(rows)
    pair = later[:-1] & later[1:] & (rows.x[1:] == rows.x[:-1])
    for values in (rows.supply, rows.activity):
        pair &= values[1:] == values[:-1]
    pair &= np.isin(move[:-1], (0, 1)) & np.isin(move[1:], (0, 1)) & (move[:-1] + move[1:] > 0)
    differ = float((move[1:] != move[:-1])[pair].sum())
    expected = float(np.clip(2 * (1 - _first_moves(rows)[1:][pair]), 0, 1).sum())
    return bool(differ < min(_STEADY * float(pair.sum()), expected - _ERRORS * np.sqrt(expected)))


def _first_moves(data: Dataset) -> Floats:
    """By how many steps a trade of each row's size moves its listing and side at first; 0 where nothing was seen."""
    told = data.usable & _is_first(data)
    group = data.unit * len(SIDES) + data.side
    moved, traded = (sums(group[told], v[told], int(group.max()) + 1) for v in (_moves(data), data.x))
    first: Floats = (moved / np.maximum(traded, 1e-9))[group] * data.x
    return first


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

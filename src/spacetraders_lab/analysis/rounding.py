"""Whole credits: how coarse the quotes of a listing type are, and the variance that rounding them leaves in a log."""

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints
from spacetraders_lab.analysis.dataset import TYPES, Dataset
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE

_ENOUGH = 10  # distinct quotes that must all be even before steps of two credits are believed


def price_steps(type: Ints, ask: Floats, bid: Floats) -> Floats:
    """The step in credits between two quotes of a type, shape (types, 2) for ask and bid: 2 where all are even.

    Where the bid is at its floor neither is looked at: at their floors the game's quotes are not even.
    """
    steps = np.ones((len(TYPES), 2))
    for kind in range(len(TYPES)):
        shown = (type == kind) & (bid > LOWEST_QUOTE)
        for side, quotes in enumerate((ask, bid)):
            seen = np.unique(quotes[shown])
            if len(seen) >= _ENOUGH and not (seen % 2).any():
                steps[kind, side] = 2.0
    return steps


def steps_of(data: Dataset) -> Floats:
    """The price steps that the quotes before and after the trades show."""
    asks, bids = (np.append(data.ask_before, data.ask_after), np.append(data.bid_before, data.bid_after))
    return price_steps(np.tile(data.type, 2), asks, bids)


def rounding_variance(start: Floats, end: Floats, step: Floats) -> Floats:
    """Variance of ln(end / start) from rounding both quotes to whole steps: (1/start² + 1/end²) step² / 12."""
    return step**2 / 12 * (1 / start**2 + 1 / end**2)

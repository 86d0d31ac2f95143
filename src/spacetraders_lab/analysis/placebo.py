"""What quotes do when nobody trades: pairs of reads without an own trade near them, and the drift that they show."""

import numpy as np

from spacetraders_lab.analysis.arrays import Ints
from spacetraders_lab.analysis.dataset import Dataset
from spacetraders_lab.analysis.observations import Observations
from spacetraders_lab.analysis.rounding import price_steps, rounding_variance

_CLOCKS = 10.0  # seconds by which the game's clock and ours may differ
_FINE = 100  # credits: quotes above it move in ticks of less than 1 %
_LONGEST = 1800.0  # seconds; over longer gaps a drift would show its limits


def trade_times(data: Dataset, observations: Observations) -> list[tuple[slice, np.ndarray]]:
    """For each observed listing: its place in the observations, and the sorted times of all own trades there."""
    times: dict[tuple[str, str], np.ndarray] = {}
    order = np.argsort(data.unit, kind="stable")  # rows are in time order
    ends = np.searchsorted(data.unit[order], np.arange(len(data.unit_names) + 1))
    for i, name in enumerate(data.unit_names):
        times[name] = data.time[order[ends[i] : ends[i + 1]]]
    places = np.searchsorted(observations.unit, np.arange(len(observations.unit_names) + 1))
    nothing = np.zeros(0)
    return [
        (slice(int(places[i]), int(places[i + 1])), times.get(name, nothing))
        for i, name in enumerate(observations.unit_names)
    ]


def still_pairs(data: Dataset, observations: Observations) -> Ints:
    """Positions i of observations whose successor i + 1 is the same listing, later, with no own trade near the two."""
    found = []
    for place, trades in trade_times(data, observations):
        time = observations.time[place]
        near = np.searchsorted(trades, time[1:] + _CLOCKS) - np.searchsorted(trades, time[:-1] - _CLOCKS)
        found.append(place.start + np.flatnonzero((near == 0) & (np.diff(time) > 0)))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def drift_variance(data: Dataset, observations: Observations) -> float:
    """Variance of a quote's log move in one minute without trades, beyond rounding; 0 where nothing was seen.

    From pairs of reads at most half an hour apart, of quotes fine enough to show it.
    """
    first = still_pairs(data, observations)
    gap = observations.time[first + 1] - observations.time[first]
    fine = (gap <= _LONGEST) & (observations.ask[first] >= _FINE)
    first, minutes = first[fine], gap[fine] / 60
    if not len(first):
        return 0.0
    start, end = observations.ask[first], observations.ask[first + 1]
    step = price_steps(observations.type, observations.ask, observations.bid)[observations.type[first], 0]
    moved, rounded = np.log(end / start) ** 2, rounding_variance(start, end, step)
    return max(0.0, float((moved - np.where(moved > 0, rounded, 0.0)).sum() / minutes.sum()))

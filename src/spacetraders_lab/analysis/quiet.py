"""What quotes do while we do not trade: every read of a listing, numbered by the quiet stretch between two trades.

The quotes read right after a trade begin a stretch, those read right before the next trade end it. Trades of runs that
are not analysed end a stretch as well. Nothing is estimated here but the drift.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, Ints, Rows, codes
from spacetraders_lab.analysis.dataset import TYPES, Dataset, quotes
from spacetraders_lab.analysis.observations import NO_OTHERS, Observations, OtherTrades
from spacetraders_lab.analysis.rounding import price_steps, rounding_variance
from spacetraders_lab.core.experiment import PlaceboBracket

CLOCKS = 10.0  # seconds by which the game's clock and ours may differ
_FINE = 100  # credits: quotes above it move in ticks of less than 1 %
_LONGEST = 1800.0  # seconds; over longer gaps a drift would show its limits


@dataclass(frozen=True, slots=True)
class Reads(Rows):
    """Reads in order of listing, stretch and time. `unit` is a position in `unit_names`.

    `stretch` counts the trades of the listing before the read, `row` is the position in the dataset of the trade that
    began the stretch, -1 before the first and where that was another run's.
    """

    unit_names: tuple[tuple[str, str], ...]
    stretch: Ints
    row: Ints
    type: Ints
    activity: Ints
    trade_volume: Floats
    ask: Floats
    bid: Floats
    time: Floats


def quiet_reads(data: Dataset, observations: Observations, others: OtherTrades = NO_OTHERS) -> Reads:
    """All reads of listings that lie clearly between two trades, from trades and observations together."""
    names = tuple(sorted({*data.unit_names, *observations.unit_names}))
    index = {name: i for i, name in enumerate(names)}
    unit = np.array([index[name] for name in data.unit_names], dtype=np.int64)[data.unit]
    order = np.lexsort((data.sequence, data.time, unit))
    rows, unit, number = data.take(order), unit[order], np.arange(len(order))
    begins = np.searchsorted(unit, np.arange(len(names) + 1))
    seen_unit = np.array([index[name] for name in observations.unit_names], dtype=np.int64)[observations.unit]
    stretch, clear = _between(observations.time, seen_unit, rows.time, begins)
    read = ~np.isnan(rows.ask_after)
    found = Reads(
        unit_names=names,
        unit=np.concatenate([unit, unit[read], seen_unit[clear]]),
        stretch=np.concatenate([number, number[read] + 1, stretch[clear]]),
        row=np.zeros(0, dtype=np.int64),
        type=np.concatenate([rows.type, rows.type[read], observations.type[clear]]),
        activity=np.concatenate([rows.activity, rows.activity[read], observations.activity[clear]]),
        trade_volume=np.concatenate(
            [rows.trade_volume, rows.trade_volume_after[read], observations.trade_volume[clear]]
        ),
        ask=np.concatenate([rows.ask_before, rows.ask_after[read], observations.ask[clear]]),
        bid=np.concatenate([rows.bid_before, rows.bid_after[read], observations.bid[clear]]),
        time=np.concatenate([rows.time - rows.seconds, rows.time[read], observations.time[clear]]),
    )
    begun = found.stretch > begins[found.unit]
    found = replace(found, row=np.where(begun, np.append(order, -1)[found.stretch - 1], -1))
    found = _broken_by(others, found, data)
    return found.take(np.lexsort((found.time, found.stretch, found.unit)))


def _broken_by(others: OtherTrades, reads: Reads, data: Dataset) -> Reads:
    """The reads with the stretches that other runs' trades make of them; those near such a trade are left out."""
    if not others.times:
        return reads
    names, begun = reads.unit_names, reads.row >= 0
    passed = others.before(names, reads.unit, reads.time)
    at_row = passed.copy()
    at_row[begun] = others.before(names, reads.unit[begun], data.time[reads.row[begun]])
    just_before, soon = (others.before(names, reads.unit, reads.time + apart) for apart in (-CLOCKS, CLOCKS))
    broken = replace(reads, stretch=reads.stretch + passed, row=np.where(passed == at_row, reads.row, -1))
    return broken.take(just_before == soon)


def _between(time: Floats, unit: Ints, traded: Floats, begins: Ints) -> tuple[Ints, Bools]:
    """For each read how many trades came before it (counted over all listings), and whether no trade is near it."""
    stretch, clear = np.zeros(len(time), dtype=np.int64), np.ones(len(time), dtype=np.bool_)
    places = np.searchsorted(unit, np.arange(len(begins)))
    for i in range(len(begins) - 1):
        own, times = slice(places[i], places[i + 1]), traded[begins[i] : begins[i + 1]]
        stretch[own] = begins[i] + np.searchsorted(times, time[own])
        clear[own] = np.searchsorted(times, time[own] - CLOCKS) == np.searchsorted(times, time[own] + CLOCKS)
    return stretch, clear


def quiet_pairs(reads: Reads) -> Ints:
    """Positions i of reads whose successor i + 1 is of the same listing and stretch, and clearly later."""
    same = (np.diff(reads.unit) == 0) & (np.diff(reads.stretch) == 0) & (np.diff(reads.time) > CLOCKS)
    return np.flatnonzero(same)


def drift_variance(reads: Reads, placebos: Sequence[PlaceboBracket] = ()) -> float:
    """Variance of a quote's log move in one minute without trades, beyond rounding; 0 where nothing was seen.

    From placebo brackets and from pairs of reads at most half an hour apart, of asks fine enough to show it.
    """
    first = quiet_pairs(reads)
    start = np.append(reads.ask[first], [p.before.purchase_price for p in placebos])
    end = np.append(reads.ask[first + 1], quotes([p.after.purchase_price for p in placebos]))
    kind = np.append(reads.type[first], codes([p.before.type for p in placebos], TYPES))
    apart = [(p.after_at - p.before_at).total_seconds() for p in placebos]
    seconds = np.append(reads.time[first + 1] - reads.time[first], apart)
    fine = (seconds > 0) & (seconds <= _LONGEST) & (start >= _FINE)
    if not fine.any():
        return 0.0
    step = price_steps(reads.type, reads.ask, reads.bid)[kind[fine], 0]
    moved = np.log(end[fine] / start[fine]) ** 2
    excess = moved - np.where(moved > 0, rounding_variance(start[fine], end[fine], step), 0.0)
    return max(0.0, float(excess.sum() * 60 / seconds[fine].sum()))

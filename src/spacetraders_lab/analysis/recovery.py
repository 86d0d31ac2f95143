"""How markets come back after our trades: the beat, what a tick brings back, half-life and permanent share.

Markets undo some moves by themselves and others not (`findings.Stream`): these are never fitted together. A visit
tells of recovery where the quote before it was at rest, not still on its way back from an earlier visit of ours.
"""

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, Ints
from spacetraders_lab.analysis.dataset import BUY, REASONS, SIDES, TYPES, Dataset
from spacetraders_lab.analysis.decay import Revisits, fit_decay
from spacetraders_lab.analysis.findings import LawFit, LawForm
from spacetraders_lab.analysis.observations import NO_OTHERS, OtherTrades
from spacetraders_lab.analysis.quiet import Reads
from spacetraders_lab.analysis.recovery_findings import RecoveryEstimate, ReturnEstimate, Stream, Tick, stream_of
from spacetraders_lab.analysis.rounding import price_steps
from spacetraders_lab.analysis.tick_rates import listing_rates, tick_rates
from spacetraders_lab.analysis.ticks import ticks_between
from spacetraders_lab.core.analysis_plan import FEWEST_REVISITS, FEWEST_UNITS, Exclusion

_STREAMS = tuple(Stream)
_STREAM = np.array([[_STREAMS.index(stream_of(kind, side)) for side in SIDES] for kind in TYPES])  # types x sides
_MOST_READS = 6  # of a revisited listing, evenly spread over the log of time; more add little and cost their square
_MOST_VISITS = 500
RESTED_SECONDS = 36 * 3600.0  # without own trades, before a quote counts as at rest; see `rested`
_SOONEST = 60.0  # seconds after the last trade
_SMALLEST_SHIFT = 0.02  # log displacement below which there is nothing to come back
_SMALLEST_QUOTE = 50


def estimate_recovery(
    data: Dataset, reads: Reads, tick: Tick | None, law: LawFit | None, others: OtherTrades = NO_OTHERS
) -> RecoveryEstimate:
    """Everything about recovery that the reads between our trades can tell; `others` are trades of other runs."""
    by_stock = tick is not None and law is not None and law.best is LawForm.STOCK
    listings = listing_rates(reads, tick, law) if by_stock and tick is not None and law is not None else ()
    return RecoveryEstimate(
        tick=tick,
        rates=tick_rates(listings),
        returns={stream: _return(*_revisits(data, reads, tick, stream, others)) for stream in Stream},
        listing_rates=listings,
    )


def rested(moments: Floats, traded: Floats) -> Bools:
    """Whether a quote was at rest at these moments, by those of the own trades at its listing, ascending, in seconds.

    Of a move that halves in 520 minutes a twentieth is left after RESTED_SECONDS. What is sooner traded again has the
    return of the earlier move in its own: a share that stays or a long half-life would be found where there is none.
    """
    before, long_before = np.searchsorted(traded, moments), np.searchsorted(traded, moments - RESTED_SECONDS)
    at_rest: Bools = before == long_before
    return at_rest


def _return(visits: Revisits, unrested: int) -> ReturnEstimate:
    units = len(np.unique(visits.unit))
    if len(visits.unit) < FEWEST_REVISITS or units < FEWEST_UNITS:
        return ReturnEstimate(None, None, None, len(visits.unit), units, unrested)
    decay = fit_decay(visits)
    return ReturnEstimate(
        decay.half_life,
        decay.permanent_share,
        decay.lasts,
        len(visits.unit),
        units,
        unrested,
        float(np.median(visits.volumes)),
    )


def _revisits(
    data: Dataset, reads: Reads, tick: Tick | None, stream: Stream, others: OtherTrades
) -> tuple[Revisits, int]:
    """The visits of a stream whose listing was read again before the next own trade, with up to six of those reads.

    And how many more there were to listings that were not at rest.
    """
    first, ended = _first_and_last(data)
    own = _STREAM[data.type[ended], data.side[ended]] == _STREAMS.index(stream)
    still = _at_rest(data, first[own], others)
    last, disturbed = ended[own][still], ended[own][~still]
    read_again = np.isin(disturbed, reads.row[_later(data, reads, disturbed)])
    places = np.flatnonzero(_later(data, reads, last))
    begins = np.flatnonzero(np.diff(reads.row[places], prepend=-2))
    groups = np.split(places, begins[1:]) if len(places) else []
    chosen = [_spread_in_time(groups[i], data, reads) for i in _spread(np.arange(len(groups)), _MOST_VISITS)]
    visits = reads.row[[own[0] for own in chosen]] if chosen else np.zeros(0, dtype=np.int64)
    start = dict(zip(ended.tolist(), first.tolist(), strict=True))
    opened = np.array([start[row] for row in visits.tolist()], dtype=np.int64)
    table = _table(chosen)
    return _select(_measure(data, reads, tick, visits, opened, table), data, opened, visits), int(read_again.sum())


def _later(data: Dataset, reads: Reads, last: Ints) -> Bools:
    """The reads of the stretches that these trades, the last of their visits, began; not those right after them."""
    later: Bools = (reads.row >= 0) & np.isin(reads.row, last)
    later[later] &= reads.time[later] >= data.time[reads.row[later]] + _SOONEST
    return later


def _at_rest(data: Dataset, first: Ints, others: OtherTrades) -> Bools:
    """Whether the quotes before these trades, the first of their visits, were at rest."""
    still = np.zeros(len(first), dtype=np.bool_)
    for unit in np.unique(data.unit[first]).tolist():
        own = data.unit[first] == unit
        traded = np.append(data.time[data.unit == unit], others.of(data.unit_names[unit]))
        still[own] = rested(data.time[first[own]], np.sort(traded))
    return still


def _first_and_last(data: Dataset) -> tuple[Ints, Ints]:
    """Positions of the first and the last trade of each visit at a listing."""
    order = np.lexsort((data.sequence, data.time, data.unit, data.visit))
    new = (np.diff(data.visit[order], prepend=-1) != 0) | (np.diff(data.unit[order], prepend=-1) != 0)
    begins = np.flatnonzero(new)
    ends = np.append(begins[1:], len(order)) - 1
    return order[begins], order[ends] if len(order) else order


def _spread(places: Ints, most: int) -> Ints:
    """At most so many of the places, evenly spread."""
    return places[np.linspace(0, len(places) - 1, min(len(places), most)).astype(np.int64)]


def _spread_in_time(places: Ints, data: Dataset, reads: Reads) -> Ints:
    """Those of a visit's reads that lie nearest to moments evenly spread over the log of the time since its trade."""
    since = np.log(reads.time[places] - data.time[reads.row[places]])
    wanted = np.linspace(since[0], since[-1], _MOST_READS)
    nearest: Ints = places[np.unique(np.abs(since[:, None] - wanted).argmin(0))]
    return nearest


def _table(chosen: list[Ints]) -> Ints:
    """Positions of reads as visits x reads, -1 where a visit has fewer."""
    table = np.full((len(chosen), max(map(len, chosen), default=0)), -1, dtype=np.int64)
    for i, own in enumerate(chosen):
        table[i, : len(own)] = own
    return table


def _measure(data: Dataset, reads: Reads, tick: Tick | None, last: Ints, first: Ints, table: Ints) -> Revisits:
    there = table >= 0
    buys = data.side[last] == BUY
    before = np.where(buys, data.ask_before[first], data.bid_before[first])
    steps = price_steps(reads.type, reads.ask, reads.bid)[data.type[last]]
    step = np.where(buys, steps[:, 0], steps[:, 1])
    quote = np.where(buys[:, None], reads.ask[table], reads.bid[table])
    elapsed = _minutes(data, reads, tick, last, table)
    # the trade's moment is of the game's clock, the reading's of ours: by a hair it may be the later one
    lead = np.maximum(data.time[last] - data.time[first] + data.seconds[first], 0.0) / 60
    return Revisits(
        unit=data.unit[last],
        volumes=data.cumulative[last] / data.trade_volume[last],
        shift=np.log(data.after[last] / before),
        lead=lead,
        minutes=np.where(there, elapsed, np.nan),
        moved=np.where(there, np.log(quote / before[:, None]), np.nan),
        rounding=np.where(there, step[:, None] ** 2 / (12 * quote**2), np.nan),
        rounding_before=step**2 / (12 * before**2),
    )


def _minutes(data: Dataset, reads: Reads, tick: Tick | None, last: Ints, table: Ints) -> Floats:
    """Minutes from the last trade to each read; by whole ticks where the listing's beat is known."""
    start, end = data.time[last][:, None], reads.time[table]
    elapsed: Floats = end - start
    if tick is not None:
        phase = np.array([tick.phases.get(name, np.nan) for name in data.unit_names])[data.unit[last]][:, None]
        beaten = ticks_between(tick.period_seconds, phase, start, end) * tick.period_seconds
        elapsed = np.where(np.isnan(beaten), elapsed, beaten)
    return elapsed / 60


def _select(visits: Revisits, data: Dataset, first: Ints, last: Ints) -> Revisits:
    """Only visits that nobody disturbed, that moved a quote worth looking at, and moved it enough."""
    foreign = data.reason[last] == REASONS.index(Exclusion.FOREIGN)
    fine = np.where(data.side[last] == BUY, data.ask_before[first], data.bid_before[first]) >= _SMALLEST_QUOTE
    keep = ~foreign & fine & (np.nan_to_num(np.abs(visits.shift)) >= _SMALLEST_SHIFT)
    return Revisits(*(getattr(visits, name)[keep] for name in Revisits.__slots__))

"""The beat of the markets: whether quotes that nobody trades move only once a period, and when each listing does.

A change between two reads says that a tick lay between them. Folded into the right period, all changes of a listing
have a moment in common, its phase. Twice the period has none, and half of it says less. A period a little too long says
a little more, and each change that it does not fit takes away far more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, Ints
from spacetraders_lab.analysis.dataset import Dataset
from spacetraders_lab.analysis.quiet import Reads, quiet_pairs
from spacetraders_lab.analysis.recovery_findings import Tick

_PERIODS = tuple(60.0 * minutes for minutes in range(1, 241))
_MOST = 40  # changes of a listing that are looked at, the most closely timed ones
_EXPLAINED = 0.95  # of the changes must fit the beat
_MISFIT = -np.log(1 - _EXPLAINED)  # how much evidence a change that does not fit takes away: so seldom may one come
_EVIDENCE = 10.0  # in logs: how much less likely the fit would be by chance
_ENOUGH = 50  # changes after which a period that does not fit is given up
_AFTER_READ = 5.0  # seconds in which the quotes are read again after a trade
_SLACK = 1.0  # seconds by which clocks and answers may be late


@dataclass(frozen=True, slots=True)
class _Change:
    """The changes of one listing: between which moments each came."""

    unit: int
    start: Floats
    end: Floats


@dataclass(frozen=True, slots=True)
class _Fold:
    """The changes folded into a period: how many share a moment in each listing, and how surprising that is."""

    period: float
    phases: dict[int, float]
    reaches: dict[int, float]
    explained: int
    changes: int
    evidence: float


def find_tick(reads: Reads) -> Tick | None:
    """The beat, with the phase of every listing that showed it; None where no whole number of minutes fits.

    Only periods that fit twice into the time watched come into question: into a longer one, everything fits.
    """
    changes = tuple(_changes(reads))
    if not changes:
        return None
    watched = max(change.end[-1] for change in changes) - min(change.start[0] for change in changes)
    periods = [period for period in _PERIODS if 2 * period <= watched]
    folds = [fold for period in periods if (fold := _fold(changes, period)) is not None]
    fitting = [f for f in folds if f.explained >= _EXPLAINED * f.changes and f.evidence >= _EVIDENCE]
    if not fitting:
        return None
    best = max(fitting, key=lambda fold: fold.evidence)
    phases, reaches = (
        {reads.unit_names[unit]: seconds for unit, seconds in of.items()} for of in (best.phases, best.reaches)
    )
    return Tick(best.period, phases, reaches, best.changes, best.explained)


def ticks_between(period: float, phase: Floats, start: Floats, end: Floats) -> Floats:
    """How many ticks fall into (start, end]."""
    passed: Floats = np.floor((end - phase) / period) - np.floor((start - phase) / period)
    return passed


def ticks_by(tick: Tick, names: Sequence[tuple[str, str]], unit: Ints, time: Floats) -> tuple[Floats, Floats]:
    """How many ticks had come at least and at most by each moment at a listing, `unit` being a position in `names`.

    Counted from any one moment; NaN where no phase is known. A phase is known no closer than the reads around its
    changes, and a read that comes with a trade may be some seconds later than it.
    """
    nowhere = (np.nan, np.nan)
    known = [(tick.phases[name], tick.reaches[name]) if name in tick.phases else nowhere for name in names]
    phase, reach = np.array(known).reshape(-1, 2)[unit].T
    since, reach = time - phase, reach + _AFTER_READ
    return np.floor((since - reach) / tick.period_seconds), np.floor((since + reach) / tick.period_seconds)


def tick_in_bracket(data: Dataset, tick: Tick) -> Bools:
    """The rows with a tick between the read before and the read after the trade, where the listing's phase is known."""
    phase = np.array([tick.phases.get(name, np.nan) for name in data.unit_names])[data.unit]
    start, end = data.time - data.seconds, data.time + _AFTER_READ
    return np.nan_to_num(ticks_between(tick.period_seconds, phase, start, end)) > 0


def _changes(reads: Reads) -> Iterator[_Change]:
    first = quiet_pairs(reads)
    moved = (reads.ask[first] != reads.ask[first + 1]) | (reads.bid[first] != reads.bid[first + 1])
    first = first[moved & (reads.time[first + 1] - reads.time[first] < _PERIODS[-1])]
    begins = np.flatnonzero(np.diff(reads.unit[first], prepend=-1))
    for own in np.split(first, begins[1:]) if len(first) else ():
        gaps = reads.time[own + 1] - reads.time[own]
        own = own[np.sort(np.argsort(gaps, kind="stable")[:_MOST])]
        yield _Change(int(reads.unit[own[0]]), reads.time[own] - _SLACK, reads.time[own + 1] + _SLACK)


def _fold(changes: tuple[_Change, ...], period: float) -> _Fold | None:
    """All listings folded into one period; None where it does not fit or no change is timed closely enough to tell."""
    phases, reaches, explained, total, evidence = {}, {}, 0, 0, 0.0
    for change in changes:
        length = change.end - change.start
        close = length < 0.9 * period
        if not close.any():
            continue
        start, length = change.start[close] % period, length[close]
        phase, reach, fits = _common_moment(start, length, period)
        explained, total = explained + int(fits.sum()), total + len(start)
        if total > _ENOUGH and explained < _EXPLAINED * total:
            return None
        phases[change.unit], reaches[change.unit] = phase, reach
        # chance that arcs thrown at random share a moment: n times their lengths multiplied, all but one
        share = np.log(length[fits] / period)
        evidence -= float(share.sum() - share.min() + np.log(fits.sum()))
        evidence -= _MISFIT * float((~fits).sum())
    return _Fold(period, phases, reaches, explained, total, evidence) if total else None


def _common_moment(start: Floats, length: Floats, period: float) -> tuple[float, float, Bools]:
    """The moment that most arcs of a circle contain, and which do: the middle of what those share, with its reach."""
    ends = (start + length) % period
    inside = (ends[:, None] - start[None, :]) % period <= length[None, :]
    depth = inside.sum(1)
    best = int(depth.argmax())
    reach = ((ends[best] - start) % period)[inside[best]].min() / 2
    return float((ends[best] - reach) % period), float(reach), inside[best]

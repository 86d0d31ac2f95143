"""What a tick brings back: by how many tradeVolumes a listing's stock goes towards its rest at each tick.

The distance of an ask P from its asymptote A, q = log2 |P - A| / |k| in tradeVolumes, is seen through whole credits:
give or take half a price step. Where q falls by r at each tick until the stock rests, it fell between two reads with n
ticks between them by n r at most, and by n r exactly if it fell again later, for then the stock was not yet at rest.

So the least that two quotes can lie apart bounds r from below and, of reads before the last move, the most that they
can lie apart bounds it from above. Pairs that show the same quote bound it as well, and none is chosen by how it came
out: of moves alone, each over the few ticks that it took to be seen, slow listings would seem faster than they are.

A and k are taken as the law has them. Wrong together, they still tell in how many tradeVolumes trades went from one
quote to another, and ticks go back over the same quotes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints, Rows, sums
from spacetraders_lab.analysis.dataset import ACTIVITIES, TYPES
from spacetraders_lab.analysis.distributions import NORMAL_REACH, exp_interval, t_interval
from spacetraders_lab.analysis.findings import LawFit
from spacetraders_lab.analysis.pooling import pool
from spacetraders_lab.analysis.quiet import Reads
from spacetraders_lab.analysis.recovery_findings import ListingRate, Tick, TickRate
from spacetraders_lab.analysis.rounding import price_steps
from spacetraders_lab.analysis.ticks import ticks_by
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE
from spacetraders_lab.core.market import ListingType

_FEWEST = 3  # listings, before they tell of others
_ENDS = np.linspace(-1.0, 1.0, 5)  # over what is not known of an asymptote
_EXACT = 1e-9  # the least variance of a rate, in squared tradeVolumes


@dataclass(frozen=True, slots=True)
class _Stocks(Rows):
    """What reads tell of the stock: `low` and `high` bound q, reads x ends of the asymptote.

    By each read `fewest` ticks had come at least and `most` at most. `series` numbers reads in a row between which
    ticks of one activity alone moved the stock.
    """

    type: Ints
    activity: Ints
    series: Ints
    ask: Floats
    fewest: Floats
    most: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Between what the rate lies for each end of the asymptote, and over how many ticks that was seen."""

    low: Floats
    high: Floats
    ticks: int


def listing_rates(reads: Reads, tick: Tick, law: LawFit) -> tuple[ListingRate, ...]:
    """The rate of every listing that was seen to go towards its rest, by the activity that it had.

    All that a listing's series say holds at once, wherever within what is known of it the asymptote may lie.
    """
    stocks = _stocks(reads, tick, law)
    begins = np.flatnonzero(np.diff(stocks.series, prepend=-1))
    found: dict[tuple[int, int, int], list[_Bounds]] = {}
    for rows in np.split(np.arange(len(stocks)), begins[1:]) if len(stocks) else ():
        series = stocks.take(rows)
        bounds = _of_series(series)
        if bounds is not None:
            of = (int(series.unit[0]), int(series.type[0]), int(series.activity[0]))
            found.setdefault(of, []).append(bounds)
    return tuple(
        ListingRate(*reads.unit_names[unit], TYPES[kind], ACTIVITIES[activity], low, high, ticks)
        for (unit, kind, activity), several in sorted(found.items())
        for low, high, ticks in filter(None, [_together(several)])
    )


def tick_rates(listings: Sequence[ListingRate]) -> tuple[TickRate, ...]:
    """What a tick brings back by type and activity, of three listings or more."""
    found = []
    for kind in TYPES:
        for activity in ACTIVITIES:
            own = [listing for listing in listings if (listing.type, listing.activity) == (kind, activity)]
            if len(own) >= _FEWEST:
                found.append(_of_kind(own))
    return tuple(found)


def _of_kind(listings: Sequence[ListingRate]) -> TickRate:
    """The mean of the listings' rates, and the ends between which that of one more lies (95 %, log-normal).

    Of a rate between two bounds nothing is known but these: their middle, with the variance of a uniform distribution.
    """
    low, high = (np.array([getattr(listing, end) for listing in listings]) for end in ("low", "high"))
    pooled, df = pool((low + high) / 2, (high - low) ** 2 / 12 + _EXACT), len(listings) - 1
    log_variance = np.log1p((pooled.between + pooled.error**2) / pooled.mean**2)
    return TickRate(
        listings[0].type,
        listings[0].activity,
        rate=exp_interval(float(np.log(pooled.mean)), float(np.sqrt(log_variance)), df),
        mean=t_interval(pooled.mean, pooled.error, df),
        listings=len(listings),
        ticks=sum(listing.ticks for listing in listings),
    )


def _together(several: Sequence[_Bounds]) -> tuple[float, float, int] | None:
    """What all series of a listing say; None where they set no upper bound.

    Where no one rate fits all reads, it was not the same at all times: anything between what they say.
    """
    low = np.max([bounds.low for bounds in several], axis=0)
    high = np.min([bounds.high for bounds in several], axis=0)
    if not np.isfinite(high).any():
        return None
    ticks, fits = sum(bounds.ticks for bounds in several), low <= high
    if fits.any():
        return float(low[fits].min()), float(high[fits].max()), ticks
    closest = int((low - high).argmin())
    return float(high[closest]), float(low[closest]), ticks


def _of_series(series: _Stocks) -> _Bounds | None:
    """The bounds that the pairs of a series' reads set; None where it never moved, and may have been at rest.

    Of reads that show the same quote, those that set the closest bounds are the first and the last.
    """
    begins = np.flatnonzero(np.diff(series.ask, prepend=np.nan) != 0)
    ends = np.append(begins[1:], len(series)) - 1
    if len(begins) < 2:
        return None
    still_going = np.arange(len(begins)) < len(begins) - 1
    most = series.most[begins] - series.fewest[ends][:, None]  # ticks
    fewest = series.fewest[ends] - series.most[begins][:, None]
    least_fall = series.low[ends][:, None] - series.high[begins]
    greatest_fall = series.high[begins][:, None] - series.low[ends]
    later = np.triu(np.ones_like(most, dtype=np.bool_), 1)
    exact = np.triu(np.ones_like(most, dtype=np.bool_)) & still_going & (fewest > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(later & (most > 0), least_fall.transpose(2, 0, 1) / most, 0.0)
        high = np.where(exact, greatest_fall.transpose(2, 0, 1) / fewest, np.inf)
    ticks = max(0, int(series.fewest[ends[-2]] - series.most[0]))
    return _Bounds(low.max((1, 2)), high.min((1, 2)), ticks)


def _stocks(reads: Reads, tick: Tick, law: LawFit) -> _Stocks:
    """The reads whose stock and ticks can be told, in their order, in series."""
    asymptote, reach, doublings = _asymptotes(reads, law)
    fewest, most = ticks_by(tick, reads.unit_names, reads.unit, reads.time)
    above = np.where(reads.type == TYPES.index(ListingType.EXPORT), 1.0, -1.0)
    half_step = price_steps(reads.type, reads.ask, reads.bid)[reads.type, 0] / 2
    distance = above[:, None] * (reads.ask[:, None] - asymptote[:, None] - reach[:, None] * _ENDS)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = (np.log2(distance + off * half_step[:, None]) / doublings[:, None] for off in (-1, 1))
    told = np.isfinite(low).all(1) & np.isfinite(fewest) & (reads.ask > LOWEST_QUOTE)
    kept = reads.take(told)
    return _Stocks(
        unit=kept.unit,
        type=kept.type,
        activity=kept.activity,
        series=_series(kept, above[told]),
        ask=kept.ask,
        fewest=fewest[told],
        most=most[told],
        low=low[told],
        high=high[told],
    )


def _series(reads: Reads, above: Floats) -> Ints:
    """The number of the series of each read: a new one with each trade, activity and tradeVolume, and where the ask
    went away from its asymptote, which is no tick's doing.
    """
    same = above[1:] * np.diff(reads.ask) <= 0
    for values in (reads.unit, reads.stretch, reads.type, reads.activity, reads.trade_volume):
        same &= values[1:] == values[:-1]
    return np.append(0, np.cumsum(~same)) if len(reads) else np.zeros(0, dtype=np.int64)


def _asymptotes(reads: Reads, law: LawFit) -> tuple[Floats, Floats, Floats]:
    """For each read its ask's asymptote, how far that may be wrong, and |k|; NaN of a type that the law does not know.

    bid = ratio · ask + h and A = scale · h: every pair of quotes that a listing showed at a tradeVolume tells its h.
    """
    k, ratio, scale = (_by_type(law, name)[reads.type] for name in ("k", "ratio", "scale"))
    steps = price_steps(reads.type, reads.ask, reads.bid)[reads.type]
    listing = np.unique(np.stack([reads.unit, reads.trade_volume]), axis=1, return_inverse=True)[1].reshape(-1)
    shown = np.flatnonzero(reads.bid > LOWEST_QUOTE)
    _, first = np.unique(np.stack([listing, reads.ask, reads.bid])[:, shown], axis=1, return_index=True)
    each, size = shown[first], int(listing.max(initial=-1)) + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        count = sums(listing[each], np.ones(len(each)), size)
        offset = sums(listing[each], (reads.bid - ratio * reads.ask)[each], size) / count
        error = np.hypot(steps[:, 1], ratio * steps[:, 0]) / np.sqrt(12 * count[listing])
    return scale * offset[listing], np.abs(scale) * NORMAL_REACH * error, np.abs(k)


def _by_type(law: LawFit, name: str) -> Floats:
    """A constant that the listings of a type share; NaN where it is not known."""
    shared = law.score.parameters
    return np.array([shared[f"{name} {kind}"].value if f"{name} {kind}" in shared else np.nan for kind in TYPES])

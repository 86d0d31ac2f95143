"""What the figures of a report will show, as plain records: one list a figure. Computes; draws nothing.

Moves are in percent of the quote, against the trader: positive for a purchase that raises the ask and for a sale that
lowers the bid.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints
from spacetraders_lab.analysis.dataset import ACTIVITIES, SIDES, SUPPLIES, TYPES, Dataset
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import CellEstimate, CellFlag, LawFit, ListingEstimate, percent_estimate
from spacetraders_lab.analysis.observations import NO_OTHERS, Observations, OtherTrades
from spacetraders_lab.analysis.precision import Precision
from spacetraders_lab.analysis.recovery import rested
from spacetraders_lab.analysis.recovery_findings import ReturnEstimate, stream_of
from spacetraders_lab.analysis.rounding import rounding_variance, steps_of
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE
from spacetraders_lab.core.experiment import PlaceboBracket
from spacetraders_lab.core.market import ListingType, Operation, Supply
from spacetraders_lab.report.table import NOTHING, Record, spread_out

NO_ACTIVITY = "no activity"  # EXCHANGE has none
MOST_METAORDERS = 120  # raw runs in one panel: more of them hide each other
MOST_POINTS = 1500  # points in one panel, likewise
MOST_LISTINGS = 60  # listings one below the other
CURVE_POINTS = 25
SMALLEST_DISPLACEMENT = 0.02  # log: below it rounding and drift hide what is left


def heat_map(cells: Sequence[CellEstimate], side: Operation, kind: ListingType) -> list[Record]:
    """One entry a supply x activity of a type: the move by one tradeVolume, with its interval as text."""
    return [
        {"supply": cell.supply.value, "activity": _activity(cell), "percent": percent.value}
        | {"low": percent.low, "high": percent.high, "trades": cell.transactions, "markets": cell.markets}
        | {"label": _short(percent.value), "range": f"{_short(percent.low)}–{_short(percent.high)}"}
        | {"thin": cell.flag is CellFlag.THIN}
        for cell in cells
        if (cell.side, cell.type) == (side, kind) and cell.measured is not None and cell.transactions
        for percent in [percent_estimate(side, cell.measured)]
    ]


def raw_metaorders(data: Dataset, side: Operation, kind: ListingType, exponent: float) -> list[Record]:
    """How far the traded quote had gone along each visit: points of (tradeVolumes, percent) that begin at nothing.

    Trades count by their sizes to the power `exponent`, as in the slopes, for only then is a slope a straight path. A
    visit that passes from one supply level to the next begins anew there. Of many metaorders, evenly chosen ones.
    """
    rows = data.used()
    rows = rows.take((rows.side == SIDES.index(side)) & (rows.type == TYPES.index(kind)))
    rows = rows.take(np.lexsort((rows.sequence, rows.unit, rows.visit)))
    if not len(rows):
        return []
    key = np.stack([rows.visit, rows.unit, rows.supply])
    starts = np.append(0, np.flatnonzero((np.diff(key, axis=1) != 0).any(axis=0)) + 1)
    chosen = starts[:: max(1, math.ceil(len(starts) / MOST_METAORDERS))]
    ends = dict(zip(starts.tolist(), [*starts[1:].tolist(), len(rows)], strict=True))
    return [
        record
        for start in chosen.tolist()
        for record in _points_of(rows.take(np.arange(start, ends[start])), start, exponent)
    ]


def fitted_curves(
    cells: Sequence[CellEstimate], side: Operation, kind: ListingType, raw: Sequence[Record]
) -> list[Record]:
    """The fitted move at each supply level, with a band, over all its activities, as far as its raw runs go."""
    furthest: dict[str, float] = defaultdict(float)
    for record in raw:
        furthest[record["supply"]] = max(furthest[record["supply"]], record["volumes"])
    found = []
    for supply, slope in _slopes(cells, side, kind).items():
        for x in np.linspace(0, furthest[supply.value], CURVE_POINTS):
            percent = percent_estimate(side, Estimate(*(float(x) * s for s in (slope.value, slope.low, slope.high))))
            found.append({"supply": supply.value, "volumes": float(x)} | spread_out("percent", percent))
    return found


def by_supply(cells: Sequence[CellEstimate], side: Operation, kind: ListingType) -> dict[Supply, Estimate]:
    """The move by one tradeVolume at each supply level that was observed, over all its activities, in percent."""
    return {supply: percent_estimate(side, slope) for supply, slope in _slopes(cells, side, kind).items()}


def both_sides(cells: Sequence[CellEstimate]) -> list[Record]:
    """The move by buying and by selling of each cell that has both, with intervals."""
    by_cell: dict[str, list[CellEstimate]] = defaultdict(list)
    for cell in cells:
        if cell.measured is not None and cell.transactions:
            by_cell[f"{cell.type} {cell.supply} {_activity(cell)}"].append(cell)
    return [
        {"cell": name, "side": cell.side.value}
        | spread_out("percent", percent_estimate(cell.side, cell.measured) if cell.measured else None)
        for name, found in by_cell.items()
        if len({cell.side for cell in found}) == 2
        for cell in found
    ]


def side_ratios(listings: Sequence[ListingEstimate]) -> list[Record]:
    """The ratio of the slopes by buying and by selling of the most traded listings with both, smallest first.

    Intervals take the two slopes as independent, which makes them a little too wide.
    """
    slopes: dict[tuple[str, str], dict[Operation, ListingEstimate]] = defaultdict(dict)
    for listing in listings:
        slopes[listing.market, listing.good][listing.side] = listing
    found: list[Record] = []
    for (market, good), sides in slopes.items():
        if len(sides) < 2:
            continue
        buy, sell = sides[Operation.BUY].slope, sides[Operation.SELL].slope
        middle = math.log(buy.value / sell.value)
        half = math.hypot(_half_width(buy), _half_width(sell))
        found.append(
            {"listing": f"{good} at {market}", "type": sides[Operation.BUY].type.value, "ratio": math.exp(middle)}
            | {"low": math.exp(middle - half), "high": math.exp(middle + half)}
            | {"transactions": sum(side.transactions for side in sides.values())}
        )
    most = sorted(found, key=lambda record: record["transactions"], reverse=True)[:MOST_LISTINGS]
    return sorted(most, key=lambda record: (record["ratio"], record["listing"]))


def caterpillar(listings: Sequence[ListingEstimate]) -> list[Record]:
    """How far each listing is from its cells, as a factor on its slope, smallest first on each side."""
    ordered = sorted(listings, key=lambda x: (x.side.value, x.effect, x.market, x.good))
    return [
        {"side": x.side.value, "rank": rank, "listing": f"{x.good} at {x.market}", "factor": math.exp(x.effect)}
        | {"low": math.exp(x.effect - _half_width(x.slope)), "high": math.exp(x.effect + _half_width(x.slope))}
        for side in SIDES
        for rank, x in enumerate((y for y in ordered if y.side is side), 1)
    ]


def residuals(data: Dataset, listings: Sequence[ListingEstimate], exponent: float) -> list[Record]:
    """What the slope of its listing leaves of each trade's move, in percentage points, beside what might explain it.

    The slopes are those of sizes to the power `exponent`. Of many, evenly chosen ones. Standardised by their own spread
    on each side: nine in ten should lie within 1.6.
    """
    rows = data.used()
    slopes = {(x.market, x.good, x.side): x.slope.value for x in listings}
    keys = [(*data.unit_names[unit], SIDES[side]) for unit, side in zip(rows.unit, rows.side, strict=True)]
    slope = np.array([slopes.get(key, math.nan) for key in keys])
    move = rows.sign * np.log(rows.after / rows.before)
    expected = slope * rows.x**exponent
    left = move - expected
    spread = np.array([_spread(left[rows.side == side]) for side in range(len(SIDES))])
    begin = rows.time.min() if len(rows) else 0.0
    return [
        {"side": SIDES[rows.side[i]].value, "residual": float(left[i] / spread[rows.side[i]])}
        | {"expected": float(100 * expected[i])}
        | {"size": float(rows.x[i]), "position": int(rows.sequence[i]), "price": float(rows.before[i])}
        | {"hours": float(rows.time[i] - begin) / 3600}
        for i in _some(np.flatnonzero(np.isfinite(left) & (spread[rows.side] > 0)))
    ]


def quantiles(found: Sequence[Record]) -> list[Record]:
    """Standardised residuals against those of a normal distribution, at up to 99 points a side."""
    points = []
    for side in SIDES:
        own = np.array([record["residual"] for record in found if record["side"] == side.value])
        count = min(99, len(own))
        for level in (np.arange(count) + 0.5) / max(1, count):
            points.append(
                {"side": side.value, "normal": NormalDist().inv_cdf(level), "residual": float(np.quantile(own, level))}
            )
    return points


def placebo_moves(placebos: Sequence[PlaceboBracket], data: Dataset, drift_sd: float) -> list[Record]:
    """What both quotes did between two reads without a trade, in deviations that the model expects by then.

    That is the drift, `drift_sd` as the log move of a minute, and the rounding of both reads to the price steps that
    the trades of `data` show.
    """
    found, steps = [], steps_of(data)
    for bracket in placebos:
        minutes = (bracket.after_at - bracket.before_at).total_seconds() / 60
        for side, step in zip(SIDES, steps[TYPES.index(bracket.before.type)], strict=True):
            start, end = bracket.before.price(side), bracket.after.price(side)
            if min(start, end) > LOWEST_QUOTE and minutes > 0:
                rounding = rounding_variance(np.array(float(start)), np.array(float(end)), step)
                expected = math.sqrt(drift_sd**2 * minutes + rounding)
                move = math.log(end / start)
                found.append({"side": side.value, "residual": move / expected, "percent": 100 * math.expm1(move)})
    return found


def naive_means(cells: Sequence[CellEstimate]) -> list[Record]:
    """The mean of price_impact_percent of each cell beside the estimate, both against the trader."""
    return [
        {"cell": f"{cell.type} {cell.supply} {_activity(cell)}", "side": cell.side.value}
        | {"naive": cell.naive_percent * (1 if cell.side is Operation.BUY else -1)}
        | {"percent": percent_estimate(cell.side, cell.measured).value}
        for cell in cells
        if cell.measured is not None and cell.naive_percent is not None
    ]


def remaining(data: Dataset, seen: Observations, others: OtherTrades = NO_OTHERS) -> list[Record]:
    """The share of each visit's displacement that was left when its listing was next read, until the next trade.

    1 is nothing gone, 0 all gone; only displacements above SMALLEST_DISPLACEMENT of quotes that were at rest, and of
    many points evenly chosen ones. `stream` says whether the trade went with what the market does by itself (it makes
    what it exports, and uses what it imports).
    """
    names = {name: i for i, name in enumerate(seen.unit_names)}
    found = []
    for unit, name in enumerate(data.unit_names):
        rows = data.take(data.unit == unit)
        if name in names and len(rows):
            found += _remaining(rows, seen.take(seen.unit == names[name]), others.of(name))
    return [found[i] for i in _some(np.arange(len(found)))]


def decay_curve(back: ReturnEstimate, hours: float) -> list[Record]:
    """The fitted share that remains, up to so many hours, with the band of both ends of half-life and share that stays.

    Both at their ends at once is rare, so the band is too wide rather than too narrow.
    """
    half_life = back.half_life_minutes
    if half_life is None:
        return []
    stays = back.permanent_share or Estimate(0.0, 0.0, 0.0)

    def left(hours: float, half: float, stay: float) -> float:
        return stay + (1 - stay) * math.exp2(-60 * hours / half) if half > 0 else math.nan

    ends = [(half, stay) for half in (half_life.low, half_life.high) for stay in (stays.low, stays.high)]
    return [
        {"hours": h, "share": left(h, half_life.value, stays.value)}
        | {"low": float(np.min(corners)), "high": float(np.max(corners))}
        for h in np.linspace(0, hours, CURVE_POINTS).tolist()
        for corners in [[left(h, *end) for end in ends]]
    ]


def precision(trace: Sequence[Precision]) -> list[Record]:
    """The share of cells within the target after so many transactions."""
    return [
        {"transactions": point.transactions, "share": point.within / point.cells if point.cells else 0.0}
        | {"within": point.within, "cells": point.cells}
        for point in trace
    ]


def form_errors(law: LawFit) -> list[Record]:
    """How each form of the law predicts trades that it was not fitted to."""
    return [
        {"form": score.form.value, "predicted": predicted, "error": error}
        for score in law.scores
        for predicted, error in (("new listings", score.by_listing), ("later trades", score.by_time))
        if math.isfinite(error)
    ]


def _points_of(run: Dataset, number: int, exponent: float) -> list[Record]:
    side, first = SIDES[run.side[0]], float(run.before[0])
    supply = SUPPLIES[run.supply[0]].value
    moves = 100 * run.sign * (run.after / first - 1)
    return [
        {"run": number, "supply": supply, "side": side.value, "volumes": float(x), "percent": float(y)}
        for x, y in zip(np.append(0, np.cumsum(run.x**exponent)), np.append(0, moves), strict=True)
    ]


def _slopes(cells: Sequence[CellEstimate], side: Operation, kind: ListingType) -> dict[Supply, Estimate]:
    """The mean slope of each supply level by its trades; ends are means of ends, too wide rather than too narrow."""
    found = {}
    for supply in SUPPLIES:
        own = [c for c in cells if (c.side, c.type, c.supply) == (side, kind, supply) and c.measured and c.transactions]
        if own:
            weights = [cell.transactions for cell in own]
            ends = ([getattr(cell.measured, end) for cell in own] for end in ("value", "low", "high"))
            found[supply] = Estimate(*(float(np.average(values, weights=weights)) for values in ends))
    return found


def _remaining(rows: Dataset, seen: Observations, disturbed: Floats) -> list[Record]:
    found, traded = [], np.sort(np.concatenate([rows.time, disturbed]))
    for side in SIDES:
        own = rows.take(rows.side == SIDES.index(side))
        for visit in np.unique(own.visit).tolist():
            trades = own.take(own.visit == visit)
            end = float(trades.time[-1])
            displaced = math.log(float(trades.after[-1]) / float(trades.before[0]))
            unread = not abs(displaced) >= SMALLEST_DISPLACEMENT  # nothing was read after, or too little to see
            if unread or not rested(trades.time[:1], traded)[0]:
                continue
            later = traded[traded > end]
            until = float(later.min()) if len(later) else math.inf
            after = (seen.time > end + 60) & (seen.time < until)
            quotes = (seen.ask if side is Operation.BUY else seen.bid)[after]
            for at, quote in zip(seen.time[after], quotes, strict=True):
                share = math.log(float(quote) / float(trades.before[0])) / displaced
                found.append(
                    {"side": side.value, "type": TYPES[trades.type[0]].value} | _point(trades, at - end, share)
                )
    return found


def _point(trades: Dataset, seconds: float, share: float) -> Record:
    side, kind, activity = SIDES[trades.side[0]], TYPES[trades.type[0]], ACTIVITIES[trades.activity[0]]
    return {
        "side": side.value,
        "type": kind.value,
        "activity": activity.value if activity else NO_ACTIVITY,
        "stream": stream_of(kind, side).value,
        "hours": float(seconds) / 3600,
        "share": share,
    }


def _some(rows: Ints) -> list[int]:
    """Of many rows, evenly chosen ones."""
    chosen: list[int] = rows[:: max(1, math.ceil(len(rows) / MOST_POINTS))].tolist()
    return chosen


def _half_width(slope: Estimate) -> float:
    """On the log scale; 0 where the interval does not allow a log."""
    return math.log(slope.high / slope.low) / 2 if slope.low > 0 and math.isfinite(slope.high) else 0.0


def _spread(values: Floats) -> float:
    """The standard deviation of what is finite; 0 for nothing."""
    kept = values[np.isfinite(values)]
    return float(np.std(kept)) if len(kept) else 0.0


def _activity(cell: CellEstimate) -> str:
    return cell.activity.value if cell.activity else NO_ACTIVITY


def _short(value: float) -> str:
    """A percentage in two digits, or all of its whole ones."""
    return NOTHING if not math.isfinite(value) else f"{value:z.1f}" if abs(value) < 9.95 else f"{value:.0f}"

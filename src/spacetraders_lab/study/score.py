"""What the analysis makes of one replication, beside the truth. The only place where estimates and truth meet."""

from collections import defaultdict
from statistics import fmean, stdev

import msgspec

from spacetraders_lab.analysis.analyse import analyse, used_part
from spacetraders_lab.analysis.dataset import ACTIVITIES, SIDES, SUPPLIES, TYPES, Dataset, dataset_of
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import CellEstimate, percent_per_volume
from spacetraders_lab.analysis.observations import observations_of
from spacetraders_lab.analysis.recovery_findings import Stream
from spacetraders_lab.core.market import Activity, CellKey, ListingType, Operation, Supply
from spacetraders_lab.sandbox.by_cell import population_impact
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.study.fleet import Played

ELIGIBLE_QUOTE = 50  # credits: cheaper listings do not make a cell that a design must reach
Interval = tuple[float, float, float]  # value, low, high


class CellScore(msgspec.Struct, frozen=True, array_like=True):
    """One cell with trades: estimates beside truths. Slopes are log moves per tradeVolume, `naive` is in percent.

    `true_measured` is the mean slope of the trades in it by the economy's law, `true_new` the mean over all listings
    there could be (None where the economy has no such number). `is_eligible`: a listing that is not too cheap was
    in it at the first look.
    """

    side: Operation
    type: ListingType
    supply: Supply
    activity: Activity | None
    markets: int
    transactions: int
    is_eligible: bool
    measured: Interval | None
    new: Interval | None
    ratio: Interval | None
    naive: Interval | None
    true_measured: float
    true_new: float | None


class Score(msgspec.Struct, frozen=True):
    """One replication: its cells, how many eligible ones were never traded in, and what it took. Tests by name: p.

    `half_life` is in minutes; `exponent` is that of the size.
    """

    seed: int
    cells: tuple[CellScore, ...]
    unseen: int
    transactions: int
    requests: int
    hours: float
    spent: int
    completed: int
    failed: int
    tests: dict[str, float]
    half_life: Interval | None
    exponent: Interval | None


def score(played: Played, settings: SandboxSettings) -> Score:
    """Analyse the rows and hold every estimate against the truth of the economy that `settings` make."""
    data = dataset_of(played.rows)
    findings = analyse(data, observations_of(played.sightings), played.placebos)
    data = used_part(data, findings)
    eligible = eligible_cells(played)
    trades = _trades_by_cell(data, played)
    cells = tuple(
        _cell_score(cell, trades[key], key in eligible, settings)
        for cell in findings.cells
        if (key := _key(cell)) in trades
    )
    return Score(
        seed=settings.seed,
        cells=cells,
        unseen=len(eligible - trades.keys()),
        transactions=len(played.rows),
        requests=played.requests,
        hours=played.hours,
        spent=played.spent,
        completed=played.completed,
        failed=len(played.failed),
        tests={
            f"{test.code} {test.side}" if test.side else test.code: test.p
            for test in findings.hypotheses
            if test.p is not None
        },
        half_life=_interval(findings.recovery.returns[Stream.WITH].half_life_minutes) if findings.recovery else None,
        exponent=_interval(findings.size_law.exponent) if findings.size_law else None,
    )


def _key(cell: CellEstimate) -> CellKey:
    return cell.side, cell.type, cell.supply, cell.activity


def eligible_cells(played: Played) -> set[CellKey]:
    """The cells of listings as first seen whose traded quote is not too low."""
    first = {(seen.waypoint, seen.good.symbol): seen.good for seen in reversed(played.sightings)}
    return {
        (side, good.type, good.supply, good.activity)
        for good in first.values()
        for side in SIDES
        if good.price(side) >= ELIGIBLE_QUOTE and good.symbol != "FUEL"
    }


def _trades_by_cell(data: Dataset, played: Played) -> dict[CellKey, list[tuple[float, float]]]:
    """For each cell the (true slope, recorded percent against the trader) of the rows that estimates are made from."""
    slopes = {
        (row.visit_id, row.sequence_in_visit): slope for row, slope in zip(played.rows, played.slopes, strict=True)
    }
    used = data.used()
    found: dict[CellKey, list[tuple[float, float]]] = defaultdict(list)
    for visit, sequence, side, kind, supply, activity, percent in zip(
        used.visit,
        used.sequence,
        used.side,
        used.type,
        used.supply,
        used.activity,
        used.percent * used.sign,
        strict=True,
    ):
        key = SIDES[side], TYPES[kind], SUPPLIES[supply], ACTIVITIES[activity]
        found[key].append((slopes[used.visit_names[visit], int(sequence)], float(percent)))
    return found


def _cell_score(
    cell: CellEstimate, trades: list[tuple[float, float]], is_eligible: bool, settings: SandboxSettings
) -> CellScore:
    is_known = settings.economy == "by-cell" and not settings.smooth
    return CellScore(
        *_key(cell),
        markets=cell.markets,
        transactions=len(trades),
        is_eligible=is_eligible,
        measured=_interval(cell.measured),
        new=_interval(cell.new_market),
        ratio=_interval(cell.ratio),
        naive=naive_interval([percent for _, percent in trades]),
        true_measured=fmean(slope for slope, _ in trades),
        true_new=population_impact(settings, cell.side, cell.supply, cell.activity) if is_known else None,
    )


def _interval(estimate: Estimate | None) -> Interval | None:
    return None if estimate is None else (estimate.value, estimate.low, estimate.high)


def naive_interval(percents: list[float]) -> Interval | None:
    """The original experiment's answer: the mean of price_impact_percent, whatever was traded, as if all were alike."""
    if len(percents) < 2:
        return None
    mean, half = fmean(percents), 1.96 * stdev(percents) / len(percents) ** 0.5
    return mean, mean - half, mean + half


def naive_truth(cell: CellScore) -> float:
    """What the naive answer claims to be: percent per tradeVolume."""
    return percent_per_volume(cell.side, cell.true_measured)

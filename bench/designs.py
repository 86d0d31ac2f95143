"""Compares designs: transactions until a design has reached what the grid reaches with all of its own.

    python -m bench.designs [RUNS [JOBS]]

12 goods at 6 markets each. Two things are reached for. Cells: the share of the side x type x supply x activity cells
whose 95 % interval is within 10 % of the estimate or 0.2 points, by the estimator that a run uses; in the noisy by-cell
economy (step noise 20 %, listings differ by 30 %) and in the game's own law, where a cell has no one slope. Forecasts,
in the law only: the share of the sides of EXPORT and IMPORT listings, as first seen, for which the law that is found
says within the same tolerance what a full tradeVolume would do. Last, what plans say against what runs use.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import fmean, median

import msgspec
import numpy as np

from bench.laboratory import laboratory
from spacetraders_lab.analysis.allocation import allocate
from spacetraders_lab.analysis.analyse import analyse
from spacetraders_lab.analysis.dataset import dataset_of
from spacetraders_lab.analysis.evidence import evidence_of
from spacetraders_lab.analysis.findings import Findings
from spacetraders_lab.analysis.observations import observations_of
from spacetraders_lab.core.analysis_plan import GOOD_ENOUGH
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName
from spacetraders_lab.core.limits import Limits
from spacetraders_lab.core.market import Listing, ListingType, Operation
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.fleet import WorkerReport, run_workers
from spacetraders_lab.sandbox.lab import LAB_GOODS
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.universe import Universe
from spacetraders_lab.study.engine import play_missing
from spacetraders_lab.study.forecast import Forecast, forecast, system_as_seen
from spacetraders_lab.study.replicate import Allocator, Study, replicate
from spacetraders_lab.study.results import open_results
from spacetraders_lab.study.score import ELIGIBLE_QUOTE
from spacetraders_lab.study.traces import TARGET, Trace, needed_for_the_same, traces
from spacetraders_lab.study.virtual import START
from spacetraders_lab.study.whole_stack import run_whole_stack, shared_brackets
from spacetraders_lab.study.worlds import BASE, LAW

ADAPTIVE = Design(name=DesignName.ADAPTIVE, washout_seconds=2_700, claim_order=ClaimOrder.NEAREST)
MOST = 1_500  # transactions
RECOVERY = Design(name=DesignName.RECOVERY, washout_seconds=8 * 3_600, claim_order=ClaimOrder.NEAREST)
MAY_LOSE = 5_000_000  # credits
SEEDED = Design(seeded=True, washout_seconds=2_700)
LADDER = Design(name=DesignName.LADDER, washout_seconds=2_700, claim_order=ClaimOrder.NEAREST)
WHOLE_GOODS = tuple(sorted(LAB_GOODS))[:6]
FORECAST_STEP, FORECAST_MOST = 30, 400

Play = Callable[[Study, int | None], list[Trace]]


def main() -> None:
    """Print the tables."""
    logging.disable(logging.CRITICAL)
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    seeds = range(1, runs + 1)
    with open_results(None) as results:

        def cells(study: Study, step: int | None) -> list[Trace]:
            return traces(study, seeds, results, step=step, jobs=jobs)

        def forecasts(study: Study, step: int | None) -> list[Trace]:
            task = partial(play_forecasts, study, step)
            found = play_missing(f"{study} {step}", task, seeds, results, jobs=jobs)
            return [msgspec.json.decode(one, type=Trace) for one in found]

        for world in (BASE, LAW):
            _table(f"cells, {world.name}", Study(world, Design()), Study(world, ADAPTIVE, MOST), cells, 60)
        law = Study(LAW, Design()), Study(LAW, ADAPTIVE, FORECAST_MOST)
        _table("forecasts, law", *law, forecasts, FORECAST_STEP, part=0.95)
    _plans()


def _table(title: str, grid: Study, adaptive: Study, play: Play, step: int, part: float = 1.0) -> None:
    begun = time.monotonic()
    end = play(grid, None)
    print(f"\n{title}: {len(end)} seeds (means and medians), {grid.world.ships} ships, hold {grid.world.hold}")
    print(f"| design | transactions | reached at its end | for {100 * part:g} % of what the grid reaches | fewer |")
    print("|---|---|---|---|---|", flush=True)
    _row("grid (the original's)", end, end, part)
    _row("random pairs, the same visits", play(replace(adaptive, allocator=Allocator.RANDOM), step), end, part)
    _row("adaptive", play(adaptive, step), end, part)
    print(f"({time.monotonic() - begun:.0f} s)", flush=True)


def _row(name: str, found: list[Trace], grid: list[Trace], part: float) -> None:
    both = needed_for_the_same(grid, found, part=part)
    needed, fewer = (f"{both[1]:,.0f}", f"{both[0] / both[1]:.1f} x") if both else ("never", "-")
    transactions, end = median(trace.counts[-1] for trace in found), fmean(trace.final for trace in found)
    print(f"| {name} | {transactions:,.0f} | {100 * end:.0f} % | {needed} | {fewer} |", flush=True)


def _plans() -> None:
    """Hours and requests as planned and as used, through client, server, database and workers."""
    print("\nplan against use: the whole stack on the law's economy, 3 ships")
    print("| design | hours planned | used | | requests planned | used | | shared listings |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for design, goods in (
        (Design(), WHOLE_GOODS[:2]),
        (SEEDED, WHOLE_GOODS[:2]),
        (LADDER, WHOLE_GOODS),
        (RECOVERY, WHOLE_GOODS[:1]),
    ):
        run = run_whole_stack(LAW, 1, goods=goods, design=design)
        name = f"{design.name}{', seeded' * design.seeded}, {len(goods)} goods"
        planned, used = (run.planned_hours, run.planned_requests), (run.score.hours, run.score.requests)
        _plan_row(name, planned, used, run.shared)
    for limits in (Limits(max_hours=1.5), Limits(max_requests=3_000)):
        _plan_row(f"adaptive, {_said(limits)}", *_adaptive(limits))


def _said(limits: Limits) -> str:
    return f"{limits.max_hours:g} h at most" if limits.max_hours else f"{limits.max_requests:,} requests at most"


def _plan_row(name: str, planned: tuple[float, float], used: tuple[float, float], shared: int) -> None:
    hours, requests = (f"{100 * (a / b - 1):+.0f} %" for a, b in zip(planned, used, strict=True))
    print(
        f"| {name} | {planned[0]:.2f} | {used[0]:.2f} | {hours} | "
        f"{planned[1]:,.0f} | {used[1]:,} | {requests} | {shared} |",
        flush=True,
    )


def _adaptive(limits: Limits) -> tuple[tuple[float, float], tuple[float, float], int]:
    """Hours and requests of an adaptive run as its plan foretells them, and as it used them; shared listings."""
    with laboratory(ships=3, hold=80) as rig:
        rig.scout()
        prepared = rig.prepare(design=ADAPTIVE, budget=MAY_LOSE, limits=limits)

        async def foresee(lab: Lab) -> Forecast:
            return forecast(prepared, await system_as_seen(lab, prepared.run.system_symbol))

        async def fly(lab: Lab) -> list[WorkerReport]:
            return await run_workers(replace(lab, allocate=allocate), run, rig.fleet, asyncio.Event())

        foreseen, run = rig.play(foresee), rig.launch(prepared)
        begun, before = rig.clock.elapsed, rig.requests().total()
        rig.play(fly)
        used = (rig.clock.elapsed - begun) / 3600, rig.requests().total() - before
        return (foreseen.hours.median, foreseen.requests.median), used, shared_brackets(rig.records(run))


def play_forecasts(study: Study, step: int | None, seed: int) -> bytes:
    """One replication, and what its law would have said after each number of transactions."""
    played = replicate(study, seed)
    markets = Universe.create(study.world.settings_of(seed), START).home.markets
    first = {(x.waypoint, x.good.symbol): x for x in reversed(played.sightings)}
    sides = [(x, side) for x in first.values() for side in Operation if _is_asked_for(x, side)]
    counts = (*(range(step, len(played.rows), step) if step else ()), len(played.rows))
    shares = []
    for count in counts:
        findings = analyse(dataset_of(played.rows[:count]), observations_of(()))
        shares.append(fmean(_is_right(findings, listing, side, markets) for listing, side in sides))
    return msgspec.json.encode(Trace(seed, len(sides), counts, tuple(shares)))


def _is_asked_for(listing: Listing, side: Operation) -> bool:
    return listing.good.type is not ListingType.EXCHANGE and listing.good.price(side) >= ELIGIBLE_QUOTE


def _is_right(findings: Findings, listing: Listing, side: Operation, markets: dict[str, Market]) -> bool:
    good = listing.good
    truth = markets[listing.waypoint].expected_move(good.symbol, side, good.trade_volume)
    try:
        curve = evidence_of(findings, listing, side, age_minutes=0.0).curve.central()
    except UserError:
        return False  # nothing was measured that could tell
    said = float(np.log(curve.at(np.ones((1, 1)))[0, 0] / good.price(side)))
    return abs(said - truth) <= max(TARGET * abs(truth), GOOD_ENOUGH)


if __name__ == "__main__":
    main()

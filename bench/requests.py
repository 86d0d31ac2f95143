"""Requests a transaction by design, beside the fewest that the same trades and flights need. The grid at scale is in
`scale`; here each design as a user would start it, on the lab system, and the adaptive one on a home system as well,
where flights have several legs. The larger a hold, the more is traded a flight.
"""

import asyncio
from dataclasses import replace

from bench.figures import Figure
from bench.laboratory import laboratory
from bench.scale import request_figures
from spacetraders_lab.analysis.allocation import allocate
from spacetraders_lab.cli.design import DesignOptions, Order
from spacetraders_lab.core.experiment import DesignName
from spacetraders_lab.core.limits import NO_LIMITS, Limits
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.fleet import WorkerReport, run_workers

SHIPS, GRID_PAIRS = 3, 60
SMALL, LARGE = 40, 80  # holds: a frigate's, and a hauler's
MAY_LOSE = 3_000_000  # credits: then the adaptive design measures all that is within reach
LIMITS = Limits(max_requests=3_000)  # ... or as much as these allow
RUNS = (
    (f"literal grid, {GRID_PAIRS} pairs", DesignOptions(), SMALL),
    (f"seeded grid, {GRID_PAIRS} pairs", DesignOptions(order=Order.SEEDED), SMALL),
    *(
        (f"{name}, holds of {hold}", DesignOptions(design=name), hold)
        for name in (DesignName.LADDER, DesignName.ADAPTIVE)
        for hold in (SMALL, LARGE)
    ),
)
FAR = f"adaptive, holds of {LARGE}, home system"


def measure(full: bool = False) -> list[Figure]:
    """The literal grid, the seeded grid, the ladder and the adaptive design."""
    far = _figures(FAR, DesignOptions(design=DesignName.ADAPTIVE), LARGE, "home")
    return [
        *(figure for name, options, hold in RUNS for figure in _figures(name, options, hold)),
        *(replace(figure, target="") for figure in far),
    ]


def _figures(name: str, options: DesignOptions, hold: int, profile: str = "lab") -> list[Figure]:
    design = options.chosen()
    with laboratory(ships=SHIPS, hold=hold, profile=profile) as rig:
        rig.scout()
        most = GRID_PAIRS if design.name is DesignName.GRID else None
        limits = LIMITS if design.name is DesignName.ADAPTIVE else NO_LIMITS
        run = rig.launch(rig.prepare(design=design, max_pairs=most, budget=MAY_LOSE, limits=limits))

        async def fly(lab: Lab) -> list[WorkerReport]:
            return await run_workers(replace(lab, allocate=allocate), run, rig.fleet, asyncio.Event())

        before = rig.requests()
        rig.play(fly)
        requests = rig.requests() - before
        trades = len(rig.records(run))
        return request_figures(f"{name}, {trades:,} transactions", rig, requests, trades, run.run_id)

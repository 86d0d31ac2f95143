"""Requests a transaction by design, beside the fewest that the same trades and flights need. The grid at scale is in
`scale`; here each design as a user would start it, on the lab system.
"""

from bench.figures import Figure
from bench.laboratory import laboratory
from bench.scale import request_figures
from spacetraders_lab.core.experiment import Design, DesignName

SHIPS, GRID_PAIRS = 3, 60


def measure(full: bool = False) -> list[Figure]:
    """The literal grid, the seeded grid and the ladder."""
    designs = {
        f"literal grid, {GRID_PAIRS} pairs": (Design(), GRID_PAIRS),
        f"seeded grid, {GRID_PAIRS} pairs": (Design(seeded=True, washout_seconds=2700.0), GRID_PAIRS),
        "ladder": (Design(name=DesignName.LADDER, washout_seconds=2700.0), None),
    }
    return [figure for name, (design, pairs) in designs.items() for figure in _figures(name, design, pairs)]


def _figures(name: str, design: Design, pairs: int | None) -> list[Figure]:
    with laboratory(ships=SHIPS) as rig:
        rig.scout()
        run = rig.launch(rig.prepare(design=design, max_pairs=pairs))
        before = rig.requests()
        rig.fly(run)
        requests = rig.requests() - before
        trades = len(rig.records(run))
        return request_figures(f"{name}, {trades:,} transactions", rig, dict(requests), trades, run.run_id)

"""Compares designs: transactions until as many cells are precise as the grid reaches with all of its own.

    python -m bench.designs [RUNS [JOBS]]

12 goods at 6 markets each. In the noisy by-cell economy (step noise 20 %, listings differ by 30 %) and in the game's
own law: the share of the side x type x supply x activity cells whose 95 % interval is within 10 % of the estimate or
0.2 points, by the estimator that a run uses, and the transactions that the adaptive design and random pairs need.
"""

import sys
import time
from statistics import fmean, median

from spacetraders_lab.core.experiment import Design, DesignName
from spacetraders_lab.study.precision import Trace, needed_for_the_same, traces
from spacetraders_lab.study.replicate import Allocator, Study
from spacetraders_lab.study.results import open_results
from spacetraders_lab.study.worlds import BASE, LAW, World

ADAPTIVE = Design(name=DesignName.ADAPTIVE, washout_seconds=2_700)
MOST = 1_500  # transactions


def main() -> None:
    """Print the tables."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for world in (BASE, LAW):
        begun = time.monotonic()
        print(f"\n{world.name}: {runs} seeds, 3 ships, hold {world.hold}; medians over seeds")
        print("| design | transactions | precise at its end | for the grid's share | fewer |")
        print("|---|---|---|---|---|", flush=True)
        _compare(world, range(1, runs + 1), jobs)
        print(f"({time.monotonic() - begun:.0f} s)", flush=True)


def _compare(world: World, seeds: range, jobs: int) -> None:
    with open_results(None) as results:
        grid = traces(Study(world, Design()), seeds, results, step=None, jobs=jobs)
        _row("grid (the original's)", grid, grid)
        for name, allocator in (("random pairs, blocked visits", Allocator.RANDOM), ("adaptive", Allocator.PRECISION)):
            study = Study(world, ADAPTIVE, MOST, allocator=allocator)
            _row(name, traces(study, seeds, results, jobs=jobs), grid)


def _row(name: str, found: list[Trace], grid: list[Trace]) -> None:
    both = needed_for_the_same(grid, found)
    needed, fewer = (f"{both[1]:,.0f}", f"{both[0] / both[1]:.1f} x") if both else ("never", "-")
    transactions = median(trace.counts[-1] for trace in found)
    print(
        f"| {name} | {transactions:,.0f} | {100 * fmean(t.final for t in found):.0f} % | {needed} | {fewer} |",
        flush=True,
    )


if __name__ == "__main__":
    main()

"""`spacetraders experiment simulate`: what a design would find, in worlds whose truth is known. Nothing is traded."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.progress import Progress

from spacetraders_lab.cli import announce, render
from spacetraders_lab.cli.design import DesignOptions
from spacetraders_lab.cli.settings import Json, database, settings
from spacetraders_lab.cli.waiting import progress_bar
from spacetraders_lab.core.bounds import MOST_CREDITS, MOST_HOURS, MOST_ROWS, MOST_SEED, MOST_UNITS, above_zero, within
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.waypoint import checked_system
from spacetraders_lab.store.world import World as Known
from spacetraders_lab.study.engine import check_scheduler
from spacetraders_lab.study.replicate import ObservedSystem, Study
from spacetraders_lab.study.results import Results, open_results
from spacetraders_lab.study.simulation import simulate as play
from spacetraders_lab.study.summary import Overview, overview
from spacetraders_lab.study.worlds import WORLDS, World

_THE_GRID = DesignOptions()
_MOST_SHIPS = 1_000
_MOST_JOBS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationOptions:
    """Where and how long the design is played, and by whom.

    Parameters
    ----------
    system:
        Make the worlds like this system as last scouted [default: the built-in lab system].
    worlds:
        Worlds to play in, separated by commas: law, base, or one of the variations of base.
    ships:
        Number of ships.
    hold:
        Cargo capacity of each ship.
    transactions:
        Start no new pair after this many transactions.
    hours:
        Let an adaptive design start no new pair after this many hours of game time.
    budget:
        The most credits a run may lose.
    probes:
        Put a probe at every market, so that no price is older than ten minutes.
    runs:
        How many times to play the design in each world.
    seed:
        Seed of the first replication; the others count up from it.
    jobs:
        Number of processes on this machine [default: one per core].
    dask:
        Scheduler of a Dask cluster to run on, such as tcp://host:8786.
    results:
        Keep results in this file, and continue from those already in it.
    """

    system: str | None = None
    worlds: str = "law,base"
    ships: int = 3
    hold: int = 80
    transactions: int | None = None
    hours: float | None = None
    budget: int = 1_000_000_000
    probes: Annotated[bool, Parameter(negative="")] = False
    runs: int = 200
    seed: int = 1
    jobs: int | None = None
    dask: str | None = None
    results: Path | None = None

    def checked(self) -> "SimulationOptions":
        """The same; raises UserError for what cannot be played."""
        within("--ships", self.ships, 1, _MOST_SHIPS)
        within("--hold", self.hold, 1, MOST_UNITS)
        within("--runs", self.runs, 1, MOST_ROWS)
        within("--jobs", self.jobs, 1, _MOST_JOBS)
        within("--transactions", self.transactions, 1, MOST_ROWS)
        within("--budget", self.budget, 0, MOST_CREDITS)
        within("--seed", self.seed, 0, MOST_SEED)
        above_zero("--hours", self.hours, MOST_HOURS)
        if self.dask is not None:
            check_scheduler(self.dask)
        return self

    def chosen_worlds(self) -> list[World]:
        """The worlds, with this fleet."""
        names = [name.strip() for name in self.worlds.split(",") if name.strip()]
        unknown = [name for name in names if name not in WORLDS]
        if unknown or not names:
            raise UserError(f"--worlds {self.worlds!r}: there are {', '.join(WORLDS)}")
        probes = 10.0 if self.probes else 0.0
        return [replace(WORLDS[name], ships=self.ships, hold=self.hold, probe_minutes=probes) for name in names]


def simulate(
    *,
    simulation: Annotated[SimulationOptions, Parameter(name="*")] = SimulationOptions(),
    design: Annotated[DesignOptions, Parameter(name="*")] = _THE_GRID,
    json: Json = False,
) -> None:
    """Play a design many times in worlds whose truth is known: precision, bias, coverage, credits and hours."""
    options = simulation.checked()
    observed = _observed(options.system) if options.system is not None else None
    studies = [
        Study(world, design.chosen(), options.transactions, options.hours, options.budget, observed=observed)
        for world in options.chosen_worlds()
    ]
    with open_results(options.results) as results, progress_bar() as progress:
        found = [_play(study, options, results, progress) for study in studies]
    if json:
        render.print_json([_as_json(study, one) for study, one in zip(studies, found, strict=True)])
        return
    _print(studies, found, options)


def _play(study: Study, options: SimulationOptions, results: Results, progress: Progress) -> Overview:
    seeds = range(options.seed, options.seed + options.runs)
    task = progress.add_task(f"{study.design.name} in {study.world.name}", total=options.runs)
    jobs = options.jobs or os.cpu_count() or 1
    scores = play(study, seeds, results, jobs=jobs, dask=options.dask, on_result=lambda seed: progress.advance(task))
    progress.update(task, completed=options.runs)
    return overview(scores, target=study.design.target)


def _observed(system: str) -> ObservedSystem:
    """The system as the database knows it; raises UserError when it does not."""
    symbol = checked_system(system.upper())
    with database() as opened, opened.reading() as connection:
        known = Known(connection)
        universe = known.last_universe(settings().base_url, symbol)
        if universe is None:
            raise UserError(
                f"no prices of {symbol} are known; scout it first: spacetraders market scout --system {symbol}"
            )
        return ObservedSystem(symbol, known.waypoints(universe, symbol), tuple(known.latest_listings(universe, symbol)))


def _as_json(study: Study, found: Overview) -> dict[str, Any]:
    return {"design": asdict(study.design), "world": study.world.name} | asdict(found)


def _print(studies: Sequence[Study], found: Sequence[Overview], options: SimulationOptions) -> None:
    design = studies[0].design
    fleet = f"{announce.number_of_ships(options.ships)} with {options.hold} units"
    print(f"Design {design.name}, {options.runs} runs in each world, {fleet}\n")
    render.print_table(
        ["world", "precise", "bias", "error", "covered", "new-one", "trades", "requests", "hours", "credits"],
        [(study.world.name, *_row(one)) for study, one in zip(studies, found, strict=True)],
        right=["precise", "bias", "error", "covered", "new-one", "trades", "requests", "hours", "credits"],
    )
    print(_LEGEND.format(target=100 * design.target))


_LEGEND = """
precise: share of the cells whose 95 % interval is within {target:g} % of the estimate, or 0.2 points.
bias, error: mean and root mean square of estimate / truth - 1, over cells with 3 markets or more.
covered: share of the 95 % intervals that hold the truth, for the markets measured; for a new one.
credits: spent less earned. From trades on these are medians of the runs."""


def _row(found: Overview) -> list[str]:
    measured, new = found.measured, found.new
    return [
        f"{100 * found.precise:.0f}%",
        f"{100 * measured.bias:+z.1f}%" if measured else "-",
        f"{100 * measured.rmse:.1f}%" if measured else "-",
        f"{100 * measured.coverage.value:.1f}%" if measured else "-",
        f"{100 * new.coverage.value:.1f}%" if new else "-",
        f"{found.transactions:,.0f}",
        f"{found.requests:,.0f}",
        f"{found.hours:.1f}",
        f"{found.spent:,.0f}",
    ]

"""`spacetraders demo`: a whole experiment against a game of its own, from nothing to a first table of impact."""

import asyncio
from collections import Counter
from pathlib import Path

from spacetraders_lab.cli import announce
from spacetraders_lab.cli.context import lab
from spacetraders_lab.cli.experiment import fly, new_owner
from spacetraders_lab.cli.settings import Settings
from spacetraders_lab.cli.waiting import progress_bar
from spacetraders_lab.core.experiment import ExperimentRun
from spacetraders_lab.core.planning import requests_needed
from spacetraders_lab.core.summary import summarise_impact
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab, open_game
from spacetraders_lab.run.choice import MarketLiquidityExperimentCommand
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.run.coordinator import launch
from spacetraders_lab.run.prepare import prepare
from spacetraders_lab.run.scout import scout
from spacetraders_lab.sandbox.server import running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.store.experiments import ExperimentRepository

_SHIPS = 3
_PAIRS = 12
_SPEED = 300.0  # a minute's flight takes a fifth of a second
_CREDITS = 1_000_000


def demo(*, directory: str = "lab-demo") -> int:
    """Play an experiment with three ships against a local game, at accelerated time.

    Parameters
    ----------
    directory:
        Folder for the demo's database.
    """
    path = Path(directory)
    path.mkdir(parents=True, exist_ok=True)
    sandbox_settings = SandboxSettings(
        profile="lab", speed=_SPEED, credits=_CREDITS, ships=("SHIP_COMMAND_FRIGATE",) * _SHIPS, open_registration=True
    )
    with running_sandbox(sandbox_settings) as sandbox:
        print(f"A game universe is running at {sandbox.base_url}, {_SPEED:.0f} times faster than the clock.")
        return asyncio.run(_play(sandbox.base_url, path / "lab.db"))


async def _play(base_url: str, database: Path) -> int:
    async with open_game(base_url, None, SystemClock()) as game:
        token = (await reads.register(game.client, "DEMO", "COSMIC", None)).token
    async with lab(Settings(base_url, f"sqlite:///{database}", token)) as ready:
        ships = await reads.list_ships(ready.game.client)
        fleet, system = tuple(ship.symbol for ship in ships), ships[0].system
        with progress_bar() as progress:
            task = progress.add_task("scouting", total=None)
            markets = await scout(
                ready, system, fleet, visited=lambda _, done, total: progress.update(task, completed=done, total=total)
            )
        print(f"Scouted {markets} markets of {system}.\n")
        prepared = await prepare(ready, MarketLiquidityExperimentCommand(fleet, system, max_pairs=_PAIRS))
        announce.print_start(prepared)
        owner = new_owner()
        begun = await launch(ready, prepared, keep_for=owner)
        run = begun.run
        announce.print_launch(begun, len(prepared.pairs))
        before = Counter(ready.game.client.requests)
        code = await fly(ready, run.run_id, owner)
        await _summarise(ready, run, ready.game.client.requests - before)
    print(f"\nThe data are in {database}; look at them with:")
    print(f"  SPACETRADERS_DATABASE_URL=sqlite:///{database} spacetraders experiment status --run-id {run.run_id}")
    print(f"  sqlite3 {database} 'SELECT * FROM market_experiments'")
    return code


async def _summarise(ready: Lab, run: ExperimentRun, requests: Counter[str]) -> None:
    records = await ready.read(lambda c: list(ExperimentRepository(c).records(run.run_id)))
    print()
    announce.print_impact(summarise_impact(records))
    floor = requests_needed(
        len(records),
        len({record.visit_id for record in records}),
        requests["POST /my/ships/{ship}/navigate"],
        requests["POST /my/ships/{ship}/refuel"],
    )
    announce.print_requests(len(records), requests.total(), floor)

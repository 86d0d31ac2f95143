"""`spacetraders market scout|get`: markets are read, by ships or from afar. What is known already is `market`'s."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

from spacetraders_lab.cli import announce, render
from spacetraders_lab.cli.context import with_lab
from spacetraders_lab.cli.market import HEADINGS, NUMBERS, json_of, row_of
from spacetraders_lab.cli.settings import Json, symbols
from spacetraders_lab.cli.stop import stop_on_signals
from spacetraders_lab.cli.waiting import progress_bar
from spacetraders_lab.core.bounds import MOST_AGE, above_zero, within
from spacetraders_lab.core.waypoint import checked_system, system_of
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.effects import read_market
from spacetraders_lab.run.scout import follow, plan_scouting
from spacetraders_lab.run.watch import watch as keep_watch

_MOST_REQUESTS_PER_MINUTE = 1_000_000  # a sandbox allows many, as it plays many minutes a minute


def scout(
    *,
    system: str,
    ships: str | None = None,
    max_age: int = 15,
    watch: Annotated[bool, Parameter(negative="")] = False,
    requests_per_minute: float = 20.0,
) -> None:
    """Visit every market of a system and keep what they quote.

    Parameters
    ----------
    system:
        The system to scout.
    ships:
        Ships to use, separated by commas; probes need no fuel [default: all of yours there that no run uses].
    max_age:
        Skip markets that were read within this many minutes; 0 reads them all.
    watch:
        Keep reading until Ctrl-C, the stalest and most valuable markets first.
    requests_per_minute:
        The most requests per minute that --watch may make.
    """
    chosen, named = checked_system(system.upper()), symbols(ships, "--ships") if ships is not None else ()
    within("--max-age", max_age, 0, MOST_AGE)
    above_zero("--requests-per-minute", requests_per_minute, _MOST_REQUESTS_PER_MINUTE)

    async def go(lab: Lab) -> int:
        plan = await plan_scouting(lab, chosen, named, max_age=timedelta(minutes=max_age))
        announce.print_scouting(plan)
        with progress_bar() as progress:
            task = progress.add_task("markets", total=plan.markets)
            read = await follow(lab, plan, visited=lambda _, done, __: progress.update(task, completed=done))
        if watch:
            print(f"Scouted {read} markets of {chosen}; watching until Ctrl-C.", flush=True)
            return await _watch(lab, chosen, [ship.symbol for ship in plan.ships], requests_per_minute)
        return read

    print(f"{'Read' if watch else 'Scouted'} {with_lab(go)} markets of {chosen}.")


async def _watch(lab: Lab, system: str, ships: Sequence[str], requests_per_minute: float) -> int:
    with stop_on_signals("Stopping") as stop, progress_bar() as progress:
        task = progress.add_task("readings", total=None)
        return await keep_watch(
            lab,
            system,
            ships,
            stop,
            requests_per_minute=requests_per_minute,
            visited=lambda _, readings: progress.update(task, completed=readings),
        )


def get(waypoint: str, *, json: Json = False) -> None:
    """Read one market now and keep what it quotes.

    Parameters
    ----------
    waypoint:
        The market.
    """
    system_of(waypoint.upper())
    snapshot = with_lab(lambda lab: read_market(lab, waypoint.upper(), "manual"))
    goods = [snapshot.goods[symbol] for symbol in sorted(snapshot.goods)]
    if json:
        render.print_json(
            {
                "waypoint": snapshot.waypoint,
                "imports": snapshot.imports,
                "exports": snapshot.exports,
                "exchange": snapshot.exchange,
                "goods": [json_of(g) for g in goods],
            }
        )
    elif goods:
        render.print_table(HEADINGS, map(row_of, goods), right=NUMBERS)
    else:
        trades = ", ".join(snapshot.listed) or "nothing"
        print(f"{snapshot.waypoint} trades {trades}; its prices show only to a ship there")

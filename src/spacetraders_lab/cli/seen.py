"""Prices that were seen, from the database: of the universe that is played now, or of the last one that was seen.

Which universe is played takes one request and no token; a game that does not answer is not waited for. Trades nothing
and reads no market.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from spacetraders_lab.cli.settings import database, settings
from spacetraders_lab.core.errors import GameUnreachable, Maintenance
from spacetraders_lab.core.market import Listing
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import open_game
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.world import World

PATIENCE_SECONDS = 3.0  # the prices are at hand, and the client asks a dead game for a quarter of a minute


@dataclass(frozen=True, slots=True)
class _Played:
    """The universe that the game plays, the hour by its clock, and how many game seconds it plays in a second."""

    server: str
    reset_date: str
    now: datetime
    speed: float


def seen_in(system: str, question: Callable[[World, int], list[Listing]]) -> list[tuple[Listing, float]]:
    """What the database knows of a system's prices, each with its age in minutes of game time.

    Where the game does not answer, that is said on standard error, with the universe that the prices are from.
    """
    base_url = settings().base_url
    played = asyncio.run(_played(base_url))
    with database() as opened, opened.reading() as connection:
        world = World(connection)
        if played is not None:
            universe_id, now, speed = world.known_universe(played.server, played.reset_date), played.now, played.speed
        else:
            universe_id, now = world.last_universe(base_url, system), SystemClock().now()
            speed = 1.0 if universe_id is None else _speed(connection, universe_id)
        if universe_id is None and played is None:
            raise GameUnreachable(f"{base_url} does not answer, and no price of {system} was ever seen there")
        if universe_id is None:
            return []
        if played is None:
            reset_date = world.universe(universe_id).reset_date
            print(f"{base_url} does not answer; last seen, in the universe of {reset_date}:", file=sys.stderr)
        found = question(world, universe_id)
    return [(x, (now - x.observed_at).total_seconds() * speed / 60) for x in found]


async def _played(base_url: str) -> _Played | None:
    """What is played at the address; None when nobody answers in time, or the game is being maintained."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), open_game(base_url, None, SystemClock()) as game:
            status = await reads.get_status(game.client)
            return _Played(status.server(game.client.base_url), status.reset_date, game.now(), game.client.speed)
    except (TimeoutError, GameUnreachable, Maintenance):
        return None


def _speed(connection: Connection, universe_id: int) -> float:
    """The speed of the universe as its newest run had it; 1, as at the real game, where it had none."""
    experiments = ExperimentRepository(connection)
    runs = [run for run in experiments.list_runs() if run.universe_id == universe_id]
    return experiments.speed_of(max(runs, key=lambda run: run.created_at).run_id) if runs else 1.0

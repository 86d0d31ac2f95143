"""The game and the database together, as commands that play are handed them."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from spacetraders_lab.cli.calculator import calculator, choose_pairs
from spacetraders_lab.cli.settings import Settings, settings
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.game import reads
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.parse import Status
from spacetraders_lab.run.app import Lab, open_game, open_lab
from spacetraders_lab.run.clock import SystemClock, clock_of
from spacetraders_lab.run.credentials import Universe, account_of, find_token
from spacetraders_lab.store.database import open_database

T = TypeVar("T")


async def universe_at(base_url: str) -> Universe:
    """The universe that is now played at the address (one request)."""
    async with open_game(base_url, None, SystemClock()) as game:
        return universe_of(game, await reads.get_status(game.client))


def universe_of(game: Game, status: Status) -> Universe:
    """What the game's tokens are kept under."""
    return Universe(status.server(game.client.base_url), status.reset_date)


@asynccontextmanager
async def lab(chosen: Settings | None = None) -> AsyncIterator[Lab]:
    """Game and database together, for a command that needs both."""
    chosen = chosen or settings()
    token = chosen.token or await find_token(os.environ, chosen.base_url, lambda: universe_at(chosen.base_url))
    opened = open_database(chosen.database_url)
    try:
        async with (
            open_game(chosen.base_url, token, clock_of(opened), rate_share=chosen.rate_share) as game,
            open_lab(
                game, opened, account=account_of(chosen.base_url, token) if chosen.rate_share == 1 else None
            ) as ready,
        ):
            with calculator() as pool:
                yield equipped(ready, pool)
    finally:
        opened.close()


def equipped(ready: Lab, pool: Executor) -> Lab:
    """The lab with what adaptive runs need: who chooses their pairs, and the process that does so."""
    return replace(ready, allocate=choose_pairs, calculator=pool)


def checked_share(rate_share: float) -> float:
    """A part of the rate limit as the user gave it; raises UserError for one that cannot be kept."""
    if not 0.5 <= rate_share <= 1:
        raise UserError(
            "--rate-share must lie between 0.5 and 1: two requests a second cannot be divided among more than two "
            "programs; more of them share the limit through one database, without this option"
        )
    return rate_share


def with_lab(work: Callable[[Lab], Awaitable[T]], *, rate_share: float = 1.0) -> T:
    """Open the lab, do the work, close the lab; raises UserError for a share that is none."""
    chosen = replace(settings(), rate_share=checked_share(rate_share))

    async def whole() -> T:
        async with lab(chosen) as ready:
            return await work(ready)

    return asyncio.run(whole())

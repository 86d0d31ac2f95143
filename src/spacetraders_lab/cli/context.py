"""What every command needs to begin: the settings from the environment, the database, the game."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, TypeVar

from cyclopts import Parameter

from spacetraders_lab.cli.calculator import calculator, choose_pairs
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.game import reads
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.parse import Status
from spacetraders_lab.run.app import Lab, open_game, open_lab
from spacetraders_lab.run.clock import SystemClock, clock_of
from spacetraders_lab.run.credentials import Universe, account_of, find_token
from spacetraders_lab.store.database import Database, open_database, open_reading

REAL_GAME = "https://api.spacetraders.io/v2"

T = TypeVar("T")

RateShare = Annotated[
    float,
    Parameter(
        name="--rate-share",
        help="Use this part of the game's rate limit and no more: for two programs without a database in common.",
    ),
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of a table.")]


@dataclass(frozen=True, slots=True)
class Settings:
    """Which game, whose token, which database. The token is looked up when it is needed, and never shown.

    A `rate_share` below 1 is this program's fixed part of the game's rate limit; else it is shared as programs need it.
    """

    base_url: str
    database_url: str | None
    token: str | None = field(default=None, repr=False)
    rate_share: float = 1.0


def settings() -> Settings:
    """The settings that the environment names; raises UserError for a base URL that is none."""
    url = os.environ.get("SPACETRADERS_BASE_URL") or os.environ.get("SPACETRADERS_API_URL") or REAL_GAME
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url!r} is no base URL; one looks like {REAL_GAME}")
    return Settings(url.rstrip("/"), os.environ.get("SPACETRADERS_DATABASE_URL") or None)


@contextmanager
def database() -> Iterator[Database]:
    """The user's database, open for the length of the block."""
    opened = open_database(settings().database_url)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def reading_database() -> Iterator[Database]:
    """The user's database for a program that watches: made or migrated where needed, and from then on only read."""
    url = settings().database_url
    open_database(url).close()
    opened = open_reading(url)
    try:
        yield opened
    finally:
        opened.close()


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
        opened.check()
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


def symbols(text: str, what: str) -> tuple[str, ...]:
    """A comma-separated list of symbols in upper case; raises UserError for an empty one."""
    found = tuple(part.strip().upper() for part in text.split(",") if part.strip())
    if not found:
        raise UserError(f"{what} names nothing; give symbols separated by commas")
    return found

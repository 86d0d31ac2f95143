"""What the environment and every command line say: settings, the database, common options. Never imports the game."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from cyclopts import Parameter

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.store.database import Database, open_database, open_reading

REAL_GAME = "https://api.spacetraders.io/v2"

RateShare = Annotated[
    float,
    Parameter(
        name="--rate-share",
        help="Use at most this share of the game's rate limit, for two programs that share no database.",
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
        raise UserError(f"{url!r} is not a base URL; it should look like {REAL_GAME}")
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


def symbols(text: str, what: str) -> tuple[str, ...]:
    """A comma-separated list of symbols in upper case; raises UserError for an empty one."""
    found = tuple(part.strip().upper() for part in text.split(",") if part.strip())
    if not found:
        raise UserError(f"{what} is empty; give symbols separated by commas")
    return found

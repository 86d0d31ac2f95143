"""One account's game and memory, wired together: what every part of a run is handed. Decides nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import TypeVar

import httpx2
from sqlalchemy import Connection

from spacetraders_lab.core.allocation import Allocate
from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.errors import TokenRefused, UniverseReset
from spacetraders_lab.game import reads
from spacetraders_lab.game.client import LATE_SECONDS, GameClient
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.run.clock import DatabaseClock
from spacetraders_lab.run.faultpoints import PassBy, pass_by
from spacetraders_lab.run.purse import Purse
from spacetraders_lab.run.rate_budget import SharedBudget
from spacetraders_lab.run.secrets import keep_secret
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.world import World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How long a claim lasts without a heartbeat, and how long an unknown reply may still take effect; seconds."""

    lease: float = 60.0
    margin: float = 20.0  # no trade is sent this close to the end: the client's time-out and a little more
    settle: float = LATE_SECONDS


@dataclass(frozen=True, slots=True)
class Memory:
    """The database, reached through one thread, whoever asks, and the clock to go by with it."""

    database: Database
    thread: Executor
    clock: Clock

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction on the database thread."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, self._in_transaction, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Do `work` on a reading connection on the database thread."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, self._reading, work)

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        with self.database.transaction() as connection:
            if isinstance(self.clock, DatabaseClock):
                self.clock.keep(connection)
            return work(connection)

    def _reading(self, work: Callable[[Connection], T]) -> T:
        with self.database.reading() as connection:
            return work(connection)


@dataclass(frozen=True, slots=True)
class Lab(Memory):
    """The game as one account sees it, and the database.

    `resets_at` is when the game said that the universe ends; `tally` counts what is worth counting (`run.metrics`).
    `allocate` chooses pairs for adaptive runs, on the executor `calculator` (the loop's own, if none is given): a fit
    must not delay a heartbeat. `asking` lets one ship ask at a time, `claiming` one claim; `targets` are the markets
    that ships are on their way to read again.
    """

    game: Game
    universe_id: int
    player_id: int
    times: LeaseTimes = LeaseTimes()
    purse: Purse = field(default_factory=Purse)
    chance: Random = field(default_factory=Random)
    pass_by: PassBy = pass_by
    resets_at: datetime | None = None
    allocate: Allocate | None = None
    calculator: Executor | None = None
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    claiming: asyncio.Lock = field(default_factory=asyncio.Lock)
    targets: dict[str, str] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)


def database_thread() -> Executor:
    """The one thread of a process on which its database is used."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")


@asynccontextmanager
async def open_game(
    base_url: str,
    token: str | None,
    clock: Clock,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    chance: Random | None = None,
    rate_share: float = 1.0,
) -> AsyncIterator[Game]:
    """The game for one account, with its own limiter (of `rate_share` of what the game allows), closed at the end."""
    keep_secret(token)
    limiter = TwoPoolLimiter(clock, share=rate_share)
    client = GameClient(base_url, token, clock=clock, limiter=limiter, transport=transport, chance=chance)
    try:
        yield Game(client, clock)
    finally:
        await client.aclose()


@asynccontextmanager
async def open_lab(
    game: Game,
    database: Database,
    times: LeaseTimes = LeaseTimes(),
    *,
    make_thread: Callable[[], AbstractContextManager[Executor]] = database_thread,
    account: str | None = None,
) -> AsyncIterator[Lab]:
    """Ask the game which universe and which agent this is, and enter both into the database (two requests).

    `make_thread` gives the executor that all work on the database is done on, one piece at a time. Every program
    that names the same `account` shares its rate limit through the database; without one, this program has it alone.
    """
    with make_thread() as thread:
        lab = Lab(database, thread, game.clock, game, 0, 0, times)
        if account is not None:
            game.client.limiter.share_with_others(SharedBudget(account, lab.write, lab.clock).reserve)
        try:
            yield await _entered(lab)
        finally:
            with suppress(DatabaseUnavailable):  # what is not returned ends by itself
                await game.client.limiter.give_back()


async def _entered(lab: Lab) -> Lab:
    """The lab with its universe and its agent, as the game names them, in the database."""
    client = lab.game.client
    try:
        status = await reads.get_status(client)
        agent = await reads.get_agent(client)
    except UniverseReset as reset:
        raise UniverseReset(
            "the token belongs to a universe that is over: make a new agent with `spacetraders player register`, or "
            f"keep its token with `spacetraders player add` (the game said: {reset})"
        ) from reset
    except TokenRefused as refused:
        raise TokenRefused(
            f"the game at {client.base_url} does not know this token: keep the right one with `spacetraders player"
            f" add`, or make a new agent with `spacetraders player register` (the game said: {refused})"
        ) from refused

    def enter(connection: Connection) -> tuple[int, int]:
        world = World(connection)
        universe_id = world.universe_id(status.server(client.base_url), status.reset_date)
        return universe_id, world.player_id(agent.symbol, universe_id)

    universe_id, player_id = await lab.write(enter)
    lab.purse.credits = agent.credits
    return replace(lab, universe_id=universe_id, player_id=player_id, resets_at=status.ends_at)

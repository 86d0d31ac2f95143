"""A whole laboratory in one process and in virtual time: sandbox, client, database, ships. Days of flying take seconds.

Nothing here is a stand-in: the server, the store and the workers are the real ones, joined without sockets.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any, TypeVar

import httpx2
from sqlalchemy import Connection, text

from spacetraders_lab.core.experiment import Design, ExperimentRun, MarketPair, RunStatus, TradeRecord
from spacetraders_lab.core.market import ListingType
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab, LeaseTimes, open_game, open_lab
from spacetraders_lab.run.coordinator import (
    MarketLiquidityExperimentCommand,
    Prepared,
    launch,
    prepare,
    reopen,
)
from spacetraders_lab.run.faultpoints import PassBy, pass_by
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.run.scout import scout
from spacetraders_lab.run.worker import WorkerReport
from spacetraders_lab.sandbox.api import create_app
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.truth import LedgerEntry
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.store.world import World
from tests.virtual import VirtualClock

BASE_URL = "http://sandbox/v2"
FRIGATE, PROBE = "SHIP_COMMAND_FRIGATE", "SHIP_PROBE"
ONE_CELL = Design(fractions=(1.0,), iterations=1)
FOUR_CELLS = Design(fractions=(0.5, 1.0), iterations=2)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it went over the wire; `status` is 0 when no answer came back."""

    at: datetime
    method: str
    path: str
    status: int

    def fits(self, method: str, ending: str) -> bool:
        return self.method == method and self.path.endswith(ending)


@dataclass(slots=True)
class Wire(httpx2.AsyncBaseTransport):
    """The way to the game: keeps every exchange, and lets a test act just before or just after one.

    `before` may answer in the game's place. Both may raise an httpx2 error: the request, or its answer, is then lost.
    """

    inner: httpx2.AsyncBaseTransport
    clock: VirtualClock
    log: list[Exchange] = field(default_factory=list)
    before: Callable[[httpx2.Request], httpx2.Response | None] = lambda request: None
    after: Callable[[Exchange], None] = lambda exchange: None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        at, status = self.clock.now(), 0
        try:
            response = self.before(request) or await self.inner.handle_async_request(request)
            status = response.status_code
            self.after(Exchange(at, request.method, request.url.path, status))
            return response
        finally:
            self.log.append(Exchange(at, request.method, request.url.path, status))


class Rig:
    """One universe with one agent, and the lab that plays it. Further settings are the sandbox's.

    `times` and `pass_by` are those of the labs that are opened from then on.
    """

    def __init__(
        self, database: Database, *, ships: int | tuple[str, ...] = 2, agent: str = "LAB", **settings: Any
    ) -> None:
        types = (FRIGATE,) * ships if isinstance(ships, int) else ships
        chosen = {"profile": "lab", "credits": 5_000_000, "open_registration": True, "ships": types}
        self.database = database
        self.times = LeaseTimes()
        self.pass_by: PassBy = pass_by
        self.clock = VirtualClock()
        self.universe = Universe.create(SandboxSettings(**chosen | settings), now=self.clock.now())
        self.app = create_app(self.universe, self.clock)
        self.wire = Wire(httpx2.ASGITransport(app=self.app), self.clock)
        self.token = self.clock.run(self._register(agent))
        self.agent: Agent = self.universe.agents[agent]

    # --- the lab --------------------------------------------------------------------------------------------------

    def play(self, work: Callable[[Lab], Awaitable[T]]) -> T:
        """Open the lab as a new process would, do the work, and close it."""

        async def whole() -> T:
            async with (
                open_game(BASE_URL, self.token, self.clock, transport=self.wire) as game,
                open_lab(game, self.database, self.times) as lab,
            ):
                return await work(replace(lab, chance=Random(1), pass_by=self.pass_by))

        return self.clock.run(whole())

    def scout(self, *ships: str) -> int:
        return self.play(lambda lab: scout(lab, self.system, ships or self.fleet))

    def command(self, **wishes: Any) -> MarketLiquidityExperimentCommand:
        """The command that the user would give for the whole fleet."""
        return MarketLiquidityExperimentCommand(
            **{"ship_symbols": self.fleet, "system_symbol": self.system, "design": FOUR_CELLS} | wishes
        )

    def prepare(self, **wishes: Any) -> Prepared:
        return self.play(lambda lab: prepare(lab, self.command(**wishes)))

    def launch(self, prepared: Prepared) -> ExperimentRun:
        return self.play(lambda lab: launch(lab, prepared))

    def queue(
        self, pairs: Sequence[MarketPair], design: Design = ONE_CELL, *, budget: int = 5_000_000, run_id: str = "run-1"
    ) -> ExperimentRun:
        """A run over just these pairs, past scouting and pricing."""

        async def write(lab: Lab) -> ExperimentRun:
            run = ExperimentRun(
                run_id,
                lab.player_id,
                lab.universe_id,
                self.system,
                design,
                self.fleet,
                seed=0,
                budget=budget,
                status=RunStatus.RUNNING,
                status_reason=None,
                created_at=self.clock.now(),
            )

            def work(connection: Connection) -> None:
                ExperimentRepository(connection).create_run(run, {})
                WorkQueueRepository(connection).enqueue_pairs(run_id, lab.player_id, pairs, now=run.created_at)

            await lab.write(work)
            return run

        return self.play(write)

    def fly(self, run: ExperimentRun, *ships: str, stop: asyncio.Event | None = None) -> list[WorkerReport]:
        """Let the ships (all, unless some are named) work until they leave."""
        return self.play(lambda lab: run_workers(lab, run, ships or self.fleet, stop or asyncio.Event()))

    def resume(self, run: ExperimentRun, *ships: str) -> list[WorkerReport]:
        """What `experiment resume` does."""

        async def go_on(lab: Lab) -> list[WorkerReport]:
            again = await reopen(lab, run.run_id)
            return await run_workers(lab, again, ships or again.ships, asyncio.Event())

        return self.play(go_on)

    # --- what the lab remembers -----------------------------------------------------------------------------------

    def read(self, question: Callable[[Connection], T]) -> T:
        with self.database.reading() as connection:
            return question(connection)

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """The answer to a plain SQL statement."""
        return self.read(lambda c: [dict(row) for row in c.execute(text(statement), values).mappings()])

    def run(self, run: ExperimentRun) -> ExperimentRun:
        return self.read(lambda c: ExperimentRepository(c).get_run(run.run_id))

    def counts(self, run: ExperimentRun) -> dict[str, int]:
        """Pairs by status, without those that do not occur."""
        found = self.read(lambda c: WorkQueueRepository(c).get_queue_status(run.run_id))
        return {status: count for status, count in found.items() if count}

    def records(self, run: ExperimentRun) -> list[TradeRecord]:
        """Every row, in the order of recording."""
        return self.read(lambda c: list(ExperimentRepository(c).records(run.run_id)))

    def errors(self, run: ExperimentRun) -> dict[str, str]:
        """What is said of each pair that FAILED."""
        failed = self.read(lambda c: WorkQueueRepository(c).failed_pairs(run.run_id))
        return {end.pair.pair_id: end.error_message for end in failed}

    def is_empty(self) -> bool:
        """Whether the database knows of no experiment at all."""
        tables = ("experiment_runs", "experiment_work_queue", "experiment_intents", "market_experiments")
        return not any(self.rows(f"SELECT 1 FROM {table} LIMIT 1") for table in tables)

    # --- what the game knows --------------------------------------------------------------------------------------

    @property
    def system(self) -> str:
        return self.universe.home.symbol

    @property
    def fleet(self) -> tuple[str, ...]:
        return tuple(self.universe.fleets[self.agent.symbol])

    def ship(self, number: int = 1) -> ShipState:
        return self.universe.ships[f"{self.agent.symbol}-{number}"]

    def ledger(self, *kinds: str, since: int = 0) -> list[LedgerEntry]:
        """The sandbox's own account of what happened: entries of these kinds (all, unless some are named)."""
        return [
            entry
            for entry in self.universe.ledger[since:]
            if entry.agent == self.agent.symbol and (not kinds or entry.kind in kinds)
        ]

    def requests(self) -> Counter[str]:
        """Requests that the server has answered so far, by method and route."""
        counts: Counter[str] = Counter()
        for (method, template, _), count in self.app.state.requests.items():
            counts[f"{method} {template}"] += count
        return counts

    def markets_of(self, good: str, *kinds: ListingType) -> list[str]:
        """Markets that list the good (as one of these kinds)."""
        return [
            symbol
            for symbol, market in self.universe.home.markets.items()
            if good in market.listings and (not kinds or market.listings[good].kind in kinds)
        ]

    def goods(self) -> list[str]:
        """Everything traded in the system but FUEL."""
        markets = self.universe.home.markets.values()
        return sorted({good for market in markets for good in market.listings} - {"FUEL"})

    def pair(self, good: str | None = None) -> MarketPair:
        """One pair: the good (the first, unless it is named) between its first two markets."""
        return self.pairs(1, *([good] if good else []))[0]

    def pairs(self, count: int, *goods: str) -> list[MarketPair]:
        """So many pairs of distinct goods and markets, as a run would have them."""
        return list(_pairs(self, goods or self.goods()))[:count]

    def set_trade_volume(self, market: str, good: str, volume: int) -> None:
        """Let the market take so many units a transaction, at unchanged prices."""
        listing = self.universe.home.markets[market].listings[good]
        listing.stock = round(listing.stock * volume / listing.trade_volume)
        listing.trade_volume = listing.first_volume = volume

    def universe_id(self) -> int:
        with self.database.transaction() as connection:
            return World(connection).universe_id(BASE_URL, self.universe.reset_date)

    async def _register(self, symbol: str) -> str:
        async with open_game(BASE_URL, None, self.clock, transport=self.wire) as game:
            return (await reads.register(game.client, symbol, "COSMIC", None)).token


def _pairs(rig: Rig, goods: Iterable[str]) -> Iterable[MarketPair]:
    """Goods in turn, and within a good each market to the next one."""
    markets = {good: rig.markets_of(good) for good in goods}
    for step in range(1, max(map(len, markets.values()))):
        for start in range(max(map(len, markets.values()))):
            for good, places in markets.items():
                if start < len(places) and step < len(places):
                    yield MarketPair.of(good, places[start], places[(start + step) % len(places)])

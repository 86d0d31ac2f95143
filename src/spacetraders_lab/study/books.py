"""The two accounts of a run, to be held against each other: what the lab remembers, and what the game knows."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, text
from starlette.applications import Starlette

from spacetraders_lab.core.experiment import Design, ExperimentRun, MarketPair, Menu, RunStatus, TradeRecord
from spacetraders_lab.core.market import ListingType
from spacetraders_lab.run.purse import fuel_money
from spacetraders_lab.sandbox.ledger import LedgerEntry
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.status import failed_pairs
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.store.world import World

T = TypeVar("T")


class Books:
    """One agent of a sandbox that serves at `base_url`, its universe, and a database of the lab's."""

    database: Database
    base_url: str
    app: Starlette
    universe: Universe
    agent: Agent

    def universe_id(self) -> int:
        with self.database.transaction() as connection:
            server = f"{self.base_url}#{self.universe.universe_id}"
            return World(connection).universe_id(server, self.universe.reset_date)

    def write_run(
        self,
        pairs: Sequence[MarketPair],
        design: Design,
        *,
        now: datetime,
        budget: int = 5_000_000,
        run_id: str = "run-1",
        credit_floor: int = 0,
        menus: Mapping[str, Menu] | None = None,
        fuel_on_the_way: int = 0,
    ) -> ExperimentRun:
        """A run of the whole fleet over just these pairs, past scouting and pricing; `menus` by pair_id."""
        universe_id = self.universe_id()
        with self.database.transaction() as connection:
            run = ExperimentRun(
                run_id,
                World(connection).player_id(self.agent.symbol, universe_id),
                universe_id,
                self.system,
                design,
                self.fleet,
                seed=0,
                budget=budget,
                status=RunStatus.RUNNING,
                status_reason=None,
                created_at=now,
                credit_floor=credit_floor,
                kept_for_fuel=fuel_money((self.universe.ships[ship].hull.fuel for ship in self.fleet), fuel_on_the_way),
            )
            ExperimentRepository(connection).create_run(run, {})
            WorkQueueRepository(connection).enqueue_pairs(run_id, run.player_id, pairs, now=now, menus=menus)
        return run

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
        failed = self.read(lambda c: failed_pairs(c, run.run_id))
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


def _pairs(books: Books, goods: Iterable[str]) -> Iterable[MarketPair]:
    """Goods in turn, and within a good each market to the next one."""
    markets = {good: books.markets_of(good) for good in goods}
    for step in range(1, max(map(len, markets.values()))):
        for start in range(max(map(len, markets.values()))):
            for good, places in markets.items():
                if start < len(places) and step < len(places):
                    yield MarketPair.of(good, places[start], places[(start + step) % len(places)])

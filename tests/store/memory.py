"""A database with a run in it, for the store's tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from spacetraders_lab.core.experiment import ClaimedPair, Design, ExperimentRun, MarketPair, RunStatus, Step
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.schema import experiment_work_queue
from spacetraders_lab.store.status import FailedPair, failed_pairs
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.store.world import World
from tests.factories import BUY_MARKET, GOOD, NOON, PAIR, SHIP

LEASE = 60.0
SERVER, RESET = "https://game.example/v2", "2026-02-28"


def after(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def apart(count: int) -> list[MarketPair]:
    """Pairs that share no listing."""
    return [MarketPair.of(f"GOOD_{number}", "X1-GZ7-A1", "X1-GZ7-B2") for number in range(1, count + 1)]


def enter_run(
    database: Database, pairs: Sequence[MarketPair] = (), *, run_id: str = "run-1", max_attempts: int = 5, **fields: Any
) -> ExperimentRun:
    """Write down a run of the hauler with these pairs in its queue."""
    with database.transaction() as connection:
        world = World(connection)
        universe = fields.pop("universe_id", None) or world.universe_id(SERVER, RESET)
        run = ExperimentRun(
            run_id=run_id,
            player_id=world.player_id("AGENT", universe),
            universe_id=universe,
            system_symbol=fields.pop("system_symbol", "X1-GZ7"),
            design=fields.pop("design", Design()),
            ships=fields.pop("ships", (SHIP,)),
            seed=7,
            budget=fields.pop("budget", 100_000),
            status=fields.pop("status", RunStatus.RUNNING),
            status_reason=None,
            created_at=fields.pop("created_at", NOON),
        )
        assert not fields, f"no such fields: {fields}"
        ExperimentRepository(connection).create_run(run, {"pairs": len(pairs)})
        WorkQueueRepository(connection).enqueue_pairs(run_id, run.player_id, pairs, now=NOON, max_attempts=max_attempts)
    return run


def attend(database: Database, run: ExperimentRun, *, lease_seconds: float = 9e8) -> None:
    """Let a daemon have taken the run's ships at noon."""
    with database.transaction() as connection:
        containers = ContainerRepository(connection)
        containers.start(run, run.ships, now=NOON)
        containers.adopt("D-1", [run.player_id], now=NOON, lease_seconds=lease_seconds)


@dataclass(frozen=True)
class Queue:
    """The work queue of a database, each call in a transaction of its own."""

    database: Database

    def claim(
        self, ship: str = SHIP, at: datetime = NOON, *, run_id: str = "run-1", owner: str | None = None
    ) -> ClaimedPair | None:
        """The ship's next pair; the owner is the ship's first worker unless named."""
        with self.database.transaction() as connection:
            return WorkQueueRepository(connection).claim_next_pair(
                run_id, ship, owner=owner or f"{ship}/1", now=at, lease_seconds=LEASE
            )

    def must_claim(self, ship: str = SHIP, at: datetime = NOON, **how: Any) -> ClaimedPair:
        """A claim that gets a pair."""
        claim = self.claim(ship, at, **how)
        assert claim is not None, "nothing was free"
        return claim

    def do(self, verb: str, *arguments: Any, **how: Any) -> Any:
        """Any other verb of the repository."""
        with self.database.transaction() as connection:
            return getattr(WorkQueueRepository(connection), verb)(*arguments, **how)

    def status(self, run_id: str = "run-1") -> dict[str, int]:
        """Pairs by status, those that there are."""
        with self.database.reading() as connection:
            counts = WorkQueueRepository(connection).get_queue_status(run_id)
        return {status: count for status, count in counts.items() if count}

    def failed_pairs(self, run_id: str = "run-1") -> list[FailedPair]:
        """The pairs that failed, and why."""
        with self.database.reading() as connection:
            return failed_pairs(connection, run_id)


def make_step(operation: Operation = Operation.BUY, units: int = 6, **fields: Any) -> Step:
    """The first cell of the default pair."""
    values = {"fraction": 0.1, "iteration": 1, "part": 1} | fields
    market = PAIR.buy_market if operation is Operation.BUY else PAIR.sell_market
    assert PAIR.buy_market == BUY_MARKET
    return Step(operation, values.pop("good_symbol", GOOD), values.pop("market", market), units=units, **values)


def row_of(queue: Queue, pair: MarketPair) -> Row[Any]:
    """The pair as the queue has it."""
    with queue.database.reading() as connection:
        return connection.execute(
            select(experiment_work_queue).where(experiment_work_queue.c.pair_id == pair.pair_id)
        ).one()

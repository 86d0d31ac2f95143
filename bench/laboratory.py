"""Laboratories for benchmarks: whole runs in virtual time on a SQLite file of their own, and what they cost."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spacetraders_lab.core.experiment import Design, ExperimentRun, MarketPair
from spacetraders_lab.core.selection import MarketSelector, queue_order
from spacetraders_lab.store.database import open_database
from spacetraders_lab.study.rig import Exchange, Rig

CREDITS = 10**12


@contextmanager
def laboratory(**settings: Any) -> Iterator[Rig]:
    """A laboratory with a purse that never ends; settings as for `Rig`."""
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory() as folder:
        database = open_database(path=Path(folder) / "lab.db", durable=False)
        try:
            yield Rig(database, credits=CREDITS, **{"seed": 3} | settings)
        finally:
            database.close()


def all_pairs(rig: Rig) -> list[MarketPair]:
    """Every pair of every good, in the order in which a run would queue them."""
    selector = MarketSelector()
    return queue_order(
        pair for good in rig.goods() for pair in selector.generate_market_pairs(rig.markets_of(good), good)
    )


def queue(rig: Rig, pairs: list[MarketPair], design: Design | None = None, run_id: str = "run-1") -> ExperimentRun:
    """A run over these pairs with a budget that never ends."""
    return rig.queue(pairs, design or Design(), budget=CREDITS, run_id=run_id)


@dataclass(slots=True)
class Meter:
    """Counts trades as the game confirms them, and notes at each of `marks` how much CPU went by until then."""

    rig: Rig
    marks: tuple[int, ...]
    trades: int = 0
    cpu_at: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cpu_at[0] = time.process_time()
        self.rig.wire.after = self._note

    def _note(self, exchange: Exchange) -> None:
        if exchange.status == 201 and exchange.path.endswith(("/purchase", "/sell")):
            self.trades += 1
            if self.trades in self.marks:
                self.cpu_at[self.trades] = time.process_time()

    def milliseconds_a_trade(self, first: int, last: int) -> float:
        """CPU of a trade between two marks."""
        return 1000 * (self.cpu_at[last] - self.cpu_at[first]) / (last - first)

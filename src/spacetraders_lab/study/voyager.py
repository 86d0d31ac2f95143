"""A ship of the fast path and the pair that it is at: what a run's session remembers of it, and nothing more."""

from collections import Counter
from dataclasses import dataclass, field

from spacetraders_lab.core.experiment import Design, Skip, TradeRecord
from spacetraders_lab.core.ledger import units_held
from spacetraders_lab.core.market import MarketSnapshot
from spacetraders_lab.core.observation import Visit
from spacetraders_lab.core.protocol import Leftover, PairFacts
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.study.assignments import Assignment
from spacetraders_lab.study.worlds import World


@dataclass(slots=True)
class Voyager:
    """A ship and what it is at; `records`, `skips` and `brackets` are the pair's. `market` is what it sees now."""

    ship: Ship
    task: Assignment | None = None
    records: list[TradeRecord] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    brackets: Counter[str] = field(default_factory=Counter)
    market: MarketSnapshot | None = None
    visit: Visit = field(default_factory=lambda: Visit("", 0, 0))
    cannot_buy: bool = False

    def begin(self, task: Assignment) -> None:
        self.task = task
        self.records, self.skips, self.brackets = [], list(task.skips), Counter()
        self.cannot_buy = False
        self.begin_visit()

    def begin_visit(self) -> None:
        assert self.task is not None
        so_far = len({row.visit_id for row in self.records})
        self.visit = Visit(f"{self.task.number}-1-{so_far + 1}", 0, 0)

    def facts(self, design: Design) -> PairFacts:
        assert self.task is not None
        return PairFacts(
            design,
            tuple(self.records),
            self.market,
            self._leftovers(design),
            cannot_buy=self.cannot_buy,
            own_menu=self.task.menu,
            skips=tuple(self.skips),
            brackets=self.brackets,
        )

    def _leftovers(self, design: Design) -> tuple[Leftover, ...]:
        """What was bought for the pair and no planned trade will sell any more."""
        assert self.task is not None
        pair, menu = self.task.pair, self.task.menu or design.menu
        units = self.ship.units_of(pair.good_symbol) - units_held(menu, self.records, self.skips)
        if units <= 0:
            return ()
        parts = sum(row.cell is None for row in self.records)
        return (Leftover(pair.good_symbol, units, (pair.sell_market, pair.buy_market), parts),)


def new_ship(world: World, system: System, number: int) -> Ship:
    """A ship of the world's fleet at its beginning: docked at headquarters with a full tank and an empty hold."""
    return Ship(
        symbol=f"LAB-{number:X}",
        waypoint=system.headquarters,
        status=NavStatus.DOCKED,
        flight_mode=FlightMode.CRUISE,
        speed=world.speed,
        fuel=world.fuel,
        fuel_capacity=world.fuel,
        cargo_capacity=world.hold,
    )

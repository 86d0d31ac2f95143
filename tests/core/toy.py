"""A toy game for the protocol: two markets, one ship, and a driver that does what `next_action` says, to the end.

The markets refuse what the real ones refuse. The driver remembers nothing but the rows and the ship; a crash at a
given action costs it what it had in memory, as a killed worker is cost it.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta

from spacetraders_lab.core.commands import DockShipCommand, GetMarketQuery, NavigateShipCommand
from spacetraders_lab.core.experiment import Design, MarketPair, Menu, Skip, Step, TradeRecord
from spacetraders_lab.core.ledger import units_held
from spacetraders_lab.core.market import MarketSnapshot, Operation
from spacetraders_lab.core.observation import TradeContext, Visit, trade_record
from spacetraders_lab.core.protocol import (
    Action,
    Leftover,
    NoFunds,
    PairDone,
    PairFacts,
    PairFailed,
    PlaceboReading,
    SkipTrades,
    next_action,
)
from spacetraders_lab.core.ship import NavStatus, Ship
from tests.factories import NOON, PAIR, make_good, make_ship, make_snapshot, make_transaction

Ending = PairDone | PairFailed | NoFunds


@dataclass
class ToyGame:
    """One pair of one ship. `trade_volumes` are those of the buy and of the sell market."""

    design: Design = field(default_factory=Design)
    trade_volumes: tuple[int, int] = (60, 60)
    ship: Ship = field(default_factory=make_ship)
    pair: MarketPair = PAIR
    records: list[TradeRecord] = field(default_factory=list)
    market: MarketSnapshot | None = None
    cannot_buy: bool = False
    menu: Menu | None = None
    skips: list[Skip] = field(default_factory=list)
    brackets: Counter[str] = field(default_factory=Counter)
    steps_of_price: int = 0  # by which every trade moves the quotes, in credits
    actions: int = 0
    flights: int = 0
    reads: int = 0

    def __post_init__(self) -> None:
        good = make_good(self.pair.good_symbol)
        self.goods = {
            market: replace(good, trade_volume=trade_volume)
            for market, trade_volume in zip(
                (self.pair.buy_market, self.pair.sell_market), self.trade_volumes, strict=True
            )
        }

    def play(
        self,
        crashes: Collection[int] = (),
        before: Callable[["ToyGame"], None] = lambda game: None,
        limit: int = 10_000,
    ) -> Ending:
        """Play to the end; `crashes` are the numbers of the actions in which the worker is killed."""
        while self.actions < limit:
            before(self)
            facts = PairFacts(
                self.design,
                tuple(self.records),
                self.market,
                self._leftovers(),
                self.cannot_buy,
                own_menu=self.menu,
                skips=tuple(self.skips),
                brackets=self.brackets,
            )
            action = next_action(self.pair, facts, self.ship)
            if isinstance(action, PairDone | PairFailed | NoFunds):
                return action
            self._do(action, crashed=self.actions in crashes)
            self.actions += 1
        raise AssertionError(f"no end after {limit} actions")

    def _leftovers(self) -> tuple[Leftover, ...]:
        good = self.pair.good_symbol
        units = self.ship.units_of(good) - units_held(self.menu or self.design.menu, self.records, self.skips)
        parts = sum(row.batch_size_fraction is None for row in self.records)
        return (Leftover(good, units, (self.pair.sell_market,), parts),) if units else ()

    def _do(self, action: Action, *, crashed: bool) -> None:
        match action:
            case NavigateShipCommand():
                self._fly(action.destination, crashed)
            case DockShipCommand():
                assert self.ship.status is not NavStatus.IN_TRANSIT
                self.ship = replace(self.ship, status=NavStatus.DOCKED)
            case GetMarketQuery():
                assert self.ship.waypoint == action.waypoint
                self._read()
            case PlaceboReading():
                assert self.market is not None
                self._read()
                self.brackets[action.waypoint] += 1
            case SkipTrades():
                self.skips += action.skips
            case Step():
                self._trade(action, crashed)
        if crashed:
            self.market = None

    def _fly(self, destination: str, crashed: bool) -> None:
        """A flight in which the worker is killed still ends, but somebody has to look after it."""
        elsewhere = self.ship.waypoint != destination
        assert elsewhere or self.ship.status is NavStatus.IN_TRANSIT, "a flight to where the ship is"
        self.flights += elsewhere
        self.market = None
        self.ship = replace(
            self.ship, waypoint=destination, status=NavStatus.IN_TRANSIT if crashed else NavStatus.IN_ORBIT
        )

    def _read(self) -> None:
        self.reads += 1
        self.market = make_snapshot(self.ship.waypoint, [self.goods[self.ship.waypoint]])

    def _trade(self, step: Step, crashed: bool) -> None:
        """A trade after which the worker is killed is recorded later, without the read after it."""
        buying = step.operation is Operation.BUY
        assert self.market is not None, "a trade without a snapshot before it"
        assert self.ship.status is NavStatus.DOCKED
        assert self.ship.waypoint == step.market
        assert 1 <= step.units <= self.goods[step.market].trade_volume
        assert step.units <= (self.ship.free_space if buying else self.ship.units_of(step.good_symbol))
        context = TradeContext(self.pair, Visit("visit", 1, step.units), self.market.goods[step.good_symbol], NOON)
        signed = step.units if buying else -step.units
        self.ship = self.ship.with_units(step.good_symbol, self.ship.units_of(step.good_symbol) + signed)
        good = self.goods[step.market]
        moved = self.steps_of_price if buying else -self.steps_of_price
        self.goods[step.market] = replace(
            good, purchase_price=max(1, good.purchase_price + moved), sell_price=max(1, good.sell_price + moved)
        )
        if not crashed:
            self._read()
        transaction = make_transaction(
            step.operation, step.units, waypoint=step.market, timestamp=NOON + timedelta(seconds=self.actions)
        )
        self.records.append(
            trade_record(
                step,
                transaction,
                context,
                run_id="run-1",
                player_id=1,
                take=1,
                ship=self.ship,
                after=None if crashed else self.market,
                recovered=crashed,
            )
        )

    def steps(self) -> list[tuple[Operation, float | None, int, int, int]]:
        """What was traded, in order: operation, fraction, iteration, part, units."""
        return [(row.operation, row.batch_size_fraction, row.iteration, row.part, row.units) for row in self.records]

    @property
    def visits(self) -> int:
        """Times that the ship traded at a market and then not, or elsewhere."""
        where = [row.operation for row in self.records]
        return sum(i == 0 or where[i - 1] is not operation for i, operation in enumerate(where))

"""Whatever players do, nothing appears and nothing vanishes: credits, cargo, stocks, fuel, held against the ledger."""

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from spacetraders_lab.core.market import ListingType
from spacetraders_lab.sandbox.goods import FUEL, RECIPES
from tests.sandbox.player import Player

PURSE = 300_000
GOODS = sorted({"IRON", "IRON_ORE", "COPPER", "EXPLOSIVES", "PLASTICS", "JEWELRY", FUEL} & {*RECIPES, FUEL})


class Players(RuleBasedStateMachine):
    """Two ships of one agent in the laboratory, doing anything in any order, refused or not."""

    @initialize(seed=st.integers(0, 30), npc=st.sampled_from([0, 40]))
    def begin(self, seed: int, npc: int) -> None:
        ships = ("SHIP_COMMAND_FRIGATE", "SHIP_LIGHT_SHUTTLE")
        self.player = Player(profile="lab", seed=seed, credits=PURSE, ships=ships, npc_traders=npc)
        self.markets = self.player.universe.home.markets
        self.first = {(m, g): x.stock for m, place in self.markets.items() for g, x in place.listings.items()}
        self.refused: Counter[int] = Counter()

    def send(self, ship: int, action: str, body: Any = None) -> None:
        reply = self.player.send("POST", f"/my/ships/TESTER-{ship}/{action}", json=body)
        assert reply.status_code < 500
        if reply.is_error:
            self.refused[reply.json()["error"]["code"]] += 1

    ships = st.integers(1, 2)
    goods = st.sampled_from(GOODS)
    units = st.integers(1, 25)

    @rule(ship=ships, good=goods, units=units, action=st.sampled_from(["purchase", "purchase", "sell", "jettison"]))
    def move_cargo(self, ship: int, good: str, units: int, action: str) -> None:
        self.send(ship, action, {"symbol": good, "units": units})

    @rule(ship=ships, good=goods, units=units)
    def transfer(self, ship: int, good: str, units: int) -> None:
        self.send(ship, "transfer", {"tradeSymbol": good, "units": units, "shipSymbol": f"TESTER-{3 - ship}"})

    @rule(ship=ships, place=st.integers(0, 7))
    def fly(self, ship: int, place: int) -> None:
        self.send(ship, "orbit")
        self.send(ship, "navigate", {"waypointSymbol": list(self.markets)[place]})

    @rule(ship=ships, action=st.sampled_from(["dock", "dock", "orbit"]))
    def moor(self, ship: int, action: str) -> None:
        self.send(ship, action)

    @rule(ship=ships, body=st.sampled_from([None, {"units": 120}, {"fromCargo": True}]))
    def refuel(self, ship: int, body: Any) -> None:
        self.send(ship, "refuel", body)

    @rule(seconds=st.sampled_from([1, 60, 200, 3600, 90_000]))
    def wait(self, seconds: int) -> None:
        self.player.clock.advance(seconds)

    def entries(self, *kinds: str) -> list[Any]:
        return [entry for entry in self.player.universe.ledger if entry.kind in kinds and entry.agent == "TESTER"]

    @invariant()
    def credits_are_what_the_ledger_says(self) -> None:
        paid = sum(entry.total for entry in self.entries("PURCHASE", "REFUEL"))
        earned = sum(entry.total for entry in self.entries("SELL"))
        assert self.player.agent.credits == PURSE - paid + earned >= 0
        trades = self.entries("PURCHASE", "REFUEL", "SELL")
        if trades:
            assert trades[-1].credits_after == self.player.agent.credits

    @invariant()
    def holds_are_what_the_ledger_says(self) -> None:
        expected: Counter[tuple[str, str]] = Counter()
        for kind, sign in {
            "PURCHASE": 1, "TRANSFER_IN": 1, "SELL": -1, "JETTISON": -1, "TRANSFER_OUT": -1, "REFUEL_FROM_CARGO": -1,
        }.items():  # fmt: skip
            for entry in self.entries(kind):
                expected[entry.ship_symbol, entry.good] += sign * entry.units
        for ship in self.player.universe.ships.values():
            assert ship.hold == {g: n for (s, g), n in expected.items() if s == ship.symbol and n}
            assert 0 <= ship.cargo_units <= ship.capacity
            assert 0 <= ship.fuel <= ship.hull.fuel

    @invariant()
    def stocks_change_by_trade_and_by_production_only(self) -> None:
        moved: Counter[tuple[str, str]] = Counter()
        for entry in self.player.universe.ledger:
            if entry.kind in ("PURCHASE", "REFUEL", "SELL"):
                moved[entry.waypoint, entry.good] += entry.units if entry.kind == "SELL" else -entry.units
        for symbol, place in self.markets.items():
            for good, x in place.listings.items():
                made = x.stock - self.first[symbol, good] - moved[symbol, good]
                if x.kind is ListingType.EXPORT:
                    assert made >= 0
                elif x.kind is ListingType.IMPORT:
                    assert made <= 0
                else:
                    assert made == 0

    @invariant()
    def the_ledger_only_grows(self) -> None:
        ledger = self.player.universe.ledger
        assert [entry.sequence for entry in ledger] == list(range(1, len(ledger) + 1))


Players.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestConservation = Players.TestCase

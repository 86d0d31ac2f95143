"""The game as commands need it: the client, and what was learned of the world that does not change until a reset."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.jumping import Gates
from spacetraders_lab.core.legs import LegTable, leg_table
from spacetraders_lab.core.market import MarketSnapshot
from spacetraders_lab.core.planning import Ways
from spacetraders_lab.core.routing import Preference
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.game.client import GameClient
from spacetraders_lab.game.reads import get_market, list_waypoints

_table = lru_cache(16)(leg_table)  # the same for all accounts of a universe


@dataclass(frozen=True, slots=True)
class Game:
    """One account's game, shared by its ships. `preference` is what makes a route the best.

    `waypoints` by system, `sells_fuel` by market and `gates` are filled as they are needed; whoever knows them already
    may put them in, which saves the requests. `cooldowns` are the times from which on ships may jump again; `ways` are
    the ways of an engine that were found already (`game.ways`).
    """

    client: GameClient
    clock: Clock
    waypoints: dict[str, tuple[Waypoint, ...]] = field(default_factory=dict)
    sells_fuel: dict[str, bool] = field(default_factory=dict)
    gates: Gates = field(default_factory=Gates)
    cooldowns: dict[str, datetime] = field(default_factory=dict)
    preference: Preference = Preference.FASTEST
    ways: dict[Hashable, Ways] = field(default_factory=dict, repr=False)
    _legs: dict[tuple[str, int], LegTable] = field(default_factory=dict, repr=False)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    def now(self) -> datetime:
        """The hour by the game's clock, which stamps all that is measured."""
        return self.client.skew.games(self.clock.now())

    async def map(self, system: str) -> tuple[Waypoint, ...]:
        """The waypoints of a system, read once however many ships ask at the same time."""
        async with self._reading:
            if system not in self.waypoints:
                self.waypoints[system] = await list_waypoints(self.client, system)
        return self.waypoints[system]

    async def legs(self, system: str, speed: int) -> LegTable:
        """The flights of a system for an engine."""
        waypoints = await self.map(system)
        if (system, speed) not in self._legs:
            self._legs[system, speed] = _table(waypoints, speed)
        return self._legs[system, speed]

    async def fuel_stations(self, system: str) -> frozenset[str]:
        """Waypoints that sell fuel, as far as known: a market is taken to sell it until it was seen not to."""
        waypoints = await self.map(system)
        return frozenset(w.symbol for w in waypoints if w.has_market and self.sells_fuel.get(w.symbol, True))

    async def make_sure_of_fuel(self, market: str) -> None:
        """Learn whether a market sells fuel, unless that is known; no ship has to be there."""
        if market not in self.sells_fuel:
            self.learn(await get_market(self.client, market))

    def learn(self, snapshot: MarketSnapshot) -> None:
        """Keep what a market's lists say for good."""
        self.sells_fuel[snapshot.waypoint] = "FUEL" in snapshot.listed

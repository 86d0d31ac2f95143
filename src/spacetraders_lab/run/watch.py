"""Keeps a system's prices fresh within a budget of requests, the stalest and most valuable markets first."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from spacetraders_lab.core.legs import LegTable
from spacetraders_lab.core.market import Listing
from spacetraders_lab.core.routing import Unreachable, route_of
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.touring import Watched, next_visit
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.scout import scouts, visit
from spacetraders_lab.store.world import World

FRESH_SECONDS = 300.0  # of game time; quotes move by themselves every half hour
_PAUSE_SECONDS = 30.0  # of game time, while everything is fresh


@dataclass(slots=True)
class _Shared:
    """What the ships of one watch share: when each market was read, and which ones are being flown to."""

    lab: Lab
    system: str
    markets: Sequence[str]
    read_at: dict[str, datetime]
    value: Mapping[str, float]
    taken: set[str] = field(default_factory=set)

    def watched(self) -> list[Watched]:
        """Every market; one that was never read is as old as can be."""
        now, speed = self.lab.game.now(), self.lab.game.client.speed
        typical = max(self.value.values(), default=0.0)  # what was never seen may be worth most
        return [
            Watched(
                market,
                speed * (now - self.read_at[market]).total_seconds() if market in self.read_at else 1e6,
                self.value.get(market, typical),
            )
            for market in self.markets
        ]

    async def choose(self, ship: Ship) -> str | None:
        """Take the market that the ship reads next; other ships' targets, and where they are parked, are theirs."""
        table = await self.lab.game.legs(self.system, ship.speed)
        stations = await self.lab.game.fuel_stations(self.system)
        free = [market for market in self.markets if market not in self.taken or market == ship.waypoint]
        seconds = _seconds_to(ship, free, table, stations)
        chosen = next_visit(self.watched(), seconds, fresh_seconds=FRESH_SECONDS)
        if chosen is None:
            return None
        self.taken.discard(ship.waypoint)
        self.taken.add(chosen.waypoint)
        return chosen.waypoint


def _seconds_to(ship: Ship, markets: Sequence[str], table: LegTable, stations: Collection[str]) -> dict[str, float]:
    """The flight to each market that the ship can reach."""
    seconds = {}
    for market in markets:
        with suppress(Unreachable):
            seconds[market] = float(route_of(ship, table, market, stations).seconds)
    return seconds


class _Budget:
    """Requests that may be made: at most so many in a minute, all of the client's counted."""

    def __init__(self, lab: Lab, per_minute: float) -> None:
        self._lab, self._per_second = lab, per_minute / 60
        self._began, self._before = lab.clock.monotonic(), lab.game.client.requests.total()

    def seconds_to_wait(self) -> float:
        """Seconds of the clock until what was spent is within the budget again."""
        spent = self._lab.game.client.requests.total() - self._before
        passed = (self._lab.clock.monotonic() - self._began) * self._lab.game.client.speed
        return max(0.0, spent / self._per_second - passed) / self._lab.game.client.speed


async def watch(
    lab: Lab,
    system: str,
    ship_symbols: Sequence[str],
    stop: asyncio.Event,
    *,
    requests_per_minute: float,
    visited: Callable[[str, int], None] = lambda *_: None,
) -> int:
    """Read markets again and again until `stop` is set; returns how often. `visited(market, readings)` reports each.

    A ship goes where most stale value is renewed for the time that it takes. One that stays at its market reads it
    with one request every few minutes. Ends at once when stopped, but for a flight that has begun, which is not
    waited for. `requests_per_minute` of game time holds for all ships together.
    """
    ships = await scouts(lab, system, ship_symbols)
    listings = await lab.read(lambda c: World(c).latest_listings(lab.universe_id, system))
    markets = [w.symbol for w in await lab.game.map(system) if w.has_market]
    shared = _Shared(lab, system, markets, _read_at(listings), _values(listings))
    shared.taken.update(ship.waypoint for ship in ships)
    budget, readings = _Budget(lab, requests_per_minute), 0

    async def keep(ship: Ship) -> None:
        nonlocal readings
        while True:
            await lab.clock.sleep(budget.seconds_to_wait())
            market = await shared.choose(ship)
            if market is None:
                await lab.clock.sleep(_PAUSE_SECONDS / lab.game.client.speed)
                continue
            ship = await visit(lab, ship, market)
            shared.read_at[market] = lab.game.now()
            readings += 1
            visited(market, readings)

    keepers = [asyncio.ensure_future(keep(ship)) for ship in ships]
    stopped = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait({stopped, *keepers}, return_when=asyncio.FIRST_COMPLETED)
        for ended in done - {stopped}:
            ended.result()  # a keeper ends only by an error
    finally:
        for task in (stopped, *keepers):
            task.cancel()
        await asyncio.gather(stopped, *keepers, return_exceptions=True)
    return readings


def _read_at(listings: Sequence[Listing]) -> dict[str, datetime]:
    return {x.waypoint: x.observed_at for x in sorted(listings, key=lambda x: x.observed_at)}


def _values(listings: Sequence[Listing]) -> dict[str, float]:
    """Credits that a full transaction of every listing of a market moves."""
    values: dict[str, float] = {}
    for listing in listings:
        worth = float(listing.good.trade_volume * listing.good.sell_price)
        values[listing.waypoint] = values.get(listing.waypoint, 0.0) + worth
    return values

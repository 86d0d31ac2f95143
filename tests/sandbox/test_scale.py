"""Speed and size: what a request costs, and what a long day with a hundred ships leaves in memory."""

import asyncio
import time
import tracemalloc
from datetime import timedelta
from random import Random
from typing import Any

from spacetraders_lab.core.market import Operation
from spacetraders_lab.sandbox import flight, trade
from spacetraders_lab.sandbox.agents import register
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from tests.sandbox.player import START, Player


def test_a_market_costs_less_than_300_microseconds():
    player = Player(profile="home", npc_traders=50)
    player.clock.advance(3 * 86_400)
    busiest = max(player.universe.home.markets.values(), key=lambda market: len(market.listings))
    player.ship.waypoint = busiest.waypoint
    path = player.market_path(busiest.waypoint)
    assert len(player.get(path)["tradeGoods"]) > 15

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/v2{path}",
        "query_string": b"",
        "headers": [(b"authorization", player.headers["authorization"].encode())],
        "client": ("127.0.0.1", 1),
    }
    replies = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        replies.append(message)

    async def cost(requests: int) -> float:
        began = time.process_time()
        for _ in range(requests):
            await player.app(dict(scope), receive, send)
        return (time.process_time() - began) / requests

    assert min(asyncio.run(cost(100)) for _ in range(5)) < 300e-6
    assert replies[0]["status"] == 200


def test_a_day_with_a_hundred_ships_stays_small():
    """A day has at most 216,000 requests (2.5 a second), a ledger entry each; a part of it tells what one takes."""
    settings = SandboxSettings(profile="lab", credits=10**12, ships=("SHIP_COMMAND_FRIGATE",) * 100)
    universe = Universe.create(settings, START)
    _, ships = register(universe, "BIG", "COSMIC", START)
    random, markets = Random(1), universe.home.markets
    tracemalloc.start()
    for number in range(4000):
        now = START + timedelta(seconds=number * 4)
        ship = ships[number % 100]
        ship.settle(now)
        flight.dock(universe, ship, now)
        good = random.choice([good for good in markets[ship.waypoint].listings if good != FUEL])
        trade.purchase(universe, ship, good, 2, now)
        trade.sell(universe, ship, good, 2, now)
        trade.refuel(universe, ship, None, False, now)
        flight.orbit(universe, ship, now)
        flight.navigate(universe, ship, random.choice([x for x in markets if x != ship.waypoint]), now)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(universe.ledger) > 20_000
    assert used / len(universe.ledger) * 216_000 < 150e6


def test_looking_at_a_market_where_nobody_trades_costs_nothing_however_long_ago_the_last_look_was():
    universe = Universe.create(SandboxSettings(), START)
    place = next(iter(universe.home.markets.values()))
    place.move(FUEL, Operation.BUY, 1)
    began = time.process_time()
    for day in range(1000):
        universe.market(place.waypoint, START + timedelta(days=day))
    assert time.process_time() - began < 1

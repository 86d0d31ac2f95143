"""Work and size: what a request takes, and what a long day with a hundred ships leaves in memory."""

import asyncio
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
from tests.counting import calls_of
from tests.sandbox.player import START, Player


def test_a_market_takes_four_hundred_calls_to_show():
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

    async def ask(times: int) -> None:
        for _ in range(times):
            await player.app(dict(scope), receive, send)

    once, more = (calls_of(lambda times=times: asyncio.run(ask(times))) for times in (1, 101))
    assert replies[0]["status"] == 200
    assert (more - once) / 100 < 450  # 18 goods and the gate, the limit and the clock: 390


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
    first, next_day, after_years = (
        calls_of(lambda day=day: universe.market(place.waypoint, START + timedelta(days=day))) for day in (1, 2, 2000)
    )
    assert after_years == next_day <= first

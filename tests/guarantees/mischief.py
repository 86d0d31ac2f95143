"""What the world and the player's own hand do to a run while its ships are at work, for the lives of `lives`.

A trade by hand would be one more entry in the game's ledger, to be told from the run's; so here nobody trades.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2

from spacetraders_lab.game import moves, reads
from spacetraders_lab.run.app import Lab

if TYPE_CHECKING:
    from tests.guarantees.lives import Life


def _some_listing(life: Life) -> tuple[str, str]:
    """A listing of a pair of the run."""
    pairs = life.rig.rows(
        "SELECT good_symbol, buy_market, sell_market FROM experiment_work_queue WHERE run_id = :run ORDER BY queue_id",
        run=life.run.run_id,
    )
    if not pairs:  # an adaptive run has not chosen any yet
        pair = life.rig.pair()
        return pair.buy_market, pair.good_symbol
    pair = life.chance.choice(pairs)
    return pair[life.chance.choice(["buy_market", "sell_market"])], pair["good_symbol"]


async def change_volume(life: Life) -> None:
    """A market takes more or fewer units a transaction from now on."""
    market, good = _some_listing(life)
    if listing := life.rig.universe.home.markets[market].listings.get(good):
        life.rig.set_trade_volume(market, good, max(1, round(listing.trade_volume * life.chance.uniform(0.3, 2.0))))


async def take_off_the_list(life: Life) -> None:
    """A market does not trade a good for a while."""
    market, good = _some_listing(life)
    place = life.rig.universe.home.markets[market]
    if good not in place.listings:
        return
    taken = place.listings[good]
    place.restore([listing for listing in place.listings.values() if listing is not taken], [], place.progress)

    def put_back() -> None:
        place.restore([*place.listings.values(), taken], [], place.progress)

    asyncio.get_running_loop().call_later(life.chance.uniform(1, 40), put_back)


async def close_a_market(life: Life) -> None:
    """A market cannot be read for a while, nor traded at."""
    market, _ = _some_listing(life)
    until = life.rig.clock.elapsed + life.chance.uniform(1, 40)
    status = life.chance.choice([404, 500])

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        if life.rig.clock.elapsed >= until or not request.url.path.endswith(f"{market}/market"):
            return None
        return httpx2.Response(status, json={"error": {"message": "no", "code": 404 if status == 404 else 0}})

    life.rig.wire.before = answer


async def turn_away(life: Life) -> None:
    """Another program has used up what the account may ask: for minutes the layer in front answers 429."""
    until = life.rig.clock.elapsed + life.chance.uniform(10, 240)
    life.rig.wire.before = lambda _: httpx2.Response(429) if life.rig.clock.elapsed < until else None


async def fly_by_hand(life: Life) -> None:
    """The player sends a ship that is at work somewhere else."""
    symbol = life.some_ship()
    target = life.chance.choice(sorted(life.rig.universe.home.markets))

    async def fly(lab: Lab) -> None:
        ship = await moves.orbit(lab.game, await reads.get_ship(lab.game.client, symbol))
        if ship.waypoint != target:
            await moves.set_off(lab.game, ship, target)

    await life.rig.process(fly)


async def throw_overboard(life: Life) -> None:
    """The player throws away some of what a ship has aboard.

    Not of what it may just have bought: thrown away whole, that cannot be told from what it has not (a residual hole).
    """
    ship = life.rig.universe.ships[life.some_ship()]
    in_doubt = {
        row["good_symbol"]
        for row in life.rig.rows(
            "SELECT good_symbol FROM experiment_intents WHERE state = 'OPEN' AND ship_symbol = :ship", ship=ship.symbol
        )
    }
    if goods := sorted(good for good, units in ship.hold.items() if units and good not in in_doubt):
        good = life.chance.choice(goods)
        ship.load(good, -life.chance.randint(1, ship.hold[good]))


async def scrap(life: Life) -> None:
    """The player scraps a ship, with all that it has aboard."""
    if len(life.rig.fleet) > 1:
        symbol = life.some_ship()
        life.scrapped.add(symbol)
        del life.rig.universe.ships[symbol], life.rig.universe.fleets[life.rig.agent.symbol][symbol]

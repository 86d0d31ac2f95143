"""Other traders: how often they come, what they trade and at what price, and that players see all of it."""

import math
import statistics
from datetime import timedelta

import pytest

from spacetraders_lab.core.market import ListingType, Operation
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from spacetraders_lab.sandbox.visitors import mean_gap, wait, wish
from tests.sandbox.player import START, Player

SETTINGS = SandboxSettings(npc_traders=4, npc_trade_minutes=5)


def test_nobody_comes_unless_told():
    assert mean_gap(SandboxSettings(), 25) == math.inf
    assert wait(SandboxSettings(), "X1-AA11-A1", 0, math.inf) == math.inf
    universe = Universe.create(SandboxSettings(), START)
    for symbol in universe.home.markets:
        assert not universe.market(symbol, START + timedelta(days=30)).transactions


def test_waits_have_the_mean_that_the_settings_make_and_are_drawn_by_name():
    gap = mean_gap(SETTINGS, markets=20)
    assert gap == 5 * 60 * 20 / 4
    waits = [wait(SETTINGS, "X1-AA11-A1", number, gap) for number in range(3000)]
    assert statistics.mean(waits) == pytest.approx(gap, rel=0.05)
    assert statistics.stdev(waits) == pytest.approx(gap, rel=0.1)
    assert waits[7] == wait(SETTINGS, "X1-AA11-A1", 7, gap) != wait(SETTINGS, "X1-AA11-B2", 7, gap)


def test_wishes_are_legal_and_make_sense():
    listings = Universe.create(SETTINGS, START).home.markets
    seen = set()
    for waypoint, market in listings.items():
        for number in range(60):
            wanted = wish(SETTINGS, waypoint, number, market.listings)
            if wanted is None:
                continue
            trader, listing, operation, units = wanted
            seen.add((listing.kind, operation))
            assert trader in {"NPC-1", "NPC-2", "NPC-3", "NPC-4"}
            assert listing.good != FUEL
            assert 1 <= units <= listing.trade_volume
            assert listing.tranches > 4 if operation is Operation.BUY else listing.tranches < 4
    assert (ListingType.EXPORT, Operation.BUY) in seen
    assert (ListingType.IMPORT, Operation.SELL) in seen
    assert (ListingType.EXPORT, Operation.SELL) not in seen
    assert (ListingType.IMPORT, Operation.BUY) not in seen


def test_players_see_what_others_traded_and_what_it_did_to_the_quote():
    player = Player(profile="lab", seed=3, npc_traders=30)
    path = player.market_path(player.ship.waypoint)
    before = player.get(path)
    assert before["transactions"] == []
    while not (seen := player.get(path))["transactions"]:
        player.clock.advance(5)
    first = seen["transactions"][0]
    assert first["shipSymbol"].startswith("NPC-")
    quoted = next(x for x in before["tradeGoods"] if x["symbol"] == first["tradeSymbol"])
    assert first["pricePerUnit"] == quoted["purchasePrice" if first["type"] == "PURCHASE" else "sellPrice"]
    after = next(x for x in seen["tradeGoods"] if x["symbol"] == first["tradeSymbol"])
    change = 1 if first["type"] == "PURCHASE" else -1
    assert change * (after["purchasePrice"] - quoted["purchasePrice"]) >= 0  # rounding may hide it
    entry = player.universe.ledger[-1]
    assert (entry.ship_symbol, entry.units, entry.total) == (first["shipSymbol"], first["units"], first["totalPrice"])
    assert (entry.credits_after, entry.cargo_after) == (0, 0)


def test_others_are_no_agents_of_the_game():
    player = Player(profile="lab", npc_traders=30)
    player.clock.advance(10_000)
    player.get(player.market_path(player.ship.waypoint))
    assert [x["symbol"] for x in player.get("/agents")] == ["TESTER"]
    assert player.get("/")["stats"]["ships"] == 2

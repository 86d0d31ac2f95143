"""The ledger and the truth: what they hold, that the ledger cannot be altered, and that the truth predicts quotes."""

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest

from spacetraders_lab.core.market import ListingType
from spacetraders_lab.sandbox.economy import game_prices, rounded
from spacetraders_lab.sandbox.ledger import LedgerEntry
from spacetraders_lab.sandbox.truth import dump_truth, truth
from tests.sandbox.player import START, Player


@pytest.fixture
def player() -> Player:
    player = Player(profile="lab", seed=3, credits=10**6)
    here = player.ship.waypoint
    good = next(iter(player.universe.home.markets[here].listings))
    player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": 5})
    player.post(f"{player.ship_path}/sell", {"symbol": good, "units": 2})
    player.ship.fuel = 100
    player.post(f"{player.ship_path}/refuel")
    player.post(f"{player.ship_path}/jettison", {"symbol": good, "units": 1})
    player.post("/my/ships", {"shipType": "SHIP_PROBE", "waypointSymbol": here})
    player.clock.advance(77)
    player.post(f"{player.ship_path}/orbit")
    player.patch(f"{player.ship_path}/nav", {"flightMode": "BURN"})
    player.post(f"{player.ship_path}/navigate", {"waypointSymbol": list(player.universe.home.markets)[2]})
    return player


def test_every_change_is_in_the_ledger_in_its_order(player):
    assert [entry.kind for entry in player.universe.ledger] == [
        "REGISTER", "REGISTER", "PURCHASE", "SELL", "REFUEL", "JETTISON", "SHIP_PURCHASE", "ORBIT", "FLIGHT_MODE",
        "NAVIGATE",
    ]  # fmt: skip


def test_an_entry_says_who_did_what_where_for_how_much_and_what_was_left(player):
    bought = player.universe.ledger[2]
    assert bought == LedgerEntry(
        sequence=3,
        timestamp=START,
        agent="TESTER",
        ship_symbol="TESTER-1",
        kind="PURCHASE",
        waypoint=player.agent.headquarters,
        good=bought.good,
        units=5,
        price_per_unit=bought.price_per_unit,
        total=5 * bought.price_per_unit,
        credits_after=10**6 - 5 * bought.price_per_unit,
        cargo_after=5,
    )
    assert player.universe.ledger[-1].timestamp == START + timedelta(seconds=77)
    assert player.universe.ledger[-1].waypoint == player.agent.headquarters


def test_refused_orders_leave_no_trace(player):
    before = list(player.universe.ledger)
    player.refusal("POST", f"{player.ship_path}/dock")
    player.refusal("POST", f"{player.ship_path}/purchase", {"symbol": "JEWELRY", "units": 1})
    assert list(player.universe.ledger) == before


def test_the_ledger_is_read_like_a_list_and_not_written_like_one(player):
    ledger = player.universe.ledger
    assert ledger[0] is next(iter(ledger))
    assert ledger[1:3] == list(ledger)[1:3]
    assert len(ledger) == 10
    with pytest.raises(TypeError):
        ledger[0] = ledger[1]  # type: ignore[index]
    with pytest.raises(AttributeError):
        ledger.clear()  # type: ignore[attr-defined]
    with pytest.raises(dataclasses.FrozenInstanceError):
        ledger[0].units = 7  # type: ignore[misc]


def test_quotes_follow_from_the_truth(player):
    player.clock.advance(10_000)
    shown = truth(player.universe, player.clock.now())
    for markets in shown["systems"].values():
        for waypoint, listings in markets.items():
            for good, x in listings.items():
                kind = ListingType(x["kind"])
                predicted = rounded(kind, *game_prices(kind, x["mid"], x["factor"], x["stock"] / x["trade_volume"]))
                assert player.universe.home.markets[waypoint].quote(good) == predicted
                assert x["quote"] == {"ask": predicted.ask, "bid": predicted.bid}


def test_the_truth_predicts_the_next_tick(player):
    now = player.clock.now()
    for markets in truth(player.universe, now)["systems"].values():
        for waypoint, listings in markets.items():
            for good, x in listings.items():
                if x["kind"] == "EXPORT" and x["stock"] + x["trade_volume"] < x["rest"] * x["trade_volume"]:
                    elapsed = player.universe.elapsed(now)
                    due = x["phase"] + 1800 * ((elapsed - x["phase"]) // 1800 + 1)
                    market = player.universe.market(waypoint, player.universe.moment(due))
                    assert market.listings[good].stock - x["stock"] == round(x["rate"] * x["trade_volume"])


def test_the_truth_is_written_into_a_file(player, tmp_path: Path):
    dump_truth(player.universe, player.clock.now(), tmp_path / "truth.json")
    written = json.loads((tmp_path / "truth.json").read_text())
    assert written["settings"]["seed"] == 3
    assert written["game_seconds"] == 77
    x = next(iter(next(iter(written["systems"][player.universe.home.symbol].values())).values()))
    assert {"mid", "factor", "stock", "rest", "rate", "phase", "trade_volume"} <= set(x)

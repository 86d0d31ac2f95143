"""Trading over the API: what is paid, what moves, what is refused and how."""

import pytest

from spacetraders_lab.core.market import ListingType
from spacetraders_lab.sandbox.goods import FUEL
from tests.sandbox.player import Player


@pytest.fixture
def player() -> Player:
    """At the laboratory's headquarters with plenty of credits."""
    return Player(profile="lab", credits=1_000_000, seed=3)


def goods_at(player: Player, waypoint: str, kind: ListingType) -> list[str]:
    return [good for good, x in player.universe.home.markets[waypoint].listings.items() if x.kind is kind]


def quoted(player: Player, good: str) -> dict:
    shown = player.get(player.market_path(player.ship.waypoint))
    return next(x for x in shown["tradeGoods"] if x["symbol"] == good)


def some_good(player: Player) -> str:
    return next(g for g in player.universe.home.markets[player.ship.waypoint].listings if g != FUEL)


def test_a_purchase_fills_wholly_at_the_quote_and_moves_both_sides_after(player):
    good = goods_at(player, player.ship.waypoint, ListingType.EXPORT)[0]
    before = quoted(player, good)
    reply = player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": before["tradeVolume"]})
    transaction = reply["transaction"]
    assert transaction == {
        "waypointSymbol": player.ship.waypoint,
        "shipSymbol": "TESTER-1",
        "tradeSymbol": good,
        "type": "PURCHASE",
        "units": before["tradeVolume"],
        "pricePerUnit": before["purchasePrice"],
        "totalPrice": before["tradeVolume"] * before["purchasePrice"],
        "timestamp": "2026-03-01T12:00:00.000Z",
    }
    assert reply["agent"]["credits"] == 1_000_000 - transaction["totalPrice"]
    assert reply["cargo"]["units"] == before["tradeVolume"]
    assert reply["cargo"]["inventory"][0]["symbol"] == good
    after = quoted(player, good)
    assert after["purchasePrice"] > before["purchasePrice"]
    assert after["sellPrice"] > before["sellPrice"]


def test_two_halves_move_the_quote_as_far_as_one_whole():
    players = [Player(profile="lab", credits=1_000_000, seed=3) for _ in range(2)]
    good = some_good(players[0])
    for player, parts in zip(players, ([8], [4, 4]), strict=True):
        for units in parts:
            player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": units})
    assert quoted(players[0], good) == quoted(players[1], good)


def test_a_sale_pays_the_bid_and_empties_the_hold(player):
    good = some_good(player)
    player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": 6})
    bid = quoted(player, good)["sellPrice"]
    purse = player.agent.credits
    reply = player.post(f"{player.ship_path}/sell", {"symbol": good, "units": 6})
    assert reply["transaction"]["type"] == "SELL"
    assert reply["transaction"]["pricePerUnit"] == bid
    assert reply["agent"]["credits"] == purse + 6 * bid
    assert reply["cargo"] == {"capacity": 40, "units": 0, "inventory": []}


def test_the_market_lists_trades_and_refuelling_of_all_players(player):
    good = some_good(player)
    player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": 2})
    player.ship.fuel = 150
    player.post(f"{player.ship_path}/refuel")
    shown = player.get(player.market_path(player.ship.waypoint))["transactions"]
    assert [(t["tradeSymbol"], t["type"], t["units"]) for t in shown] == [(good, "PURCHASE", 2), (FUEL, "PURCHASE", 3)]


def test_refuelling_buys_whole_market_units_of_a_hundred(player):
    player.ship.fuel = 199
    ask, stock = quoted(player, FUEL)["purchasePrice"], fuel_stock(player)
    reply = player.post(f"{player.ship_path}/refuel")
    assert reply["fuel"]["current"] == 400
    assert (reply["transaction"]["units"], reply["transaction"]["totalPrice"]) == (3, 3 * ask)
    assert player.agent.credits == 1_000_000 - 3 * ask
    assert fuel_stock(player) == stock - 3


def test_refuelling_part_of_the_tank(player):
    player.ship.fuel = 100
    reply = player.post(f"{player.ship_path}/refuel", {"units": 101})
    assert (reply["fuel"]["current"], reply["transaction"]["units"]) == (201, 2)


def test_a_full_tank_costs_nothing(player):
    stock = fuel_stock(player)
    reply = player.post(f"{player.ship_path}/refuel")
    assert (reply["transaction"]["units"], reply["transaction"]["totalPrice"]) == (0, 0)
    assert (player.agent.credits, fuel_stock(player)) == (1_000_000, stock)
    assert player.get(player.market_path(player.ship.waypoint))["transactions"] == []


def test_refuelling_from_the_hold(player):
    player.post(f"{player.ship_path}/purchase", {"symbol": FUEL, "units": 3})
    purse = player.agent.credits
    player.ship.fuel = 250
    reply = player.post(f"{player.ship_path}/refuel", {"fromCargo": True})
    assert (reply["fuel"]["current"], reply["cargo"]["units"], reply["agent"]["credits"]) == (400, 1, purse)
    player.ship.fuel = 0
    assert player.refusal("POST", f"{player.ship_path}/refuel", {"fromCargo": True})[1] == 4219


def fuel_stock(player: Player) -> int:
    return player.universe.home.markets[player.ship.waypoint].listings[FUEL].stock


def test_jettison_throws_away(player):
    good = some_good(player)
    player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": 5})
    purse = player.agent.credits
    assert player.post(f"{player.ship_path}/jettison", {"symbol": good, "units": 2})["cargo"]["units"] == 3
    assert player.agent.credits == purse


def test_transfer_between_own_ships_in_one_place():
    player = Player(profile="lab", credits=1_000_000, ships=("SHIP_COMMAND_FRIGATE", "SHIP_LIGHT_SHUTTLE"))
    good = some_good(player)
    player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": 6})
    order = {"tradeSymbol": good, "units": 4, "shipSymbol": "TESTER-2"}
    assert player.post(f"{player.ship_path}/transfer", order)["cargo"]["units"] == 2
    assert player.get("/my/ships/TESTER-2/cargo")["units"] == 4
    assert player.refusal("POST", f"{player.ship_path}/transfer", order)[1] == 4219
    assert player.refusal("POST", f"{player.ship_path}/transfer", order | {"shipSymbol": "TESTER-1"})[1] == 4233
    assert player.refusal("POST", f"{player.ship_path}/transfer", order | {"shipSymbol": "NOBODY-1"})[1] == 4231
    player.post("/my/ships/TESTER-2/orbit")
    assert player.refusal("POST", f"{player.ship_path}/transfer", order | {"units": 1})[1] == 4271
    player.fly(list(player.universe.home.markets)[1])
    assert player.refusal("POST", f"{player.ship_path}/transfer", order | {"units": 1})[1] == 4234


def test_transfer_into_a_full_hold():
    player = Player(profile="lab", credits=1_000_000, hold=3, ships=("SHIP_COMMAND_FRIGATE", "SHIP_LIGHT_SHUTTLE"))
    good = some_good(player)
    for ship in ("TESTER-1", "TESTER-2"):
        player.post(f"/my/ships/{ship}/purchase", {"symbol": good, "units": 3})
    order = {"tradeSymbol": good, "units": 1, "shipSymbol": "TESTER-2"}
    assert player.refusal("POST", f"{player.ship_path}/transfer", order)[1:] == (
        4217,
        {"shipSymbol": "TESTER-2", "cargoCapacity": 3, "cargoUnits": 3, "unitsToAdd": 1},
    )


# What is refused: the code, and the data that clients read.


def test_over_the_trade_volume(player):
    good = some_good(player)
    volume = quoted(player, good)["tradeVolume"]
    for action in ("purchase", "sell"):
        order = {"symbol": good, "units": volume + 1}
        assert player.refusal("POST", f"{player.ship_path}/{action}", order) == (
            400,
            4604,
            {
                "waypointSymbol": player.ship.waypoint,
                "tradeSymbol": good,
                "units": volume + 1,
                "tradeVolume": volume,
            },
        )


def test_too_few_credits():
    player = Player(profile="lab", credits=10, seed=3)
    good = some_good(player)
    price = quoted(player, good)["purchasePrice"]
    assert player.refusal("POST", f"{player.ship_path}/purchase", {"symbol": good, "units": 2}) == (
        400,
        4600,
        {"agentCredits": 10, "totalPrice": 2 * price, "tradeSymbol": good, "units": 2, "purchasePrice": price},
    )
    player.ship.fuel = 0
    assert player.refusal("POST", f"{player.ship_path}/refuel")[1] == 4600


def test_the_last_credit_can_be_spent():
    player = Player(profile="lab", seed=3)
    good = some_good(player)
    player.agent.credits = 2 * quoted(player, good)["purchasePrice"]
    assert player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": 2})["agent"]["credits"] == 0


def test_over_the_hold():
    player = Player(profile="lab", credits=1_000_000, hold=5)
    assert player.refusal("POST", f"{player.ship_path}/purchase", {"symbol": some_good(player), "units": 6}) == (
        400,
        4217,
        {"shipSymbol": "TESTER-1", "cargoCapacity": 5, "cargoUnits": 0, "unitsToAdd": 6},
    )


def test_goods_that_are_not_aboard(player):
    good = some_good(player)
    for action in ("sell", "jettison"):
        assert player.refusal("POST", f"{player.ship_path}/{action}", {"symbol": good, "units": 1}) == (
            400,
            4218,
            {"shipSymbol": "TESTER-1", "tradeSymbol": good, "cargoUnits": 0, "unitsToRemove": 1},
        )
    player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": 1})
    assert player.refusal("POST", f"{player.ship_path}/sell", {"symbol": good, "units": 2})[1:] == (
        4219,
        {"shipSymbol": "TESTER-1", "tradeSymbol": good, "cargoUnits": 1, "unitsToRemove": 2},
    )


def test_goods_that_are_not_traded_here(player):
    data = {"waypointSymbol": player.ship.waypoint, "tradeSymbol": "JEWELRY"}
    order = {"symbol": "JEWELRY", "units": 1}
    assert player.refusal("POST", f"{player.ship_path}/purchase", order) == (400, 4601, data)
    assert player.refusal("POST", f"{player.ship_path}/sell", order) == (400, 4602, data)


def test_trade_in_orbit_and_in_transit(player):
    order = {"symbol": some_good(player), "units": 1}
    player.post(f"{player.ship_path}/orbit")
    here = {"waypointSymbol": player.ship.waypoint}
    assert player.refusal("POST", f"{player.ship_path}/purchase", order) == (400, 4244, here)
    assert player.refusal("POST", f"{player.ship_path}/sell", order) == (400, 4244, here)
    assert player.refusal("POST", f"{player.ship_path}/refuel") == (400, 4225, here)
    player.post(f"{player.ship_path}/navigate", {"waypointSymbol": list(player.universe.home.markets)[1]})
    for action in ("purchase", "sell", "jettison"):
        assert player.refusal("POST", f"{player.ship_path}/{action}", order)[:2] == (400, 4214)
    assert player.refusal("POST", f"{player.ship_path}/refuel")[:2] == (400, 4214)


def test_trade_and_refuelling_away_from_any_market():
    player = Player()
    rock = next(w.symbol for w in player.universe.home.waypoints.values() if not w.has_market)
    player.ship.waypoint = rock
    order = {"symbol": "IRON", "units": 1}
    assert player.refusal("POST", f"{player.ship_path}/purchase", order) == (404, 4603, {"waypointSymbol": rock})
    assert player.refusal("POST", f"{player.ship_path}/refuel") == (400, 4226, {"waypointSymbol": rock})
    assert player.refusal("GET", player.market_path(rock)) == (404, 4603, {"waypointSymbol": rock})


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"symbol": "NO_SUCH_GOOD", "units": 1}, ["symbol"]),
        ({"symbol": "IRON", "units": 0}, ["units"]),
        ({"symbol": "IRON", "units": -3}, ["units"]),
        ({"symbol": "IRON", "units": 1.5}, ["units"]),
        ({"symbol": "IRON", "units": "3"}, ["units"]),
        ({"units": 3}, ["symbol"]),
        ([], []),
    ],
)
def test_bad_input_is_refused_with_the_place_of_the_fault(player, body, path):
    for action in ("purchase", "sell", "jettison"):
        status, code, data = player.refusal("POST", f"{player.ship_path}/{action}", body)
        assert (status, code) == (422, 3001)
        assert [issue["path"] for issue in data["zodIssues"]] == [path]


def test_what_is_no_json_is_bad_input_too(player):
    for content in (b"{", b"", b"\xff\xfe", b"null"):
        assert player.refusal("POST", f"{player.ship_path}/purchase", content=content)[:2] == (422, 3001)


# Shipyards.


def test_buying_a_ship_raises_the_price_of_its_type_and_shows_in_the_list(player):
    yard = f"/systems/{player.universe.home.symbol}/waypoints/{player.ship.waypoint}/shipyard"
    before = {x["type"]: x["purchasePrice"] for x in player.get(yard)["ships"]}
    order = {"shipType": "SHIP_LIGHT_SHUTTLE", "waypointSymbol": player.ship.waypoint}
    reply = player.post("/my/ships", order)
    assert reply["ship"]["symbol"] == "TESTER-3"
    assert reply["transaction"]["price"] == before["SHIP_LIGHT_SHUTTLE"]
    assert reply["agent"]["credits"] == 1_000_000 - before["SHIP_LIGHT_SHUTTLE"]
    assert reply["agent"]["shipCount"] == 3
    shown = player.get(yard)
    after = {x["type"]: x["purchasePrice"] for x in shown["ships"]}
    assert after == before | {"SHIP_LIGHT_SHUTTLE": round(before["SHIP_LIGHT_SHUTTLE"] * 1.03)}
    assert shown["transactions"] == [reply["transaction"]]
    assert [x["symbol"] for x in player.get("/my/ships")] == ["TESTER-1", "TESTER-2", "TESTER-3"]


def test_the_last_credit_can_be_spent_on_a_ship(player):
    order = {"shipType": "SHIP_LIGHT_SHUTTLE", "waypointSymbol": player.ship.waypoint}
    yard = f"/systems/{player.universe.home.symbol}/waypoints/{player.ship.waypoint}/shipyard"
    prices = {x["type"]: x["purchasePrice"] for x in player.get(yard)["ships"]}
    player.agent.credits = prices["SHIP_LIGHT_SHUTTLE"]
    assert player.post("/my/ships", order)["agent"]["credits"] == 0


def test_ships_are_numbered_in_hexadecimal():
    player = Player(profile="lab", ships=("SHIP_PROBE",) * 17)
    symbols = [x["symbol"] for x in player.get("/my/ships", limit=20)]
    assert symbols[8:] == [f"TESTER-{n}" for n in ("9", "A", "B", "C", "D", "E", "F", "10", "11")]


def test_ships_that_cannot_be_bought():
    player = Player(credits=100)
    yard = player.ship.waypoint[:-1] + "2"
    rock = next(w.symbol for w in player.universe.home.waypoints.values() if not w.has_market)
    assert player.refusal("POST", "/my/ships", {"shipType": "SHIP_PROBE", "waypointSymbol": yard})[1] == 4216
    assert player.refusal("POST", "/my/ships", {"shipType": "SHIP_EXPLORER", "waypointSymbol": yard})[1] == 4605
    assert player.refusal("POST", "/my/ships", {"shipType": "SHIP_PROBE", "waypointSymbol": rock})[1] == 4605
    assert player.refusal("POST", "/my/ships", {"shipType": "SHIP_PROBE", "waypointSymbol": "X1-NO-A1"})[1] == 404
    assert player.refusal("POST", "/my/ships", {"shipType": "SHIP_ARK", "waypointSymbol": yard})[:2] == (422, 3001)
    other = next(s for s in player.universe.home.shipyards if s != yard)
    kind = next(iter(player.universe.home.shipyards[other].prices))
    assert player.refusal("POST", "/my/ships", {"shipType": kind, "waypointSymbol": other})[1] == 4245

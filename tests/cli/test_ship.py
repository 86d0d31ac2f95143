"""`spacetraders ship`: flying and trading by hand, checked against what the game says happened."""

import pytest

from spacetraders_lab.core.ship import NavStatus
from spacetraders_lab.core.travel import FlightMode
from tests.cli.conftest import Player


def _elsewhere(player: Player) -> str:
    """Another market than the first ship's."""
    return next(market for market in player.sandbox.universe.home.markets if market != player.ship().waypoint)


def _good_here(player: Player) -> str:
    listings = player.sandbox.universe.home.markets[player.ship().waypoint].listings
    return next(good for good in listings if good != "FUEL")


def test_the_list_shows_every_ship(player: Player) -> None:
    answer = player.type("ship list")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0].split() == ["ship", "waypoint", "status", "mode", "speed", "fuel", "cargo"]
    first = lines[1].split()
    assert first == [player.ships[0], player.ship().waypoint, "DOCKED", "CRUISE", "36", "400/400", "0/40"]
    assert [line.split()[0] for line in lines[1:]] == [*player.ships, player.probe]


def test_the_list_in_json(player: Player) -> None:
    player.ship().load("IRON_ORE", 3)
    ships = player.type("ship list --json").json
    assert [ship["symbol"] for ship in ships] == [*player.ships, player.probe]
    assert ships[0] == {
        "symbol": player.ships[0],
        "waypoint": player.ship().waypoint,
        "status": "DOCKED",
        "flight_mode": "CRUISE",
        "speed": 36,
        "fuel": 400,
        "fuel_capacity": 400,
        "cargo_capacity": 40,
        "inventory": {"IRON_ORE": 3},
    }


def test_navigating_waits_for_the_arrival(player: Player) -> None:
    goal = _elsewhere(player)
    answer = player.type(f"ship navigate {player.ships[0]} {goal}")
    assert (answer.code, answer.out) == (0, f"{player.ships[0]} is at {goal} (IN_ORBIT)\n")
    assert player.ship().waypoint == goal
    (flight,) = player.ledger("NAVIGATE")
    assert flight.ship_symbol == player.ships[0]


@pytest.mark.parametrize(
    ("wish", "mode"),
    [("", FlightMode.BURN), ("--prefer cheapest", FlightMode.DRIFT), ("--prefer fewest-requests", None)],
)
def test_what_makes_a_route_the_best_can_be_chosen(player: Player, wish: str, mode: FlightMode | None) -> None:
    before = player.ship().mode
    assert player.type(f"ship navigate {player.ships[0]} {_elsewhere(player)} {wish}").code == 0
    assert player.ship().mode is (mode or before)


def test_navigating_to_where_the_ship_is_does_nothing(player: Player) -> None:
    here = player.ship().waypoint
    answer = player.type(f"ship navigate {player.ships[0]} {here}")
    assert (answer.code, answer.out) == (0, f"{player.ships[0]} is at {here} (DOCKED)\n")
    assert player.ledger("NAVIGATE") == []


def test_docking_and_leaving_the_dock(player: Player) -> None:
    here = player.ship().waypoint
    assert player.type(f"ship orbit {player.ships[0]}").out == f"{player.ships[0]} is in orbit at {here}\n"
    assert player.ship().status is NavStatus.IN_ORBIT
    assert player.type(f"ship dock {player.ships[0]}").out == f"{player.ships[0]} is docked at {here}\n"
    assert player.ship().status is NavStatus.DOCKED


def test_refuelling_fills_the_tank(player: Player) -> None:
    assert player.type(f"ship navigate {player.ships[0]} {_elsewhere(player)}").code == 0
    assert player.ship().fuel < 400
    assert player.type(f"ship refuel {player.ships[0]}").out == f"{player.ships[0]} has 400/400 fuel\n"
    assert player.ship().fuel == 400
    assert len(player.ledger("REFUEL")) == 1


def test_buying_and_selling_say_what_they_cost(player: Player) -> None:
    good = _good_here(player)
    bought = player.type(f"ship buy {player.ships[0]} {good} 3")
    (purchase,) = player.ledger("PURCHASE")
    assert bought.code == 0
    assert bought.out == (
        f"{player.ships[0]} bought 3 {good} at {purchase.price_per_unit:,} = {purchase.total:,} credits; "
        f"{purchase.credits_after:,} credits left\n"
    )
    assert player.ship().hold == {good: 3}
    sold = player.type(f"ship sell {player.ships[0]} {good} 2")
    (sale,) = player.ledger("SELL")
    assert sold.out == (
        f"{player.ships[0]} sold 2 {good} at {sale.price_per_unit:,} = {sale.total:,} credits; "
        f"{player.agent.credits:,} credits left\n"
    )
    assert player.ship().hold == {good: 1}


def test_symbols_may_be_typed_in_small_letters(player: Player) -> None:
    ship, good = player.ships[0].lower(), _good_here(player).lower()
    assert player.type(f"ship buy {ship} {good} 1").code == 0
    assert player.type(f"ship navigate {ship} {_elsewhere(player).lower()}").code == 0


@pytest.mark.parametrize("units", ["0", "-3"])
@pytest.mark.parametrize("verb", ["buy", "sell"])
def test_units_below_one_are_refused_before_the_game_is_asked(player: Player, verb: str, units: str) -> None:
    answer = player.type(f"ship {verb} {player.ships[0]} IRON_ORE {units}")
    assert answer.code == 2
    assert answer.complaint.startswith("spacetraders: ")
    assert player.is_untouched()


def test_a_trade_that_the_game_refuses_is_told_with_its_code(player: Player) -> None:
    answer = player.type(f"ship buy {player.ships[0]} MOON_CHEESE 1")
    assert answer.code == 1
    assert answer.complaint.startswith("spacetraders: the game said: ")
    assert player.is_untouched()


def test_a_purchase_that_the_purse_cannot_pay_changes_nothing(player: Player) -> None:
    player.agent.credits = 0
    answer = player.type(f"ship buy {player.ships[0]} {_good_here(player)} 1")
    assert answer.code == 1
    assert "(code 4600)" in answer.complaint
    assert player.is_untouched()


def test_selling_what_is_not_aboard_names_the_lack(player: Player) -> None:
    answer = player.type(f"ship sell {player.ships[0]} {_good_here(player)} 1")
    assert answer.code == 2
    assert "insufficient inventory" in answer.complaint
    assert player.is_untouched()


def test_an_unknown_ship(player: Player) -> None:
    answer = player.type("ship dock NOBODY-1")
    assert answer.code == 2
    assert answer.complaint == "spacetraders: no such ship: NOBODY-1; `spacetraders ship list` shows yours"


def test_a_waypoint_of_another_system_is_out_of_reach(player: Player) -> None:
    abroad = next(s for s in player.sandbox.universe.systems.values() if s.symbol != player.system)
    answer = player.type(f"ship navigate {player.ships[0]} {next(iter(abroad.waypoints))}")
    assert answer.code == 1
    assert player.system in answer.complaint
    assert player.ledger("NAVIGATE") == []


def test_a_malformed_waypoint_is_refused(player: Player) -> None:
    answer = player.type(f"ship navigate {player.ships[0]} somewhere")
    assert answer.code == 2
    assert "looks like X1-AD75-A1" in answer.complaint

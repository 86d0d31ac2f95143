"""Awkward replies, as the game has given them, and what they are read as."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from spacetraders_lab.core.market import Activity, ListingType, MarketSnapshot, Operation, Supply, TradeGood
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.game.parse import Cargo, MarketShape, Registration, ShipShape, Status, WaypointShape

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

SHIP: dict[str, Any] = {
    "symbol": "LAB-1",
    "registration": {"name": "LAB-1", "factionSymbol": "COSMIC", "role": "COMMAND"},
    "nav": {
        "systemSymbol": "X1-T1",
        "waypointSymbol": "X1-T1-A1",
        "route": {
            "destination": {"symbol": "X1-T1-A1", "type": "PLANET", "x": 1, "y": 2},
            "departureTime": "2026-03-01T11:59:00.000Z",
            "arrival": "2026-03-01T12:00:00.000Z",
        },
        "status": "IN_ORBIT",
        "flightMode": "CRUISE",
    },
    "fuel": {"current": 380, "capacity": 400, "consumed": {"amount": 20, "timestamp": "2026-03-01T11:59:00.000Z"}},
    "cargo": {"capacity": 40, "units": 12, "inventory": [{"symbol": "IRON_ORE", "name": "Iron", "units": 12}]},
    "engine": {"symbol": "ENGINE_ION_DRIVE_II", "speed": 36, "condition": 1},
    "somethingNew": {"of": ["next", "year"]},
}
GOOD = {
    "symbol": "IRON_ORE",
    "type": "EXPORT",
    "tradeVolume": 60,
    "supply": "HIGH",
    "activity": "WEAK",
    "purchasePrice": 50,
    "sellPrice": 24,
}
TRADE = {
    "waypointSymbol": "X1-T1-A1",
    "shipSymbol": "LAB-1",
    "tradeSymbol": "IRON_ORE",
    "type": "PURCHASE",
    "units": 3,
    "pricePerUnit": 50,
    "totalPrice": 150,
    "timestamp": "2026-03-01T12:00:00.123Z",
}


def changed(value: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """The JSON with parts replaced; a dict replaces parts of the part."""
    return value | {
        key: changed(value.get(key, {}), **part) if isinstance(part, dict) else part for key, part in parts.items()
    }


def ship(**parts: Any) -> Ship:
    return msgspec.convert(changed(SHIP, **parts), ShipShape).ship


def snapshot(**parts: Any) -> MarketSnapshot:
    reply = {"symbol": "X1-T1-A1", "imports": [], "exports": [], "exchange": []} | parts
    return msgspec.json.decode(msgspec.json.encode(reply), type=MarketShape).snapshot(NOON)


def market(goods: list[dict[str, Any]]) -> dict[str, TradeGood]:
    return dict(snapshot(tradeGoods=goods).goods)


def test_a_ship_is_read_with_its_tank_hold_and_last_flight() -> None:
    assert ship() == Ship(
        symbol="LAB-1",
        waypoint="X1-T1-A1",
        status=NavStatus.IN_ORBIT,
        flight_mode=FlightMode.CRUISE,
        speed=36,
        fuel=380,
        fuel_capacity=400,
        cargo_capacity=40,
        inventory={"IRON_ORE": 12},
        arrival=NOON,
    )


def test_negative_cargo_is_worth_nothing() -> None:
    hold = ship(cargo={"inventory": [{"symbol": "IRON_ORE", "units": -3}, {"symbol": "ICE", "units": 2}]})
    assert dict(hold.inventory) == {"ICE": 2}
    assert hold.free_space == 38


def test_a_hold_replaces_the_one_before() -> None:
    assert dict(Cargo(40, []).of(ship()).inventory) == {}


def test_an_unknown_flight_mode_is_one_that_no_route_wants() -> None:
    assert ship(nav={"flightMode": "WARP_NINE"}).flight_mode is FlightMode.STEALTH


def test_an_unknown_state_is_waited_for_as_a_flight_is() -> None:
    strange = ship(nav={"status": "DRYDOCKED"})
    assert (strange.status, strange.arrival) == (NavStatus.IN_TRANSIT, NOON)


@pytest.mark.parametrize(("speed", "planned"), [(9.5, 9), (36.0, 36), (0, 1)])
def test_flights_are_planned_no_faster_than_the_engine(speed: float, planned: int) -> None:
    assert ship(engine={"speed": speed}).speed == planned


@pytest.mark.parametrize(
    "parts",
    [{"nav": {"status": 7}}, {"fuel": {"current": "full"}}, {"nav": {"route": {"arrival": "soon"}}}],
)
def test_what_the_lab_cannot_fly_with_is_an_error(parts: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        ship(**parts)


def test_a_stamp_without_zone_is_an_error_rather_than_a_wrong_hour() -> None:
    with pytest.raises(msgspec.ValidationError):
        ship(nav={"route": {"arrival": "2026-03-01T12:00:00.000"}})


def test_a_listing_is_read_with_both_prices() -> None:
    assert market([GOOD])["IRON_ORE"] == TradeGood(
        "IRON_ORE", ListingType.EXPORT, 60, Supply.HIGH, Activity.WEAK, purchase_price=50, sell_price=24
    )


def test_activity_may_be_absent_null_or_unknown() -> None:
    absent = {key: value for key, value in GOOD.items() if key != "activity"}
    for good in (absent, GOOD | {"activity": None}, GOOD | {"activity": "FRENETIC"}):
        assert market([good])["IRON_ORE"].activity is None


@pytest.mark.parametrize("strange", [{"type": "BARTER"}, {"supply": "OVERFLOWING"}, {"type": None}, {"supply": None}])
def test_a_listing_in_unknown_words_is_left_out_and_the_others_stay(strange: dict[str, Any]) -> None:
    assert set(market([GOOD | strange, GOOD | {"symbol": "ICE"}])) == {"ICE"}


def test_a_market_seen_from_afar_has_lists_but_no_prices() -> None:
    seen = snapshot(imports=[{"symbol": "FOOD"}], exports=[{"symbol": "ICE"}])
    assert (seen.listed, dict(seen.goods), seen.transactions) == (("FOOD", "ICE"), {}, ())


def test_transactions_of_unknown_kinds_are_left_out() -> None:
    seen = snapshot(transactions=[TRADE, TRADE | {"type": "GIFT"}, TRADE | {"type": "SELL"}]).transactions
    assert [t.operation for t in seen] == [Operation.BUY, Operation.SELL]
    assert seen[0].timestamp == datetime(2026, 3, 1, 12, 0, 0, 123000, UTC)


def test_an_uncharted_waypoint_has_no_traits() -> None:
    waypoint = msgspec.convert(
        {"symbol": "X1-T1-B", "type": "ASTEROID_NEBULA", "x": -1, "y": 2}, WaypointShape
    ).waypoint
    assert (waypoint.traits, waypoint.has_market, waypoint.orbits) == (frozenset(), False, None)


def test_the_status_names_the_universe_and_its_end() -> None:
    body = b'{"resetDate":"2026-03-01","serverResets":{"next":"2026-03-15T13:00:00.000Z","frequency":"fortnightly"}}'
    status = msgspec.json.decode(body, type=Status)
    assert (status.reset_date, status.ends_at) == ("2026-03-01", datetime(2026, 3, 15, 13, tzinfo=UTC))


@pytest.mark.parametrize(
    "resets", [None, {}, {"next": None}, {"next": "soon"}, {"next": "2026-03-15T13:00:00"}, "often"]
)
def test_a_status_without_a_time_of_its_end_still_names_the_universe(resets: Any) -> None:
    for body in ({"resetDate": "2026-03-01"}, {"resetDate": "2026-03-01", "serverResets": resets}):
        status = msgspec.json.decode(msgspec.json.encode(body), type=Status)
        assert (status.reset_date, status.ends_at) == ("2026-03-01", None)


def test_only_a_sandbox_says_which_of_its_universes_it_plays() -> None:
    body = b'{"resetDate": "2026-03-01", "serverResets": {"next": "2026-03-15T13:00:00Z"}%s}'
    game, sandbox = (msgspec.json.decode(body % more, type=Status) for more in (b"", b', "sandbox": {"universe": "a"}'))
    assert game.server("https://api.spacetraders.io/v2") == "https://api.spacetraders.io/v2"
    assert sandbox.server("http://localhost/v2") == "http://localhost/v2#a"


def test_a_registration_does_not_show_its_token() -> None:
    body = {"token": "secret", "agent": {"symbol": "LAB", "headquarters": "X1-T1-A1", "credits": -5}}
    registration = msgspec.convert(body, Registration)
    assert (registration.token, registration.agent.credits) == ("secret", -5)
    assert "secret" not in repr(registration) + str(registration)

"""What is known of the game: universes never mix, waypoints are replaced, the newest quote of each listing is found."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from spacetraders_lab.core.market import Activity, ListingType, MarketSnapshot, Supply
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.schema import market_observations
from spacetraders_lab.store.world import World
from tests.factories import BUY_MARKET, GOOD, NOON, SELL_MARKET, make_good, make_listing, make_snapshot, make_waypoint
from tests.store.memory import RESET, SERVER, after

SYSTEM = "X1-GZ7"


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    with database.transaction() as connection:
        yield World(connection)


@pytest.fixture
def universe(world: World) -> int:
    return world.universe_id(SERVER, RESET)


def test_a_universe_is_a_server_and_a_reset(world: World) -> None:
    first = world.universe_id(SERVER, RESET)
    assert world.universe_id(SERVER, RESET) == first
    assert len({first, world.universe_id(SERVER, "2026-03-14"), world.universe_id("http://localhost/v2", RESET)}) == 3


def test_an_agent_of_the_same_name_in_another_universe_is_another_player(world: World, universe: int) -> None:
    first = world.player_id("AGENT", universe)
    assert world.player_id("AGENT", universe) == first
    elsewhere = world.universe_id(SERVER, "2026-03-14")
    assert len({first, world.player_id("AGENT", elsewhere), world.player_id("OTHER", universe)}) == 3


class TestWaypoints:
    def test_they_are_read_as_they_were_written(self, world: World, universe: int) -> None:
        moon = make_waypoint("X1-GZ7-A2", 3, -4, type="MOON", traits=frozenset({"A", "B"}), orbits=BUY_MARKET)
        gate = make_waypoint("X1-GZ7-I56", type="JUMP_GATE", traits=frozenset(), is_under_construction=True)
        elsewhere = make_waypoint("X1-OTHER-A1")
        world.save_waypoints(universe, [gate, elsewhere, moon])
        assert world.waypoints(universe, SYSTEM) == (moon, gate)
        assert world.waypoints(universe, "X1-OTHER") == (elsewhere,)
        assert world.waypoints(universe, "X1-NONE") == ()

    def test_a_new_chart_replaces_the_old_and_keeps_what_the_markets_trade(self, world: World, universe: int) -> None:
        world.save_waypoints(universe, [make_waypoint()])
        world.save_snapshot(universe, make_snapshot(imports=("FOOD",)), "scout")
        charted = make_waypoint(traits=frozenset({"MARKETPLACE", "DRY_SEAS"}))
        world.save_waypoints(universe, [charted])
        assert world.waypoints(universe, SYSTEM) == (charted,)
        assert world.market_lists(universe, SYSTEM) == {BUY_MARKET: {"FOOD": ListingType.IMPORT}}

    def test_no_waypoints_are_no_error(self, world: World, universe: int) -> None:
        world.save_waypoints(universe, [])
        assert world.waypoints(universe, SYSTEM) == ()

    def test_universes_do_not_mix(self, world: World, universe: int) -> None:
        world.save_waypoints(universe, [make_waypoint()])
        assert world.waypoints(world.universe_id(SERVER, "2026-03-14"), SYSTEM) == ()


class TestMarketLists:
    def test_they_are_known_without_a_visit(self, world: World, universe: int) -> None:
        world.save_waypoints(universe, [make_waypoint(), make_waypoint(SELL_MARKET)])
        remote = make_snapshot(goods=(), imports=("FOOD",), exports=("IRON", "GOLD"), exchange=("FUEL",))
        world.save_snapshot(universe, remote, "map")
        assert world.market_lists(universe, SYSTEM) == {
            BUY_MARKET: {
                "FOOD": ListingType.IMPORT,
                "IRON": ListingType.EXPORT,
                "GOLD": ListingType.EXPORT,
                "FUEL": ListingType.EXCHANGE,
            }
        }
        assert world.latest_listings(universe, SYSTEM) == []


class TestListings:
    def test_the_newest_quote_of_each_listing_is_found(self, world: World, universe: int) -> None:
        old, new = make_good(purchase_price=50), make_good(purchase_price=61, supply=Supply.SCARCE)
        fuel = make_good("FUEL", type=ListingType.EXCHANGE, activity=None)
        world.save_snapshot(universe, make_snapshot(goods=(new,), observed_at=after(60)), "trade")
        world.save_snapshot(universe, make_snapshot(goods=(old, fuel), observed_at=NOON), "scout")
        world.save_snapshot(universe, make_snapshot(SELL_MARKET, (old,), observed_at=after(5)), "scout")
        found = world.latest_listings(universe, SYSTEM)
        assert [(listing.waypoint, listing.good, listing.observed_at) for listing in found] == [
            (BUY_MARKET, fuel, NOON),
            (BUY_MARKET, new, after(60)),
            (SELL_MARKET, old, after(5)),
        ]

    def test_of_two_quotes_at_one_moment_the_one_written_last_counts(self, world: World, universe: int) -> None:
        for price in (50, 51):
            world.save_snapshot(universe, make_snapshot(goods=(make_good(purchase_price=price),)), "trade")
        (listing,) = world.latest_listings(universe, SYSTEM)
        assert listing.good.purchase_price == 51

    def test_what_is_too_old_is_left_out(self, world: World, universe: int) -> None:
        world.save_snapshot(universe, make_snapshot(), "scout")
        assert world.latest_listings(universe, SYSTEM, newer_than=NOON) == []
        assert world.latest_listings(universe, SYSTEM, newer_than=after(-1)) == [make_listing()]

    def test_an_hour_is_the_same_hour_in_every_time_zone(self, world: World, universe: int) -> None:
        elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))
        world.save_snapshot(universe, make_snapshot(observed_at=elsewhere), "scout")
        (listing,) = world.latest_listings(
            universe, SYSTEM, newer_than=after(-1).astimezone(timezone(timedelta(hours=9)))
        )
        assert listing.observed_at == NOON
        assert listing.observed_at.utcoffset() == timedelta(0)

    def test_an_hour_without_time_zone_is_refused(self, world: World, universe: int) -> None:
        with pytest.raises(Exception, match="has no time zone"):
            world.save_snapshot(universe, make_snapshot(observed_at=NOON.replace(tzinfo=None)), "scout")

    def test_every_reply_is_kept_with_its_source(self, database: Database) -> None:
        with database.transaction() as connection:
            world = World(connection)
            for source in ("scout", "trade", "trade"):
                world.save_snapshot(world.universe_id(SERVER, RESET), make_snapshot(), source)
            kept = connection.execute(select(market_observations.c.source)).scalars().all()
        assert sorted(kept) == ["scout", "trade", "trade"]


snapshots = st.builds(
    lambda waypoint, minute, goods: MarketSnapshot(
        waypoint, after(minute * 60), {good.symbol: replace(good, purchase_price=minute + 1) for good in goods}
    ),
    st.sampled_from([BUY_MARKET, SELL_MARKET, "X1-OTHER-A1"]),
    st.integers(0, 30),
    st.lists(
        st.builds(make_good, st.sampled_from([GOOD, "GOLD", "FUEL"]), activity=st.sampled_from([None, *Activity])),
        unique_by=lambda good: good.symbol,
    ),
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=st.lists(snapshots, max_size=8), oldest=st.integers(-1, 30))
def test_listings_agree_with_a_dictionary(database: Database, taken: list[MarketSnapshot], oldest: int) -> None:
    newest: dict[tuple[str, str], MarketSnapshot] = {}
    with database.transaction() as connection:
        world = World(connection)
        universe = world.universe_id(SERVER, "of this example")
        connection.execute(market_observations.delete().where(market_observations.c.universe_id == universe))
        for snapshot in taken:
            world.save_snapshot(universe, snapshot, "scout")
            for good in snapshot.goods:
                before = newest.get((snapshot.waypoint, good))
                if before is None or before.observed_at <= snapshot.observed_at:
                    newest[snapshot.waypoint, good] = snapshot
        found = world.latest_listings(universe, SYSTEM, newer_than=after(oldest * 60))
    expected = {
        (waypoint, good): snapshot.goods[good]
        for (waypoint, good), snapshot in newest.items()
        if waypoint.startswith(SYSTEM) and snapshot.observed_at > after(oldest * 60)
    }
    assert {(listing.waypoint, listing.good.symbol): listing.good for listing in found} == expected

"""The newest observation of each listing costs the same after a million readings: it is looked for in an index."""

from spacetraders_lab.store import live_markets, newest
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.world import World
from tests.factories import BUY_MARKET, GOOD, SELL_MARKET, make_good, make_snapshot
from tests.plans import plans
from tests.store.memory import RESET, SERVER, after

SYSTEM = "X1-GZ7"
GOODS = ("FUEL", GOOD)


def see(world: World, universe: int, second: int, *goods: str, market: str = BUY_MARKET) -> None:
    quotes = [make_good(good, purchase_price=100 + second) for good in goods]
    world.save_snapshot(universe, make_snapshot(market, quotes, observed_at=after(second)), "visit")


def prices(world: World, universe: int) -> dict[tuple[str, str], int]:
    found = world.latest_listings(universe, SYSTEM)
    return {(listing.waypoint, listing.good.symbol): listing.good.purchase_price for listing in found}


def test_a_listing_that_the_newest_reading_lacks_is_found_in_an_earlier_one(database: Database) -> None:
    with database.transaction() as connection:
        world = World(connection)
        universe = world.universe_id(SERVER, RESET)
        see(world, universe, 1, *GOODS, market=SELL_MARKET)
        see(world, universe, 2, *GOODS)
        for second in range(3, 3 + newest.LOOK_BACK - len(GOODS)):
            see(world, universe, second, GOOD)
        last = second
        assert prices(world, universe) == {
            (BUY_MARKET, "FUEL"): 102,
            (BUY_MARKET, GOOD): 100 + last,
            (SELL_MARKET, "FUEL"): 101,
            (SELL_MARKET, GOOD): 101,
        }
        see(world, universe, last + 1, GOOD)
        see(world, universe, last + 2, GOOD)
        assert (BUY_MARKET, "FUEL") not in prices(world, universe), "the look back has no end"


def test_what_is_asked_of_a_market_is_found_by_its_index(sqlite_url: str) -> None:
    """And not by the time alone, which SQLite likes as well and which leads through all markets of the system."""
    database = open_database(sqlite_url, durable=False)
    with database.transaction() as connection:
        world = World(connection)
        universe = world.universe_id(SERVER, RESET)
        see(world, universe, 1, *GOODS)
        with plans() as found:
            prices(world, universe)
            world.history(universe, BUY_MARKET, GOOD, most=1)
            live_markets.quotes_of(connection, universe, SYSTEM, BUY_MARKET, GOOD, since=None, most=5)
            live_markets.quotes_of(connection, universe, SYSTEM, BUY_MARKET, GOOD, since=after(0), most=5)
    database.close()
    of_markets = {statement: plan for statement, plan in found.items() if "FROM market_observations" in statement}
    assert len(of_markets) == 6
    for statement, plan in of_markets.items():
        assert "INDEX ix_observations_market (universe_id=? AND system_symbol=?" in plan, statement
        assert "ix_observations_time" not in plan, statement

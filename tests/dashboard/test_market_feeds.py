"""Markets as the page shows them: the newest of every listing, one listing's past, and the law beside the trades."""

from datetime import datetime
from typing import Any

import pytest

from spacetraders_lab.core.market import ListingType, Operation
from spacetraders_lab.dashboard import market_feeds
from spacetraders_lab.dashboard.market_feeds import ListingFeed, SystemFeed, SystemsFeed
from spacetraders_lab.store.database import Database, open_database, open_reading
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.world import World
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig
from tests.factories import BUY_MARKET, GOOD, NOON, make_good, make_record, make_snapshot
from tests.store.memory import after, enter_run

SYSTEM = "X1-GZ7"


def refreshed(feed: Any, database: Database) -> Any:
    while True:
        with database.reading() as connection:
            view = feed.refresh(connection, NOON)
        if not feed.behind:
            return view


def see(database: Database, ask: int, bid: int, at: datetime, *, market: str = BUY_MARKET, universe: int = 1) -> None:
    good = make_good(purchase_price=ask, sell_price=bid)
    with database.transaction() as connection:
        World(connection).save_snapshot(universe, make_snapshot(market, [good], observed_at=at), "visit")


def test_systems_are_listed_by_universe_the_latest_first(database: Database) -> None:
    assert refreshed(SystemsFeed(), database) == []
    enter_run(database)
    with database.transaction() as connection:
        later = World(connection).universe_id("https://game.example/v2", "2026-03-07")
    see(database, 50, 24, NOON)
    see(database, 50, 24, NOON, market="X1-AA1-B2")
    see(database, 50, 24, NOON, universe=later)
    found = [(s["universe"], s["system"]) for s in refreshed(SystemsFeed(), database)]
    assert found == [("2026-03-07", SYSTEM), ("2026-02-28", "X1-AA1"), ("2026-02-28", SYSTEM)]


def test_each_listing_shows_its_newest_quotes_and_those_before(database: Database) -> None:
    enter_run(database)
    see(database, 50, 24, NOON)
    see(database, 70, 34, NOON, market="X1-GZ7-B2")
    feed = SystemFeed("1", SYSTEM)
    first, _ = refreshed(feed, database)["listings"]
    assert (first["market"], first["ask"], first["bid"], first["ask_before"]) == (BUY_MARKET, 50, 24, None)
    see(database, 55, 26, after(10))
    see(database, 1, 1, after(5))  # written late, and no news any more
    see(database, 9, 9, after(20), market="X1-OTHER-A1")
    first, second = refreshed(feed, database)["listings"]
    assert (first["ask"], first["bid"], first["ask_before"], first["bid_before"]) == (55, 26, 50, 24)
    assert first["seen"] == after(10).timestamp()
    assert (second["ask"], second["ask_before"]) == (70, None)


def test_watching_a_system_shows_what_reading_it_shows(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_feeds, "ROWS_AT_ONCE", 7)
    writing, reading = open_database(database_url, durable=False), open_reading(database_url)
    rig = Rig(writing, ships=1)
    feed = SystemFeed("1", rig.system)

    def look(exchange: Exchange) -> None:
        if exchange.method == "POST":
            refreshed(feed, reading)

    rig.wire.after = look
    rig.scout()
    rig.fly(rig.queue(rig.pairs(1), FOUR_CELLS))
    watched = refreshed(feed, reading)["listings"]
    with reading.reading() as connection:
        listings = World(connection).latest_listings(1, rig.system)
    assert [(w["market"], w["good"], w["ask"], w["bid"], w["seen"]) for w in watched] == [
        (x.waypoint, x.good.symbol, x.good.purchase_price, x.good.sell_price, x.observed_at.timestamp())
        for x in listings
    ]
    assert len(watched) > 50
    writing.close()
    reading.close()


def test_a_listing_has_its_quotes_where_they_changed(database: Database) -> None:
    enter_run(database)
    feed = ListingFeed("1", BUY_MARKET, GOOD)
    assert refreshed(feed, database)["listing"] is None
    for second, ask in enumerate([50, 50, 50, 51, 51, 52, 52, 52]):
        see(database, ask, 24, after(second))
        watched = refreshed(feed, database)
    assert watched == refreshed(ListingFeed("1", BUY_MARKET, GOOD), database)
    assert watched["quotes"]["t"] == [after(s).timestamp() for s in (0, 2, 3, 4, 5, 7)]
    assert watched["quotes"]["ask"] == [50, 50, 51, 51, 52, 52]
    assert watched["listing"]["ask"] == 52


def test_a_listing_has_own_and_others_trades_of_its_own_side_only(database: Database) -> None:
    enter_run(database)
    feed = ListingFeed("1", BUY_MARKET, GOOD)
    see(database, 50, 24, NOON)
    trades = [
        make_record(iteration=1, timestamp=after(1)),
        make_record(iteration=2, timestamp=after(2), foreign_units=7),
        make_record(Operation.SELL, iteration=1, timestamp=after(3)),  # of the other market
    ]
    views = []
    for trade in trades:
        with database.transaction() as connection:
            ExperimentRepository(connection).record_transaction(trade)
        views.append(refreshed(feed, database))
    assert [len(view["trades"]) for view in views] == [1, 2, 2]
    assert views[-1]["others"] == [(after(2).timestamp(), 7)]
    assert views[-1] == refreshed(ListingFeed("1", BUY_MARKET, GOOD), database)
    sold = refreshed(ListingFeed("1", "X1-GZ7-B2", GOOD), database)
    assert [trade["operation"] for trade in sold["trades"]] == ["SELL"]


@pytest.mark.parametrize("kind", [ListingType.EXPORT, ListingType.IMPORT])
def test_the_law_goes_through_what_a_market_of_the_law_did(sqlite_url: str, kind: ListingType) -> None:
    """The sandbox plays the price law of the real game: the curve and the points agree within its rounding."""
    database = open_database(sqlite_url, durable=False)
    rig = Rig(database, ships=1)
    good = next(g for g in rig.goods() if rig.markets_of(g, kind) and len(rig.markets_of(g)) > 1)
    market = rig.markets_of(good, kind)[0]
    other = next(m for m in rig.markets_of(good) if m != market)
    pair = rig.pair(good).of(good, *((market, other) if kind is ListingType.EXPORT else (other, market)))
    rig.fly(rig.queue([pair], FOUR_CELLS))
    visits = refreshed(ListingFeed("1", market, good), database)["visits"]
    assert visits and len(visits[0]["points"]) > 1
    for visit in visits:
        (x, quote), (reach, expected) = visit["points"][-1], visit["curve"][-1]
        assert x == pytest.approx(reach, abs=1e-3)
        assert quote == pytest.approx(expected, rel=0.03, abs=3)
    database.close()


def test_a_universe_that_is_no_number_is_nothing() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        SystemFeed("first", SYSTEM)

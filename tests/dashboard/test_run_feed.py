"""One run as the page shows it: the same whether watched from its beginning or read at its end, and as in the store."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design, DesignName, MarketPair, RunStatus
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.summary import summarise_impact
from spacetraders_lab.dashboard import run_feed
from spacetraders_lab.dashboard.poller import Feed
from spacetraders_lab.dashboard.run_feed import RunFeed
from spacetraders_lab.dashboard.runs_feed import RunsFeed
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.database import Database, open_database, open_reading
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.status import summarise_run, summarise_ships
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig
from tests.factories import NOON, make_record
from tests.store.memory import Queue, after, apart, attend, enter_run, make_step


def refreshed(feed: RunFeed, database: Database, now: Any = NOON) -> dict[str, Any]:
    """The view once there is nothing more to read."""
    while True:
        with database.reading() as connection:
            view = feed.refresh(connection, now)
        if not feed.behind:
            return view


def test_watching_a_run_shows_what_reading_it_at_the_end_shows(database_url: str) -> None:
    writing, reading = open_database(database_url, durable=False), open_reading(database_url)
    rig = Rig(writing)
    rig.scout()
    run = rig.queue(rig.pairs(3), FOUR_CELLS)
    feed, counts = RunFeed(run.run_id), []

    def look(exchange: Exchange) -> None:
        if exchange.method == "POST":
            counts.append(refreshed(feed, reading)["progress"]["trades"])

    rig.wire.after = look
    rig.fly(run)
    view = refreshed(feed, reading)
    assert view == refreshed(RunFeed(run.run_id), reading)
    with writing.reading() as connection:
        summary, ships = summarise_run(connection, run.run_id), summarise_ships(connection, run.run_id)
        assert summarise_run(connection, run.run_id, ships) == summary
    records = rig.records(run)
    assert view["progress"]["pairs"] == {status.value: n for status, n in summary.pairs.items()}
    assert view["progress"]["trades"] == summary.transactions == len(records)
    assert {ship["ship"]: (ship["completed"], ship["trades"]) for ship in view["ships"]} == {
        ship.ship_symbol: (ship.completed, ship.transactions) for ship in ships
    }
    assert view["impact"] == asdict(summarise_impact(records))
    bought = sum(r.total_credits for r in records if r.operation is Operation.BUY)
    sold = sum(r.total_credits for r in records if r.operation is Operation.SELL)
    assert (view["money"]["bought"], view["money"]["sold"]) == (bought, sold)
    assert view["money"]["outlay"] == bought - sold + view["money"]["fuel"]
    assert sum(view["throughput"]["trades"]) == len(records)
    assert len(set(counts)) > 5 and counts == sorted(counts)  # it was watched while it went on
    writing.close()
    reading.close()


def test_a_long_run_is_read_in_portions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_feed, "ROWS_AT_ONCE", 4)
    enter_run(database)
    enter_run(database, run_id="run-2")
    with database.transaction() as connection:
        for number in range(1, 11):
            for run_id in ("run-2", "run-1"):
                trade = make_record(run_id=run_id, iteration=number, timestamp=after(number))
                ExperimentRepository(connection).record_transaction(trade)
    feed, seen = RunFeed("run-1"), []
    while not seen or feed.behind:
        with database.reading() as connection:
            progress = feed.refresh(connection, NOON)["progress"]
        seen.append((progress["trades"], progress["loaded"]))
    counts, loaded = zip(*seen, strict=True)
    assert counts[-1] == 10 and list(counts) == sorted(counts) and len(counts) > 3
    assert list(loaded) == sorted(loaded) and loaded[0] < 1 and loaded[-1] == 1


def test_a_ship_without_a_pair_watches_in_a_recovery_run(database: Database) -> None:
    attend(database, enter_run(database, apart(1), design=Design(name=DesignName.RECOVERY)))
    (ship,) = refreshed(RunFeed("run-1"), database, NOON)["ships"]
    assert ship["doing"] == "watching what was traded"


def test_what_a_ship_is_doing_follows_from_what_it_wrote_down(database: Database) -> None:
    attend(database, enter_run(database, apart(2), ships=("S-1", "S-2")))
    feed = RunFeed("run-1")

    def doing(ship: str = "S-1", now: datetime = NOON) -> str:
        (found,) = (s["doing"] for s in refreshed(feed, database, now)["ships"] if s["ship"] == ship)
        return str(found)

    assert doing() == doing("S-2") == "waiting for a pair"
    claim = Queue(database).must_claim("S-1")
    assert doing() == "on the way to buy GOOD_1 at X1-GZ7-A1"
    with database.transaction() as connection:
        intent = IntentRepository(connection).open(
            claim, make_step(good_symbol="GOOD_1"), units_before=0, price_limit=50, quote_before={}, now=NOON
        )
    assert doing() == "buying 6 GOOD_1 at X1-GZ7-A1"
    with database.transaction() as connection:
        IntentRepository(connection).resolve(intent.intent_id, intent.state.HAPPENED, now=NOON)
        ExperimentRepository(connection).record_transaction(make_record(pair=claim.pair, ship_symbol="S-1"))
    assert doing() == "bought 6 GOOD_1 at X1-GZ7-A1"
    assert doing(now=after(20)) == "taking GOOD_1 to X1-GZ7-B2"
    with database.transaction() as connection:
        sale = make_record(Operation.SELL, pair=claim.pair, ship_symbol="S-1", timestamp=after(60))
        ExperimentRepository(connection).record_transaction(sale)
    assert doing(now=after(61)) == "sold 6 GOOD_1 at X1-GZ7-B2"
    assert doing(now=after(80)) == "going back to X1-GZ7-A1 for GOOD_1"
    Queue(database).do("mark_complete", claim, now=NOON)
    assert doing() == doing("S-2") == "waiting for a pair"


def test_while_listings_are_left_alone_the_time_left_is_theirs(database: Database) -> None:
    first, other = MarketPair.of("GOOD_1", "X1-GZ7-A1", "X1-GZ7-B2"), MarketPair.of("GOOD_1", "X1-GZ7-B2", "X1-GZ7-C3")
    attend(database, enter_run(database, [first, other], ships=("S-1",)))
    with database.transaction() as connection:
        for minute in (0, 1):
            trade = make_record(pair=first, ship_symbol="S-1", iteration=minute + 1, timestamp=after(60 * minute))
            ExperimentRepository(connection).record_transaction(trade)
    queue = Queue(database)
    queue.do("mark_complete", queue.must_claim("S-1"), now=after(50), washout_seconds=2700)
    view = refreshed(RunFeed("run-1"), database, after(70))
    assert view["progress"]["seconds_left"] == pytest.approx(2680)
    assert [ship["doing"] for ship in view["ships"]] == ["waiting for listings that are left alone"]
    assert refreshed(RunFeed("run-1"), database, after(2800))["progress"]["seconds_left"] < 2680


def test_a_run_that_nobody_flies_for_has_no_time_left_and_its_ships_are_not_at_work(database: Database) -> None:
    run, queue = enter_run(database, apart(2), ships=("S-1",)), Queue(database)
    queue.do("mark_complete", queue.must_claim("S-1"), now=after(50))
    with database.transaction() as connection:
        for second in (0, 60):
            trade = make_record(ship_symbol="S-1", iteration=second + 1, timestamp=after(second))
            ExperimentRepository(connection).record_transaction(trade)
    attend(database, run, lease_seconds=80)
    view = refreshed(RunFeed("run-1"), database, after(70))
    assert view["ships"][0]["doing"] == "waiting for a pair"
    assert view["run"]["attended_until"] == after(80).timestamp()  # by when the page says it, should the daemon die
    assert view["progress"]["seconds_left"] is not None
    assert refreshed(RunFeed("run-1"), database, after(80))["progress"]["seconds_left"] is None
    with database.transaction() as connection:
        ContainerRepository(connection).stop_of_run("run-1", now=after(80))
    assert_left_behind(database)
    with database.transaction() as connection:
        for container in ContainerRepository(connection).list_containers():
            ContainerRepository(connection).remove(container.container_id)
    assert_left_behind(database)


def assert_left_behind(database: Database) -> None:
    """The page says of run-1 that nobody flies for it."""
    view = refreshed(RunFeed("run-1"), database, after(90))
    assert (view["progress"]["seconds_left"], view["run"]["attended_until"]) == (None, 0.0)
    assert [ship["doing"] for ship in view["ships"]] == ["not at work: resume the run"]


def test_failures_are_shown_with_their_reasons(database: Database) -> None:
    enter_run(database, apart(2))
    feed, queue = RunFeed("run-1"), Queue(database)
    assert refreshed(feed, database)["failures"] == []
    queue.do("mark_failed", queue.must_claim("S-1"), "the market sells none", now=after(5))
    view = refreshed(feed, database)
    (failure,) = view["failures"]
    assert (failure["claimed_by"], failure["error_message"], failure["completed_at"]) == (
        "S-1",
        "the market sells none",
        after(5).timestamp(),
    )
    assert view["progress"]["share"] == 0.5
    assert [good["states"] for good in view["goods"]] == ["F", "P"]


def test_a_queue_too_long_to_draw_one_by_one_is_drawn_in_proportion(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_feed, "MOST_CELLS", 2)
    enter_run(database, apart(3))
    for good in refreshed(RunFeed("run-1"), database)["goods"]:
        assert (good["states"], good["pairs"]["PENDING"]) == (None, 1)


def test_the_ladder_goes_on_from_the_last_quotes(database: Database) -> None:
    enter_run(database)
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record(purchase_price_after=60, sell_price_after=28))
    (ladder,) = refreshed(RunFeed("run-1"), database)["ladders"]
    assert (ladder["ask"], ladder["bid"], ladder["trade_volume"]) == (60, 28, 60)
    assert 60 < ladder["asks"][0] < ladder["asks"][1] < ladder["asks"][2]
    assert 28 > ladder["bids"][0] > ladder["bids"][1] > ladder["bids"][2]
    assert [move["price"] for move in ladder["visit"]] == [50]


def test_the_pace_counts_what_left_a_trace_in_the_last_two_minutes(database: Database) -> None:
    enter_run(database)
    with database.transaction() as connection:
        for number in (1, 200):
            trade = make_record(iteration=number, timestamp=after(number), visit_id=f"visit-{number}")
            ExperimentRepository(connection).record_transaction(trade)
    pace = refreshed(RunFeed("run-1"), database, NOON + timedelta(seconds=210))["pace"]
    assert (sum(pace["trades"]), sum(pace["requests"])) == (1, 4)
    assert pace["start"] + pace["trades"].index(1) == after(200).timestamp()


def test_an_unknown_run_is_the_users_error(database: Database) -> None:
    with database.reading() as connection, pytest.raises(UserError, match="there is no experiment nope"):
        RunFeed("nope").refresh(connection, NOON)


def test_all_runs_are_counted_as_they_go_on(database: Database) -> None:
    enter_run(database, apart(2))
    feed = RunsFeed()

    def lines() -> dict[str, tuple[int, int]]:
        with database.reading() as connection:
            view = feed.refresh(connection, NOON)
        return {line["run_id"]: (line["trades"], line["pairs"]["COMPLETED"]) for line in view}

    assert lines() == {"run-1": (0, 0)}
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record())
    assert lines() == {"run-1": (1, 0)}
    queue = Queue(database)
    queue.do("mark_complete", queue.must_claim("S-1"), now=NOON)
    queue.do("mark_complete", queue.must_claim("S-1"), now=NOON)
    assert lines() == {"run-1": (1, 2)}
    with database.transaction() as connection:
        ExperimentRepository(connection).set_status("run-1", RunStatus.COMPLETED, None, now=NOON)
        ExperimentRepository(connection).record_transaction(make_record(iteration=2))
    enter_run(database, run_id="run-2", created_at=after(1))
    assert list(lines().items()) == [("run-2", (0, 0)), ("run-1", (2, 2))]


def test_a_pair_that_a_ship_finishes_after_the_run_was_cancelled_is_counted_as_it_ended(database: Database) -> None:
    enter_run(database, apart(1))
    queue, feed = Queue(database), RunsFeed()
    claim = queue.must_claim("S-1")
    with database.transaction() as connection:
        ExperimentRepository(connection).cancel("run-1", "cancelled: by the user", now=NOON)

    def pairs() -> dict[str, int]:
        with database.reading() as connection:
            (line,) = feed.refresh(connection, NOON)
        return {status: count for status, count in line["pairs"].items() if count}

    assert pairs() == {"CLAIMED": 1}
    queue.do("mark_complete", claim, now=NOON)
    assert pairs() == {"COMPLETED": 1}


@pytest.mark.postgres
@pytest.mark.parametrize("make_feed", [RunsFeed, lambda: RunFeed("run-1")])
def test_a_trade_that_was_on_its_way_at_the_first_look_is_counted_when_it_is_there(
    postgres_url: str, make_feed: Callable[[], Feed]
) -> None:
    """PostgreSQL numbers a row before it shows it: the first look may find a later one only."""
    with closing(open_database(postgres_url, durable=False)) as database:
        enter_run(database, apart(1))
        feed = make_feed()

        def look() -> int:
            with database.reading() as connection:
                view = feed.refresh(connection, NOON)
            return int(view["progress"]["trades"] if isinstance(view, dict) else view[0]["trades"])

        with database.transaction() as slow:
            ExperimentRepository(slow).record_transaction(make_record())
            with database.transaction() as fast:
                ExperimentRepository(fast).record_transaction(make_record(iteration=2))
            assert look() == 1
        assert look() == 2
        assert look() == 2

"""What a watcher reads: the same as the whole statements say, without reading everything; and never a write."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.store import live, live_logs, live_markets
from spacetraders_lab.store.database import Database, open_database, open_reading
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.store.world import World
from tests.factories import NOON, make_good, make_record, make_snapshot
from tests.store.memory import Queue, after, apart, enter_run, make_step


def record(database: Database, count: int, *, run_id: str = "run-1") -> None:
    """So many trades of a run, a second apart."""
    with database.transaction() as connection:
        for number in range(1, count + 1):
            trade = make_record(run_id=run_id, iteration=number, timestamp=after(number))
            ExperimentRepository(connection).record_transaction(trade)


def test_trades_are_read_from_where_the_last_look_ended(database: Database) -> None:
    enter_run(database)
    enter_run(database, run_id="run-2")
    record(database, 3)
    record(database, 2, run_id="run-2")
    with database.reading() as connection:
        first, newest = live.first_trade_id(connection, "run-2"), live.last_trade_id(connection)
        assert first is not None
        rows = live.read_trades(connection, "run-2", first - 1, newest)
        assert [row.experiment_id for row in rows] == [first, newest]
        assert [row.timestamp for row in rows] == [after(1), after(2)]
        assert live.read_trades(connection, "run-2", first, newest) == rows[1:]
        assert live.read_trades(connection, "run-2", 0, first) == rows[:1]
        assert live.read_trades(connection, "run-1", newest, newest) == []
        whole, *_ = ExperimentRepository(connection).records_of("run-2", rows[0].pair_id, 1)
    shared = [name for name in live.Trade._fields if hasattr(whole, name)]
    assert {name: getattr(rows[0], name) for name in shared} == {name: getattr(whole, name) for name in shared}
    assert len(shared) == len(live.Trade._fields) - 1  # all but the id


def test_an_empty_database_has_nothing_to_read(database: Database) -> None:
    with database.reading() as connection:
        assert live.last_trade_id(connection) == live_markets.last_observation_id(connection) == 0
        assert live_logs.last_log_id(connection) == 0
        assert live.first_trade_id(connection, "run-1") is None
        assert live.count_trades(connection) == {}
        assert live.run_rows(connection) == []
        with pytest.raises(UserError, match="there is no experiment nonsense"):
            live.run_row(connection, "nonsense")


def test_trades_of_all_runs_are_counted(database: Database) -> None:
    enter_run(database)
    enter_run(database, run_id="run-2")
    record(database, 3)
    with database.reading() as connection:
        counted, newest = live.count_trades(connection), live.last_trade_id(connection)
    record(database, 1, run_id="run-2")
    with database.reading() as connection:
        (new,) = live.trades_between(connection, newest, newest + 10)
        assert live.count_trades(connection) == counted | {"run-2": live.TradeCount(1, after(1))}
    assert counted == {"run-1": live.TradeCount(3, after(3))}
    assert (new.run_id, new.timestamp) == ("run-2", after(1))
    assert counted["run-1"].plus(after(1)) == live.TradeCount(4, after(3))


def test_the_queue_is_counted_by_good_ship_and_status(database: Database) -> None:
    enter_run(database, apart(4))
    queue = Queue(database)
    queue.do("mark_complete", queue.must_claim("S-1"), now=NOON)
    queue.do("mark_failed", queue.must_claim("S-2"), "why", now=after(1))
    working = queue.must_claim("S-2")
    with database.reading() as connection:
        assert live.queue_marks(connection, "run-1") == live.QueueMarks(total=4, pending=1, claimed=1)
        counts = live.count_pairs(connection, "run-1")
        assert [count[:4] for count in counts] == [
            ("GOOD_1", "S-1", "COMPLETED", 1),
            ("GOOD_2", "S-2", "FAILED", 1),
            ("GOOD_3", "S-2", "CLAIMED", 1),
            ("GOOD_4", None, "PENDING", 1),
        ]
        by_status = Counter[str]()
        for count in counts:
            by_status[count.status] += count.pairs
        assert by_status == WorkQueueRepository(connection).get_queue_status("run-1")
        assert live.pair_states(connection, "run-1") == {"GOOD_1": "C", "GOOD_2": "F", "GOOD_3": "A", "GOOD_4": "P"}
        (claim,) = live.claims(connection, "run-1")
        assert (claim.claimed_by, claim.pair_id) == ("S-2", working.pair.pair_id)
        (failure,) = live.last_failures(connection, "run-1", 10)
        assert (failure["pair_id"], failure["error_message"]) == ("GOOD_2:X1-GZ7-A1:X1-GZ7-B2", "why")
        assert live.last_failures(connection, "run-1", 0) == []


def test_a_trade_under_way_is_an_open_intent(database: Database) -> None:
    enter_run(database, apart(1))
    claim = Queue(database).must_claim("S-1")
    with database.transaction() as connection:
        IntentRepository(connection).open(
            claim, make_step(units=6), units_before=0, price_limit=50, quote_before={}, now=NOON
        )
    with database.reading() as connection:
        (intent,) = live.open_intents(connection, "run-1")
        assert live.open_intents(connection, "run-2") == []
    assert (intent.ship_symbol, intent.operation, intent.units, intent.market) == (
        "S-1",
        "BUY",
        6,
        claim.pair.buy_market,
    )


def test_observations_are_read_from_where_the_last_look_ended(database: Database) -> None:
    run = enter_run(database)
    goods = [make_good("IRON"), make_good("GOLD")]
    with database.transaction() as connection:
        world = World(connection)
        world.save_snapshot(run.universe_id, make_snapshot("X1-GZ7-A1", goods), "scout")
        world.save_snapshot(run.universe_id, make_snapshot("X1-GZ7-B2", goods, observed_at=after(5)), "scout")
        world.save_snapshot(run.universe_id, make_snapshot("X1-ELSE-A1", goods, observed_at=after(6)), "scout")
    with database.reading() as connection:
        newest = live_markets.last_observation_id(connection)
        rows = live_markets.read_quotes(connection, run.universe_id, "X1-GZ7", 0, newest)
        assert [(row.waypoint_symbol, row.good_symbol) for row in rows] == [
            ("X1-GZ7-A1", "IRON"),
            ("X1-GZ7-A1", "GOLD"),
            ("X1-GZ7-B2", "IRON"),
            ("X1-GZ7-B2", "GOLD"),
        ]
        assert (
            live_markets.read_quotes(connection, run.universe_id, "X1-GZ7", rows[2].observation_id, newest) == rows[3:]
        )
        assert live_markets.market_reads(connection, run.universe_id, "X1-GZ7", after(-1)) == [NOON, after(5)]
        assert live_markets.market_reads(connection, run.universe_id, "X1-GZ7", after(1)) == [after(5)]


def test_the_stamp_tells_that_somebody_has_written(database: Database, database_url: str) -> None:
    watching = open_reading(database_url)

    def stamp() -> str:
        with watching.reading() as connection:
            return live.change_stamp(connection)

    before = stamp()
    assert database.is_sqlite <= (stamp() == before)  # another's vacuum may move that of PostgreSQL
    enter_run(database)
    assert stamp() != before
    watching.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM experiment_runs",
        "UPDATE experiment_runs SET status = 'CANCELLED'",
        "INSERT INTO universes (reset_date, base_url) VALUES ('x', 'y')",
        "CREATE TABLE mine (id INTEGER)",
        "DROP TABLE rate_limit",
    ],
)
def test_a_reading_database_refuses_every_write(database: Database, database_url: str, statement: str) -> None:
    """Also in `transaction`, which on another database may write."""
    enter_run(database)
    watching = open_reading(database_url)

    def write(connection: Connection) -> None:
        connection.execute(text(statement))

    for way in (watching.reading, watching.transaction):
        with pytest.raises(DatabaseUnavailable), way() as connection:
            write(connection)
    with watching.reading() as connection:
        assert live.run_row(connection, "run-1")["status"] == "RUNNING"
    watching.close()


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        open_reading(path=tmp_path / "none.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(UserError, match="schema"):
        open_reading(path=tmp_path / "empty.db")
    assert [file.name for file in tmp_path.iterdir()] == ["empty.db"]


def test_a_file_with_a_name_that_a_url_would_misread(tmp_path: Path) -> None:
    path = tmp_path / "50% of? it#all.db"
    open_database(path=path).close()
    opened = open_reading(path=path)
    with opened.reading() as connection:
        assert live.last_trade_id(connection) == 0
    opened.close()

"""The figures of `experiment status` and `experiment list`."""

from pathlib import Path

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import QueueStatus, RunStatus
from spacetraders_lab.store.attrition import attrition
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.status import ShipStatus, summarise_pairs, summarise_run, summarise_runs, summarise_ships
from tests.factories import NOON, make_record
from tests.plans import plans
from tests.store.memory import LEASE, Queue, after, apart, enter_run


def record(database: Database, **fields: object) -> None:
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record(**fields))  # type: ignore[arg-type]


def test_a_fresh_run_has_only_pending_pairs(database: Database) -> None:
    enter_run(database, apart(3))
    with database.reading() as connection:
        summary = summarise_run(connection, "run-1")
    assert summary.pairs == {
        QueueStatus.PENDING: 3,
        QueueStatus.CLAIMED: 0,
        QueueStatus.COMPLETED: 0,
        QueueStatus.FAILED: 0,
    }
    assert (summary.total, summary.transactions, summary.started, summary.last_update) == (3, 0, None, None)
    assert (summary.system_symbol, summary.status, summary.created_at) == ("X1-GZ7", RunStatus.RUNNING, NOON)


def test_pairs_and_transactions_are_counted_apart(database: Database) -> None:
    """Joining both to the run in one go would multiply them."""
    enter_run(database, apart(4))
    queue = Queue(database)
    queue.do("mark_complete", queue.must_claim("S-1"), now=NOON)
    queue.do("mark_failed", queue.must_claim("S-2"), "why", now=NOON)
    queue.must_claim("S-2")
    for number in range(1, 4):
        record(database, iteration=number, timestamp=after(number))
    with database.reading() as connection:
        summary = summarise_run(connection, "run-1")
    assert list(summary.pairs.values()) == [1, 1, 1, 1]
    assert (summary.transactions, summary.started, summary.last_update) == (3, after(1), after(3))


def test_all_runs_are_listed_newest_first_with_their_own_figures(database: Database) -> None:
    enter_run(database, apart(2))
    enter_run(database, apart(5), run_id="run-2", created_at=after(60))
    enter_run(database, run_id="empty", created_at=after(30))
    record(database)
    with database.reading() as connection:
        listed = summarise_runs(connection)
    assert [(one.run_id, one.total, one.transactions) for one in listed] == [
        ("run-2", 5, 0),
        ("empty", 0, 0),
        ("run-1", 2, 1),
    ]


def test_an_unknown_run_is_the_users_error(database: Database) -> None:
    with database.reading() as connection, pytest.raises(UserError, match="experiment list"):
        summarise_run(connection, "nonsense")


def test_each_ship_shows_what_it_did_and_what_it_is_at(database: Database) -> None:
    first, *_ = pairs = apart(4)
    enter_run(database, pairs)
    queue = Queue(database)
    dead = queue.must_claim("DEAD-1")
    record(database, ship_symbol="DEAD-1")
    taken_over = queue.must_claim("S-1", after(LEASE))
    assert taken_over.queue_id == dead.queue_id
    queue.do("mark_complete", taken_over, now=after(LEASE))
    queue.do("mark_failed", queue.must_claim("S-1"), "why", now=NOON)
    record(database, ship_symbol="S-1", take=2)
    record(database, ship_symbol="S-1", take=2, iteration=2)
    working = queue.must_claim("S-2")
    with database.reading() as connection:
        ships, pairs = summarise_ships(connection, "run-1"), summarise_pairs(connection, "run-1")
        by_status = summarise_run(connection, "run-1").pairs
    assert list(pairs.completed.items()) == [(ship.ship_symbol, ship.completed) for ship in ships]
    assert (pairs.by_status, pairs.total) == (by_status, 4)
    assert ships == [
        ShipStatus("S-1", completed=1, failed=1, transactions=2, working_on=None),
        ShipStatus("DEAD-1", completed=0, failed=0, transactions=1, working_on=None),
        ShipStatus("S-2", completed=0, failed=0, transactions=0, working_on=working.pair.pair_id),
    ]
    assert first.pair_id == dead.pair.pair_id


def test_a_run_that_nobody_has_begun_has_no_ship(database: Database) -> None:
    enter_run(database, apart(3))
    with database.reading() as connection:
        pairs = summarise_pairs(connection, "run-1")
    assert (pairs.completed, pairs.total, pairs.by_status[QueueStatus.PENDING]) == ({}, 3, 3)


def test_nothing_of_a_long_run_is_counted_from_its_rows(tmp_path: Path) -> None:
    """There may be a million: each figure comes from an index that holds all it needs."""
    database = open_database(f"sqlite:///{tmp_path}/lab.db")
    enter_run(database, apart(2))
    record(database)
    with plans() as found, database.reading() as connection:
        summarise_pairs(connection, "run-1")
        summarise_run(connection, "run-1", summarise_ships(connection, "run-1"))
        attrition(connection, "run-1")
    database.close()
    looks = [line for plan in found.values() for line in plan.splitlines() if "market_experiments" in line]
    assert {line for line in looks if "COVERING INDEX" not in line} == set()
    assert any("ix_experiments_no_cell" in line for line in looks)

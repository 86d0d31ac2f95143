"""Placebo brackets: two readings of a market, and what each of its listings quoted at both."""

from datetime import datetime

import pytest

from spacetraders_lab.core.experiment import PlaceboBracket
from spacetraders_lab.core.market import TradeGood
from spacetraders_lab.store.brackets import brackets_of, placebo_brackets, record_bracket
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.world import World
from tests.factories import BUY_MARKET, NOON, PAIR, SHIP, make_claim, make_good, make_snapshot
from tests.store.memory import after, enter_run

IRON, GOLD = make_good("IRON_ORE"), make_good("GOLD", purchase_price=900, sell_price=400)
MOVED = make_good("GOLD", purchase_price=905, sell_price=402)


@pytest.fixture
def universe(database: Database) -> int:
    return enter_run(database, [PAIR]).universe_id


def read(database: Database, universe: int, at: datetime, *goods: TradeGood, ship: str | None = SHIP) -> None:
    with database.transaction() as connection:
        World(connection).save_snapshot(universe, make_snapshot(goods=goods, observed_at=at), "placebo", ship=ship)


def bracket(database: Database, before: datetime, end: datetime) -> None:
    with database.transaction() as connection:
        record_bracket(connection, make_claim(), BUY_MARKET, before_at=before, after_at=end)


def test_a_bracket_tells_of_every_listing_that_was_read_twice(database: Database, universe: int) -> None:
    read(database, universe, NOON, IRON, GOLD)
    read(database, universe, after(1), IRON, MOVED, make_good("NEW"))
    read(database, universe, after(2), IRON, GOLD)
    bracket(database, NOON, after(1))
    with database.reading() as connection:
        assert placebo_brackets(connection, "run-1") == [
            PlaceboBracket("run-1", SHIP, BUY_MARKET, GOLD, NOON, MOVED, after(1)),
            PlaceboBracket("run-1", SHIP, BUY_MARKET, IRON, NOON, IRON, after(1)),
        ]


@pytest.mark.parametrize("other", ["HAULER-9", None])
@pytest.mark.parametrize("comes_first", [True, False])
def test_what_another_ship_read_in_the_same_moment_is_never_taken_for_it(
    database: Database, universe: int, other: str | None, comes_first: bool
) -> None:
    """Beside another ship, or beside a reading of which nobody knows whose it was."""
    readings = [(SHIP, GOLD), (other, MOVED)]
    read(database, universe, NOON, GOLD)
    for ship, quoted in reversed(readings) if comes_first else readings:
        read(database, universe, after(1), quoted, ship=ship)
    bracket(database, NOON, after(1))
    with database.reading() as connection:
        (found,) = placebo_brackets(connection, "run-1")
    assert (found.before, found.after) == (GOLD, GOLD)


def test_without_the_ships_own_reading_there_is_no_bracket(database: Database, universe: int) -> None:
    read(database, universe, NOON, GOLD)
    read(database, universe, after(1), MOVED, ship="HAULER-9")
    bracket(database, NOON, after(1))
    with database.reading() as connection:
        assert placebo_brackets(connection, "run-1") == []


def test_readings_of_earlier_versions_still_make_brackets(database: Database, universe: int) -> None:
    for second in range(2):
        read(database, universe, after(second), GOLD, ship=None)
    bracket(database, NOON, after(1))
    with database.reading() as connection:
        assert len(placebo_brackets(connection, "run-1")) == 1


def test_a_take_counts_its_own_brackets(database: Database, universe: int) -> None:
    read(database, universe, NOON, IRON)
    bracket(database, NOON, after(1))
    bracket(database, after(9), after(10))
    with database.reading() as connection:
        assert brackets_of(connection, make_claim()) == {BUY_MARKET: 2}
        assert brackets_of(connection, make_claim(take=2)) == {}


def test_other_runs_have_none(database: Database) -> None:
    with database.reading() as connection:
        assert placebo_brackets(connection, "nonsense") == []


def test_what_did_not_go_as_planned_is_written_down_once(database: Database, universe: int) -> None:
    for second in range(3):
        with database.transaction() as connection:
            experiments = ExperimentRepository(connection)
            experiments.record_deviation("run-1", "ships", "resumed with LAB-9", now=after(second))
            experiments.record_deviation("run-1", "posted price", "IRON_ORE at A1", now=after(second))
    with database.reading() as connection:
        found = ExperimentRepository(connection).deviations("run-1")
    assert [(d.kind, d.what, d.recorded_at) for d in found] == [
        ("ships", "resumed with LAB-9", NOON),
        ("posted price", "IRON_ORE at A1", NOON),
    ]

"""Placebo brackets: two readings of a market, and what each of its listings quoted at both."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, event

from spacetraders_lab.core.experiment import PlaceboBracket
from spacetraders_lab.core.market import TradeGood
from spacetraders_lab.store.brackets import brackets_of, newest_reading, placebo_brackets, record_bracket
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.world import World
from tests.counting import counting
from tests.factories import BUY_MARKET, NOON, PAIR, SHIP, make_claim, make_good, make_snapshot
from tests.store.memory import after, enter_run

IRON, GOLD = make_good("IRON_ORE"), make_good("GOLD", purchase_price=900, sell_price=400)
MOVED = make_good("GOLD", purchase_price=905, sell_price=402)


@pytest.fixture
def universe(database: Database) -> int:
    return enter_run(database, [PAIR]).universe_id


def read(
    database: Database,
    universe: int,
    at: datetime,
    *goods: TradeGood,
    ship: str | None = SHIP,
    market: str = BUY_MARKET,
) -> None:
    snapshot = make_snapshot(market, goods, observed_at=at)
    with database.transaction() as connection:
        World(connection).save_snapshot(universe, snapshot, "placebo", ship=ship)


def bracket(database: Database, before: datetime, end: datetime, *, ship: str = SHIP, market: str = BUY_MARKET) -> None:
    with database.transaction() as connection:
        record_bracket(connection, make_claim(ship_symbol=ship), market, before_at=before, after_at=end)


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


def test_another_ship_may_have_made_the_first_reading(database: Database, universe: int) -> None:
    """What the ship itself read in the same moment is not taken for it."""
    read(database, universe, NOON, MOVED)
    read(database, universe, NOON, GOLD, ship="HAULER-9")
    read(database, universe, after(60), MOVED)
    with database.transaction() as connection:
        record_bracket(connection, make_claim(), BUY_MARKET, before_at=NOON, after_at=after(60), before_by="HAULER-9")
    with database.reading() as connection:
        assert placebo_brackets(connection, "run-1") == [
            PlaceboBracket("run-1", SHIP, BUY_MARKET, GOLD, NOON, MOVED, after(60))
        ]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [(0, 9, ("HAULER-9", 5)), (5, 5, ("HAULER-9", 5)), (0, 4, (SHIP, 2)), (3, 4, None), (6, 9, None)],
)
def test_the_newest_reading_of_a_market_in_a_time(
    database: Database, universe: int, since: int, until: int, found: tuple[str, int] | None
) -> None:
    """Readings of which nobody knows who made them, and those of other markets, are none."""
    for second, ship, market in (
        (2, SHIP, BUY_MARKET),
        (5, "HAULER-9", BUY_MARKET),
        (7, None, BUY_MARKET),
        (8, SHIP, PAIR.sell_market),
    ):
        read(database, universe, after(second), GOLD, IRON, ship=ship, market=market)
    with database.reading() as connection:
        newest = newest_reading(connection, universe, BUY_MARKET, since=after(since), until=after(until))
        assert newest == (found and (found[0], after(found[1])))
        assert newest_reading(connection, universe + 1, BUY_MARKET, since=NOON, until=after(9)) is None


def test_readings_of_earlier_versions_still_make_brackets(database: Database, universe: int) -> None:
    for second in range(2):
        read(database, universe, after(second), GOLD, ship=None)
    bracket(database, NOON, after(1))
    with database.reading() as connection:
        assert len(placebo_brackets(connection, "run-1")) == 1


Reading = tuple[datetime, str, str | None, TradeGood]
Bracket = tuple[datetime, datetime, str, str]


def by_hand(readings: Sequence[Reading], taken: Sequence[Bracket]) -> list[PlaceboBracket]:
    """What the readings, each of one good, say of the brackets: looked for one after the other."""

    def seen(at: datetime, market: str, ship: str) -> dict[str, TradeGood]:
        here = [r for reader in (None, ship) for r in readings if r[:3] == (at, market, reader)]
        return {good.symbol: good for *_, good in here}

    return [
        PlaceboBracket("run-1", ship, market, before[good], start, after[good], end)
        for start, end, market, ship in sorted(taken, key=lambda bracket: bracket[1])
        for before, after in [(seen(start, market, ship), seen(end, market, ship))]
        for good in sorted(before.keys() & after.keys())
    ]


def test_many_brackets_are_found_among_the_readings_of_others_at_the_same_times(
    database: Database, universe: int
) -> None:
    chance, markets, ships = Random(1), (BUY_MARKET, PAIR.sell_market), (SHIP, "HAULER-9")
    readings = [
        (
            after(chance.randrange(6)),
            chance.choice(markets),
            chance.choice((*ships, None)),
            make_good(chance.choice("ABC"), purchase_price=price),
        )
        for price in range(50, 130)
    ]
    taken = [(after(n), after(n + 1), market, ship) for n in range(5) for market in markets for ship in ships]
    for at, market, ship, good in readings:
        read(database, universe, at, good, ship=ship, market=market)
    for start, end, market, ship in taken:
        bracket(database, start, end, ship=ship, market=market)
    expected = by_hand(readings, taken)
    assert len(expected) > 20
    with database.reading() as connection:
        assert placebo_brackets(connection, "run-1") == expected


def test_a_hundred_brackets_take_no_more_statements_than_one(database: Database, universe: int) -> None:
    """A question of an adaptive run reads them all; it did so with two statements for each."""

    def take(first: int, last: int) -> tuple[int, int]:
        for number in range(first, last):
            read(database, universe, after(number), IRON, GOLD)
            bracket(database, after(number), after(number))
        with database.reading() as connection, counting() as counts:
            return len(placebo_brackets(connection, "run-1")), counts["statements"]

    (one, few), (hundred, many) = take(0, 1), take(1, 100)
    assert (one, hundred) == (2, 200)
    assert many == few
    with analysed(database) as plans:
        take(100, 100)
    for plan in plans:
        assert not re.search("SCAN (?:market_observations|placebo_brackets)", plan)
        assert all(int(rows) < 100 for rows in re.findall(r"Rows Removed by [\w ]+: (\d+)", plan)), plan


@contextmanager
def analysed(database: Database) -> Iterator[list[str]]:
    """How the database does what is read until the block ends."""
    plans: list[str] = []
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN ANALYZE "

    def note(_connection: Any, cursor: Any, statement: str, values: Any, _context: Any, _is_many: bool) -> None:
        if statement.startswith(("SELECT", "WITH")):
            cursor.execute(explain + statement, values)
            plans.append("\n".join(str(row[-1]) for row in cursor.fetchall()))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        event.remove(Engine, "before_cursor_execute", note)


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

"""Statements past SQLAlchemy's execution: they take, give, raise and tell what they would with it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import JSON, Double, Integer, bindparam, insert, select, text

from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.failures import DatabaseUnavailable, Duplicate
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import universes
from spacetraders_lab.store.types import UtcDateTime, Word
from tests.counting import counting

ADD = Prepared(
    insert(universes)
    .values(reset_date=bindparam("reset_date"), base_url="https://game")  # one value is the statement's own
    .returning(universes.c.universe_id)
)
FIND = Prepared(select(universes.c.base_url).where(universes.c.universe_id == bindparam("number")).limit(1))


def test_values_come_back_as_sqlalchemy_gives_them(database: Database) -> None:
    kinds = {
        "moment": UtcDateTime(),
        "word": Word(Operation),
        "document": JSON(),
        "number": Double(),
        "count": Integer(),
    }
    statement = select(*(bindparam(name, type_=kind).label(name) for name, kind in kinds.items()))
    values = {
        "moment": datetime(2026, 3, 1, 12, 30, 0, 250, tzinfo=UTC),
        "word": Operation.SELL,
        "document": {"a": [1, None, "ü"]},
        "number": 0.25,
        "count": None,
    }
    with database.reading() as connection:
        for _ in range(2):
            found = Prepared(statement).first(connection, values)
            assert found._asdict() == values
        assert tuple(found) == tuple(connection.execute(statement, values).one())


def test_what_is_written_is_found_and_what_is_not_there_is_none(database: Database) -> None:
    with database.transaction() as connection:
        number = ADD.first(connection, {"reset_date": "2026-03-01"}).universe_id
    with database.reading() as connection:
        assert FIND.first(connection, {"number": number}).base_url == "https://game"
        assert FIND.first(connection, {"number": number + 1}) is None


def test_a_second_row_is_a_duplicate_and_nothing_of_the_transaction_is_written(database: Database) -> None:
    with pytest.raises(Duplicate), database.transaction() as connection:
        for _ in range(2):
            ADD.first(connection, {"reset_date": "2026-03-01"})
    with database.reading() as connection:
        assert connection.execute(select(universes)).all() == []


def test_who_counts_statements_counts_these(database: Database) -> None:
    with database.reading() as connection, counting() as counts:
        FIND.first(connection, {"number": 1})
    assert counts["statements"] == 1


@pytest.mark.postgres
class TestALostLine:
    @pytest.fixture
    def database(self, postgres_url: str) -> Iterator[Database]:
        with closing(open_database(postgres_url)) as database:
            yield database

    def test_it_is_out_of_reach_and_the_next_transaction_has_another(
        self, database: Database, postgres_url: str
    ) -> None:
        with pytest.raises(DatabaseUnavailable), database.transaction() as connection:
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with psycopg.connect(postgres_url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [pid])
            ADD.first(connection, {"reset_date": "2026-03-01"})
        with database.transaction() as connection:
            assert ADD.first(connection, {"reset_date": "2026-03-01"}) is not None

"""The migrations make what the schema says, on both databases; the types are the same values in Python on both."""

import re
import warnings
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import CheckConstraint, inspect
from sqlalchemy.dialects import postgresql, sqlite

from spacetraders_lab.core.market import Supply
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.migrations import HEAD, REVISIONS
from spacetraders_lab.store.schema import metadata
from spacetraders_lab.store.types import UtcDateTime, Word


def test_the_migrations_make_what_the_schema_says(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SQLite: expressions of partial indexes are not compared
            assert compare_metadata(context, metadata) == []


def test_the_migrations_make_every_check_of_the_schema(database: Database) -> None:
    """Autogeneration does not compare checks."""
    with database.reading() as connection:
        inspector = inspect(connection)
        for table in metadata.sorted_tables:
            wanted = {str(c.name) for c in table.constraints if isinstance(c, CheckConstraint)}
            assert wanted <= {check["name"] for check in inspector.get_check_constraints(table.name)}


def test_the_migrations_make_every_condition_of_a_partial_index(database: Database) -> None:
    conditions = {
        index.name: index.info["where"]
        for table in metadata.sorted_tables
        for index in table.indexes
        if "where" in index.info
    }
    assert conditions.keys() == {
        "ix_work_queue_pending",
        "ix_work_queue_claimed",
        "ix_work_queue_ship",
        "uq_work_queue_ship",
        "ix_experiments_no_cell",
        "uq_intents_open",
        "uq_containers_driver",
        "ix_containers_open",
    }
    catalogue = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
        if database.is_sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    with database.reading() as connection:
        made = {
            name: sql.partition(" WHERE ")[2]
            for name, sql in connection.exec_driver_sql(catalogue)
            if sql and " WHERE " in sql
        }
    assert made.keys() == conditions.keys()
    assert {name: _words(made[name]) for name in made} == {name: _words(conditions[name]) for name in made}


def _words(condition: str) -> list[str]:
    """Columns and values in their order, which PostgreSQL writes with casts and its own brackets."""
    return re.findall(r"\w+(?= IS (?:NOT )?NULL| [=>]| IN)|'\w+'", condition.replace("= ANY", "IN"))


def test_the_program_knows_every_revision_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", "spacetraders_lab.store:migrations")
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert script.get_current_head() == HEAD
    assert tuple(reversed([revision.revision for revision in script.walk_revisions()])) == REVISIONS


EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
MOMENTS = st.builds(
    lambda elapsed, hours: (EARLIEST + elapsed).astimezone(timezone(timedelta(hours=hours))),
    st.timedeltas(timedelta(0), timedelta(days=9998 * 365)),
    st.integers(-12, 14),
)


class TestTypes:
    @given(MOMENTS, MOMENTS)
    def test_on_sqlite_the_order_of_the_texts_is_the_order_of_time(self, one: datetime, other: datetime) -> None:
        def written(moment: datetime) -> str:
            text = UtcDateTime().process_bind_param(moment, sqlite.dialect())
            assert isinstance(text, str)
            return text

        assert (written(one) < written(other)) is (one < other)
        assert len(written(one)) == len(written(other))

    @pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
    @given(moment=MOMENTS | st.none())
    def test_a_moment_comes_back_as_the_same_moment_in_utc(self, dialect: object, moment: datetime | None) -> None:
        kind = UtcDateTime()
        back = kind.process_result_value(kind.process_bind_param(moment, dialect), dialect)  # type: ignore[arg-type]
        assert back == moment
        assert back is None or back.tzinfo is UTC

    def test_an_enumeration_comes_back_as_its_member_and_nothing_else_is_accepted(self) -> None:
        kind, dialect = Word(Supply), sqlite.dialect()
        assert kind.process_bind_param("SCARCE", dialect) == "SCARCE"
        assert type(kind.process_bind_param(Supply.SCARCE, dialect)) is str
        assert kind.process_result_value("SCARCE", dialect) is Supply.SCARCE
        assert kind.process_bind_param(None, dialect) is None
        assert kind.process_result_value(None, dialect) is None
        ready = kind.bind_processor(dialect)
        assert [type(ready(Supply.SCARCE)), ready("SCARCE"), ready(None)] == [str, "SCARCE", None]
        for refused in (kind.process_bind_param, lambda word, _: ready(word)):
            with pytest.raises(ValueError, match="PLENTY"):
                refused("PLENTY", dialect)

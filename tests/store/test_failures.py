"""What the database's own words become: what somebody can do something about, and no password in it."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import Connection, text

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.store.database import Database, open_database, open_reading
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.world import World
from tests.store.memory import RESET, SERVER
from tests.waiting import until


@pytest.mark.postgres
class TestAFrozenProcess:
    """The machine sleeps in the middle of a transaction for longer than the server lets one stand still."""

    @pytest.fixture
    def database(self, postgres_url: str) -> Iterator[Database]:
        with closing(open_database(postgres_url)) as database:
            yield database

    def test_it_finds_the_database_out_of_reach_and_nothing_written(
        self, database: Database, postgres_url: str
    ) -> None:
        with pytest.raises(DatabaseUnavailable, match="stood still"), database.transaction() as connection:
            World(connection).universe_id(SERVER, RESET)
            freeze(connection, postgres_url)
            World(connection).universe_id(SERVER, "later")
        assert_it_is_empty_and_works(database)

    def test_so_it_does_just_before_the_commit(self, database: Database, postgres_url: str) -> None:
        with pytest.raises(DatabaseUnavailable), database.transaction() as connection:
            World(connection).universe_id(SERVER, RESET)
            freeze(connection, postgres_url)
        assert_it_is_empty_and_works(database)

    def test_so_it_does_while_it_reads(self, database: Database, postgres_url: str) -> None:
        with pytest.raises(DatabaseUnavailable, match="stood still"), database.reading() as connection:
            freeze(connection, postgres_url)
            connection.execute(text("SELECT 1"))
        assert_it_is_empty_and_works(database)


def freeze(connection: Connection, url: str) -> None:
    """Return when the server has hung up on the transaction.

    Not sooner than its answer has been read: of what comes with an answer, libpq makes a notice.
    """
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '500ms'"))
    with psycopg.connect(url, autocommit=True) as other:
        until(lambda: not other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchall())


def assert_it_is_empty_and_works(database: Database) -> None:
    with database.transaction() as connection:
        assert connection.execute(text("SELECT count(*) FROM universes")).scalar_one() == 0
        World(connection).universe_id(SERVER, RESET)


OPTIONS = ["password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"]


class TestPasswordsAmongTheOptions:
    """libpq takes them there as well."""

    @pytest.mark.parametrize("option", OPTIONS)
    @pytest.mark.parametrize("url", ["mysql://host/lab?{}=hunter2&charset=utf8", "cockroachdb://host?{}=a&{}=hunter2"])
    def test_the_address_of_another_kind_of_database_is_shown_without(self, url: str, option: str) -> None:
        with pytest.raises(UserError, match="only SQLite files and PostgreSQL are supported") as refused:
            open_database(url.replace("{}", option))
        assert f"{option}=..." in str(refused.value)
        assert "hunter2" not in str(refused.value)

    @pytest.mark.parametrize("open_it", [open_database, open_reading])
    def test_a_server_that_is_not_there_is_named_without(self, open_it: type, tmp_path: object) -> None:
        with pytest.raises(DatabaseUnavailable, match=r"user=me.*no connection to the server") as gone:
            open_it(f"postgresql:///lab?host={tmp_path}&user=me&password=hunter2&sslpassword=hunter3")
        assert "hunter" not in str(gone.value)

    @pytest.mark.postgres
    def test_one_that_is_there_still_gets_them(self, postgres_url: str) -> None:
        with closing(open_database(f"{postgres_url}&password=hunter2")) as database:
            assert "hunter2" not in database.name
            assert_it_is_empty_and_works(database)
            with database.reading() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None and driver.info.password == "hunter2"

"""Opening: which database, in which state, and what is said when it cannot be had."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from spacetraders_lab.core.errors import LabError, UserError
from spacetraders_lab.store import database as module
from spacetraders_lab.store.database import Database, default_path, open_database, wal_is_safe
from spacetraders_lab.store.failures import DatabaseDamaged, DatabaseUnavailable
from spacetraders_lab.store.world import World
from tests.postgres import Server, running_server
from tests.store.memory import RESET, SERVER


def remember(database: Database) -> int:
    with database.transaction() as connection:
        return World(connection).universe_id(SERVER, RESET)


def universes(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(text("SELECT count(*) FROM universes")).scalar_one())


def pragma(database: Database, name: str) -> object:
    with database.reading() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


@contextmanager
def opened(path: Path, **how: bool) -> Iterator[Database]:
    with closing(open_database(path=path, **how)) as database:
        yield database


class TestWhere:
    def test_the_users_own_file_lies_where_the_xdg_specification_says(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        with closing(open_database()) as database:
            remember(database)
        assert (tmp_path / "data" / "spacetraders-lab" / "lab.db").stat().st_size > 0
        monkeypatch.delenv("XDG_DATA_HOME")
        monkeypatch.setenv("HOME", "/home/somebody")
        assert default_path() == Path("/home/somebody/.local/share/spacetraders-lab/lab.db")

    def test_a_file_named_by_url_is_the_same_file(self, tmp_path: Path) -> None:
        with opened(tmp_path / "lab.db") as database:
            remember(database)
        with closing(open_database(f"sqlite:///{tmp_path / 'lab.db'}")) as database:
            assert universes(database) == 1

    @pytest.mark.postgres
    @pytest.mark.parametrize("driver", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2"])
    def test_postgresql_is_reached_by_whatever_driver_the_url_names(self, postgres_url: str, driver: str) -> None:
        with closing(open_database(postgres_url.replace("postgresql", driver, 1))) as database:
            assert universes(database) == 0
            assert not database.is_sqlite

    @pytest.mark.postgres
    def test_what_is_read_together_is_of_one_moment(self, postgres_url: str) -> None:
        with closing(open_database(postgres_url)) as database, database.reading() as connection:
            count = text("SELECT count(*) FROM universes")
            before = connection.execute(count).scalar_one()
            remember(database)
            assert connection.execute(count).scalar_one() == before

    @pytest.mark.parametrize("url", ["mysql://me:secret@host/lab", "sqlite://", "sqlite:///:memory:", "me:secret", ""])
    def test_other_urls_are_refused_and_no_password_is_repeated(self, url: str) -> None:
        with pytest.raises(UserError) as refused:
            open_database(url)
        assert "postgresql://" in str(refused.value)
        assert "secret" not in str(refused.value)

    def test_a_folder_that_cannot_be_made_is_the_users_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(UserError, match="cannot make the folder"):
            open_database(path=tmp_path / "file" / "lab.db")


class TestSqlite:
    def test_it_is_durable_unless_told_otherwise_and_keeps_its_references(self, tmp_path: Path) -> None:
        with opened(tmp_path / "lab.db") as database:
            assert (pragma(database, "synchronous"), pragma(database, "foreign_keys")) == (2, 1)
            assert pragma(database, "busy_timeout") == 30_000
        with opened(tmp_path / "lab.db", durable=False) as database:
            assert pragma(database, "synchronous") == 0

    @pytest.mark.parametrize(
        ("version", "safe"),
        [
            ((3, 7, 0), False),
            ((3, 40, 1), False),
            ((3, 44, 5), False),
            ((3, 44, 6), True),
            ((3, 45, 0), False),
            ((3, 50, 6), False),
            ((3, 50, 7), True),
            ((3, 51, 0), False),
            ((3, 51, 2), False),
            ((3, 51, 3), True),
            ((3, 52, 0), True),
            ((4, 0, 0), True),
        ],
    )
    def test_wal_is_for_versions_without_the_wal_reset_bug(self, version: tuple[int, int, int], safe: bool) -> None:
        assert wal_is_safe(version) is safe

    @pytest.mark.parametrize(("safe", "journal"), [(True, "wal"), (False, "truncate")])
    def test_a_new_file_gets_the_journal_that_this_sqlite_can_be_trusted_with(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, safe: bool, journal: str
    ) -> None:
        monkeypatch.setattr(module, "wal_is_safe", lambda version: safe)
        with opened(tmp_path / "lab.db") as database:
            assert pragma(database, "journal_mode") == journal
            remember(database)

    def test_a_wal_file_is_taken_out_of_wal_by_a_version_that_has_the_bug_and_never_put_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else two programs with different versions would switch the mode under each other."""
        for safe, journal in ((True, "wal"), (False, "truncate"), (True, "truncate")):
            monkeypatch.setattr(module, "wal_is_safe", lambda version, safe=safe: safe)
            with opened(tmp_path / "lab.db") as database:
                assert pragma(database, "journal_mode") == journal
                assert remember(database) == 1

    def test_a_second_writer_waits_for_the_first(self, tmp_path: Path) -> None:
        """A read that turned into a write would fail at once instead."""
        with opened(tmp_path / "lab.db", durable=False) as database:
            begun = threading.Event()

            def second() -> None:
                begun.set()
                remember(database)

            with database.transaction() as connection:
                World(connection).universe_id(SERVER, "first")
                thread = threading.Thread(target=second)
                thread.start()
                begun.wait()
            thread.join()
            assert universes(database) == 2

    def test_a_lock_that_is_not_given_up_is_explained(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
        path = tmp_path / "lab.db"
        explained = pytest.raises(DatabaseUnavailable, match=f"{path}: another program kept it locked")
        with opened(path) as database, opened(path) as other, database.transaction(), explained:
            remember(other)

    def test_a_full_disk_is_explained_and_nothing_half_written(self, tmp_path: Path) -> None:
        with opened(tmp_path / "lab.db") as database:
            with pytest.raises(DatabaseUnavailable, match="the disk is full"), database.transaction() as connection:
                World(connection).universe_id(SERVER, RESET)
                connection.exec_driver_sql("PRAGMA max_page_count = 1")
                for number in range(10_000):
                    World(connection).universe_id(SERVER, f"{number:0>100}")
            assert universes(database) == 0

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_file_that_may_only_be_read_is_explained(self, tmp_path: Path) -> None:
        path = tmp_path / "lab.db"
        opened(path).__enter__().close()
        path.chmod(0o400)
        with opened(path) as database, pytest.raises(DatabaseUnavailable, match="permissions"):
            remember(database)


class TestDamage:
    """A damaged file is noticed, not used."""

    def test_a_file_that_is_no_database_is_not_used(self, tmp_path: Path) -> None:
        path = tmp_path / "lab.db"
        path.write_bytes(b"my shopping list, quite long enough to be taken for a database header" * 100)
        before = path.read_bytes()
        with pytest.raises(DatabaseDamaged, match=f"{path} is not a SQLite database, or is damaged.*backup"):
            open_database(path=path)
        assert path.read_bytes() == before

    def test_a_damaged_page_is_found_by_the_check(self, tmp_path: Path) -> None:
        path = tmp_path / "lab.db"
        with opened(path) as database:
            remember(database)
            database.check()
            page = int(str(pragma(database, "page_size")))
            with database.reading() as connection:
                root = connection.exec_driver_sql(
                    "SELECT rootpage FROM sqlite_master WHERE name = 'universes'"
                ).scalar()
        damaged = bytearray(path.read_bytes())
        damaged[(root - 1) * page : root * page] = b"\xa5" * page
        path.write_bytes(damaged)
        with opened(path) as database, pytest.raises(DatabaseDamaged, match=str(path)):
            database.check()

    def test_a_truncated_file_is_found_by_the_check(self, tmp_path: Path) -> None:
        path = tmp_path / "lab.db"
        with opened(path) as database:
            remember(database)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(DatabaseDamaged), opened(path) as database:
            database.check()

    def test_a_sound_database_passes(self, database: Database) -> None:
        database.check()


class TestTransactions:
    def test_what_raises_is_not_written(self, database: Database) -> None:
        with pytest.raises(LabError, match="changed my mind"), database.transaction() as connection:
            World(connection).universe_id(SERVER, RESET)
            raise LabError("changed my mind")
        assert universes(database) == 0

    def test_a_reading_connection_leaves_nothing_behind(self, database: Database) -> None:
        with database.reading() as connection:
            World(connection).universe_id(SERVER, RESET)
        assert universes(database) == 0


class TestVersions:
    def test_a_database_of_a_newer_program_is_refused_and_left_alone(self, database_url: str) -> None:
        with closing(open_database(database_url)) as database:
            remember(database)
            with database.transaction() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(UserError, match=r"newer spacetraders-lab, or .*9999.*upgrade the program") as refused:
            open_database(database_url)
        assert not isinstance(refused.value, DatabaseDamaged)

    @pytest.mark.postgres
    def test_tables_of_another_program_on_postgresql_are_left_alone(self, postgres_server: Server) -> None:
        """As a file of another program is (tests/cli/test_complaints.py); a schema of its own keeps the lab apart."""
        with postgres_server.database() as url:
            with psycopg.connect(url, autocommit=True) as other:
                other.execute("CREATE TABLE notes (words TEXT); CREATE SCHEMA lab")
            with pytest.raises(UserError, match=r"belongs to another program \(it has the table notes\)"):
                open_database(url)
            with psycopg.connect(url) as other:
                assert other.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall() == [
                    ("notes",)
                ]
            with closing(open_database(f"{url}&options=-csearch_path%3Dlab")) as database:
                assert remember(database) == 1

    def test_opening_again_keeps_what_is_there(self, database_url: str) -> None:
        for _ in range(2):
            with closing(open_database(database_url)) as database:
                assert remember(database) == 1
                assert universes(database) == 1

    def test_a_current_database_is_opened_without_alembic(self, sqlite_url: str) -> None:
        program = (
            "import sys; from spacetraders_lab.store.database import open_database;"
            f" open_database({sqlite_url!r}).close(); sys.exit('alembic' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", program]).returncode == 0

    @pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
    def test_several_programs_may_meet_a_new_file_at_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wal: bool
    ) -> None:
        monkeypatch.setattr(module, "wal_is_safe", lambda version: wal)
        for number in range(5):  # SQLite's race for the journal's mode is not lost every time
            self.meet([f"sqlite:///{tmp_path / f'{number}.db'}"] * 6)

    def test_one_program_may_open_several_new_files_at_once(self, tmp_path: Path) -> None:
        self.meet([f"sqlite:///{tmp_path / f'{number}.db'}" for number in range(6)])

    @pytest.mark.postgres
    def test_several_programs_may_meet_a_new_postgresql_at_once(self, postgres_server: Server) -> None:
        with postgres_server.database() as url:
            self.meet([url] * 6)

    @staticmethod
    def meet(urls: list[str]) -> None:
        barrier = threading.Barrier(len(urls))

        def program(url: str) -> int:
            barrier.wait()
            with closing(open_database(url)) as database:
                return remember(database)

        with ThreadPoolExecutor(len(urls)) as pool:
            assert len(set(pool.map(program, urls))) == 1


@pytest.mark.postgres
class TestServer:
    """A server may refuse, restart or drop the line; what was not committed is not there, and the next try works."""

    @pytest.fixture
    def database(self, postgres_url: str) -> Iterator[Database]:
        with closing(open_database(postgres_url)) as database:
            yield database

    def test_a_server_that_is_not_there_is_explained_without_the_password(self, tmp_path: Path) -> None:
        with pytest.raises(DatabaseUnavailable, match="no connection to the server") as gone:
            open_database(f"postgresql://me:secret@/lab?host={tmp_path}")
        assert "secret" not in str(gone.value)

    def test_a_database_that_is_not_there_is_explained(self, postgres_server: Server) -> None:
        with pytest.raises(DatabaseUnavailable):
            open_database(postgres_server.url("nowhere"))

    def test_a_line_lost_in_mid_transaction_writes_nothing_and_the_next_one_works(self, database: Database) -> None:
        with pytest.raises(DatabaseUnavailable), database.transaction() as connection:
            World(connection).universe_id(SERVER, RESET)
            cut(database, connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
            World(connection).universe_id(SERVER, "later")
        assert universes(database) == 0
        assert remember(database) > 0

    def test_an_idle_line_that_was_lost_is_replaced_unseen(self, database: Database) -> None:
        with database.reading() as connection:
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with psycopg.connect(autocommit=True, conninfo=url_of(database)) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        assert remember(database) > 0

    def test_a_lock_that_is_not_given_up_is_explained(self, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "BUSY_SECONDS", 1)
        with closing(open_database(postgres_url)) as database, database.transaction() as connection:
            connection.exec_driver_sql("LOCK TABLE universes")
            with pytest.raises(DatabaseUnavailable, match="another program kept a lock"):
                remember(database)

    def test_who_is_frozen_in_a_transaction_loses_its_locks_before_those_that_wait_give_up(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert module.IDLE_SECONDS < module.BUSY_SECONDS
        monkeypatch.setattr(module, "IDLE_SECONDS", 1)
        remembered = []
        with closing(open_database(postgres_url)) as database:
            with pytest.raises(DatabaseUnavailable), database.transaction() as connection:
                connection.exec_driver_sql("LOCK TABLE universes")
                remembered.append(remember(database))
                connection.exec_driver_sql("SELECT 1")
            assert len(remembered) == 1
            with database.reading() as connection:  # which holds nobody up, and may be at work on what it has read
                found = connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one()
            assert found == "1min"

    def test_a_restart_of_the_server_is_survived(self) -> None:
        try:
            with running_server() as server, server.database() as url, closing(open_database(url)) as database:
                first = remember(database)
                server.stop()
                with pytest.raises(DatabaseUnavailable):
                    remember(database)
                server.start()
                assert remember(database) == first
        except LookupError as missing:
            pytest.skip(str(missing))

    def test_a_statement_that_never_ends_is_given_up(self, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "STATEMENT_SECONDS", 1)
        with (
            closing(open_database(postgres_url)) as database,
            pytest.raises(DatabaseUnavailable, match="cancelled the statement"),
            database.reading() as connection,
        ):
            connection.exec_driver_sql("SELECT pg_sleep(60)")

    def test_connections_are_kept_and_used_again(self, database: Database) -> None:
        pids = set()
        for _ in range(5):
            with database.reading() as connection:
                pids.add(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        assert len(pids) == 1

    def test_the_drivers_options_in_the_url_reach_the_driver(self, postgres_url: str) -> None:
        with pytest.raises(DatabaseUnavailable, match='invalid sslmode value: "bogus"'):
            open_database(f"{postgres_url}&sslmode=bogus")
        with (
            closing(open_database(f"{postgres_url}&application_name=probe")) as database,
            database.reading() as connection,
        ):
            assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "probe"

    def test_a_server_without_the_right_certificate_is_not_talked_to(self) -> None:
        """A stand-in for a server: it agrees to TLS, and what libpq says then shows that it looks at the root."""
        with socket.create_server(("127.0.0.1", 0)) as server:

            def agree() -> None:
                connection, _ = server.accept()
                with connection:
                    connection.recv(8)
                    connection.sendall(b"S")

            thread = threading.Thread(target=agree, daemon=True)
            thread.start()
            port = server.getsockname()[1]
            options = "sslmode=verify-full&sslrootcert=/no/such.pem&gssencmode=disable"
            with pytest.raises(DatabaseUnavailable, match=r"/no/such\.pem") as refused:
                open_database(f"postgresql://me:secret@127.0.0.1:{port}/lab?{options}")
            assert "secret" not in str(refused.value)
            thread.join()

    def test_what_was_committed_is_durable_unless_told_otherwise(self, postgres_url: str) -> None:
        for durable, expected in ((True, "on"), (False, "off")):
            with closing(open_database(postgres_url, durable=durable)) as database, database.reading() as connection:
                assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == expected


def url_of(database: Database) -> str:
    return database.name.replace("postgresql+psycopg", "postgresql")


def cut(database: Database, pid: int) -> None:
    with psycopg.connect(url_of(database), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])


def test_sqlite_of_this_python_knows_what_the_store_says() -> None:
    assert sqlite3.sqlite_version_info >= (3, 35), "RETURNING"

"""Opens the database, brings its schema up to date, and hands out transactions. Knows no table of the lab's."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.store.disk import network_file_system
from spacetraders_lab.store.failures import DatabaseDamaged, is_busy, translated
from spacetraders_lab.store.migrations import HEAD, REVISIONS
from spacetraders_lab.store.prepared import execute

BUSY_SECONDS = 30.0  # how long a statement waits for another program's lock
CONNECT_SECONDS = 10
# How long PostgreSQL lets a transaction wait for its program, which may be frozen. One that writes holds locks; one
# that reads holds up nobody, and may be at work on what it has read.
IDLE_SECONDS, IDLE_READING_SECONDS = 10.0, 60.0
STATEMENT_SECONDS = 60.0  # the longest that PostgreSQL works at one statement; the lab's own take milliseconds
CACHE_KIB = 16_384  # of SQLite for a connection: the indices of a long run do not fit into its own 2 MB
_MIGRATION_LOCK = 0x53544C4C  # any number that the lab's programs agree on
# of libpq's own, which it takes among the options of the URL as well (PostgreSQL's documentation, 32.1.2)
_SECRET_OPTIONS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
_UPGRADING = threading.Lock()  # Alembic keeps what it upgrades in its module: one database at a time in a program


class Database:
    """One database and its pool of connections. Safe to share between threads; never carry it across a fork."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.name = name
        self._engine = engine
        self._kept: list[Connection] = []

    @property
    def is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection in a transaction that may write; committed when the block ends, rolled back when it raises.

        Raises DatabaseUnavailable when the database does not take it (nothing is written then), DatabaseDamaged.
        """
        with translated(self.name), self._connection() as connection, connection.begin():
            # The write lock at once: a read turned into a write fails when another wrote between.
            if self.is_sqlite:
                execute(connection, "BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading; all that is read in the block is of one moment.

        Keep it short: on SQLite without WAL a reader holds up every commit.
        """
        with translated(self.name), self._connection() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with closing(connection.begin()):
                execute(connection, "BEGIN" if self.is_sqlite else f"SET LOCAL {_idle_limit(IDLE_READING_SECONDS)}")
                yield connection

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection for one transaction. Of an engine without a pool they are kept, open, by this.

        To take one out of SQLAlchemy's pool and to give it back takes longer than to commit to SQLite.
        """
        if not isinstance(self._engine.pool, NullPool):
            with self._engine.connect() as connection:
                yield connection
            return
        try:
            connection = self._kept.pop()
        except IndexError:
            connection = self._engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._kept.append(connection)

    def check(self) -> None:
        """Look the database over; raises DatabaseDamaged for a file that is not whole."""
        with self.reading() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT 1"))
                return
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise DatabaseDamaged(self.name, str(found))

    def give_back_space(self) -> None:
        """Make the file as small as what is in it; PostgreSQL sees to that by itself."""
        if self.is_sqlite:
            with translated(self.name), self._engine.connect() as connection:
                connection.exec_driver_sql("VACUUM")

    def close(self) -> None:
        """Close every connection."""
        while self._kept:
            self._kept.pop().close()
        self._engine.dispose()


def open_database(url: str | None = None, path: Path | None = None, *, durable: bool = True) -> Database:
    """Open the database, creating or migrating it where needed; what is in it stays.

    `url` names PostgreSQL (any spelling of the driver) or a SQLite file; without it the SQLite file at `path`, or the
    user's own. `durable=False` gives up safety against power cuts for speed: simulations and benchmarks only.
    Raises UserError for a URL of another kind and for a database made by a newer program, DatabaseUnavailable,
    DatabaseDamaged.
    """
    target = _target(url, path)
    name = _name_of(target)
    with translated(name):
        database = Database(_engine(target, durable), name)
        try:
            _migrate(database)
        except BaseException:
            database.close()
            raise
    return database


def open_reading(url: str | None = None, path: Path | None = None) -> Database:
    """Open the database for a program that only looks: the database itself refuses every write. One connection.

    It must have been opened with `open_database` before. Raises UserError for a schema that is not this program's,
    DatabaseUnavailable.
    """
    target = _target(url, path)
    name = _name_of(target)
    with translated(name):
        database = Database(_reading_engine(target), name)
        try:
            with database.reading() as connection:
                found = _version(connection, name)
        except BaseException:
            database.close()
            raise
    if found != HEAD:
        database.close()
        raise UserError(f"the schema of {name} is {found or 'missing'}, not {HEAD}; any command that writes mends that")
    return database


def hour_of(connection: Connection) -> datetime:
    """The hour by the clock of PostgreSQL's machine, now and not when the transaction began."""
    hour: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return hour


def default_path() -> Path:
    """Where the user's own SQLite file lies (XDG base directory specification)."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "spacetraders-lab" / "lab.db"


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite is free of the WAL-reset bug, which corrupts files (sqlite.org/wal.html#walresetbug)."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)


def _target(url: str | None, path: Path | None) -> URL:
    if url is None:
        return URL.create("sqlite+pysqlite", database=str((path or default_path()).absolute()))
    try:
        target = make_url(url)
    except ArgumentError:
        raise UserError(
            "the database URL cannot be read; it looks like sqlite:///lab.db or postgresql://user:password@host/name"
        ) from None
    match target.get_backend_name():
        case "postgresql" | "postgres":
            return target.set(drivername="postgresql+psycopg")
        case "sqlite" if target.database and target.database != ":memory:":
            return URL.create("sqlite+pysqlite", database=str(Path(target.database).absolute()))
    raise UserError(
        f"{_shown(target)}: only SQLite files and PostgreSQL are supported, as sqlite:///lab.db or"
        " postgresql://user:password@host/name"
    )


def _name_of(target: URL) -> str:
    """What the user calls the database: its file, or its address without what opens it."""
    return (target.database or "") if target.get_backend_name() == "sqlite" else _shown(target)


def _shown(target: URL) -> str:
    """The address as the user gave it, with nothing in it that opens the database."""
    struck_out = {option: "..." for option in target.query if option.lower() in _SECRET_OPTIONS}
    as_given = target.set(drivername=target.get_backend_name())  # the driver is the lab's choice
    return as_given.update_query_dict(struck_out).render_as_string(hide_password=True)


def _engine(target: URL, durable: bool) -> Engine:
    return (
        _sqlite_engine(target, durable) if target.get_backend_name() == "sqlite" else _postgres_engine(target, durable)
    )


def _idle_limit(seconds: float) -> str:
    return f"idle_in_transaction_session_timeout = '{seconds:.0f}s'"


def _postgres_engine(target: URL, durable: bool) -> Engine:
    # A server may restart between two transactions: look before every use.
    engine = create_engine(_with_patience(target), pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.execute(f"SET lock_timeout = '{BUSY_SECONDS:.0f}s'")
        connection.execute(f"SET statement_timeout = '{STATEMENT_SECONDS:.0f}s'")
        # Locks of a program that vanished or froze in the middle of a transaction are given up.
        connection.execute(f"SET {_idle_limit(IDLE_SECONDS)}")
        connection.execute(f"SET synchronous_commit = {'on' if durable else 'off'}")
        connection.commit()

    return engine


def _with_patience(target: URL) -> URL:
    if "connect_timeout" in target.query:
        return target
    return target.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})


def _sqlite_engine(target: URL, durable: bool) -> Engine:
    file = Path(target.database or "")
    _make_folder(file.parent)
    _refuse_network(file)
    is_new = not file.exists()
    # no transactions of Python's own, which begin too late: `Database` begins them
    how = {"timeout": BUSY_SECONDS, "isolation_level": None}
    engine = create_engine(target, connect_args=how, poolclass=NullPool)  # `Database` keeps its connections

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        connection.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
        if connection.execute("PRAGMA journal_mode").fetchone() == ("delete",):
            # The journal is emptied and not removed: as safe, and without work on the folder at every commit.
            connection.execute("PRAGMA journal_mode = TRUNCATE")

    _choose_journal(engine, is_new)
    return engine


def _reading_engine(target: URL) -> Engine:
    # one connection, for what SQLite says of changes by others (PRAGMA data_version) counts for a connection
    pool: dict[str, Any] = {"pool_size": 1, "max_overflow": 0}
    if target.get_backend_name() != "sqlite":
        engine = create_engine(_with_patience(target), pool_pre_ping=True, **pool)

        @event.listens_for(engine, "connect")
        def _on_connect(connection: Any, _record: Any) -> None:
            connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            connection.commit()

        return engine
    file = URL.create(target.drivername, database=f"file:{quote(target.database or '')}")
    how = {"timeout": BUSY_SECONDS, "isolation_level": None}
    return create_engine(file.set(query={"mode": "ro", "uri": "true"}), connect_args=how, **pool)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder} for the database: {error.strerror}") from error


def _refuse_network(file: Path) -> None:
    kind = network_file_system(file.resolve())
    if kind is not None:
        raise UserError(
            f"{file} lies on a network file system ({kind}), where SQLite's locks cannot be relied on; put it on a "
            "local disk (SPACETRADERS_DATABASE_URL=sqlite:///...), or use PostgreSQL"
        )


def _choose_journal(engine: Engine, is_new: bool) -> None:
    """WAL for a new file where SQLite is sound; an old file changes only away from WAL, and only where it is not.

    So a program with another SQLite never switches the mode under a running one.
    """
    safe = wal_is_safe(sqlite3.sqlite_version_info)
    with engine.connect() as connection:  # no journal changes inside a transaction
        if is_new and safe:
            try:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            except OperationalError as error:
                if not is_busy(error):
                    raise  # else another program is at it: SQLite does not wait for this lock
        elif not safe and connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal":
            connection.exec_driver_sql("PRAGMA journal_mode = TRUNCATE")


def _migrate(database: Database) -> None:
    with database.reading() as connection:
        if _version(connection, database.name) == HEAD:
            return
    with database.transaction() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # a migration may rewrite a large table
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        if _version(connection, database.name) == HEAD:  # another program was faster
            return
        _upgrade(connection)


def _version(connection: Connection, name: str) -> str | None:
    found = inspect(connection)
    if not found.has_table("alembic_version"):
        if tables := found.get_table_names():  # of PostgreSQL, those of the schema that new tables go to
            raise UserError(
                f"{name} belongs to another program (it has the table {tables[0]}); name another database in"
                " SPACETRADERS_DATABASE_URL"
            )
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if version is not None and version not in REVISIONS:
        raise UserError(
            f"{name} was made by a newer spacetraders-lab, or by another program (its schema is {version}, this program"
            f" knows {HEAD}); upgrade the program, or name another database"
        )
    return version


def _upgrade(connection: Connection) -> None:
    from alembic import command  # a third of a second to import: only when there is something to migrate
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "spacetraders_lab.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    with _UPGRADING:
        command.upgrade(config, "head")

"""Statements that are executed for every trade: compiled once, then handed to the driver itself.

SQLAlchemy writes the SQL, and says how values and rows are made ready. What it does besides around each execution takes
ten times as long as SQLite takes for the statement: of a look at a lease, 37 of 39 µs.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Column, Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

MakeReady = Callable[[Any], Any]


def execute(connection: Connection, sql: str, values: Any = (), *, many: bool = False) -> Any:
    """The driver's cursor after it has executed a statement (`many`: with each of the values).

    Raises what SQLAlchemy would, and is heard by who listens to its statements.
    """
    driver: Any = connection.connection.driver_connection
    cursor = driver.cursor()
    for hear in connection.engine.dispatch.before_cursor_execute:
        hear(connection, cursor, sql, values, None, many)
    dialect = connection.dialect
    try:
        return cursor.executemany(sql, values) if many else cursor.execute(sql, values)
    except dialect.loaded_dbapi.Error as error:
        is_lost = dialect.is_disconnect(error, driver, cursor)
        if is_lost:
            connection.invalidate(error)
        base = dialect.loaded_dbapi.Error
        raise DBAPIError.instance(sql, values, error, base, connection_invalidated=is_lost, dialect=dialect) from error


class Prepared:
    """A statement with values that are bound by name. It takes and gives what SQLAlchemy would take and give.

    IN with a list of values is not for here: its SQL is never the same.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}  # by the dialect's name

    def change(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows it has changed."""
        compiled = self._for(connection.dialect)
        changed: int = execute(connection, compiled.sql, compiled.ready(values)).rowcount
        return changed

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """The rows that it gives, each with its columns as attributes."""
        compiled = self._for(connection.dialect)
        return compiled.rows(execute(connection, compiled.sql, compiled.ready(values)), connection.dialect)

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first row; None when there is none."""
        return next(iter(self.rows(connection, values)), None)

    def _for(self, dialect: Dialect) -> "_Compiled":
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = _compiled(self._statement, dialect)
        return self._compiled[dialect.name]


@dataclass(slots=True)
class _Compiled:
    """A statement for one kind of database; `binds` and `columns` are in the order in which they are in it."""

    sql: str
    by_name: bool
    constants: Mapping[str, Any]
    binds: Sequence[tuple[str, MakeReady | None]]
    columns: Sequence[TypeEngine[Any]]
    make_row: Callable[[Iterable[Any]], Any]
    _made_ready: Sequence[MakeReady | None] | None = None  # the driver says with the rows what it gives

    def ready(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        given = {**self.constants, **values} if self.constants else values
        if self.by_name:
            return {name: make(given[name]) if make else given[name] for name, make in self.binds}
        return [make(given[name]) if make else given[name] for name, make in self.binds]

    def rows(self, cursor: Any, dialect: Dialect) -> list[Any]:
        """The rows of the driver's as the lab takes them."""
        if self._made_ready is None:
            given = zip(self.columns, cursor.description, strict=True)
            self._made_ready = [
                kind.dialect_impl(dialect).result_processor(dialect, described[1]) for kind, described in given
            ]
        makers = self._made_ready
        return [
            self.make_row([make(x) if make else x for make, x in zip(makers, row, strict=True)])
            for row in cursor.fetchall()
        ]


def _compiled(statement: Any, dialect: Dialect) -> _Compiled:
    compiled: Any = statement.compile(dialect=dialect)
    assert not compiled.post_compile_params
    binds: Mapping[str, BindParameter[Any]] = {name: bind for bind, name in compiled.bind_names.items()}
    columns: list[Column[Any]] = list(statement.exported_columns)
    row: Any = namedtuple("Row", [column.key for column in columns])  # type: ignore[misc]  # known only now
    return _Compiled(
        sql=str(compiled),
        by_name=not compiled.positional,
        constants={name: value for name, value in compiled.params.items() if not binds[name].required},
        binds=[
            (name, bind_maker(binds[name].type, dialect))
            for name in (compiled.positiontup if compiled.positional else binds)
        ],
        columns=[column.type for column in columns],
        make_row=row._make,
    )


def bind_maker(kind: TypeEngine[Any], dialect: Dialect) -> MakeReady | None:
    """What makes a value of that type ready for the driver; None where it is as it is."""
    return kind.dialect_impl(dialect).bind_processor(dialect)

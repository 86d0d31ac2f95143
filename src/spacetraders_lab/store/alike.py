"""Inserts many rows that are alike: what they share is made ready for the driver once, and not again for every row.

Past SQLAlchemy's execution, which spends longer on the values of a market's reading than SQLite does on writing it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Table, insert


class _Statement(NamedTuple):
    """An INSERT as the driver takes it; `order` of its values, None where it takes them by name."""

    sql: str
    order: Sequence[str] | None
    make_ready: Mapping[str, Callable[[Any], Any]]


_statements: dict[tuple[str, str], _Statement] = {}  # by the dialect's and the table's name


def insert_alike(
    connection: Connection, table: Table, same: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Insert the rows, each with the values of `same` besides; together they name every column but the key."""
    key = connection.dialect.name, table.name
    if key not in _statements:
        _statements[key] = _statement(connection.dialect, table)
    sql, order, make_ready = _statements[key]

    def ready(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: make_ready[name](value) if name in make_ready else value for name, value in values.items()}

    shared = ready(same)
    whole = [shared | ready(row) for row in rows]
    if whole:
        connection.exec_driver_sql(
            sql, whole if order is None else [tuple(map(row.__getitem__, order)) for row in whole]
        )


def _statement(dialect: Dialect, table: Table) -> _Statement:
    columns = [column for column in table.c if not column.primary_key]
    compiled: Any = insert(table).compile(dialect=dialect, column_keys=[column.name for column in columns])
    makers = {column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns}
    return _Statement(
        str(compiled),
        compiled.positiontup if compiled.positional else None,
        {name: maker for name, maker in makers.items() if maker is not None},
    )

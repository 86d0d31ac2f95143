"""Inserts rows that are alike: what they share is made ready for the driver once, and not again for every row.

Past SQLAlchemy's execution, which spends longer on the values of a market's reading than SQLite does on writing them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Table, insert

from spacetraders_lab.store.prepared import bind_maker, execute


class _Statement(NamedTuple):
    """An INSERT as the driver takes it: the `names` of its values in their order, and whether it takes them by name."""

    sql: str
    names: Sequence[str]
    by_name: bool
    make_ready: Mapping[str, Callable[[Any], Any]]


_statements: dict[tuple[str, str], _Statement] = {}  # by the dialect's and the table's name


def insert_alike(
    connection: Connection, table: Table, same: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert the rows, each with the values of `same` besides; together they name every column but the key.

    Each row has something that is not in `same`.
    """
    key = connection.dialect.name, table.name
    if key not in _statements:
        _statements[key] = _statement(connection.dialect, table)
    sql, names, by_name, make_ready = _statements[key]

    def ready(name: str, values: list[Any]) -> Iterable[Any]:
        return map(make_ready[name], values) if name in make_ready else values

    columns = (
        repeat(*ready(name, [same[name]])) if name in same else ready(name, [row[name] for row in rows])
        for name in names
    )
    whole = [*zip(*columns, strict=False)]
    if whole:
        execute(connection, sql, [dict(zip(names, row, strict=True)) for row in whole] if by_name else whole, many=True)


def _statement(dialect: Dialect, table: Table) -> _Statement:
    names = [column.name for column in table.c if not column.primary_key]
    compiled: Any = insert(table).compile(dialect=dialect, column_keys=names)
    makers = {name: bind_maker(table.c[name].type, dialect) for name in names}
    return _Statement(
        str(compiled),
        compiled.positiontup if compiled.positional else names,
        not compiled.positional,
        {name: maker for name, maker in makers.items() if maker is not None},
    )

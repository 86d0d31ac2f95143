"""INSERT ... ON CONFLICT: the same words on both databases, which SQLAlchemy keeps in two places."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT for this connection's database, with `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)

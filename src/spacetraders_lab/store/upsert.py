"""INSERT ... ON CONFLICT: the same words on both databases, which SQLAlchemy keeps in two places."""

from importlib import import_module
from typing import Any

from sqlalchemy import Connection, Table


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT with `on_conflict_do_update` and `on_conflict_do_nothing`, for the connection's database.

    Only that database's part of SQLAlchemy is imported: the other's would make every command wait.
    """
    return import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)

"""INSERT ... ON CONFLICT: the same words on both databases, which SQLAlchemy keeps in two places."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = Callable[[Table], Any]

# By the dialect's name: an INSERT with `on_conflict_do_update` and `on_conflict_do_nothing`.
INSERT: dict[str, Insert] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

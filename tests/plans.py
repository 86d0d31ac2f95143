"""How SQLite means to execute what is asked of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def plans() -> Iterator[dict[str, str]]:
    """The plan of every statement that SQLite executes until the block ends."""
    found: dict[str, str] = {}

    def explain(_connection: Any, cursor: Any, statement: str, values: Any, _context: Any, is_many: bool) -> None:
        if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")) and not is_many:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            found[statement] = "\n".join(row[-1] for row in cursor.fetchall())

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", explain)

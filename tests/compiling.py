"""Statements are compiled once for a process of the suite: SQLAlchemy would compile them anew for each fresh database.

Hundreds of tests begin with an empty database and end a second later; an eighth of that went into the same statements.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, create_engine

from spacetraders_lab.store import database


class _Compiled(dict[Any, Any]):
    """What SQLAlchemy keeps, by the kind of the database where SQLAlchemy has the engine's own dialect."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


@contextmanager
def compiled_once() -> Iterator[None]:
    """Let all databases that are opened in the block share what was compiled for one of their kind."""
    compiled = _Compiled()

    def create(*arguments: Any, **options: Any) -> Engine:
        return create_engine(*arguments, execution_options={"compiled_cache": compiled}, **options)

    with patch.object(database, "create_engine", create):
        yield

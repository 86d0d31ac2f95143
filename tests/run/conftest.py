"""Laboratories to play with: on a SQLite file of their own, as many as a test wants."""

from collections.abc import Callable, Iterator

import pytest

from spacetraders_lab.store.database import open_database
from spacetraders_lab.study.rig import Rig


@pytest.fixture
def make_rig(sqlite_url: str) -> Iterator[Callable[..., Rig]]:
    """Makes a laboratory; `ships` and further settings as for `Rig`."""
    database = open_database(sqlite_url, durable=False)
    yield lambda **settings: Rig(database, **settings)
    database.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """A laboratory with two frigates of 40 units."""
    return make_rig()

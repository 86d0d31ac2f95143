"""Laboratories in virtual time, and playgrounds for real processes; one playground on each kind of database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.guarantees.processes import Playground, playground
from tests.run.conftest import make_rig, rig

__all__ = ["make_ground", "make_rig", "rig"]


@pytest.fixture
def make_ground(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Playground]]:
    """Makes a playground over a database of either kind; settings as for `playground`."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(playground(database_url, tmp_path, **settings))

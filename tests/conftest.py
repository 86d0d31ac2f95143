"""What holds for every test: property-based tests may take their time, other work on the machine is no failure.

And the two databases: `database` is fresh for every test, which runs once on SQLite and once on PostgreSQL.
"""

import gc
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings

from spacetraders_lab.store.database import Database, open_database
from tests.compiling import compiled_once
from tests.postgres import Server, running_server

settings.register_profile("lab", deadline=None)
settings.load_profile("lab")


def pytest_collection() -> None:
    """What is collected stays until the end: looking through it for garbage took a fifth of collecting."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


TOKEN = re.compile(rb"eyJ[\w-]{8,}\.eyJ")


@pytest.fixture(scope="session", autouse=True)
def tokens_are_nowhere_else(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of all files that the whole suite writes, only a user's token files and a sandbox's memory may hold a token."""
    yield
    written = [path for path in tmp_path_factory.getbasetemp().rglob("*") if path.is_file() and not path.is_symlink()]
    allowed = [path for path in written if path.parts[-3] == "tokens" or "state" in path.name]
    assert [path for path in set(written) - set(allowed) if TOKEN.search(path.read_bytes())] == []


@pytest.fixture(scope="session", autouse=True)
def one_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a report's drawing library is kept in is made once for all tests and workers: it takes seconds."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with patch.dict(os.environ, XDG_CACHE_HOME=str(shared / "cache")):
        yield


@pytest.fixture(scope="session", autouse=True)
def statements_are_compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One PostgreSQL server for the whole session (for each xdist worker)."""
    yield from _server()


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A PostgreSQL server of the module's own, which may be stopped and started."""
    yield from _server()


def _server() -> Iterator[Server]:
    try:
        with running_server() as server:
            yield server
    except LookupError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> Iterator[str]:
    """The name of a migrated, empty database to copy: copying takes a tenth of migrating."""
    with postgres_server.database() as url:
        open_database(url).close()
        yield url.partition("@/")[2].partition("?")[0]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "lab.db"
    open_database(path=path, durable=False).close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite file with the schema in it."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'lab.db')}"


@pytest.fixture
def postgres_url(postgres_server: Server, postgres_template: str) -> Iterator[str]:
    """A fresh PostgreSQL database with the schema in it."""
    with postgres_server.database(postgres_template) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind, for tests that open it more than once."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database of each kind, open."""
    opened = open_database(database_url, durable=False)
    yield opened
    opened.close()

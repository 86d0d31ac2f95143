"""Databases to look at, and a dashboard over them on loopback."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from spacetraders_lab.dashboard.access import Access
from spacetraders_lab.dashboard.app import Act, create_app
from spacetraders_lab.dashboard.reports import Make
from spacetraders_lab.dashboard.server import running
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.store.database import Database, open_database, open_reading

ACTION_TOKEN = "token-of-the-page"


@dataclass(frozen=True)
class Page:
    """A dashboard that serves, and the database behind it as its writers have it."""

    url: str
    database: Database

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return httpx2.get(self.url + path, headers=headers, timeout=60)

    def view(self, name: str) -> Any:
        answer = self.get(f"/api/views/{name}")
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def served(
    url: str, secret: str | None = None, act: Act | None = None, *, make_report: Make | None = None, port: int = 0
) -> Iterator[Page]:
    """A dashboard over that database; `secret`, `act` and `make_report` as for the application."""
    with (
        closing(open_database(url, durable=False)) as database,
        closing(open_reading(url)) as read_only,
        running(create_app(read_only, SystemClock(), Access(secret, ACTION_TOKEN), act, make_report), port) as address,
    ):
        yield Page(address, database)


@pytest.fixture
def page(sqlite_url: str) -> Iterator[Page]:
    """A dashboard on loopback that only shows."""
    with served(sqlite_url) as page:
        yield page


@pytest.fixture
def page_of_either(database_url: str) -> Iterator[Page]:
    """The same, once over each kind of database."""
    with served(database_url) as page:
        yield page

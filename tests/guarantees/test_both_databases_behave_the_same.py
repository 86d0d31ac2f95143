"""Both databases behave the same. What was measured is never altered. A damaged database file is noticed, not used."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import event

from spacetraders_lab.core.experiment import TradeRecord
from spacetraders_lab.store import database as database_module
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import DatabaseUnavailable
from tests.guarantees.judge import ledger_gaps, violations
from tests.postgres import Server, running_server
from tests.rig import FOUR_CELLS, Exchange, Rig

FOR_EVER = 10_000.0


@pytest.mark.postgres
def test_the_same_run_leaves_the_same_rows(sqlite_url: str, postgres_url: str) -> None:
    def play(url: str) -> tuple[list[TradeRecord], dict[str, int], int]:
        with closing(open_database(url, durable=False)) as database:
            rig = Rig(database, ships=1)
            run = rig.queue(rig.pairs(3), FOUR_CELLS)
            rig.fly(run)
            return rig.records(run), rig.counts(run), rig.read(lambda c: ExperimentRepository(c).outlay(run.run_id))

    assert play(sqlite_url) == play(postgres_url)


# --- a database that takes nothing ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fragile:
    """A database that can be made to take nothing, and to work again."""

    database: Database
    fail: Callable[[], None]
    mend: Callable[[], None]
    says: str


@contextmanager
def _full_disk(url: str, _: pytest.MonkeyPatch) -> Iterator[Fragile]:
    """A disk without room for one page more."""
    pages = 1 << 30

    def limit(*arguments: Any) -> None:
        arguments[1].execute(f"PRAGMA max_page_count = {pages}")

    def set_pages(number: int) -> None:
        nonlocal pages
        pages = number

    with closing(open_database(url, durable=False)) as database:
        event.listen(database._engine, "before_cursor_execute", limit)
        yield Fragile(database, lambda: set_pages(1), lambda: set_pages(1 << 30), "the disk is full; make room")


@contextmanager
def _locked_file(url: str, patch: pytest.MonkeyPatch) -> Iterator[Fragile]:
    """Another program that keeps the file to itself."""
    patch.setattr(database_module, "BUSY_SECONDS", 0.01)
    with (
        closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other,
        closing(open_database(url, durable=False)) as database,
    ):
        yield Fragile(database, lambda: other.execute("BEGIN EXCLUSIVE"), other.rollback, "kept it locked")


@contextmanager
def _stopped_server(server: Server, patch: pytest.MonkeyPatch) -> Iterator[Fragile]:
    """A PostgreSQL server that is down."""
    with server.database() as url, closing(open_database(url)) as database:
        yield Fragile(database, server.stop, server.start, "no connection to the server")


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A PostgreSQL server that may be stopped."""
    try:
        with running_server() as server:
            yield server
    except LookupError as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["full disk", "locked file", pytest.param("stopped server", marks=pytest.mark.postgres)])
def fragile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fragile]:
    if request.param == "stopped server":
        opened = _stopped_server(request.getfixturevalue("own_server"), monkeypatch)
    else:
        make = _full_disk if request.param == "full disk" else _locked_file
        opened = make(request.getfixturevalue("sqlite_url"), monkeypatch)
    with opened as ready:
        yield ready


def _fail_after_the_third_purchase(rig: Rig, fragile: Fragile, seconds: float) -> None:
    def look(exchange: Exchange) -> None:
        if exchange.fits("POST", "/purchase") and len(rig.ledger("PURCHASE")) == 3:
            rig.wire.after = lambda _: None
            fragile.fail()
            asyncio.get_running_loop().call_later(seconds, fragile.mend)

    rig.wire.after = look


def test_an_outage_costs_time_and_nothing_else(fragile: Fragile) -> None:
    rig = Rig(fragile.database, ships=2)
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    _fail_after_the_third_purchase(rig, fragile, 120.0)
    rig.fly(run)
    assert rig.clock.elapsed > 120
    assert rig.counts(run) == {"COMPLETED": 4}
    assert violations(rig, run) == []


def test_what_cannot_be_recorded_is_not_traded_and_the_run_can_be_resumed(fragile: Fragile) -> None:
    """An outage without end: of each ship at most the trade under way is not recorded yet, its intent is on disk."""
    rig = Rig(fragile.database, ships=2)
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    _fail_after_the_third_purchase(rig, fragile, FOR_EVER)
    with pytest.raises(DatabaseUnavailable, match=fragile.says):
        rig.fly(run)
    fragile.mend()
    unrecorded = list(ledger_gaps(rig, run))
    assert all("without a row" in gap for gap in unrecorded)
    open_intents = rig.rows("SELECT ship_symbol FROM experiment_intents WHERE state = 'OPEN'")
    assert len(unrecorded) <= len(open_intents) <= len(rig.fleet)
    rig.resume(run)
    assert rig.counts(run) == {"COMPLETED": 4}
    assert violations(rig, run) == []

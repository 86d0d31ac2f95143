"""Both databases behave the same. What was measured is never altered. A damaged database file is noticed, not used."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event

from spacetraders_lab.core.experiment import ExperimentRun, TradeRecord
from spacetraders_lab.store import database as database_module
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.disk import network_file_system
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig
from tests.guarantees.judge import ledger_gaps, violations
from tests.postgres import Server
from tests.terminal import Terminal

FOR_EVER = 10_000.0


@pytest.mark.postgres
def test_the_same_run_leaves_the_same_rows(sqlite_url: str, postgres_url: str) -> None:
    def play(url: str) -> tuple[list[TradeRecord], dict[str, int], int]:
        with closing(open_database(url, durable=False)) as database:
            rig = Rig(database, ships=1)
            run = rig.queue(rig.pairs(3), FOUR_CELLS)
            rig.fly(run)
            return rig.records(run), rig.counts(run), rig.read(lambda c: Budget(c, run.run_id).outlay())

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
    assert fragile.says in _flown_until_it_gives_up(rig, run)
    fragile.mend()
    unrecorded = list(ledger_gaps(rig, run))
    assert all("without a row" in gap for gap in unrecorded)
    open_intents = rig.rows("SELECT ship_symbol FROM experiment_intents WHERE state = 'OPEN'")
    assert len(unrecorded) <= len(open_intents) <= len(rig.fleet)
    rig.resume(run)
    assert rig.counts(run) == {"COMPLETED": 4}
    assert violations(rig, run) == []


def _flown_until_it_gives_up(rig: Rig, run: ExperimentRun) -> str:
    """What the ships, or the run as a whole, say to the user in the end."""
    try:
        return str([report.error for report in rig.fly(run)])
    except DatabaseUnavailable as error:
        return str(error)


@pytest.mark.postgres
@pytest.mark.parametrize("moment", ["before a statement", "before a commit", "after a commit"])
def test_a_line_that_breaks_in_the_middle_of_a_transaction(postgres_url: str, moment: str) -> None:
    """Cut at random, a dozen times in a run. After a commit, the writer cannot know that what it wrote is there."""
    chance, cuts = Random(moment), 0

    def strikes(share: float) -> bool:
        nonlocal cuts
        struck = cuts < 12 and chance.random() < share
        cuts += struck
        return struck

    def at_statement(connection: Any, cursor: Any, *_: Any) -> None:
        if moment == "before a statement" and strikes(0.03):
            cursor.connection.close()

    def at_commit(connection: Any) -> None:
        line = connection.connection.dbapi_connection
        if moment != "before a statement" and strikes(0.1):
            if moment == "after a commit":
                line.commit()
            line.close()

    with closing(open_database(postgres_url, durable=False)) as database:
        rig = Rig(database, ships=2)
        run = rig.queue(rig.pairs(4), FOUR_CELLS)
        event.listen(database._engine, "before_cursor_execute", at_statement)
        event.listen(database._engine, "commit", at_commit)
        while rig.counts(run) != {"COMPLETED": 4}:
            _flown_until_it_gives_up(rig, run)
        assert cuts == 12
        assert violations(rig, run) == []


# --- what the user is told --------------------------------------------------------------------------------------------


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A user whose game nobody serves: whatever is answered, the game was not asked."""
    return Terminal(tmp_path, BASE_URL="http://127.0.0.1:9/v2", TOKEN="a.token")


def test_a_damaged_file_is_noticed_before_anything_is_done(terminal: Terminal) -> None:
    assert terminal.type("experiment list").code == 0
    file = terminal.database
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = b"\xa5" * (len(content) - len(content) // 2)
    file.write_bytes(content)
    answer = terminal.type("experiment resume --run-id any")
    assert answer.code == 2
    assert f"{file} is damaged" in answer.complaint
    assert "restore your last backup" in answer.complaint
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("place", "said"), [("/dev/null/lab.db", "cannot make the folder"), ("/proc/lab.db", "cannot be opened")]
)
def test_a_folder_that_cannot_be_written_is_named(terminal: Terminal, place: str, said: str) -> None:
    terminal.set(DATABASE_URL=f"sqlite:///{place}")
    answer = terminal.type("experiment list")
    assert answer.code in (1, 2)
    assert said in answer.complaint
    assert place.rpartition("/")[0] in answer.complaint


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
//nas/data /mnt/my\\040data cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lab.db", None),
        ("/home/me/lab.db", "nfs4"),
        ("/home/local/lab.db", None),
        ("/homeless/lab.db", None),
        ("/mnt/my data/lab.db", "cifs"),
    ],
)
def test_a_path_over_a_network_is_known_as_one(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert network_file_system(Path(path), mounts) == kind
    assert network_file_system(Path(path), tmp_path / "nothing") is None


def test_a_path_over_a_network_is_refused(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "network_file_system", lambda path: "nfs4")
    answer = terminal.type("experiment list")
    assert answer.code == 2
    assert "network file system (nfs4)" in answer.complaint
    assert "PostgreSQL" in answer.complaint
    assert not terminal.database.exists()

"""What is said while ships fly: to whom it belongs, why a pair failed, and no token in it, whoever wrote it."""

import asyncio
import io
import json
import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from spacetraders_lab.core.errors import GameError
from spacetraders_lab.run.app import Memory, database_thread
from spacetraders_lab.run.logs import LogBook, about, logging_to, to_stream
from spacetraders_lab.run.secrets import STRUCK_OUT, keep_secret, redacted
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.logs import LogLine, LogRepository
from spacetraders_lab.study.rig import Rig
from spacetraders_lab.study.virtual import VirtualClock
from tests.factories import NOON
from tests.run.yard import Yard
from tests.store.memory import enter_run

SECRET = "a-token-that-nobody-may-see"
LOOKS_LIKE_ONE = "eyJhbGciOiJSUzI1NiJ9.eyJpZGVudGlmaWVyIjoiWCJ9.c2lnbmF0dXJl"
log = logging.getLogger("spacetraders_lab.run.anything")


@pytest.fixture
def yard(make_rig: Callable[..., Rig], tmp_path: Path) -> Yard:
    return Yard(make_rig(), tmp_path)


# --- lines of a run ---------------------------------------------------------------------------------------------------


def test_every_line_of_a_container_says_what_it_is_about(yard: Yard) -> None:
    run = yard.run(2)
    yard.fly_to_the_end(run)
    for ship, container in yard.containers().items():
        lines = yard.rig.read(lambda c, container=container: LogRepository(c).read(container.container_id))
        assert {line.fields["run_id"] for line in lines} == {run.run_id}
        assert {line.fields["ship_symbol"] for line in lines} == {ship}
        pairs = {line.fields["pair_id"] for line in lines if " takes up " in line.message}
        assert pairs == {record.pair_id for record in yard.rig.records(run) if record.ship_symbol == ship}
        trades = [line for line in lines if " bought " in line.message or " sold " in line.message]
        recorded = [record.pair_id for record in yard.rig.records(run) if record.ship_symbol == ship]
        assert [line.fields["pair_id"] for line in trades] == recorded
        assert lines[0].message == f"{ship} begins, driven by {yard.daemons[0].daemon_id}"
        assert lines[-1].message.startswith(f"{ship} has ended: ")


def test_a_failed_pairs_log_tells_why(yard: Yard) -> None:
    run = yard.run(1, yard.rig.fleet[0])
    unknown = httpx2.Response(404, json={"error": {"message": "Market not found", "code": 4603}})
    yard.rig.wire.before = lambda request: unknown if request.url.path.endswith("/market") else None
    yard.fly_to_the_end(run)
    assert yard.rig.counts(run) == {"FAILED": 1}
    ((pair_id, reason),) = yard.rig.errors(run).items()
    container = yard.containers()[yard.rig.fleet[0]]
    errors = yard.rig.read(lambda c: LogRepository(c).read(container.container_id, levels=("ERROR",)))
    assert [line.fields["pair_id"] for line in errors] == [pair_id]
    assert errors[0].message.endswith(f"failed: {reason}")


def test_lines_are_written_in_batches(yard: Yard) -> None:
    run = yard.run(3)
    batches: list[int] = []
    append = LogRepository.append

    def count(repository: LogRepository, lines: list[LogLine]) -> int:
        batches.append(len(lines))
        return append(repository, lines)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LogRepository, "append", count)
        yard.fly_to_the_end(run)
    assert sum(batches) > 30
    assert len(batches) < sum(batches) / 2


# --- handlers ---------------------------------------------------------------------------------------------------------


def _said(speak: Callable[[], None], *, as_json: bool = False) -> str:
    stream = io.StringIO()
    with logging_to(to_stream(logging.INFO, as_json=as_json, stream=stream)):
        speak()
    return stream.getvalue()


def _speak_of_secrets() -> None:
    keep_secret(SECRET)
    log.info("in the text: %s", SECRET)
    log.info("in the arguments: %s %s", {"Authorization": f"Bearer {SECRET}"}, LOOKS_LIKE_ONE)
    try:
        raise GameError(f"the server repeats Bearer {SECRET}")
    except GameError:
        log.exception("in the traceback")


@pytest.mark.parametrize("as_json", [False, True])
def test_no_handler_lets_a_token_through(as_json: bool) -> None:
    said = _said(_speak_of_secrets, as_json=as_json)
    assert SECRET not in said
    assert LOOKS_LIKE_ONE not in said
    assert said.count(STRUCK_OUT) >= 4
    assert "the server repeats" in said


def test_no_token_reaches_the_database(tmp_path: Path) -> None:
    with closing(open_database(path=tmp_path / "lab.db", durable=False)) as database:
        container = _container(database)
        book = LogBook(VirtualClock())
        with logging_to(book), about(container_id=container):
            _speak_of_secrets()
        lines = _written(database, book, container)
    assert len(lines) == 3
    assert SECRET not in str(lines)
    assert LOOKS_LIKE_ONE not in str(lines)
    assert "the server repeats" in lines[2].message


def test_what_is_no_token_stays_as_it_is() -> None:
    for text in ("LAB-1: IRON:X1-A1:X1-B2 completed", "eyJ", "a bearer of news"):
        assert redacted(text) in (text, f"a {STRUCK_OUT} news")
    keep_secret("short")
    assert redacted("a short one") == "a short one"


def test_a_line_of_json_has_its_fields_and_one_of_text_its_names() -> None:
    def speak() -> None:
        with about(run_id="run-1", container_id="container_1"), about(pair_id="P", ship_symbol="S-1"):
            log.warning("hello")
        log.debug("nobody asked")

    (line,) = _said(speak, as_json=True).splitlines()
    said = json.loads(line)
    assert {name: said[name] for name in ("level", "message", "run_id", "container_id", "pair_id", "ship_symbol")} == {
        "level": "WARNING",
        "message": "hello",
        "run_id": "run-1",
        "container_id": "container_1",
        "pair_id": "P",
        "ship_symbol": "S-1",
    }
    assert said["logger"] == log.name
    (text,) = _said(speak).splitlines()
    assert text.endswith(" WARNING container_1 P hello")


def test_tasks_of_other_ships_do_not_mix_their_names() -> None:
    async def ship(name: str) -> None:
        with about(ship_symbol=name):
            for _ in range(3):
                await asyncio.sleep(0)
                log.info(name)

    async def both() -> None:
        await asyncio.gather(ship("S-1"), ship("S-2"))

    lines = [json.loads(line) for line in _said(lambda: asyncio.run(both()), as_json=True).splitlines()]
    assert len(lines) == 6
    assert all(line["ship_symbol"] == line["message"] for line in lines)


# --- a database that does not take them -------------------------------------------------------------------------------


def test_lines_wait_for_a_database_that_is_away_and_the_oldest_are_given_up(tmp_path: Path) -> None:
    with closing(open_database(path=tmp_path / "lab.db", durable=False)) as database:
        container = _container(database)
        book = LogBook(VirtualClock(), most=100)
        with logging_to(book), about(container_id=container):
            for number in range(105):
                log.info("line %d", number)

            async def refuse(_: object) -> None:
                raise DatabaseUnavailable("away")

            away = Memory(database, database_thread(), VirtualClock())
            with pytest.MonkeyPatch.context() as patch, pytest.raises(DatabaseUnavailable):
                patch.setattr(Memory, "write", lambda self, work: refuse(work))
                asyncio.run(book.write(away))
        lines = _written(database, book, container)
        assert [line.message for line in lines] == [f"line {number}" for number in range(5, 105)]
        assert _written(database, book, container) == lines


def _container(database: Database) -> str:
    run = enter_run(database)
    with database.transaction() as connection:
        return ContainerRepository(connection).start(run, ["S-1"], now=NOON)[0].container_id


def _written(database: Database, book: LogBook, container_id: str) -> list[LogLine]:
    with database_thread() as thread:
        asyncio.run(book.write(Memory(database, thread, VirtualClock())))
    with database.reading() as connection:
        return LogRepository(connection).read(container_id)

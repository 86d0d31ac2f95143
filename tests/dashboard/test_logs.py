"""The containers' logs: followed from where one stands, and searched."""

from collections.abc import Sequence

import pytest
from sqlalchemy import insert

from spacetraders_lab.dashboard import logs_feed
from spacetraders_lab.dashboard.logs_feed import LogsFeed
from spacetraders_lab.store import live_logs
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.schema import container_logs, containers
from tests.dashboard.conftest import Page
from tests.factories import NOON
from tests.store.memory import after, enter_run


def add_containers(database: Database, *ships: str) -> None:
    run = enter_run(database, ships=ships)
    rows = [
        {
            "container_id": f"container-{ship}",
            "run_id": run.run_id,
            "player_id": run.player_id,
            "ship_symbol": ship,
            "command": {},
            "wanted_state": "RUNNING",
            "state": "RUNNING",
            "not_before": NOON,
            "created_at": NOON,
        }
        for ship in ships
    ]
    with database.transaction() as connection:
        connection.execute(insert(containers), rows)


def write(database: Database, ship: str, messages: Sequence[str], level: str = "INFO") -> None:
    rows = [
        {"container_id": f"container-{ship}", "level": level, "message": m, "fields": {}, "logged_at": after(n)}
        for n, m in enumerate(messages)
    ]
    with database.transaction() as connection:
        connection.execute(insert(container_logs), rows)


def found(database: Database, **wanted: object) -> list[str]:
    with database.reading() as connection:
        return [line.message for line in live_logs.find_logs(connection, **wanted)]  # type: ignore[arg-type]


def test_lines_are_found_by_container_level_and_words(database: Database) -> None:
    add_containers(database, "S-1", "S-2")
    write(database, "S-1", ["bought 6 IRON", "sold 100% of it"])
    write(database, "S-2", ["the market did not answer"], "ERROR")
    write(database, "S-2", ["a heartbeat"], "DEBUG")
    assert found(database) == ["bought 6 IRON", "sold 100% of it", "the market did not answer", "a heartbeat"]
    assert found(database, container_id="container-S-1") == ["bought 6 IRON", "sold 100% of it"]
    assert found(database, least_level="INFO") == ["bought 6 IRON", "sold 100% of it", "the market did not answer"]
    assert found(database, least_level="ERROR") == ["the market did not answer"]
    assert found(database, contains="iron") == ["bought 6 IRON"]
    assert found(database, contains="%") == ["sold 100% of it"]
    assert found(database, contains="' OR 1=1 --") == []
    assert found(database, after=1, before=4) == ["sold 100% of it", "the market did not answer"]
    assert found(database, most=1) == ["a heartbeat"]


def test_a_search_ends_somewhere(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_logs, "SEARCHED", 2)
    add_containers(database, "S-1")
    write(database, "S-1", ["needle", "hay", "hay"])
    assert found(database, contains="needle") == []
    assert found(database, container_id="container-S-1", most=3)[0] == "needle"


def test_a_view_has_the_newest_lines_and_no_line_twice(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs_feed, "NEWEST", 3)
    add_containers(database, "S-1")
    feed = LogsFeed()

    def shown() -> list[str]:
        with database.reading() as connection:
            return [line["message"] for line in feed.refresh(connection, NOON)["lines"]]

    assert shown() == []
    write(database, "S-1", ["a", "b"])
    assert shown() == shown() == ["a", "b"]
    write(database, "S-1", ["c", "d", "e", "f"])
    assert shown() == ["d", "e", "f"]
    with database.reading() as connection:
        assert LogsFeed().refresh(connection, NOON)["containers"][0]["ship_symbol"] == "S-1"


def test_older_lines_are_asked_for(page: Page) -> None:
    add_containers(page.database, "S-1")
    write(page.database, "S-1", ["a", "b", "<script>alert(1)</script>"])
    assert [line["message"] for line in page.get("/api/logs?before=3").json()] == ["a", "b"]
    assert [line["message"] for line in page.get("/api/logs?contains=script").json()] == ["<script>alert(1)</script>"]
    for nonsense in ("before=x", "before=-1", "level=LOUD", "after=" + "9" * 40, "container="):
        assert page.get(f"/api/logs?{nonsense}").status_code == 200
    assert page.get("/api/logs").headers["content-type"] == "application/json"

"""The page over HTTP: views and streams, who may look, who may act, and that looking changes nothing."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from spacetraders_lab.cli.dashboard import change_runs
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.dashboard.access import CONTENT_POLICY, Access
from spacetraders_lab.dashboard.app import STATIC
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from tests.dashboard.conftest import ACTION_TOKEN, Page, served
from tests.dashboard.events import follow
from tests.factories import make_record
from tests.store.memory import Queue, apart, enter_run

SECRET = "correct horse battery"
PAGES = ["/", "/runs/run-1", "/markets", "/logs"]


def test_views_are_json(page: Page) -> None:
    assert page.view("runs") == []
    enter_run(page.database, apart(2))
    (line,) = page.view("runs")
    assert (line["run_id"], line["pairs"]["PENDING"]) == ("run-1", 2)
    assert page.view("runs/run-1")["progress"]["total"] == 2


def test_what_does_not_exist_is_said(page: Page) -> None:
    for name in ("runs/nope", "nothing", "runs/a/b", ""):
        answer = page.get(f"/api/views/{name}")
        assert answer.status_code == 404
        assert "there is no" in answer.json()["error"]


def test_what_is_written_appears_in_the_stream(page_of_either: Page) -> None:
    page = page_of_either
    enter_run(page.database, apart(2))
    with follow(page.url, "runs/run-1") as events:
        assert next(events).json["progress"]["pairs"]["CLAIMED"] == 0
        Queue(page.database).must_claim("S-1")
        assert next(events).json["progress"]["pairs"]["CLAIMED"] == 1
        with page.database.transaction() as connection:
            ExperimentRepository(connection).record_transaction(make_record())
        event = next(events)
        assert (event.name, event.json["progress"]["trades"]) == ("view", 1)


def test_all_viewers_are_told_the_same(page: Page) -> None:
    with follow(page.url, "runs") as one, follow(page.url, "runs") as other:
        assert next(one) == next(other)
        enter_run(page.database)
        assert next(one) == next(other)


def test_who_comes_back_is_not_told_again_what_he_knows(page: Page) -> None:
    enter_run(page.database, apart(1))
    with follow(page.url, "runs") as events:
        first = next(events)
    with follow(page.url, "runs", **{"last-event-id": first.id}) as events:
        enter_run(page.database, run_id="run-2")
        second = next(events)
    assert [line["run_id"] for line in second.json] == ["run-1", "run-2"]
    assert second.id != first.id
    with follow(page.url, "runs", **{"last-event-id": first.id}) as events:  # he has missed one meanwhile
        assert next(events) == second
    with follow(page.url, "runs", **{"last-event-id": "another-life-1"}) as events:
        assert next(events) == second


def test_a_stream_of_nothing_ends_with_the_reason(page: Page) -> None:
    with follow(page.url, "runs/nope") as events:
        (only,) = events
    assert (only.name, "there is no experiment nope" in only.data) == ("gone", True)


# --- security ---------------------------------------------------------------------------------------------------------


def test_every_answer_carries_the_security_headers(page: Page) -> None:
    for path in (*PAGES, "/api/views/runs", "/api/session", "/static/js/main.js", "/none", "/api/views/x"):
        headers = page.get(path).headers
        assert headers["content-security-policy"] == CONTENT_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers


def test_the_policy_lets_no_inline_script_run_and_no_other_server_in() -> None:
    assert "unsafe" not in CONTENT_POLICY
    assert "http" not in CONTENT_POLICY
    assert "default-src 'none'" in CONTENT_POLICY
    page = (STATIC / "index.html").read_text()
    assert all(re.search(r"\ssrc=", tag) for tag in re.findall(r"<script[^>]*>", page))
    assert not re.search(r"\son\w+=|style=|https?://", page)


def test_scripts_make_no_page_out_of_text() -> None:
    """The names of goods and the texts of errors come from a server: they must never be read as HTML."""
    scripts = [path.read_text() for path in STATIC.rglob("js/*.js")]
    assert len(scripts) > 5
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert all(word not in script for script in scripts), word


def test_on_loopback_only_the_names_of_this_machine_are_answered(page: Page) -> None:
    """A page elsewhere can make its own name point at 127.0.0.1, and would be read as this one."""
    port = page.url.rpartition(":")[2]
    for path in ("/", "/api/views/runs", "/static/js/main.js"):
        assert page.get(path, host=f"evil.example:{port}").status_code == 421
        assert page.get(path, host="").status_code == 421
        for name in ("localhost", "127.0.0.1", "[::1]"):
            assert page.get(path, host=f"{name}:{port}").status_code == 200


def test_a_secret_is_asked_for_everywhere(sqlite_url: str) -> None:
    with served(sqlite_url, SECRET) as page:
        check_that_it_asks(page)


def check_that_it_asks(page: Page) -> None:
    for path in (*PAGES, "/api/views/runs", "/api/events/runs", "/static/js/main.js", "/api/session"):
        answer = page.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
    for wrong in ("Basic !", "Basic dXNlcjp3cm9uZw==", "Bearer nonsense", "Digest x", "Bearer", f"Bearer {SECRET}x"):
        assert page.get("/", authorization=wrong).status_code == 401
    assert page.get("/", authorization=f"Bearer {SECRET}").status_code == 200
    assert httpx2.get(page.url, auth=("anybody", SECRET)).status_code == 200
    assert page.get("/", authorization=f"Bearer {SECRET}", host="lab.example").status_code == 200


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(UserError, match="at least 12"):
        Access("too short")
    assert SECRET not in repr(Access(SECRET))


def test_static_files_are_only_those(page: Page) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/", "/static/nope.js"):
        assert page.get(path).status_code == 404
    script = page.get("/static/vendor/uPlot.iife.min.js")
    assert (script.status_code, script.headers["cache-control"]) == (200, "no-cache")
    assert page.get("/static/vendor/uPlot.iife.min.js", **{"if-none-match": script.headers["etag"]}).status_code == 304


def test_what_is_vendored_brings_its_licence() -> None:
    assert "MIT License" in (STATIC / "vendor" / "uPlot.LICENSE").read_text()
    assert {path.stem.partition(".")[0] for path in Path(STATIC / "vendor").iterdir()} == {"uPlot"}


# --- acting -----------------------------------------------------------------------------------------------------------


def status_of(database: Database, run_id: str = "run-1") -> str:
    with database.reading() as connection:
        return ExperimentRepository(connection).get_run(run_id).status


def post(page: Page, path: str, **headers: str) -> httpx2.Response:
    return httpx2.post(page.url + path, headers=headers)


@pytest.fixture
def controlled(database_url: str) -> Iterator[Page]:
    """A dashboard that may act, over a database with a run in it."""
    with closing(open_database(database_url)) as writing, served(database_url, act=change_runs(writing)) as page:
        enter_run(page.database, apart(1))
        yield page


def test_a_run_is_paused_resumed_and_cancelled_by_its_own_page(controlled: Page) -> None:
    session = controlled.get("/api/session").json()
    assert session["may_act"]
    own = {"origin": controlled.url, "x-action-token": session["action_token"]}
    for action, status in [("pause", "SUSPENDED"), ("resume", "RUNNING"), ("cancel", "CANCELLED")]:
        assert post(controlled, f"/api/runs/run-1/{action}", **own).json() == {"done": action}
        assert status_of(controlled.database) == status
    refused = post(controlled, "/api/runs/run-1/resume", **own)
    assert (refused.status_code, "is CANCELLED" in refused.json()["error"]) == (409, True)
    assert post(controlled, "/api/runs/nope/pause", **own).status_code == 409
    assert post(controlled, "/api/runs/run-1/explode", **own).status_code == 409


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-action-token": ACTION_TOKEN},
        {"x-action-token": ACTION_TOKEN, "origin": "http://evil.example"},
        {"x-action-token": ACTION_TOKEN, "origin": "null"},
        {"x-action-token": "guess", "origin": "OWN"},
        {"origin": "OWN"},
    ],
)
def test_no_other_page_can_act(sqlite_url: str, headers: dict[str, str]) -> None:
    with closing(open_database(sqlite_url)) as writing, served(sqlite_url, act=change_runs(writing)) as page:
        enter_run(page.database, apart(1))
        sent = {name: page.url if value == "OWN" else value for name, value in headers.items()}
        assert post(page, "/api/runs/run-1/cancel", **sent).status_code == 403
        assert status_of(page.database) == "RUNNING"


def test_nothing_is_changed_by_looking(controlled: Page) -> None:
    own = {"origin": controlled.url, "x-action-token": ACTION_TOKEN}
    for action in ("pause", "resume", "cancel"):
        assert controlled.get(f"/api/runs/run-1/{action}", **own).status_code == 405
    assert status_of(controlled.database) == "RUNNING"


def test_without_control_there_is_nothing_to_act_with(page: Page) -> None:
    enter_run(page.database, apart(1))
    session = page.get("/api/session").json()
    assert (session["may_act"], session["action_token"]) == (False, None)
    own = {"origin": page.url, "x-action-token": ACTION_TOKEN}
    assert post(page, "/api/runs/run-1/cancel", **own).status_code == 404
    assert status_of(page.database) == "RUNNING"


def test_acting_needs_the_secret_too(sqlite_url: str) -> None:
    with closing(open_database(sqlite_url)) as writing, served(sqlite_url, SECRET, change_runs(writing)) as page:
        enter_run(page.database, apart(1))
        own = {"origin": page.url, "x-action-token": ACTION_TOKEN}
        assert post(page, "/api/runs/run-1/pause", **own).status_code == 401
        assert post(page, "/api/runs/run-1/pause", **own, authorization=f"Bearer {SECRET}").status_code == 200

"""Reports in the page: made by the real command, kept for a while, and locked into their frame."""

import asyncio
import os
from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest

from spacetraders_lab.cli.dashboard import make_report
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design
from spacetraders_lab.dashboard.reports import KEPT, REPORT_POLICY, Reports
from spacetraders_lab.study.rig import Rig
from tests.dashboard.conftest import Page, served
from tests.factories import NOON
from tests.store.memory import enter_run


@pytest.fixture
def reporting(sqlite_url: str) -> Iterator[Page]:
    """A dashboard as the command makes it, over a run that has traded and one that has not."""
    with (
        patch.dict(os.environ, SPACETRADERS_DATABASE_URL=sqlite_url),
        served(sqlite_url, make_report=make_report) as page,
    ):
        rig = Rig(page.database)
        rig.fly(rig.queue(rig.pairs(12), Design(iterations=1), run_id="flown"))
        enter_run(page.database, run_id="not-flown")
        yield page


def test_the_report_of_the_command_is_served_into_a_frame_of_its_own(reporting: Page) -> None:
    report = reporting.get("/api/reports/flown")
    assert report.status_code == 200, report.text
    assert "Run flown" in report.text
    assert report.headers["content-security-policy"] == REPORT_POLICY
    assert report.headers["x-content-type-options"] == "nosniff"
    nothing = reporting.get("/api/reports/not-flown")
    assert (nothing.status_code, "nothing has been traded" in nothing.json()["error"]) == (404, True)
    for unknown in ("nope", "--help", "%2e%2e"):
        assert "there is no experiment" in reporting.get(f"/api/reports/{unknown}").json()["error"]


def test_the_frame_can_reach_nothing() -> None:
    assert "sandbox allow-scripts" in REPORT_POLICY
    assert "allow-same-origin" not in REPORT_POLICY
    assert "connect-src" not in REPORT_POLICY and "default-src 'none'" in REPORT_POLICY


def test_a_report_is_made_again_only_for_new_trades_and_not_at_once() -> None:
    made: list[str] = []

    async def make(run_id: str) -> str:
        made.append(run_id)
        return f"report {len(made)}"

    async def play() -> None:
        reports = Reports(make)
        later = NOON + timedelta(minutes=2)
        assert [await reports.report("run-1", trades, at) for trades, at in [(5, NOON), (6, NOON), (5, later)]] == (
            ["report 1"] * 3
        )
        assert await reports.report("run-1", 6, later) == "report 2"
        for number in range(KEPT):
            await reports.report(f"other-{number}", 1, later)
        assert await reports.report("run-1", 6, later) != "report 2"  # forgotten meanwhile

    asyncio.run(play())


def test_a_report_that_cannot_be_made_is_tried_again() -> None:
    answers: list[str | UserError] = [UserError("nothing yet"), "a report"]

    async def make(run_id: str) -> str:
        answer = answers.pop(0)
        if isinstance(answer, UserError):
            raise answer
        return answer

    async def play() -> None:
        reports = Reports(make)
        with pytest.raises(UserError):
            await reports.report("run-1", 0, NOON)
        assert await reports.report("run-1", 0, NOON) == "a report"

    asyncio.run(play())

"""Tokens that the game refuses: a player's own stops the player's runs, one that a daemon was merely given does not."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from spacetraders_lab.core.experiment import ExperimentRun, RunStatus
from spacetraders_lab.run.accounts import RETRY_SECONDS
from spacetraders_lab.study.rig import BASE_URL, Rig
from tests.guarantees.judge import violations
from tests.run.yard import Yard

STALE = "a-token-of-the-universe-before"
REFUSALS = pytest.mark.parametrize("code", [4113, 4104], ids=["of another universe", "unknown"])


@pytest.fixture
def yard(make_rig: Callable[..., Rig], tmp_path: Path) -> Yard:
    return Yard(make_rig(ships=2), tmp_path)


def refuse_the_stale_one(yard: Yard, code: int) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response | None:
        if request.headers.get("authorization") != f"Bearer {STALE}":
            return None
        return httpx2.Response(401, json={"error": {"message": "no", "code": code}})

    yard.rig.wire.before = answer


def serve_a_while(yard: Yard) -> None:
    """A daemon whose environment holds the stale token, for ten times as long as it waits between two tries."""

    async def story() -> None:
        stop = asyncio.Event()
        serving = yard.serve(yard.daemon(given={BASE_URL: STALE}), stop)
        await asyncio.sleep(10 * RETRY_SECONDS)
        stop.set()
        await serving

    yard.play(story)


def status(yard: Yard, run: ExperimentRun) -> RunStatus:
    return yard.rig.run(run).status


@REFUSALS
def test_a_refused_token_that_was_given_leaves_the_runs_to_who_can_fly_them(
    yard: Yard, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, with what to do, however often it is tried; then a machine with the right token comes."""
    run = yard.run(2)
    refuse_the_stale_one(yard, code)
    yard.forget_token()
    with caplog.at_level(logging.WARNING):
        serve_a_while(yard)
    assert status(yard, run) is RunStatus.RUNNING
    assert set(yard.states().values()) == {"PENDING"}
    (said,) = [record.message for record in caplog.records]
    assert "SPACETRADERS_TOKEN" in said and "spacetraders player add" in said
    assert STALE not in said
    yard.keep(yard.rig.token)
    yard.fly_to_the_end(run)
    assert violations(yard.rig, run) == []


@REFUSALS
def test_the_players_own_token_stands_beside_a_stale_one_that_was_given(yard: Yard, code: int) -> None:
    """The network fails just as the account is opened with the right one, so the other is tried as well."""
    run, blips = yard.run(2), iter(range(12))
    refuse_the_stale_one(yard, code)
    refuse = yard.rig.wire.before

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        if request.headers.get("authorization") == f"Bearer {yard.rig.token}" and next(blips, None) is not None:
            raise httpx2.ConnectError("no route")
        return refuse(request)

    yard.rig.wire.before = answer
    serve_a_while(yard)
    assert yard.is_over(run)
    assert violations(yard.rig, run) == []


@pytest.mark.parametrize(
    ("code", "expected"), [(4113, RunStatus.CANCELLED), (4104, RunStatus.SUSPENDED)], ids=["reset", "unknown"]
)
def test_a_refused_token_that_is_kept_for_the_player_stops_the_players_runs(
    yard: Yard, code: int, expected: RunStatus
) -> None:
    """Also where the daemon was given the same one."""
    run = yard.run(2)
    refuse_the_stale_one(yard, code)
    yard.keep(STALE)
    serve_a_while(yard)
    assert status(yard, run) is expected


def test_a_token_of_another_agent_is_said_to_be_so_once(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    run, token = yard.run(2), yard.rig.token
    yard.forget_token()
    yard.rig.become("OTHER")

    async def story() -> None:
        stop = asyncio.Event()
        serving = yard.serve(yard.daemon(given={BASE_URL: yard.rig.token}), stop)
        await asyncio.sleep(600)
        stop.set()
        await serving

    with caplog.at_level(logging.WARNING):
        yard.play(story)
    assert status(yard, run) is RunStatus.RUNNING
    (said,) = [record.message for record in caplog.records]
    assert "another agent's" in said and token not in said

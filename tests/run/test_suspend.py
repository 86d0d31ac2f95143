"""What the world does to a run: it waits or is closed, with the reason on record, and no pair is blamed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from spacetraders_lab.core.errors import BudgetReached, UniverseReset, UserError, WorldCondition
from spacetraders_lab.core.experiment import RunStatus
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.changes import reopen
from spacetraders_lab.run.suspend import suspend
from spacetraders_lab.sandbox.api import create_app
from spacetraders_lab.sandbox.universe import Universe
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig
from spacetraders_lab.study.virtual import START

MakeRig = Callable[..., Rig]


def _refusal(http_status: int, code: int, message: str = "no") -> httpx2.Response:
    return httpx2.Response(http_status, json={"error": {"message": message, "code": code}})


def _from_the_first_purchase_on(rig: Rig, answer: Callable[[], httpx2.Response | None]) -> None:
    """Let the game answer like this once something has been bought; None lets it answer for itself."""

    def begin(exchange: Exchange) -> None:
        if exchange.fits("POST", "/purchase"):
            rig.wire.before = lambda _: answer()

    rig.wire.after = begin


def test_maintenance_is_waited_for_and_the_run_goes_on_by_itself(rig: Rig) -> None:
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    over: list[float] = []

    def answer() -> httpx2.Response | None:
        if not over:
            over.append(rig.clock.elapsed + 3600)
        return _refusal(503, 3100) if rig.clock.elapsed < over[0] else None

    _from_the_first_purchase_on(rig, answer)
    rig.fly(run)
    assert rig.counts(run) == {"COMPLETED": 4}
    assert rig.run(run).status is RunStatus.COMPLETED
    assert rig.clock.elapsed > 3600


def test_during_maintenance_the_run_is_suspended_and_asks_the_game_about_once_a_minute(rig: Rig) -> None:
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    _from_the_first_purchase_on(rig, lambda: _refusal(503, 3100))
    stop = asyncio.Event()
    seen: list[tuple[RunStatus, str | None]] = []

    def look(exchange: Exchange) -> None:
        if exchange.status == 503 and exchange.path == "/v2/" and not stop.is_set():
            seen.append((rig.run(run).status, rig.run(run).status_reason))
            if len(seen) == 10:
                stop.set()

    begin = rig.wire.after

    def both(exchange: Exchange) -> None:
        begin(exchange)
        look(exchange)

    rig.wire.after = both
    rig.fly(run, stop=stop)
    assert {status for status, _ in seen} == {RunStatus.SUSPENDED}
    assert all(str(reason).startswith("maintenance: ") for _, reason in seen)
    asked = [exchange.at for exchange in rig.wire.log if exchange.status == 503]
    assert asked[-1] - asked[0] >= timedelta(minutes=8)
    assert "FAILED" not in rig.counts(run)


def test_a_token_that_is_refused_suspends_the_run(rig: Rig) -> None:
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    _from_the_first_purchase_on(rig, lambda: _refusal(401, 4104, "bad token"))
    rig.fly(run)
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert str(rig.run(run).status_reason).startswith("token_refused: ")
    assert rig.token not in str(rig.run(run).status_reason)
    assert set(rig.counts(run)) == {"PENDING"}


def test_a_run_whose_token_was_refused_is_resumed(rig: Rig) -> None:
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    _from_the_first_purchase_on(rig, lambda: _refusal(401, 4104, "bad token"))
    rig.fly(run)
    rig.wire.before, rig.wire.after = (lambda _: None), (lambda _: None)
    rig.resume(run)
    assert rig.counts(run) == {"COMPLETED": 4}


@pytest.mark.parametrize(
    ("condition", "is_resumed", "status"),
    [
        (BudgetReached("spent"), True, RunStatus.RUNNING),
        (BudgetReached("spent"), False, RunStatus.SUSPENDED),
        (UniverseReset("over"), True, RunStatus.CANCELLED),
    ],
)
def test_what_a_frozen_process_met_before_the_user_resumed_stops_nobody(
    rig: Rig, condition: WorldCondition, is_resumed: bool, status: RunStatus
) -> None:
    """The user may have raised the budget since; but a reset is a reset, and what nobody has seen to stands."""
    run = rig.queue(rig.pairs(1), FOUR_CELLS)

    async def frozen(lab: Lab) -> None:
        met_at = lab.clock.now()
        await lab.clock.sleep(10 * lab.times.lease)
        if is_resumed:
            await reopen(lab, run.run_id)
        await suspend(lab, run.run_id, condition, met_at)

    rig.play(frozen)
    assert rig.run(run).status is status


def test_a_reset_closes_the_run_and_keeps_its_rows(rig: Rig) -> None:
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    _from_the_first_purchase_on(rig, lambda: _refusal(401, 4113, "token of another universe"))
    rig.fly(run)
    assert rig.run(run).status is RunStatus.CANCELLED
    assert str(rig.run(run).status_reason).startswith("universe_reset: ")
    assert rig.records(run) != []
    assert "FAILED" not in rig.counts(run)


def test_a_run_of_another_universe_cannot_be_resumed(make_rig: MakeRig) -> None:
    run = make_rig(start=START - timedelta(days=14)).queue([], run_id="old")
    rig = make_rig()
    for ships in ((), ("GONE-1",)):
        with pytest.raises(UserError, match="another universe"):
            rig.play(lambda lab, ships=ships: reopen(lab, run.run_id, ships))  # type: ignore[misc]


def test_another_sandbox_at_the_same_address_on_the_same_day_is_another_universe(make_rig: MakeRig) -> None:
    before, after, again = make_rig(), make_rig(seed=2), make_rig()
    assert (before.base_url, before.universe.reset_date) == (after.base_url, after.universe.reset_date)
    assert before.universe_id() == again.universe_id() != after.universe_id()
    run = before.queue([], run_id="old")
    with pytest.raises(UserError, match="another universe"):
        after.resume(run)
    with pytest.raises(UserError, match="has ended"):  # it is the run's own universe, but there is nothing to do
        again.resume(run)


def _restarted(rig: Rig, universe: Universe) -> None:
    """Let the game be away for a while and come back as this universe, at the same address."""

    def come_back() -> None:
        rig.wire.before = lambda _: None
        rig.wire.inner = httpx2.ASGITransport(app=create_app(universe, rig.clock))

    asked = iter(range(99))
    _from_the_first_purchase_on(rig, lambda: come_back() if next(asked) > 2 else _refusal(503, 3100))


def test_a_sandbox_that_came_back_as_another_universe_closes_the_run(rig: Rig) -> None:
    run = rig.queue(rig.pairs(2), FOUR_CELLS)
    _restarted(rig, replace(rig.universe, start=START + timedelta(hours=1)))
    rig.fly(run)
    assert rig.run(run).status is RunStatus.CANCELLED
    assert str(rig.run(run).status_reason).startswith("universe_reset: ")


def test_a_sandbox_that_came_back_without_the_agent_suspends_the_run(rig: Rig, make_rig: MakeRig) -> None:
    run = rig.queue(rig.pairs(2), FOUR_CELLS)
    _restarted(rig, make_rig(seed=2).universe)
    rig.fly(run)
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert str(rig.run(run).status_reason).startswith("token_refused: ")


def test_a_run_of_another_agent_cannot_be_resumed(make_rig: MakeRig) -> None:
    run = make_rig().queue([], run_id="theirs")
    with pytest.raises(UserError, match="another agent"):
        make_rig(agent="OTHER").resume(run)


def test_a_run_that_has_ended_cannot_be_resumed(rig: Rig) -> None:
    run = rig.queue(rig.pairs(1))
    rig.fly(run)
    with pytest.raises(UserError, match="has ended"):
        rig.resume(run)


def test_the_network_away_for_ten_minutes_costs_time_and_nothing_else(rig: Rig) -> None:
    run = rig.queue(rig.pairs(4), FOUR_CELLS)

    def dead(_: httpx2.Request) -> None:
        if 60 < rig.clock.elapsed < 660:
            raise httpx2.ConnectError("no network")

    rig.wire.before = dead
    rig.fly(run)
    assert rig.counts(run) == {"COMPLETED": 4}
    assert rig.clock.elapsed > 660
    assert rig.rows("SELECT 1 FROM experiment_intents WHERE state NOT IN ('HAPPENED', 'DID_NOT')") == []


def test_being_locked_out_for_a_quarter_of_an_hour_costs_time_and_nothing_else(rig: Rig) -> None:
    """The layer in front of the game answers every request from a purchase on with a page of its own."""
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    over: list[float] = []

    def answer() -> httpx2.Response | None:
        if not over:
            over.append(rig.clock.elapsed + 900)
        return httpx2.Response(403, html="<h1>Forbidden</h1>") if rig.clock.elapsed < over[0] else None

    _from_the_first_purchase_on(rig, answer)
    rig.fly(run)
    assert rig.counts(run) == {"COMPLETED": 4}
    assert rig.clock.elapsed > over[0]
    assert {exchange.status for exchange in rig.wire.log} >= {403}
    assert rig.rows("SELECT 1 FROM experiment_intents WHERE state NOT IN ('HAPPENED', 'DID_NOT')") == []


@pytest.mark.parametrize("after", [1, 5, 9])
def test_half_an_hour_in_which_the_game_breaks_on_everything_costs_time_and_nothing_else(rig: Rig, after: int) -> None:
    """An error 500 may be one request's own, for good; here the ships cannot be read either."""
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    traded, over = 0, 0.0

    def begin(exchange: Exchange) -> None:
        nonlocal traded, over
        traded += exchange.fits("POST", "/purchase") or exchange.fits("POST", "/sell")
        if traded == after and not over:
            over = rig.clock.elapsed + 1800

    rig.wire.after = begin
    rig.wire.before = lambda _: httpx2.Response(500) if rig.clock.elapsed < over else None
    rig.fly(run)
    assert rig.clock.elapsed > over > 0
    assert rig.counts(run) == {"COMPLETED": 4}
    assert all(rig.universe.ships[ship].hold == {} for ship in rig.fleet)

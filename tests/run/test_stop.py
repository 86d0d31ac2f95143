"""Being stopped: at once where nothing is lost by it, after the trade where something would be, and never for good."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest

from spacetraders_lab.core.experiment import ExperimentRun, MarketPair, RunStatus
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.ship import NavStatus
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig

MakeRig = Callable[..., Rig]


def _stop_after(
    rig: Rig, method: str, ending: str, nth: int = 1, when: Callable[[], bool] = lambda: True
) -> asyncio.Event:
    """An event that is set as soon as such a request has been answered (under a condition) for the nth time."""
    stop, seen = asyncio.Event(), 0

    def look(exchange: Exchange) -> None:
        nonlocal seen
        if exchange.fits(method, ending) and when():
            seen += 1
            if seen == nth:
                stop.set()

    rig.wire.after = look
    return stop


def _cells(rig: Rig, run: ExperimentRun) -> set[tuple[str, str, float | None, int]]:
    return {(r.pair_id, r.operation, r.batch_size_fraction, r.iteration) for r in rig.records(run)}


def _all_cells(pairs: list[MarketPair]) -> set[tuple[str, str, float | None, int]]:
    return {(pair.pair_id, side, *cell) for pair in pairs for side in Operation for cell in FOUR_CELLS.cells}


@pytest.fixture
def alone(make_rig: MakeRig) -> Rig:
    """A laboratory with one frigate."""
    return make_rig(ships=1)


def test_a_stop_during_a_flight_releases_the_pair_at_once(alone: Rig) -> None:
    run = alone.queue(alone.pairs(2), FOUR_CELLS)
    stop = _stop_after(alone, "POST", "/navigate")
    (report,) = alone.fly(run, stop=stop)
    assert report.error is None
    assert alone.ship().status is NavStatus.IN_TRANSIT
    assert alone.ship().flight.arrival - alone.clock.now() > timedelta(seconds=10)
    assert alone.counts(run) == {"PENDING": 2}
    assert alone.run(run).status is RunStatus.RUNNING


def test_the_same_ship_resumes_the_pair_without_losing_a_cell(alone: Rig) -> None:
    """Stopped on the way to the sell market with cargo: it is sold, cell by cell, in the same take."""
    pairs = alone.pairs(2)
    run = alone.queue(pairs, FOUR_CELLS)
    alone.fly(run, stop=_stop_after(alone, "POST", "/navigate", when=lambda: bool(alone.ship().hold)))
    assert alone.ship().status is NavStatus.IN_TRANSIT
    bought = alone.records(run)
    assert bought != []
    assert all(record.operation is Operation.BUY for record in bought)
    (resumed,) = alone.fly(run)
    assert resumed.pairs_completed == 2
    assert alone.records(run)[: len(bought)] == bought
    assert _cells(alone, run) == _all_cells(pairs)
    assert {record.take for record in alone.records(run)} == {1}
    assert alone.ship().hold == {}


def test_an_interrupted_pair_goes_first_for_the_same_ship(make_rig: MakeRig) -> None:
    rig = make_rig(ships=1)
    pairs = rig.pairs(3)
    run = rig.queue(pairs, FOUR_CELLS)
    rig.fly(run, stop=_stop_after(rig, "POST", "/purchase"))
    rig.fly(run)
    order = list(dict.fromkeys(record.pair_id for record in rig.records(run)))
    assert order == [pair.pair_id for pair in pairs]


def test_a_released_pair_costs_no_attempt(alone: Rig) -> None:
    run = alone.queue(alone.pairs(1), FOUR_CELLS)
    left = "SELECT max_attempts - attempts AS left_over FROM experiment_work_queue"
    before = alone.rows(left)
    for nth in (1, 2, 3, 1, 2, 3, 1, 2):
        alone.fly(run, stop=_stop_after(alone, "GET", "/market", nth))
    assert alone.counts(run) == {"PENDING": 1}
    assert alone.rows(left) == before


@pytest.mark.parametrize("ending", ["/purchase", "/sell"])
def test_a_trade_under_way_is_finished_and_recorded(alone: Rig, ending: str) -> None:
    run = alone.queue(alone.pairs(1), FOUR_CELLS)
    alone.fly(run, stop=_stop_after(alone, "POST", ending))
    done = [(entry.units, entry.total) for entry in alone.ledger("PURCHASE", "SELL")]
    assert [(record.units, record.total_credits) for record in alone.records(run)] == done
    assert alone.records(run)[-1].price_after is not None
    assert alone.rows("SELECT 1 FROM experiment_intents WHERE state = 'OPEN'") == []


class Silent(httpx2.AsyncBaseTransport):
    """The way to a game that does what it is asked and whose answer to a trade takes an hour; sets `stop` meanwhile."""

    def __init__(self, rig: Rig, stop: asyncio.Event, ending: str) -> None:
        self._rig, self._inner, self._stop, self._ending = rig, rig.wire.inner, stop, ending

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if request.method == "POST" and request.url.path.endswith(self._ending) and not self._stop.is_set():
            self._stop.set()
            await self._rig.clock.sleep(3600)
        return response


@pytest.mark.parametrize("ending", ["/purchase", "/sell"])
def test_a_trade_whose_answer_a_stop_does_not_wait_for_is_found_by_the_next_start(alone: Rig, ending: str) -> None:
    run, stop = alone.queue(alone.pairs(1), FOUR_CELLS), asyncio.Event()
    alone.wire.inner = Silent(alone, stop, ending)
    alone.fly(run, stop=stop)
    assert alone.clock.elapsed < 3600
    assert len(alone.records(run)) == len(alone.ledger("PURCHASE", "SELL")) - 1
    assert alone.rows("SELECT state FROM experiment_intents WHERE state <> 'HAPPENED'") == [{"state": "OPEN"}]
    alone.fly(run)
    trades = [(entry.good, entry.units, entry.total) for entry in alone.ledger("PURCHASE", "SELL")]
    assert [(r.good_symbol, r.units, r.total_credits) for r in alone.records(run)] == trades
    assert alone.counts(run) == {"COMPLETED": 1}


def test_a_stop_ends_every_ship_within_seconds(rig: Rig) -> None:
    run = rig.queue(rig.pairs(6), FOUR_CELLS)
    stop = _stop_after(rig, "POST", "LAB-1/purchase", nth=2)
    began: list[float] = []
    after = rig.wire.after

    def note(exchange: Exchange) -> None:
        after(exchange)
        if stop.is_set():
            began.append(rig.clock.elapsed)

    rig.wire.after = note
    rig.fly(run, stop=stop)
    assert rig.clock.elapsed - began[0] < 20
    assert "CLAIMED" not in rig.counts(run)


def test_a_stop_before_the_start_does_nothing(rig: Rig) -> None:
    run = rig.queue(rig.pairs(2))
    stop = asyncio.Event()
    stop.set()
    rig.fly(run, stop=stop)
    assert rig.counts(run) == {"PENDING": 2}
    assert rig.ledger("NAVIGATE", "PURCHASE") == []


@pytest.mark.parametrize("nth", range(1, 30, 4))
def test_interrupted_anywhere_is_the_same_as_uninterrupted(alone: Rig, nth: int) -> None:
    """Stopped after any request and started again: the same cells, each trade recorded once, nothing left aboard."""
    pairs = alone.pairs(2)
    run = alone.queue(pairs, FOUR_CELLS)
    alone.fly(run, stop=_stop_after(alone, "POST", "", nth))
    alone.wire.after = lambda _: None
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 2}
    assert _cells(alone, run) == _all_cells(pairs)
    trades = [(entry.good, entry.units, entry.total) for entry in alone.ledger("PURCHASE", "SELL")]
    assert [(r.good_symbol, r.units, r.total_credits) for r in alone.records(run)] == trades
    assert alone.ship().hold == {}

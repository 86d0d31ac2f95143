"""Why planned trades did not take place, as runs write it down; planned = executed + skipped, whatever happens."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from spacetraders_lab.core.experiment import Design, DesignName, ExperimentRun, RunStatus, SkipReason
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.changes import cancel
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.store.attrition import Attrition, attrition
from spacetraders_lab.store.export import select_run
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig
from tests.guarantees.judge import violations

MakeRig = Callable[..., Rig]
SEEDED = Design(FOUR_CELLS.fractions, FOUR_CELLS.iterations, seeded=True, washout_seconds=60)
LADDER = Design(name=DesignName.LADDER, washout_seconds=60)


def found(rig: Rig, run: ExperimentRun) -> Attrition:
    return rig.read(lambda c: attrition(c, run.run_id))


def refused(code: int) -> Callable[[httpx2.Request], httpx2.Response | None]:
    """A game that answers every purchase with this error."""
    answer = {"error": {"message": "no", "code": code}}
    return lambda request: httpx2.Response(400, json=answer) if request.url.path.endswith("/purchase") else None


@pytest.mark.parametrize(("code", "reason"), [(4604, SkipReason.TV_LIMIT), (4602, SkipReason.API_ERROR)])
def test_what_the_game_refuses_is_skipped_for_what_it_said(make_rig: MakeRig, code: int, reason: SkipReason) -> None:
    rig = make_rig(ships=1)
    run = rig.queue([rig.pair()], FOUR_CELLS)
    rig.wire.before = refused(code)
    rig.fly(run)
    assert rig.counts(run) == {"FAILED": 1}
    assert found(rig, run) == Attrition(8, 0, {reason: 8})


def test_a_game_that_breaks_on_a_market_is_why_the_rest_is_skipped(make_rig: MakeRig) -> None:
    rig = make_rig(ships=1)
    pair = rig.pair()
    run = rig.queue([pair], FOUR_CELLS)
    broken = httpx2.Response(500)
    rig.wire.before = lambda request: broken if request.url.path.endswith(f"{pair.sell_market}/market") else None
    rig.fly(run)
    bought = len(rig.ledger("PURCHASE"))
    assert bought > 0
    assert found(rig, run) == Attrition(8, bought, {SkipReason.API_ERROR: 8 - bought})
    assert "no usable answer" in rig.errors(run)[pair.pair_id]


def test_a_pair_of_the_seeded_grid_is_not_begun_where_the_quote_has_gone_away(make_rig: MakeRig) -> None:
    """Another player buys the listing up after the plan was made: a quarter and more off, it is left alone."""
    rig = make_rig(ships=1)
    rig.scout()
    run = rig.launch(rig.prepare(design=SEEDED, goods=("GOLD",), max_pairs=1))
    (row,) = rig.rows("SELECT buy_market, menu FROM experiment_work_queue")
    market = rig.universe.market(row["buy_market"], rig.clock.now())
    asked = market.quote("GOLD").ask
    while market.quote("GOLD").ask <= 1.25 * asked:
        market.listings["GOLD"].stock -= market.listings["GOLD"].trade_volume
    rig.fly(run)
    assert rig.ledger("PURCHASE") == []
    skipped = found(rig, run).skipped
    assert skipped[SkipReason.GUARD] > 0
    assert skipped.keys() <= {SkipReason.GUARD, SkipReason.ZERO_TICK, SkipReason.ZERO_UNITS}
    assert violations(rig, run) == []


# --- cancelled with a trade under way ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["/purchase", "/sell", "/market"])
@pytest.mark.parametrize("design", [FOUR_CELLS, SEEDED, LADDER], ids=["grid", "seeded", "ladder"])
def test_cancelled_in_the_middle_every_planned_trade_has_one_row(
    make_rig: MakeRig, design: Design, ending: str
) -> None:
    """The user cancels while a request is on its way; the ship goes on for a while before it hears of it."""
    rig = make_rig(ships=1)
    rig.scout()
    run = rig.launch(rig.prepare(design=design, max_pairs=2, budget=500_000, goods=("GOLD",)))
    planned = found(rig, run).planned
    stop, seen = asyncio.Event(), 0

    def meanwhile(exchange: Exchange) -> None:
        nonlocal seen
        if rig.run(run).status is RunStatus.RUNNING and exchange.fits(exchange.method, ending) and rig.records(run):
            with rig.database.transaction() as connection:
                cancel(connection, run.run_id, now=rig.clock.now())
        elif rig.run(run).status is RunStatus.CANCELLED:
            seen += 1
            if seen == 6:
                stop.set()

    async def go(lab: Lab) -> None:
        reports = await run_workers(lab, run, rig.fleet, stop)
        assert [report.error for report in reports] == [None]

    rig.wire.after = meanwhile
    rig.play(go)
    after = found(rig, run)
    assert (after.planned, after.pending) == (planned, 0)
    assert after.executed > 0 and after.skipped
    cells = {(r.pair_id, r.operation, r.batch_size_fraction, r.iteration) for r in rig.records(run)}
    cells = {cell for cell in cells if cell[2] is not None}
    assert len(cells) + select_run(rig.database, run.run_id, "skips").rows == planned


def test_a_pair_that_was_claimed_in_the_moment_of_the_end_is_not_completed(make_rig: MakeRig) -> None:
    """All of its trades are written down as left out, and so there is nothing to do."""
    rig, stop = make_rig(ships=1), asyncio.Event()
    run = rig.queue(rig.pairs(1), FOUR_CELLS)

    async def cancel_it(passed: Point) -> None:
        if passed is Point.CLAIMED:
            asyncio.get_running_loop().call_later(10.0, stop.set)
            with rig.database.transaction() as connection:
                cancel(connection, run.run_id, now=rig.clock.now())

    rig.pass_by = cancel_it
    rig.fly(run, stop=stop)
    assert rig.counts(run) == {"PENDING": 1}

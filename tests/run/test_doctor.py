"""The doctor: finds what a killed worker left out of order, says what becomes of it, and does that when asked."""

from collections.abc import Callable

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import ExperimentRun
from spacetraders_lab.core.market import Operation
from spacetraders_lab.run import changes
from spacetraders_lab.run.doctor import Finding, examine, mend
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.store.database import Database
from spacetraders_lab.study.rig import FOUR_CELLS, ONE_CELL, Exchange, Rig

MakeRig = Callable[..., Rig]


class Killed(BaseException):
    """The process is gone, as after a SIGKILL."""


@pytest.fixture
def alone(make_rig: MakeRig) -> Rig:
    """A laboratory with one frigate."""
    return make_rig(ships=1)


def _killed_at(rig: Rig, run: ExperimentRun, point: Point) -> None:
    """Let the run's worker die the first time that it passes the point."""

    async def die(passed: Point) -> None:
        if passed is point:
            raise Killed

    before, rig.pass_by = rig.pass_by, die
    with pytest.raises(Killed):
        rig.fly(run)
    rig.pass_by = before


def _findings(rig: Rig, run: ExperimentRun) -> list[Finding]:
    return rig.play(lambda lab: examine(lab, run.run_id))


def test_a_finished_run_is_in_order(rig: Rig) -> None:
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    rig.fly(run)
    assert _findings(rig, run) == []


def test_a_run_under_way_is_in_order(rig: Rig) -> None:
    assert _findings(rig, rig.queue(rig.pairs(2))) == []


def test_a_trade_without_an_answer_is_an_open_intent(alone: Rig) -> None:
    pair = alone.pair()
    run = alone.queue([pair], ONE_CELL)
    _killed_at(alone, run, Point.ANSWERED)
    found = {finding.kind: finding for finding in _findings(alone, run)}
    assert set(found) == {"open intent", "hold mismatch"}
    (trade,) = alone.ledger("PURCHASE")
    assert found["open intent"].what == f"LAB-1 meant to BUY {trade.units} {pair.good_symbol} at {pair.buy_market}"
    assert f"holds {trade.units} {pair.good_symbol}" in found["hold mismatch"].what


def test_cargo_of_the_run_that_is_gone_is_missed(alone: Rig) -> None:
    run = alone.queue([alone.pair()], ONE_CELL)
    _killed_at(alone, run, Point.RECORDED)
    (good, units), *_ = alone.ship().hold.items()
    alone.ship().hold.clear()
    (found,) = _findings(alone, run)
    assert (found.kind, found.what) == ("hold mismatch", f"LAB-1 holds 0 {good} where {units} were expected")


def test_what_the_player_has_sold_of_a_cancelled_run_is_not_missed(alone: Rig) -> None:
    """As `cancel` advises."""
    run = alone.queue([alone.pair()], ONE_CELL)
    _killed_at(alone, run, Point.RECORDED)
    with alone.database.transaction() as connection:
        changes.cancel(connection, run.run_id, now=alone.clock.now())
    assert "cargo aboard" in {finding.kind for finding in _findings(alone, run)}
    alone.ship().hold.clear()
    assert _findings(alone, run) == []


def test_mending_finds_out_what_became_of_the_trade(alone: Rig) -> None:
    run = alone.queue([alone.pair()], ONE_CELL)
    _killed_at(alone, run, Point.ANSWERED)
    with pytest.raises(UserError, match="LAB-1: at work"):  # as far as anybody can tell
        alone.play(lambda lab: mend(lab, run.run_id))
    alone.clock.run(alone.clock.sleep(alone.times.lease))
    alone.play(lambda lab: mend(lab, run.run_id))
    (record,) = alone.records(run)
    assert record.recovered
    assert "open intent" not in {finding.kind for finding in _findings(alone, run)}
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 1}
    assert _findings(alone, run) == []


def test_a_lease_that_nobody_renews_is_stale(alone: Rig) -> None:
    run = alone.queue([alone.pair()], ONE_CELL)
    _killed_at(alone, run, Point.CLAIMED)
    assert _findings(alone, run) == []
    alone.clock.run(alone.clock.sleep(alone.times.lease + 1))
    (finding,) = _findings(alone, run)
    assert (finding.kind, finding.next) == ("stale lease", "is taken over at the next claim")


def test_cargo_of_the_run_is_found_until_it_is_sold(alone: Rig) -> None:
    run = alone.queue([alone.pair()], ONE_CELL)
    _killed_at(alone, run, Point.RECORDED)
    assert [finding.kind for finding in _findings(alone, run)] == ["cargo aboard"]
    alone.fly(run)
    assert _findings(alone, run) == []


def test_mending_sells_what_a_cancelled_run_left_aboard(alone: Rig) -> None:
    run = alone.queue(alone.pairs(2), ONE_CELL)
    _killed_at(alone, run, Point.RECORDED)
    alone.clock.run(alone.clock.sleep(alone.times.lease + 1))
    with alone.database.transaction() as connection:
        changes.cancel(connection, run.run_id, now=alone.clock.now())
    assert alone.ship().hold
    pairs = alone.counts(run)
    alone.play(lambda lab: mend(lab, run.run_id))
    assert not alone.ship().hold
    assert _findings(alone, run) == []
    assert alone.counts(run).keys() == {"PENDING"} | pairs.keys() - {"CLAIMED"}


def test_a_ship_that_was_scrapped_keeps_no_other_from_being_mended(make_rig: MakeRig) -> None:
    """Nobody will ever know what became of its trade: what that may have cost stays counted."""
    rig = make_rig(ships=2)
    run = rig.queue(rig.pairs(2), ONE_CELL)
    _killed_at(rig, run, Point.ANSWERED)
    rig.clock.run(rig.clock.sleep(rig.times.lease + 1))
    with rig.database.transaction() as connection:
        changes.cancel(connection, run.run_id, now=rig.clock.now())
    outlay = rig.rows("SELECT outlay FROM experiment_runs")
    intents = rig.rows("SELECT ship_symbol FROM experiment_intents WHERE state = 'OPEN' ORDER BY intent_id")
    assert [intent["ship_symbol"] for intent in intents] == ["LAB-1", "LAB-2"]
    del rig.universe.ships["LAB-1"], rig.universe.fleets["LAB"]["LAB-1"]
    open_ones = [finding for finding in _findings(rig, run) if finding.kind == "open intent"]
    assert "LAB-1 is no more" in open_ones[0].next
    assert "is reconciled" in open_ones[1].next
    rig.play(lambda lab: mend(lab, run.run_id))
    assert not rig.ship(2).hold
    assert _findings(rig, run) == []
    assert rig.rows("SELECT state FROM experiment_intents WHERE ship_symbol = 'LAB-1'") == [{"state": "CONFLICT"}]
    (record,) = [record for record in rig.records(run) if record.operation is Operation.BUY]
    (now,), (before,) = rig.rows("SELECT outlay FROM experiment_runs"), outlay
    sold = sum(record.total_credits for record in rig.records(run) if record.operation is Operation.SELL)
    assert (record.ship_symbol, now["outlay"]) == ("LAB-2", before["outlay"] - sold)


@pytest.mark.parametrize("is_killed_before", [True, False])
def test_a_pair_of_a_cancelled_run_is_nobodys_any_more(alone: Rig, is_killed_before: bool) -> None:
    """Its owner is dead, and nobody will claim it."""
    run = alone.queue([alone.pair()], ONE_CELL)
    _killed_at(alone, run, Point.CLAIMED)
    wait = alone.clock.sleep(alone.times.lease + 1)
    if is_killed_before:
        alone.clock.run(wait)
    with alone.database.transaction() as connection:
        changes.cancel(connection, run.run_id, now=alone.clock.now())
    if not is_killed_before:
        alone.clock.run(wait)
        (finding,) = _findings(alone, run)
        assert (finding.kind, finding.next) == ("stale lease", "is given back by --fix: the run has ended")
        alone.play(lambda lab: mend(lab, run.run_id))
    assert _findings(alone, run) == []
    assert alone.counts(run) == {"PENDING": 1}


def test_the_players_own_cargo_is_none_of_the_doctors_business(alone: Rig) -> None:
    pair = alone.pair()
    alone.ship().load("DIAMONDS", 4)
    alone.ship().load(pair.good_symbol, 2)
    run = alone.queue([pair], ONE_CELL)
    alone.fly(run)
    assert _findings(alone, run) == []


def test_what_the_player_buys_after_a_run_is_none_of_the_doctors_business(alone: Rig) -> None:
    """But a purchase of the run that came so late that it was taken for lost is."""
    pair = alone.pair()
    run = alone.queue([pair], ONE_CELL)
    alone.fly(run)
    alone.ship().load(pair.good_symbol, 7)
    assert _findings(alone, run) == []


def test_a_purchase_that_came_after_the_end_of_its_run_is_found(alone: Rig) -> None:
    run = alone.queue([alone.pair()], ONE_CELL)
    _killed_at(alone, run, Point.INTENDED)
    alone.clock.run(alone.clock.sleep(alone.times.lease + 1))
    with alone.database.transaction() as connection:
        changes.cancel(connection, run.run_id, now=alone.clock.now())
    alone.play(lambda lab: mend(lab, run.run_id))
    (bought,) = alone.rows("SELECT good_symbol, units, state FROM experiment_intents")
    assert bought["state"] == "DID_NOT"
    assert _findings(alone, run) == []
    alone.ship().load(bought["good_symbol"], bought["units"])
    (found,) = _findings(alone, run)
    assert (found.kind, found.next) == ("hold mismatch", "stays as it is: a trade of the run may have come too late")


def test_a_purchase_under_way_when_its_run_was_cancelled_lacks_nothing(alone: Rig) -> None:
    """It was written down as left out, and then took place."""
    run = alone.queue([alone.pair()], ONE_CELL)

    def cancel(exchange: Exchange) -> None:
        if exchange.fits("POST", "/purchase"):
            with alone.database.transaction() as connection:
                changes.cancel(connection, run.run_id, now=alone.clock.now())

    alone.wire.after = cancel
    alone.fly(run)
    assert not alone.ship().hold
    assert alone.counts(run) == {"COMPLETED": 1}
    assert _findings(alone, run) == []


def test_examining_changes_nothing(alone: Rig) -> None:
    run = alone.queue([alone.pair()], ONE_CELL)
    _killed_at(alone, run, Point.ANSWERED)
    intents = alone.rows("SELECT * FROM experiment_intents")
    entries = len(alone.universe.ledger)
    _findings(alone, run)
    assert alone.rows("SELECT * FROM experiment_intents") == intents
    assert len(alone.universe.ledger) == entries


def test_an_unknown_run_is_refused(rig: Rig) -> None:
    with pytest.raises(UserError, match="no-such-run"):
        rig.play(lambda lab: examine(lab, "no-such-run"))


def test_a_run_of_another_agent_is_refused(rig: Rig) -> None:
    run = rig.queue([], run_id="theirs")
    rig.become("OTHER")
    with pytest.raises(UserError, match="another agent"):
        _findings(rig, run)
    with pytest.raises(UserError, match="another agent"):
        rig.play(lambda lab: mend(lab, run.run_id))


def test_of_a_run_in_another_universe_everything_stays_as_it_is(database: Database) -> None:
    """The ship of the same name that is here now has done none of that."""
    gone, here = Rig(database, ships=1), Rig(database, ships=1, seed=2)
    run = gone.queue([gone.pair()], ONE_CELL)
    _killed_at(gone, run, Point.ANSWERED)
    gone.clock.run(gone.clock.sleep(gone.times.lease + 1))
    here.clock.run(here.clock.sleep(gone.clock.elapsed))
    before = here.rows("SELECT * FROM experiment_intents")

    found = {finding.kind: finding.next for finding in _findings(here, run)}
    assert set(found) == {"open intent", "stale lease"}
    assert all("stays as it is" in next_ for next_ in found.values())
    with pytest.raises(UserError, match="another universe"):
        here.play(lambda lab: mend(lab, run.run_id))
    assert here.rows("SELECT * FROM experiment_intents") == before

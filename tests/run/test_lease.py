"""Leases at work: kept through long flights, and nothing is traded once one may have ended."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection

from spacetraders_lab.run.app import Lab, LeaseTimes
from spacetraders_lab.run.claims import Claims
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.run.heartbeat import Lease, Pulse
from spacetraders_lab.run.worker import MOST_OUTAGES, OUTAGE_SECONDS
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig
from tests.counting import counting

MakeRig = Callable[..., Rig]


class FragileDatabase(Database):
    """A database that takes nothing while it is down."""

    def __init__(self, whole: Database, is_down: Callable[[], bool]) -> None:
        self.name = whole.name
        self._whole, self._is_down = whole, is_down

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self._check()
        with self._whole.transaction() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._check()
        with self._whole.reading() as connection:
            yield connection

    def _check(self) -> None:
        if self._is_down():
            raise DatabaseUnavailable("the database is down")


@pytest.fixture
def alone(make_rig: MakeRig) -> Rig:
    """A laboratory with one frigate."""
    return make_rig(ships=1)


def _outage_from_the_first_flight_with_cargo(rig: Rig, seconds: float) -> list[float]:
    """Take the database away for so long; the list gets the moment when it goes."""
    whole, began = rig.database, list[float]()

    def look(exchange: Exchange) -> None:
        if not began and exchange.fits("POST", "/navigate") and rig.ship().hold:
            began.append(rig.clock.elapsed)

    rig.wire.after = look
    rig.database = FragileDatabase(whole, lambda: bool(began) and rig.clock.elapsed < began[0] + seconds)
    return began


def test_a_lease_is_kept_through_flights_that_are_longer(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.times = LeaseTimes(lease=30.0, margin=5.0, settle=5.0)
    run = rig.queue(rig.pairs(6), FOUR_CELLS)
    rig.fly(run)
    assert rig.counts(run) == {"COMPLETED": 6}
    assert "lease" not in caplog.text
    assert {record.take for record in rig.records(run)} == {1}


def _beats_while_asleep(rig: Rig) -> tuple[int, int]:
    """Commits and renewed leases while every ship holds a pair and does nothing for nearly two leases."""
    run = rig.queue(rig.pairs(len(rig.fleet)), FOUR_CELLS, run_id=f"run-{len(rig.fleet)}")

    async def hold(lab: Lab, pulse: Pulse, ship: str) -> None:
        claim, _ = await Claims(lab, run, ship, "owner").next_pair(None)
        assert claim is not None
        async with pulse.keep(claim, lab.clock.monotonic()) as lease:
            await lab.clock.sleep(1.95 * lab.times.lease)  # no beat falls due in the moment of the end
            lease.check()

    async def play(lab: Lab) -> tuple[int, int]:
        pulse = Pulse(lab)
        with counting() as counts:
            await asyncio.gather(*(hold(lab, pulse, ship) for ship in rig.fleet))
        return counts["commits"] - len(rig.fleet), lab.tally["lease_renewals"]

    return rig.play(play)


def test_ships_in_flight_share_their_beats(make_rig: MakeRig) -> None:
    """Six ships cost as many transactions as one, and every lease is kept."""
    alone, together = _beats_while_asleep(make_rig(ships=1)), _beats_while_asleep(make_rig(ships=6, seed=2))
    assert alone[0] == together[0] >= 10
    assert together[1] == 6 * alone[1] == 6 * alone[0]


def test_a_renewed_lease_counts_from_before_it_was_asked_for(alone: Rig) -> None:
    """What a slow database takes of it is gone: it cannot be told when within that time the row was written."""
    run = alone.queue([alone.pair()])

    def slowly(_: Connection) -> None:
        alone.clock.elapsed += 7.0

    async def renew(lab: Lab) -> float:
        claim, _ = await Claims(lab, run, alone.fleet[0], "owner").next_pair(None)
        assert claim is not None
        lease = Lease(lab, claim, lab.clock.monotonic())
        await lab.clock.sleep(lab.times.lease / 2)
        await lease.write(slowly)
        return lease.age

    assert alone.play(renew) == pytest.approx(7.0)


@pytest.mark.parametrize("seconds", [30.0, 300.0])
def test_a_database_that_comes_back_costs_time_and_nothing_else(alone: Rig, seconds: float) -> None:
    run = alone.queue(alone.pairs(2), FOUR_CELLS)
    _outage_from_the_first_flight_with_cargo(alone, seconds)
    (report,) = alone.fly(run)
    assert (report.pairs_completed, report.error) == (2, None)
    assert alone.counts(run) == {"COMPLETED": 2}
    assert alone.ship().hold == {}
    trades = [(entry.units, entry.total) for entry in alone.ledger("PURCHASE", "SELL")]
    assert [(record.units, record.total_credits) for record in alone.records(run)] == trades


def test_nothing_is_traded_once_the_lease_may_have_ended(alone: Rig) -> None:
    run = alone.queue(alone.pairs(2), FOUR_CELLS)
    began = _outage_from_the_first_flight_with_cargo(alone, 300.0)
    alone.fly(run)
    last_safe = began[0] + alone.times.lease - alone.times.margin
    moments = [(entry.timestamp - alone.clock.start).total_seconds() for entry in alone.ledger("PURCHASE", "SELL")]
    assert any(moment <= began[0] for moment in moments)
    assert any(moment >= began[0] + 300 for moment in moments)
    assert not any(last_safe < moment < began[0] + 300 for moment in moments)


def test_a_trade_that_had_to_wait_too_long_is_not_sent(alone: Rig) -> None:
    """Between the intent and the sending the heart stops beating for most of a lease: the trade is left undone."""
    whole, delayed = alone.database, list[float]()
    alone.database = FragileDatabase(whole, lambda: bool(delayed) and alone.clock.elapsed < delayed[0] + 120)

    async def delay_once(point: Point) -> None:
        if point is Point.INTENDED and not delayed:
            delayed.append(alone.clock.elapsed)
            await alone.clock.sleep(alone.times.lease - alone.times.margin + 1)

    alone.pass_by = delay_once
    run = alone.queue(alone.pairs(2), FOUR_CELLS)
    alone.fly(run)
    first = alone.ledger("PURCHASE")[0]
    assert (first.timestamp - alone.clock.start).total_seconds() >= delayed[0] + 120
    assert alone.rows("SELECT state FROM experiment_intents ORDER BY intent_id LIMIT 1") == [{"state": "DID_NOT"}]
    assert alone.counts(run) == {"COMPLETED": 2}


def test_a_worker_does_not_wait_for_a_dead_database_for_ever(alone: Rig) -> None:
    run = alone.queue(alone.pairs(1), FOUR_CELLS)
    began = _outage_from_the_first_flight_with_cargo(alone, 2 * MOST_OUTAGES * OUTAGE_SECONDS)
    with pytest.raises(DatabaseUnavailable):  # the run's end cannot be written down either
        alone.fly(run)
    assert MOST_OUTAGES * OUTAGE_SECONDS < alone.clock.elapsed - began[0] < 2 * MOST_OUTAGES * OUTAGE_SECONDS

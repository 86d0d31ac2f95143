"""One pair at a time may trade a listing, whatever run it belongs to; a dead worker's locks end with its lease."""

import pytest
from sqlalchemy import select

from spacetraders_lab.core.experiment import ClaimedPair, MarketPair
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.schema import listing_locks as locks
from spacetraders_lab.store.world import World
from tests.factories import NOON
from tests.store.memory import LEASE, SERVER, Queue, after, enter_run

A, B, C, D, E, F = (f"X1-GZ7-{letter}1" for letter in "ABCDEF")


def iron(buy: str, sell: str) -> MarketPair:
    return MarketPair.of("IRON", buy, sell)


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database)


def test_a_pair_that_shares_a_listing_is_passed_over(queue: Queue) -> None:
    enter_run(queue.database, [iron(A, B), iron(B, C), iron(C, A), iron(C, D)])
    assert queue.must_claim("S-1").pair == iron(A, B)
    assert queue.must_claim("S-2").pair == iron(C, D)
    assert queue.claim("S-3") is None, "nothing is free now, though two pairs are pending"


def test_another_good_at_the_same_markets_is_another_listing(queue: Queue) -> None:
    enter_run(queue.database, [iron(A, B), MarketPair.of("GOLD", A, B)])
    queue.must_claim("S-1")
    assert queue.must_claim("S-2").pair.good_symbol == "GOLD"


def test_a_lock_holds_for_every_run_of_the_universe_and_for_no_other_universe(queue: Queue) -> None:
    enter_run(queue.database, [iron(A, B)])
    enter_run(queue.database, [iron(B, A)], run_id="run-2")
    with queue.database.transaction() as connection:
        elsewhere = World(connection).universe_id(SERVER, "2026-03-14")
    enter_run(queue.database, [iron(B, A)], run_id="run-3", universe_id=elsewhere)
    queue.must_claim("S-1")
    assert queue.claim("S-2", run_id="run-2") is None
    assert queue.claim("S-3", run_id="run-3") is not None


@pytest.mark.parametrize("end", ["mark_complete", "mark_failed", "release"])
def test_the_listings_are_free_once_the_pair_has_ended(queue: Queue, end: str) -> None:
    enter_run(queue.database, [iron(A, B), iron(B, C)])
    claim = queue.must_claim("S-1")
    queue.do(end, claim, *(["why"] if end == "mark_failed" else []), now=after(1))
    expected = iron(A, B) if end == "release" else iron(B, C)
    assert queue.must_claim("S-2", after(1)).pair == expected


@pytest.mark.parametrize("end", ["mark_complete", "mark_failed"])
def test_the_listings_rest_for_the_washout(queue: Queue, end: str) -> None:
    enter_run(queue.database, [iron(A, B), iron(B, C)])
    claim = queue.must_claim("S-1")
    queue.do(end, claim, *(["why"] if end == "mark_failed" else []), now=after(1), washout_seconds=600)
    assert queue.claim("S-2", after(600)) is None
    assert queue.claim("S-2", after(601)) is not None


def test_a_dead_workers_locks_end_with_its_lease(queue: Queue) -> None:
    enter_run(queue.database, [iron(A, B)])
    enter_run(queue.database, [iron(B, C)], run_id="run-2")
    queue.must_claim("S-1")
    assert queue.claim("S-2", after(LEASE - 1), run_id="run-2") is None
    assert queue.claim("S-2", after(LEASE), run_id="run-2") is not None


def test_a_renewed_lease_keeps_the_locks(queue: Queue) -> None:
    enter_run(queue.database, [iron(A, B), iron(B, C)])
    queue.do("renew_lease", queue.must_claim("S-1"), now=after(50), lease_seconds=LEASE)
    assert queue.claim("S-2", after(109)) is None


def test_who_takes_the_pair_over_takes_its_locks_over(queue: Queue) -> None:
    enter_run(queue.database, [iron(A, B), iron(B, C)])
    queue.must_claim("S-1")
    assert queue.must_claim("S-2", after(LEASE)).pair == iron(A, B)
    assert queue.claim("S-3", after(LEASE)) is None


def test_an_interrupted_pair_waits_when_another_run_has_its_listing_meanwhile(queue: Queue) -> None:
    enter_run(queue.database, [iron(A, B)])
    enter_run(queue.database, [iron(B, C)], run_id="run-2")
    queue.must_claim("S-1")
    other = queue.must_claim("S-2", after(LEASE), run_id="run-2")
    assert queue.claim("S-1", after(LEASE)) is None
    queue.do("mark_complete", other, now=after(LEASE + 1))
    assert queue.must_claim("S-1", after(LEASE + 1)).take == 1


def test_a_swept_pair_gives_its_listings_up(queue: Queue) -> None:
    enter_run(queue.database, [iron(A, B)], max_attempts=1)
    enter_run(queue.database, [iron(B, C)], run_id="run-2")
    queue.must_claim("S-1")
    assert queue.do("sweep", "run-1", now=after(LEASE)) == 1
    assert queue.claim("S-2", after(LEASE), run_id="run-2") is not None


class TestOneMoreListing:
    """A ship that sells leftovers locks the listing that takes them."""

    @staticmethod
    def lock(queue: Queue, claim: ClaimedPair, market: str, at: float = 0) -> bool:
        locked: bool = queue.do("lock_listing", claim, market, "IRON", now=after(at))
        return locked

    def test_it_is_had_when_free_and_kept_with_the_lease(self, queue: Queue) -> None:
        enter_run(queue.database, [iron(A, B), iron(C, D)])
        claim = queue.must_claim("S-1")
        assert self.lock(queue, claim, C)
        assert self.lock(queue, claim, C), "again is no error"
        assert queue.claim("S-2") is None
        queue.do("renew_lease", claim, now=after(50), lease_seconds=LEASE)
        assert queue.claim("S-2", after(109)) is None
        queue.do("mark_complete", claim, now=after(100))
        assert queue.must_claim("S-2", after(100)).pair == iron(C, D)

    def test_it_lasts_as_long_as_the_lease_on_record_not_as_the_claim_remembers(self, queue: Queue) -> None:
        enter_run(queue.database, [iron(A, B), iron(C, D)])
        stale = queue.must_claim("S-1")
        queue.do("renew_lease", stale, now=after(50), lease_seconds=LEASE)
        assert self.lock(queue, stale, C, at=55)
        with queue.database.reading() as connection:
            assert set(connection.execute(select(locks.c.held_until)).scalars()) == {after(110)}

    def test_it_is_refused_when_another_pair_has_it(self, queue: Queue) -> None:
        enter_run(queue.database, [iron(A, B), iron(C, D)])
        first, second = queue.must_claim("S-1"), queue.must_claim("S-2")
        assert not self.lock(queue, first, C)
        queue.do("mark_complete", second, now=NOON)
        assert self.lock(queue, first, C)


def test_many_locked_pairs_at_the_head_do_not_hide_a_free_one_behind(queue: Queue) -> None:
    blocked = [iron(A, market) for market in (C, D, E, F)] + [iron(market, B) for market in (C, D, E, F)]
    enter_run(queue.database, [iron(A, B), *blocked, iron(C, D)])
    queue.must_claim("S-1")
    assert queue.must_claim("S-2").pair == iron(C, D)

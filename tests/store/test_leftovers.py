"""A ship clears its hold after its pair has ended: the pair is leased again, and stays as it ended."""

import threading

import pytest

from spacetraders_lab.core.errors import LeaseLost
from spacetraders_lab.core.experiment import ClaimedPair, IntentState, MarketPair, RunStatus
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.doctor import ships_at_work
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import Duplicate
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from tests.factories import GOOD, NOON, PAIR, SELL_MARKET
from tests.store.memory import LEASE, Queue, after, enter_run, make_step, row_of


@pytest.fixture
def queue(database: Database) -> Queue:
    enter_run(database, [PAIR])
    return Queue(database)


def leftovers(queue: Queue, ship: str = "S-1", at: float = 10, owner: str = "S-1/1") -> ClaimedPair | None:
    claim: ClaimedPair | None = queue.do(
        "claim_leftovers", "run-1", ship, owner=owner, now=after(at), lease_seconds=LEASE
    )
    return claim


def trade(queue: Queue, claim: ClaimedPair) -> None:
    with queue.database.transaction() as connection:
        intents = IntentRepository(connection)
        intent = intents.open(claim, make_step(), units_before=0, price_limit=50, quote_before={}, now=NOON)
        intents.resolve(intent.intent_id, IntentState.HAPPENED, now=NOON)


def failed_with_cargo(queue: Queue) -> ClaimedPair:
    claim = queue.must_claim("S-1")
    trade(queue, claim)
    queue.do("mark_failed", claim, "why", now=NOON)
    return claim


def test_the_ended_pair_is_leased_with_its_listings_and_stays_ended(queue: Queue) -> None:
    ended = failed_with_cargo(queue)
    enter_run(queue.database, [MarketPair.of(GOOD, SELL_MARKET, "X1-GZ7-C3")], run_id="run-2")
    claim = leftovers(queue)
    assert claim is not None
    assert (claim.queue_id, claim.take) == (ended.queue_id, 1)
    assert row_of(queue, claim.pair).lease_until == after(10 + LEASE)
    assert queue.status() == {"FAILED": 1}
    assert queue.claim("S-2", after(11), run_id="run-2") is None
    queue.do("release", claim, now=after(12))
    assert queue.status() == {"FAILED": 1}
    assert queue.claim("S-2", after(12), run_id="run-2") is not None


def test_a_ship_that_never_traded_has_nothing_to_clear(queue: Queue) -> None:
    queue.do("mark_failed", queue.must_claim("S-1"), "why", now=NOON)
    assert leftovers(queue) is None


def test_a_pair_that_has_not_ended_is_claimed_in_the_usual_way(queue: Queue) -> None:
    claim = queue.must_claim("S-1")
    trade(queue, claim)
    assert leftovers(queue) is None
    queue.do("release", claim, now=NOON)
    assert leftovers(queue) is None


def test_one_ship_clears_at_a_time_and_a_dead_one_gives_way(queue: Queue) -> None:
    failed_with_cargo(queue)
    assert leftovers(queue) is not None
    assert leftovers(queue, owner="S-1/2", at=9 + LEASE) is None
    assert leftovers(queue, owner="S-1/2", at=10 + LEASE) is not None


def test_listings_in_use_are_waited_for(queue: Queue) -> None:
    failed_with_cargo(queue)
    enter_run(queue.database, [MarketPair.of(GOOD, SELL_MARKET, "X1-GZ7-C3")], run_id="run-2")
    other = queue.must_claim("S-2", run_id="run-2")
    assert leftovers(queue) is None
    queue.do("mark_complete", other, now=after(10))
    assert leftovers(queue) is not None


def test_who_sells_what_is_left_of_a_pair_is_at_work_and_not_who_ended_it(queue: Queue) -> None:
    claim = queue.must_claim("S-1")
    trade(queue, claim)
    queue.do("release", claim, now=NOON)
    taken_over = queue.must_claim("S-2")
    queue.do("mark_failed", taken_over, "why", now=NOON)
    assert leftovers(queue, "S-1", owner="S-1/2") is not None
    with queue.database.reading() as connection:
        assert ships_at_work(connection, "run-1", now=after(1)) == ["S-1"]


def test_the_washouts_of_a_run_that_has_ended_keep_none_of_its_ships_from_selling(queue: Queue) -> None:
    """One ship has just sold what it had left where another has something left as well."""
    other = MarketPair.of(GOOD, SELL_MARKET, "X1-GZ7-C3")
    queue.do("enqueue_pairs", "run-1", 1, [other], now=NOON)
    for ship in ("S-1", "S-2"):
        claim = queue.must_claim(ship)
        trade(queue, claim)
        queue.do("mark_failed", claim, "why", now=NOON)

    def sell(ship: str, at: float) -> None:
        claim = leftovers(queue, ship, at=at, owner=f"{ship}/2")
        assert claim is not None
        queue.do("release", claim, now=after(at + 1), washout_seconds=8 * 3600)

    sell("S-1", at=10)
    assert leftovers(queue, "S-2", at=12) is None, "the run may measure there yet"
    with queue.database.transaction() as connection:
        ExperimentRepository(connection).set_status("run-1", RunStatus.COMPLETED, None, now=after(12))
    sell("S-2", at=13)
    enter_run(queue.database, [other], run_id="run-2")
    assert queue.claim("S-3", after(8 * 3600), run_id="run-2") is None, "others wait for the washout"
    assert queue.claim("S-3", after(8 * 3600 + 14), run_id="run-2") is not None


def test_of_two_that_come_at_once_after_the_end_one_gets_the_listing(queue: Queue) -> None:
    queue.do("enqueue_pairs", "run-1", 1, [MarketPair.of(GOOD, SELL_MARKET, "X1-GZ7-C3")], now=NOON)
    for ship in ("S-1", "S-2"):
        claim = queue.must_claim(ship)
        trade(queue, claim)
        queue.do("mark_failed", claim, "why", now=NOON)
    with queue.database.transaction() as connection:
        ExperimentRepository(connection).set_status("run-1", RunStatus.COMPLETED, None, now=NOON)
    begun, got = threading.Event(), []

    def come_second() -> None:
        begun.set()
        got.append(leftovers(queue, "S-2", owner="S-2/2"))

    second = threading.Thread(target=come_second)
    with queue.database.transaction() as connection:
        first = WorkQueueRepository(connection).claim_leftovers(
            "run-1", "S-1", owner="S-1/2", now=after(10), lease_seconds=LEASE
        )
        second.start()
        begun.wait()
        second.join(0.2)  # it waits for this transaction
    second.join()
    assert first is not None
    assert got == [None]


def test_the_take_is_the_ships_own_even_where_another_ship_ended_the_pair(queue: Queue) -> None:
    trade(queue, queue.must_claim("S-1"))
    queue.do("mark_complete", queue.must_claim("S-2", after(LEASE)), now=after(LEASE))
    claim = leftovers(queue, at=LEASE + 1)
    assert claim is not None
    assert (claim.ship_symbol, claim.take) == ("S-1", 1)
    trade(queue, claim)
    with queue.database.reading() as connection:
        assert IntentRepository(connection).may_carry_cargo("run-1", "S-1")
        assert not IntentRepository(connection).may_carry_cargo("run-1", "S-2")


def test_a_claim_from_before_the_end_is_no_claim_now(queue: Queue) -> None:
    old = failed_with_cargo(queue)
    claim = leftovers(queue)
    assert claim is not None
    assert claim.attempt > old.attempt
    for verb in ("release", "mark_complete"):
        with pytest.raises(LeaseLost):
            queue.do(verb, old, now=after(11))
    queue.do("renew_lease", claim, now=after(11), lease_seconds=LEASE)


def test_an_ended_pair_cannot_end_again(queue: Queue) -> None:
    failed_with_cargo(queue)
    claim = leftovers(queue)
    with pytest.raises(LeaseLost):
        queue.do("mark_complete", claim, now=after(11))
    assert queue.status() == {"FAILED": 1}


def test_an_unknown_outcome_stays_the_ships_only_intent(queue: Queue) -> None:
    claim = queue.must_claim("S-1")
    with queue.database.transaction() as connection:
        IntentRepository(connection).open(claim, make_step(), units_before=0, price_limit=50, quote_before={}, now=NOON)
    queue.do("mark_failed", claim, "why", now=NOON)
    again = leftovers(queue)
    assert again is not None
    with pytest.raises(Duplicate):
        trade(queue, again)

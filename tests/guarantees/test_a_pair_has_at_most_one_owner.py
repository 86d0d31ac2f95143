"""Many claimers at once, each with a connection of its own: every pair has one owner, every listing one trader.

The original design's claim is kept as the known-bad case: a test that it passes would be decoration.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import text

from spacetraders_lab.core.experiment import ClaimedPair, MarketPair
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.work_queue import WorkQueueRepository
from tests.factories import NOON
from tests.store.memory import LEASE, Queue, apart, enter_run
from tests.waiting import until_blocked

CLAIMERS = 16


def all_at_once(url: str, step: Callable[[Database, str], bool]) -> None:
    """Repeat `step` for every claimer, in a thread and a database of its own, while it answers True.

    The first error ends them all, and is raised.
    """
    barrier, failed = threading.Barrier(CLAIMERS), threading.Event()

    def one(number: int) -> None:
        with closing(open_database(url, durable=False)) as database:
            barrier.wait()
            try:
                while not failed.is_set() and step(database, f"SHIP-{number}"):
                    pass
            except BaseException:
                failed.set()
                raise

    with ThreadPoolExecutor(CLAIMERS) as pool:
        for future in [pool.submit(one, number) for number in range(CLAIMERS)]:
            future.result()


def test_sixteen_claimers_and_two_thousand_pairs_no_pair_twice(database_url: str, database: Database) -> None:
    pairs = apart(2_000)
    enter_run(database, pairs)
    claims: list[tuple[int, int]] = []  # appending is atomic

    def step(mine: Database, ship: str) -> bool:
        queue = Queue(mine)
        claim = queue.claim(ship)
        if claim is None:
            return bool(queue.do("unfinished", "run-1"))
        claims.append((claim.queue_id, claim.attempt))
        queue.do("mark_complete", claim, now=NOON)
        return True

    all_at_once(database_url, step)
    assert len(claims) == len(pairs)
    assert len({queue_id for queue_id, _ in claims}) == len(pairs)
    assert {attempt for _, attempt in claims} == {1}
    assert Queue(database).status() == {"COMPLETED": len(pairs)}


def original_claim(database: Database, ship: str) -> int | None:
    """The original design's claim, word for word: SELECT the next, then UPDATE it by its id."""
    with database.transaction() as connection:
        row = connection.execute(
            text(
                "SELECT queue_id FROM experiment_work_queue WHERE run_id = 'run-1' AND status = 'PENDING'"
                " ORDER BY queue_id ASC LIMIT 1"
            )
        ).first()
        if row is None:
            return None
        connection.execute(
            text(
                "UPDATE experiment_work_queue SET status = 'CLAIMED', claimed_by = :ship, claimed_at = :now,"
                " attempts = attempts + 1, lease_until = :now WHERE queue_id = :id"
            ),
            {"ship": ship, "now": NOON, "id": row.queue_id},
        )
        return int(row.queue_id)


@pytest.mark.postgres
def test_the_original_designs_claim_hands_pairs_to_two_ships(postgres_url: str) -> None:
    with closing(open_database(postgres_url, durable=False)) as database:
        enter_run(database, apart(200))
    claimed: list[int] = []

    def step(mine: Database, ship: str) -> bool:
        queue_id = original_claim(mine, f"{ship}-{len(claimed)}")  # a ship may hold one pair only
        if queue_id is not None:
            claimed.append(queue_id)
        return queue_id is not None

    all_at_once(postgres_url, step)
    twice = sum(count > 1 for count in Counter(claimed).values())
    assert twice > 0, "the known-bad claim was not caught: this test could not catch a bad one"


class Exchange:
    """Notes who trades which listing, and objects when two do. The first two traders wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traders: dict[tuple[str, str], str] = {}
        self._meetings = [threading.Barrier(2)] * 2

    def enter(self, claim: ClaimedPair) -> None:
        with self._lock:
            for listing in self._listings(claim):
                assert listing not in self._traders, f"{claim.ship_symbol} and {self._traders[listing]} at {listing}"
                self._traders[listing] = claim.ship_symbol
            meeting = self._meetings.pop() if self._meetings else None
        if meeting is not None:
            meeting.wait(timeout=60)

    def leave(self, claim: ClaimedPair) -> None:
        with self._lock:
            for listing in self._listings(claim):
                del self._traders[listing]

    @staticmethod
    def _listings(claim: ClaimedPair) -> list[tuple[str, str]]:
        return [(claim.pair.buy_market, claim.pair.good_symbol), (claim.pair.sell_market, claim.pair.good_symbol)]


def every_pair(goods: int, markets: int) -> list[MarketPair]:
    """All ordered pairs of markets for each good, the goods taking turns: neighbours in the queue share no listing."""
    places = [f"X1-GZ7-{letter}1" for letter in "ABCDEFGH"[:markets]]
    return [
        MarketPair.of(f"GOOD_{good}", buy, sell)
        for buy in places
        for sell in places
        for good in range(goods)
        if buy != sell
    ]


def test_two_ships_never_trade_a_listing_at_once_in_whatever_run(database_url: str, database: Database) -> None:
    pairs = every_pair(goods=4, markets=5)
    runs = ("run-1", "run-2")
    for run_id in runs:
        enter_run(database, pairs, run_id=run_id)
    exchange = Exchange()

    def step(mine: Database, ship: str) -> bool:
        queue, run_id = Queue(mine), runs[int(ship.split("-")[1]) % 2]
        claim = queue.claim(ship, run_id=run_id)
        if claim is None:
            return bool(queue.do("unfinished", run_id))
        exchange.enter(claim)
        queue.do("renew_lease", claim, now=NOON, lease_seconds=LEASE)
        exchange.leave(claim)
        queue.do("mark_complete", claim, now=NOON)
        return True

    all_at_once(database_url, step)
    assert [Queue(database).status(run_id) for run_id in runs] == [{"COMPLETED": len(pairs)}] * 2


@pytest.mark.postgres
def test_a_claimer_that_comes_too_late_for_a_listing_takes_the_next_pair(postgres_url: str) -> None:
    """SKIP LOCKED alone lets two pairs that share a listing through: each locks only its own row."""
    shares, free = MarketPair.of("IRON", "X1-GZ7-C3", "X1-GZ7-A1"), MarketPair.of("GOLD", "X1-GZ7-A1", "X1-GZ7-B2")
    first_pair = MarketPair.of("IRON", "X1-GZ7-A1", "X1-GZ7-B2")
    with closing(open_database(postgres_url)) as database, ThreadPoolExecutor(1) as pool:
        enter_run(database, [first_pair, shares, free])
        with database.transaction() as connection:
            claims = WorkQueueRepository(connection)
            first = claims.claim_next_pair("run-1", "S-1", owner="1", now=NOON, lease_seconds=LEASE)
            late = pool.submit(Queue(database).claim, "S-2")
            until_blocked(database, late)
        assert first is not None
        assert first.pair == first_pair
        second = late.result()
    assert second is not None
    assert second.pair == free


@pytest.mark.postgres
def test_two_processes_that_drive_one_ship_do_not_both_get_a_pair(postgres_url: str) -> None:
    """In the very same instant neither sees the other's claim: the index decides."""
    with closing(open_database(postgres_url)) as database, ThreadPoolExecutor(1) as pool:
        enter_run(database, apart(2))
        with database.transaction() as connection:
            claims = WorkQueueRepository(connection)
            first = claims.claim_next_pair("run-1", "S-1", owner="1", now=NOON, lease_seconds=LEASE)
            late = pool.submit(Queue(database).claim, "S-1")
            until_blocked(database, late)
        assert first is not None
        assert late.result() is None
        assert Queue(database).status() == {"CLAIMED": 1, "PENDING": 1}

"""The queue's verbs one by one: who gets which pair, and who may still write to it."""

from dataclasses import replace

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from spacetraders_lab.core.errors import LeaseLost, UserError
from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import Duplicate
from spacetraders_lab.store.lease import require_lease
from spacetraders_lab.store.schema import experiment_work_queue as rows
from tests.factories import NOON, SHIP
from tests.store.memory import LEASE, Queue, after, apart, enter_run, row_of


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database)


def test_a_hundred_pairs_enqueued_are_all_pending(queue: Queue) -> None:
    enter_run(queue.database, apart(100))
    assert queue.status() == {"PENDING": 100}
    assert queue.do("unfinished", "run-1") == 100


def test_all_four_statuses_are_counted_even_where_there_are_none(queue: Queue) -> None:
    enter_run(queue.database)
    assert queue.do("get_queue_status", "run-1") == {"PENDING": 0, "CLAIMED": 0, "COMPLETED": 0, "FAILED": 0}


def test_a_claim_marks_the_row_and_leaves_the_others(queue: Queue) -> None:
    pairs = apart(10)
    enter_run(queue.database, pairs)
    claim = queue.must_claim("HAULER-1")
    assert claim.pair == pairs[0]
    assert (claim.attempt, claim.take) == (1, 1)
    assert queue.status() == {"PENDING": 9, "CLAIMED": 1}
    row = row_of(queue, pairs[0])
    assert (row.status, row.claimed_by, row.claimed_at) == ("CLAIMED", "HAULER-1", NOON)
    assert row.lease_until == after(LEASE)


def test_pairs_are_claimed_in_the_order_in_which_they_were_enqueued(queue: Queue) -> None:
    pairs = apart(6)
    run = enter_run(queue.database, pairs[:4])
    queue.do("enqueue_pairs", "run-1", run.player_id, pairs[4:], now=after(1))
    claimed = [queue.must_claim(f"S-{n}", after(2)).pair for n in range(6)]
    assert claimed == pairs


def test_nothing_of_a_cancelled_run_is_claimed(queue: Queue) -> None:
    """Its pairs have nothing left to trade: whoever took one up would complete it at once."""
    enter_run(queue.database, apart(2))
    with queue.database.transaction() as connection:
        ExperimentRepository(connection).cancel("run-1", "by the user", now=after(1))
    assert queue.claim("HAULER-1", after(2)) is None
    assert queue.status() == {"PENDING": 2}


def test_of_two_ships_that_want_one_pair_one_gets_it_and_the_other_none(queue: Queue) -> None:
    enter_run(queue.database, apart(1))
    assert queue.claim("HAULER-1") is not None
    assert queue.claim("HAULER-2") is None
    assert queue.do("unfinished", "run-1") == 1, "an empty answer is not the end of the run"


def test_runs_have_queues_of_their_own(queue: Queue) -> None:
    one, two = apart(2)
    enter_run(queue.database, [one])
    enter_run(queue.database, [two], run_id="run-2")
    assert queue.must_claim("S-1", run_id="run-2").pair == two
    assert queue.claim("S-2", run_id="run-2") is None


def test_a_claim_in_an_unknown_run_says_how_to_find_the_right_one(queue: Queue) -> None:
    with pytest.raises(UserError, match="experiment list"):
        queue.claim(run_id="nonsense")


def test_the_same_pair_cannot_be_enqueued_twice(queue: Queue) -> None:
    run = enter_run(queue.database, apart(1))
    with pytest.raises(Duplicate):
        queue.do("enqueue_pairs", "run-1", run.player_id, apart(1), now=NOON)


def test_enqueueing_nothing_is_no_error(queue: Queue) -> None:
    run = enter_run(queue.database)
    assert queue.do("enqueue_pairs", "run-1", run.player_id, [], now=NOON) == 0


def test_complete_and_fail_end_a_pair(queue: Queue) -> None:
    done, failed = apart(2)
    enter_run(queue.database, [done, failed])
    queue.do("mark_complete", queue.must_claim("S-1"), now=after(1))
    queue.do("mark_failed", queue.must_claim("S-2"), "the good is gone", now=after(2))
    assert queue.status() == {"COMPLETED": 1, "FAILED": 1}
    assert queue.do("unfinished", "run-1") == 0
    assert queue.do("get_ship_progress", "run-1") == {"S-1": 1}
    (found,) = queue.failed_pairs()
    assert (found.pair, found.ship_symbol, found.attempts, found.error_message) == (
        failed,
        "S-2",
        1,
        "the good is gone",
    )
    assert row_of(queue, failed).completed_at == after(2)


def test_ship_progress_puts_the_busiest_first(queue: Queue) -> None:
    enter_run(queue.database, apart(5))
    for ship in ("S-1", "S-2", "S-2", "S-3", "S-2"):
        queue.do("mark_complete", queue.must_claim(ship), now=NOON)
    assert list(queue.do("get_ship_progress", "run-1").items()) == [("S-2", 3), ("S-1", 1), ("S-3", 1)]


class TestLeases:
    def test_a_pair_is_nobody_elses_while_its_lease_lasts(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1))
        queue.must_claim("S-1")
        assert queue.claim("S-2", after(LEASE - 0.001)) is None

    def test_an_expired_lease_is_taken_over_by_another_ship_in_a_new_take(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1))
        dead = queue.must_claim("S-1")
        rescued = queue.must_claim("S-2", after(LEASE))
        assert rescued.pair == dead.pair
        assert (rescued.attempt, rescued.take) == (2, 2)

    def test_a_worker_that_dies_before_its_first_heartbeat_is_rescued(self, queue: Queue) -> None:
        """The claim itself writes the lease."""
        (pair,) = pairs = apart(1)
        enter_run(queue.database, pairs)
        queue.must_claim("S-1")
        assert row_of(queue, pair).lease_until == after(LEASE)
        assert queue.must_claim("S-2", after(LEASE)).pair == pair

    def test_an_expired_pair_goes_before_what_nobody_has_had(self, queue: Queue) -> None:
        first, *_rest = pairs = apart(3)
        enter_run(queue.database, pairs)
        queue.must_claim("S-1")
        queue.do("mark_complete", queue.must_claim("S-2"), now=NOON)
        assert queue.must_claim("S-2", after(LEASE)).pair == first

    def test_a_renewed_lease_lasts_from_the_renewal(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1))
        claim = queue.must_claim("S-1")
        queue.do("renew_lease", claim, now=after(50), lease_seconds=LEASE)
        assert row_of(queue, claim.pair).lease_until == after(110)
        assert queue.claim("S-2", after(109)) is None
        assert queue.claim("S-2", after(110)) is not None

    def test_the_same_ship_resumes_its_own_pair_in_the_same_take(self, queue: Queue) -> None:
        enter_run(queue.database, apart(3))
        first = queue.must_claim("S-1")
        again = queue.must_claim("S-1", after(LEASE), owner="S-1/2")
        assert again.pair == first.pair
        assert (again.attempt, again.take) == (2, 1)

    def test_a_new_worker_of_a_ship_waits_for_the_old_ones_lease(self, queue: Queue) -> None:
        """The old worker may be about to trade; a second pair beside it would mix two holds in one."""
        enter_run(queue.database, apart(3))
        queue.must_claim("S-1", owner="old")
        assert queue.claim("S-1", after(LEASE - 1), owner="new") is None
        assert queue.must_claim("S-1", after(LEASE), owner="new").attempt == 2

    def test_a_worker_that_claims_again_has_the_pair_it_holds(self, queue: Queue) -> None:
        enter_run(queue.database, apart(3))
        first = queue.must_claim("S-1")
        again = queue.must_claim("S-1", after(1))
        assert (again.queue_id, again.take, again.attempt) == (first.queue_id, 1, 2)

    def test_taking_turns_counts_takes_by_change_of_ship(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1), max_attempts=9)
        ships = ["S-1", "S-1", "S-2", "S-2", "S-1"]
        claims = [queue.must_claim(ship, after(n * LEASE)) for n, ship in enumerate(ships)]
        assert [claim.take for claim in claims] == [1, 1, 2, 2, 3]
        assert [claim.attempt for claim in claims] == [1, 2, 3, 4, 5]


class TestRelease:
    def test_a_released_pair_goes_first_to_the_ship_that_had_it(self, queue: Queue) -> None:
        first, second, third = apart(3)
        enter_run(queue.database, [first, second, third])
        queue.must_claim("S-1")
        mine = queue.must_claim("S-2")
        queue.do("release", mine, now=after(1))
        again = queue.must_claim("S-2", after(1))
        assert (again.pair, again.take) == (second, 1)

    def test_release_spends_no_attempt_unless_told(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1), max_attempts=2)
        for second in range(10):
            queue.do("release", queue.must_claim("S-1", after(second)), now=after(second))
        assert queue.do("sweep", "run-1", now=after(10)) == 0
        queue.do("release", queue.must_claim("S-1", after(10)), now=after(10), spend_attempt=True)
        queue.do("release", queue.must_claim("S-1", after(11)), now=after(11), spend_attempt=True)
        assert queue.claim("S-1", after(12)) is None
        assert queue.do("sweep", "run-1", now=after(12)) == 1

    def test_a_pair_on_which_the_game_breaks_again_and_again_fails_with_what_it_said(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1), max_attempts=2)
        queue.do("put_off", queue.must_claim("S-1"), "HTTP 502", now=NOON, not_before=after(30))
        assert queue.claim("S-1", after(29)) is None
        queue.do("put_off", queue.must_claim("S-2", after(30)), "HTTP 500", now=after(30), not_before=after(60))
        (failed,) = queue.failed_pairs()
        assert failed.error_message == "gave up after 2 attempts, the last by S-2: HTTP 500"

    def test_no_two_claims_of_a_pair_are_alike(self, queue: Queue) -> None:
        """Else a claim kept from before a release could pass for the one after it."""
        enter_run(queue.database, apart(1))
        old = queue.must_claim("S-1")
        queue.do("release", old, now=NOON)
        new = queue.must_claim("S-1")
        assert new.attempt > old.attempt
        with pytest.raises(LeaseLost):
            queue.do("mark_complete", old, now=NOON)

    def test_nobody_gets_a_pair_before_its_time(self, queue: Queue) -> None:
        first, second = apart(2)
        enter_run(queue.database, [first, second])
        queue.do("release", queue.must_claim("S-1"), now=NOON, not_before=after(30))
        assert queue.must_claim("S-1", after(29)).pair == second
        assert queue.must_claim("S-2", after(30)).pair == first


class TestFence:
    """A stale owner changes nothing."""

    VERBS = (
        ("renew_lease", (), {"lease_seconds": LEASE}),
        ("mark_complete", (), {}),
        ("mark_failed", ("why",), {}),
        ("release", (), {}),
        ("lock_listing", ("X1-GZ7-C3", "GOLD"), {}),
    )

    @pytest.mark.parametrize(("verb", "arguments", "how"), VERBS, ids=[verb for verb, *_ in VERBS])
    def test_after_the_lease_has_ended_nothing_is_written(
        self, queue: Queue, verb: str, arguments: tuple[str, ...], how: dict[str, float]
    ) -> None:
        enter_run(queue.database, apart(1))
        claim = queue.must_claim("S-1")
        before = row_of(queue, claim.pair)
        with pytest.raises(LeaseLost):
            queue.do(verb, claim, *arguments, now=after(LEASE), **how)
        assert row_of(queue, claim.pair) == before

    @pytest.mark.parametrize(("verb", "arguments", "how"), VERBS, ids=[verb for verb, *_ in VERBS])
    def test_after_a_take_over_nothing_is_written_whatever_the_zombies_clock_says(
        self, queue: Queue, verb: str, arguments: tuple[str, ...], how: dict[str, float]
    ) -> None:
        enter_run(queue.database, apart(1))
        zombie = queue.must_claim("S-1")
        queue.must_claim("S-2", after(LEASE))
        before = row_of(queue, zombie.pair)
        with pytest.raises(LeaseLost):
            queue.do(verb, zombie, *arguments, now=after(1), **how)
        assert row_of(queue, zombie.pair) == before

    def test_owner_attempt_and_pair_must_all_be_right(self, queue: Queue) -> None:
        enter_run(queue.database, apart(2))
        claim = queue.must_claim("S-1")
        forged = (
            replace(claim, owner="someone"),
            replace(claim, attempt=claim.attempt + 1),
            replace(claim, attempt=claim.attempt - 1),
            replace(claim, queue_id=claim.queue_id + 1),
        )
        for wrong in forged:
            with pytest.raises(LeaseLost):
                queue.do("mark_complete", wrong, now=NOON)
        queue.do("mark_complete", claim, now=NOON)

    def test_an_ended_pair_stays_as_it_ended(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1))
        claim = queue.must_claim("S-1")
        queue.do("mark_complete", claim, now=NOON)
        with pytest.raises(LeaseLost):
            queue.do("mark_failed", claim, "late", now=NOON)
        assert queue.status() == {"COMPLETED": 1}
        assert queue.claim("S-2", after(1000)) is None

    def test_require_lease_answers_with_the_end_that_is_on_record(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1))
        claim = queue.must_claim("S-1")
        queue.do("renew_lease", claim, now=after(30), lease_seconds=LEASE)
        with queue.database.transaction() as connection:
            assert require_lease(connection, claim, now=after(80)) == after(90)


class TestSweep:
    def test_a_pair_that_kills_every_worker_ends_with_a_reason(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1), max_attempts=3)
        for attempt in range(3):
            queue.must_claim(f"S-{attempt}", after(attempt * LEASE))
        late = after(3 * LEASE)
        assert queue.claim("S-9", late) is None, "attempts are spent"
        assert queue.do("sweep", "run-1", now=late) == 1
        (failed,) = queue.failed_pairs()
        assert failed.error_message == "gave up after 3 attempts, the last by S-2"
        assert row_of(queue, failed.pair).completed_at == late
        assert queue.do("unfinished", "run-1") == 0

    def test_the_last_attempt_is_left_alone_while_its_lease_lasts(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1), max_attempts=1)
        claim = queue.must_claim("S-1")
        assert queue.do("sweep", "run-1", now=after(LEASE - 1)) == 0
        queue.do("mark_complete", claim, now=after(LEASE - 1))
        assert queue.status() == {"COMPLETED": 1}

    def test_other_runs_and_pairs_with_attempts_left_are_not_swept(self, queue: Queue) -> None:
        enter_run(queue.database, apart(1), max_attempts=2)
        enter_run(queue.database, [MarketPair.of("OTHER", "X1-GZ7-A1", "X1-GZ7-B2")], run_id="run-2", max_attempts=1)
        queue.must_claim("S-1")
        queue.must_claim("S-2", run_id="run-2")
        assert queue.do("sweep", "run-1", now=after(LEASE)) == 0
        assert queue.status("run-2") == {"CLAIMED": 1}


def test_the_schema_itself_refuses_a_claimed_row_without_a_lease(queue: Queue) -> None:
    enter_run(queue.database, apart(1))
    with pytest.raises(IntegrityError), queue.database.transaction() as connection:
        connection.execute(update(rows).values(status="CLAIMED", claimed_by=SHIP))


class TestNearest:
    """A ship may say where it would rather begin; what it says never takes a pair from anybody."""

    FAR, NEAR, NEARER = (MarketPair.of("IRON", f"X1-GZ7-{place}", "X1-GZ7-Z9") for place in ("F1", "N2", "N1"))

    def claim(self, queue: Queue, ship: str, near: tuple[str, ...]) -> MarketPair | None:
        values = {"owner": f"{ship}/1", "now": NOON, "lease_seconds": LEASE, "near": near}
        claim = queue.do("claim_next_pair", "run-1", ship, **values)
        return claim.pair if claim else None

    def test_the_free_pair_that_begins_nearest_goes_first(self, queue: Queue) -> None:
        gold = MarketPair.of("GOLD", "X1-GZ7-N1", "X1-GZ7-N2")
        enter_run(queue.database, [self.FAR, gold])
        assert self.claim(queue, "S-1", ("X1-GZ7-N1", "X1-GZ7-N2", "X1-GZ7-F1")) == gold

    def test_what_is_equally_near_goes_first_in_first_out(self, queue: Queue) -> None:
        pairs = apart(3)
        enter_run(queue.database, pairs)
        assert self.claim(queue, "S-1", (pairs[0].buy_market,)) == pairs[0]

    def test_markets_that_are_not_named_come_last(self, queue: Queue) -> None:
        enter_run(queue.database, [self.FAR, self.NEAR])
        assert self.claim(queue, "S-1", ("X1-GZ7-N2",)) == self.NEAR

    def test_a_locked_listing_is_passed_over_however_near(self, queue: Queue) -> None:
        gold = MarketPair.of("GOLD", "X1-GZ7-F1", "X1-GZ7-Z9")
        enter_run(queue.database, [self.NEARER, self.NEAR, gold])
        assert self.claim(queue, "S-1", ("X1-GZ7-N1",)) == self.NEARER
        assert self.claim(queue, "S-2", ("X1-GZ7-N2",)) == gold

    def test_the_ships_own_unfinished_pair_goes_before_anything_nearer(self, queue: Queue) -> None:
        enter_run(queue.database, [self.FAR, *apart(1)])
        claim = queue.must_claim("S-1")
        queue.do("release", claim, now=NOON)
        assert self.claim(queue, "S-1", ("X1-GZ7-A1",)) == self.FAR

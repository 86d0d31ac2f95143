"""The work queue against a dictionary: whatever workers do, in whatever order, crashes and zombies included.

The model below says which pair every claim must get and which writes must be refused; both databases must agree.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from spacetraders_lab.core.errors import LeaseLost
from spacetraders_lab.core.experiment import ClaimedPair, IntentState, MarketPair
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.schema import experiment_work_queue, listing_locks
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.store.world import World
from tests.factories import make_record
from tests.store.memory import SERVER, after, enter_run, make_step

SHIPS = ("S-1", "S-2", "S-3")
MARKETS = ("X1-GZ7-A1", "X1-GZ7-B2", "X1-GZ7-C3")
PAIRS = [
    MarketPair.of(good, buy, sell) for buy, sell in itertools.permutations(MARKETS, 2) for good in ("IRON", "GOLD")
]
RUNS = ("one", "two")
LEASE = 60
Listing = tuple[str, str]


@dataclass
class Row:
    """A row of the queue as it should be; times in seconds."""

    run: str
    pair: MarketPair
    position: int
    max_attempts: int
    not_before: int
    status: str = "PENDING"
    claimed_by: str | None = None
    owner: str | None = None
    lease_until: int | None = None
    attempts: int = 0
    take: int = 0

    @property
    def listings(self) -> set[Listing]:
        return {(self.pair.buy_market, self.pair.good_symbol), (self.pair.sell_market, self.pair.good_symbol)}

    def is_held_by(self, claim: ClaimedPair, now: int) -> bool:
        return (self.owner, self.attempts) == (claim.owner, claim.attempt) and (self.lease_until or 0) > now


class Model:
    """The queue in plain Python, one row after the other."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.locks: dict[Listing, tuple[Row, int]] = {}
        self.last_trade: dict[tuple[str, str], tuple[Row, int]] = {}

    def of_run(self, run: str) -> list[Row]:
        return sorted((row for row in self.rows.values() if row.run == run), key=lambda row: row.position)

    def is_free(self, row: Row, now: int) -> bool:
        held = [self.locks[listing] for listing in row.listings if listing in self.locks]
        return all(holder is row or until <= now for holder, until in held)

    def next_for(self, run: str, ship: str, owner: str, now: int) -> Row | None:
        rows = self.of_run(run)
        claimed = [row for row in rows if row.status == "CLAIMED"]
        if any(row.claimed_by == ship and row.owner != owner and row.lease_until > now for row in claimed):
            return None
        pending = [row for row in rows if row.status == "PENDING" and row.not_before <= now]
        expired = [row for row in claimed if row.lease_until <= now]
        mine = [
            row for row in rows if row.claimed_by == ship and (row in pending or row in expired or row.owner == owner)
        ]
        own = [row for row in mine if row.status in ("PENDING", "CLAIMED")]
        candidates = (row for row in (*own, *expired, *pending) if row.attempts < row.max_attempts)
        return next((row for row in candidates if self.is_free(row, now)), None)

    def lease(self, row: Row, owner: str, now: int) -> None:
        row.owner, row.lease_until, row.attempts = owner, now + LEASE, row.attempts + 1
        self.locks |= dict.fromkeys(row.listings, (row, now + LEASE))

    def free(self, row: Row, now: int) -> None:
        row.owner = row.lease_until = None
        self.rest(row, now)

    def rest(self, row: Row, until: int) -> None:
        self.locks |= {listing: (row, until) for listing, (holder, _) in self.locks.items() if holder is row}


class QueueMachine(RuleBasedStateMachine):
    """Workers at a queue of two runs. Old claims are kept: a zombie may come back with any of them at any time."""

    numbers = itertools.count()

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.model = Model()
        self.now = 0
        self.claims: list[ClaimedPair] = []
        self.cells = itertools.count(1)
        number = next(self.numbers)
        self.suffix = f"-{number}"
        with database.transaction() as connection:
            self.universe = World(connection).universe_id(SERVER, f"reset {number}")
        self.players = {
            run: enter_run(database, run_id=run + self.suffix, universe_id=self.universe).player_id for run in RUNS
        }

    def do(self, verb: str, *arguments: Any, **how: Any) -> Any:
        with self.database.transaction() as connection:
            return getattr(WorkQueueRepository(connection), verb)(*arguments, **how)

    def row_of(self, claim: ClaimedPair) -> Row:
        return self.model.rows[claim.run_id.removesuffix(self.suffix), claim.pair.pair_id]

    def write(self, claim: ClaimedPair, work: Callable[[], Any], *, allowed: bool = True) -> Any:
        """Do a worker's write; returns None, and checks that it is refused, where the model says that it must be."""
        if allowed and self.row_of(claim).is_held_by(claim, self.now):
            return work() or True
        with pytest.raises(LeaseLost):
            work()
        return None

    @rule(run=st.sampled_from(RUNS), pair=st.sampled_from(PAIRS), max_attempts=st.integers(1, 4))
    def enqueue(self, run: str, pair: MarketPair, max_attempts: int) -> None:
        if (run, pair.pair_id) in self.model.rows:
            return
        self.do(
            "enqueue_pairs",
            run + self.suffix,
            self.players[run],
            [pair],
            now=after(self.now),
            max_attempts=max_attempts,
        )
        position = len(self.model.of_run(run)) + 1
        self.model.rows[run, pair.pair_id] = Row(run, pair, position, max_attempts, not_before=self.now)

    @rule(run=st.sampled_from(RUNS), ship=st.sampled_from(SHIPS), worker=st.integers(1, 2))
    def claim(self, run: str, ship: str, worker: int) -> None:
        owner = f"{ship}/{worker}"
        claim = self.do(
            "claim_next_pair",
            run + self.suffix,
            ship,
            owner=owner,
            now=after(self.now),
            lease_seconds=LEASE,
        )
        row = self.model.next_for(run, ship, owner, self.now)
        assert (claim and claim.pair) == (row and row.pair)
        if row is None:
            return
        row.take += row.claimed_by != ship
        row.status, row.claimed_by = "CLAIMED", ship
        self.model.lease(row, owner, self.now)
        self.keep(claim, row, ship, row.take)

    @rule(run=st.sampled_from(RUNS), ship=st.sampled_from(SHIPS))
    def claim_leftovers(self, run: str, ship: str) -> None:
        claim = self.do(
            "claim_leftovers",
            run + self.suffix,
            ship,
            owner=f"{ship}/1",
            now=after(self.now),
            lease_seconds=LEASE,
        )
        row, take = self.model.last_trade.get((run, ship), (None, 0))
        ended = row is not None and row.status in ("COMPLETED", "FAILED")
        if row is None or not ended or (row.lease_until or 0) > self.now or not self.model.is_free(row, self.now):
            assert claim is None
            return
        self.model.lease(row, f"{ship}/1", self.now)
        self.keep(claim, row, ship, take)

    def keep(self, claim: ClaimedPair, row: Row, ship: str, take: int) -> None:
        assert (claim.ship_symbol, claim.owner) == (ship, row.owner)
        assert (claim.attempt, claim.take, claim.lease_until) == (row.attempts, take, after(self.now + LEASE))
        self.claims.append(claim)

    @rule(seconds=st.sampled_from([1, 20, 30, 59, 60, 180]))
    def let_time_pass(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), seconds=st.sampled_from([1, 60]))
    def beat(self, data: st.DataObject, seconds: int) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        renewed = self.write(claim, lambda: self.do("renew_lease", claim, now=after(self.now), lease_seconds=seconds))
        if renewed:
            assert renewed == replace(claim, lease_until=after(self.now + seconds))
            self.row_of(claim).lease_until = self.now + seconds
            self.model.rest(self.row_of(claim), self.now + seconds)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def trade(self, data: st.DataObject) -> None:
        claim, cell = data.draw(st.sampled_from(self.claims)), next(self.cells)

        def work() -> None:
            with self.database.transaction() as connection:
                intents, step = IntentRepository(connection), make_step(iteration=cell)
                intent = intents.open(claim, step, units_before=0, price_limit=1, quote_before={}, now=after(self.now))
                intents.resolve(intent.intent_id, IntentState.HAPPENED, now=after(self.now))
                record = make_record(
                    run_id=claim.run_id,
                    pair_id=claim.pair.pair_id,
                    take=claim.take,
                    iteration=cell,
                    ship_symbol=claim.ship_symbol,
                    player_id=self.players[claim.run_id.removesuffix(self.suffix)],
                )
                ExperimentRepository(connection).record_transaction(record)

        if self.write(claim, work):
            row = self.row_of(claim)
            self.model.last_trade[row.run, claim.ship_symbol] = (row, claim.take)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), status=st.sampled_from(["COMPLETED", "FAILED"]), washout=st.sampled_from([0, 90]))
    def end(self, data: st.DataObject, status: str, washout: int) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        how = {"now": after(self.now), "washout_seconds": washout}
        row = self.row_of(claim)

        def work() -> None:
            if status == "FAILED":
                self.do("mark_failed", claim, "why", **how)
            else:
                self.do("mark_complete", claim, **how)

        if self.write(claim, work, allowed=row.status == "CLAIMED"):
            row.status = status
            self.model.free(row, self.now + washout)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), wait=st.sampled_from([None, 30]), spend=st.booleans())
    def release(self, data: st.DataObject, wait: int | None, spend: bool) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        not_before = None if wait is None else after(self.now + wait)
        if self.write(
            claim,
            lambda: self.do("release", claim, now=after(self.now), not_before=not_before, spend_attempt=spend),
        ):
            row = self.row_of(claim)
            row.status = "PENDING" if row.status == "CLAIMED" else row.status
            row.not_before = self.now + (wait or 0)
            row.max_attempts += not spend
            self.model.free(row, self.now)

    @rule(run=st.sampled_from(RUNS))
    def sweep(self, run: str) -> None:
        spent = [
            row
            for row in self.model.of_run(run)
            if row.attempts >= row.max_attempts
            and (row.status == "PENDING" or (row.status == "CLAIMED" and row.lease_until <= self.now))
        ]
        assert self.do("sweep", run + self.suffix, now=after(self.now)) == len(spent)
        for row in spent:
            row.status = "FAILED"
            self.model.free(row, self.now)

    @invariant()
    def the_rows_are_as_the_model_has_them(self) -> None:
        columns = experiment_work_queue.c
        with self.database.reading() as connection:
            found = connection.execute(
                select(
                    columns.run_id,
                    columns.pair_id,
                    columns.status,
                    columns.claimed_by,
                    columns.owner,
                    columns.lease_until,
                    columns.attempts,
                    columns.take,
                ).where(columns.run_id.in_([run + self.suffix for run in RUNS]))
            ).all()
        assert sorted(map(tuple, found)) == sorted(
            (
                row.run + self.suffix,
                row.pair.pair_id,
                row.status,
                row.claimed_by,
                row.owner,
                None if row.lease_until is None else after(row.lease_until),
                row.attempts,
                row.take,
            )
            for row in self.model.rows.values()
        )

    @invariant()
    def every_live_lease_holds_both_its_listings_and_no_listing_has_two_holders(self) -> None:
        with self.database.reading() as connection:
            held = {
                (lock.market_symbol, lock.good_symbol): (lock.pair_id, lock.run_id)
                for lock in connection.execute(
                    select(listing_locks, experiment_work_queue.c.pair_id, experiment_work_queue.c.run_id)
                    .join(experiment_work_queue, listing_locks.c.queue_id == experiment_work_queue.c.queue_id)
                    .where(listing_locks.c.universe_id == self.universe, listing_locks.c.held_until > after(self.now))
                )
            }
        for row in self.model.rows.values():
            if (row.lease_until or 0) > self.now:
                assert {held[listing] for listing in row.listings} == {(row.pair.pair_id, row.run + self.suffix)}


def test_the_queue_does_what_the_model_does(database: Database) -> None:
    # A failure is shown as it was found: shrinking it would take longer than the test may.
    found = settings(max_examples=40, stateful_step_count=40, phases=[Phase.reuse, Phase.generate])
    run_state_machine_as_test(lambda: QueueMachine(database), settings=found)

"""The work queue against a dictionary: whatever workers do, in whatever order, crashes and zombies included.

The model below says which pair every claim must get and which writes must be refused; both databases must agree.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import bindparam, select

from spacetraders_lab.core.errors import LeaseLost
from spacetraders_lab.core.experiment import ClaimedPair, IntentState, MarketPair
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import experiment_runs, listing_locks
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.types import UtcDateTime
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
# Read after every step, so built once.
ROWS = Prepared(
    select(
        queue.c.run_id,
        queue.c.pair_id,
        queue.c.status,
        queue.c.claimed_by,
        queue.c.owner,
        queue.c.lease_until,
        queue.c.attempts,
        queue.c.take,
    )
    .join(experiment_runs, experiment_runs.c.run_id == queue.c.run_id)
    .where(experiment_runs.c.universe_id == bindparam("universe"))
)
LOCKS = Prepared(
    select(listing_locks.c.market_symbol, listing_locks.c.good_symbol, queue.c.pair_id, queue.c.run_id)
    .join(queue, listing_locks.c.queue_id == queue.c.queue_id)
    .where(
        listing_locks.c.universe_id == bindparam("universe"),
        listing_locks.c.held_until > bindparam("now", type_=UtcDateTime),
    )
)
VERBS = st.sampled_from(
    [
        *["claim"] * 5,
        *["claim leftovers"] * 2,
        "enqueue",
        "sweep",
        *["let time pass"] * 3,
        *["beat", "trade", "trade", "complete", "fail", "release"],
    ]
)


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
        for row in claimed:
            if row.claimed_by == ship:  # a ship has one pair in its hands: what it holds no more is put down
                row.status = "PENDING"
                self.free(row, now)
        expired = [row for row in claimed if row.status == "CLAIMED" and (row.lease_until or 0) <= now]
        pending = [row for row in rows if row.status == "PENDING" and row.not_before <= now]
        own = [row for row in pending if row.claimed_by == ship]
        candidates = (row for row in (*own, *expired, *pending) if row.attempts < row.max_attempts)
        return next((row for row in candidates if self.is_free(row, now)), None)

    def may_be_cleared(self, row: Row, now: int) -> bool:
        ended = row.status in ("COMPLETED", "FAILED")
        return ended and (row.lease_until or 0) <= now and self.is_free(row, now)

    def spent(self, run: str, now: int) -> list[Row]:
        rows = [row for row in self.of_run(run) if row.attempts >= row.max_attempts]
        return [
            row
            for row in rows
            if row.status == "PENDING" or (row.status == "CLAIMED" and (row.lease_until or 0) <= now)
        ]

    def written(self, row: Row, claim: ClaimedPair, verb: str, pause: int, spend: bool, now: int) -> None:
        match verb:
            case "beat":
                row.lease_until = now + 30 + pause
                self.rest(row, row.lease_until)
            case "trade":
                self.last_trade[row.run, claim.ship_symbol] = (row, claim.take)
            case "complete" | "fail":
                row.status = "COMPLETED" if verb == "complete" else "FAILED"
                self.free(row, now + pause)
            case "release":
                row.status = "PENDING" if row.status == "CLAIMED" else row.status
                row.not_before, row.max_attempts = now + pause, row.max_attempts + (not spend)
                self.free(row, now)

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

    @initialize(
        wanted=st.lists(st.tuples(st.sampled_from(RUNS), st.sampled_from(PAIRS), st.integers(1, 4)), min_size=5)
    )
    def begin(self, wanted: list[tuple[str, MarketPair, int]]) -> None:
        for run, pair, max_attempts in wanted:
            self.enqueue(run, pair, max_attempts)

    def enqueue(self, run: str, pair: MarketPair, max_attempts: int) -> None:
        if (run, pair.pair_id) in self.model.rows:
            return
        player, now = self.players[run], after(self.now)
        self.do("enqueue_pairs", run + self.suffix, player, [pair], now=now, max_attempts=max_attempts)
        position = len(self.model.of_run(run)) + 1
        self.model.rows[run, pair.pair_id] = Row(run, pair, position, max_attempts, not_before=self.now)

    # One rule, and the verb drawn inside: Hypothesis switches rules off at random, and most examples would do nothing.
    @rule(verb=VERBS, run=st.sampled_from(RUNS), ship=st.sampled_from(SHIPS), data=st.data())
    def act(self, verb: str, run: str, ship: str, data: st.DataObject) -> None:
        match verb:
            case "claim":
                self.claim(run, ship, f"{ship}/{data.draw(st.sampled_from([1, 1, 2]))}")
            case "claim leftovers":
                self.claim_leftovers(run, ship)
            case "enqueue":
                self.enqueue(run, data.draw(st.sampled_from(PAIRS)), data.draw(st.integers(1, 4)))
            case "sweep":
                self.sweep(run)
            case "let time pass":
                self.now += data.draw(st.sampled_from([1, 1, 5, 20, 30, 59, 60, 90]))
            case _ if self.claims:
                age = data.draw(st.sampled_from([0, 0, 0, 1, 2, 3, 5]))
                claim = self.claims[-1 - min(age, len(self.claims) - 1)]
                self.write(claim, verb, data.draw(st.sampled_from([0, 30, 90])), data.draw(st.booleans()))

    def claim(self, run: str, ship: str, owner: str) -> None:
        claim = self.ask_for("claim_next_pair", run, ship, owner)
        row = self.model.next_for(run, ship, owner, self.now)
        assert (claim and claim.pair) == (row and row.pair)
        if row is not None:
            row.take += row.claimed_by != ship
            row.status, row.claimed_by = "CLAIMED", ship
            self.keep(claim, row, ship, owner, row.take)

    def claim_leftovers(self, run: str, ship: str) -> None:
        owner = f"{ship}/1"
        claim = self.ask_for("claim_leftovers", run, ship, owner)
        row, take = self.model.last_trade.get((run, ship), (None, 0))
        if row is not None and self.model.may_be_cleared(row, self.now):
            self.keep(claim, row, ship, owner, take)
        else:
            assert claim is None

    def write(self, claim: ClaimedPair, verb: str, pause: int, spend: bool) -> None:
        """A worker writes, perhaps a zombie; it must be refused where the model says that its claim is stale."""
        row = self.row_of(claim)
        allowed = row.is_held_by(claim, self.now) and (row.status == "CLAIMED" or verb not in ("complete", "fail"))
        work = self.prepare(claim, verb, pause, spend)
        if not allowed:
            with pytest.raises(LeaseLost):
                work()
            return
        work()
        self.model.written(row, claim, verb, pause, spend, self.now)

    def prepare(self, claim: ClaimedPair, verb: str, pause: int, spend: bool) -> Callable[[], object]:
        now = after(self.now)
        match verb:
            case "beat":
                return partial(self.do, "renew_lease", claim, now=now, lease_seconds=30 + pause)
            case "complete":
                return partial(self.do, "mark_complete", claim, now=now, washout_seconds=pause)
            case "fail":
                return partial(self.do, "mark_failed", claim, "why", now=now, washout_seconds=pause)
            case "release":
                later = after(self.now + pause) if pause else None
                return partial(self.do, "release", claim, now=now, not_before=later, spend_attempt=spend)
        return partial(self.trade, claim)

    def trade(self, claim: ClaimedPair) -> None:
        cell = next(self.cells)
        with self.database.transaction() as connection:
            intents, step = IntentRepository(connection), make_step(iteration=cell)
            now = after(self.now)
            intent = intents.open(claim, step, units_before=0, price_limit=1, quote_before={}, now=now)
            intents.resolve(intent.intent_id, IntentState.HAPPENED, now=now)
            record = make_record(
                run_id=claim.run_id,
                player_id=self.players[claim.run_id.removesuffix(self.suffix)],
                ship_symbol=claim.ship_symbol,
                pair=claim.pair,
                take=claim.take,
                iteration=cell,
            )
            ExperimentRepository(connection).record_transaction(record)

    def sweep(self, run: str) -> None:
        spent = self.model.spent(run, self.now)
        assert self.do("sweep", run + self.suffix, now=after(self.now)) == len(spent)
        for row in spent:
            row.status = "FAILED"
            self.model.free(row, self.now)

    def ask_for(self, verb: str, run: str, ship: str, owner: str) -> ClaimedPair | None:
        claim: ClaimedPair | None = self.do(
            verb, run + self.suffix, ship, owner=owner, now=after(self.now), lease_seconds=LEASE
        )
        return claim

    def keep(self, claim: ClaimedPair | None, row: Row, ship: str, owner: str, take: int) -> None:
        self.model.lease(row, owner, self.now)
        assert claim is not None
        assert (claim.pair, claim.ship_symbol, claim.owner, claim.take) == (row.pair, ship, owner, take)
        assert claim.attempt == row.attempts
        self.claims.append(claim)

    @invariant()
    def all_is_as_the_model_has_it(self) -> None:
        with self.database.reading() as connection:
            rows = ROWS.rows(connection, {"universe": self.universe})
            locks = LOCKS.rows(connection, {"universe": self.universe, "now": after(self.now)})
        self.the_rows_are_the_same(rows)
        self.every_live_lease_holds_both_its_listings_and_no_listing_has_two_holders(locks)

    def the_rows_are_the_same(self, found: list[Any]) -> None:
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

    def every_live_lease_holds_both_its_listings_and_no_listing_has_two_holders(self, locks: list[Any]) -> None:
        held = {(lock.market_symbol, lock.good_symbol): (lock.pair_id, lock.run_id) for lock in locks}
        for row in self.model.rows.values():
            if (row.lease_until or 0) > self.now:
                assert {held[listing] for listing in row.listings} == {(row.pair.pair_id, row.run + self.suffix)}


def test_the_queue_does_what_the_model_does(database: Database) -> None:
    # A failure is shown as it was found: shrinking it would take longer than the test may.
    found = settings(max_examples=30, stateful_step_count=40, phases=[Phase.reuse, Phase.generate])
    run_state_machine_as_test(lambda: QueueMachine(database), settings=found)

"""The work queue: which pair is whose, under leases. Decides who may work, never what is traded.

Every write of a worker carries queue_id, owner, attempt and a live lease; a write that finds no such row changes
nothing and raises LeaseLost. `attempts` only ever grows, so no two claims of a pair are alike.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from spacetraders_lab.core.experiment import ClaimedPair, MarketPair, Menu, QueueStatus, SkipReason
from spacetraders_lab.store import listing_locks
from spacetraders_lab.store.attrition import menu_json, skip_if_cancelled, skip_the_rest, stored_design
from spacetraders_lab.store.claim import (
    CLAIMED,
    PENDING,
    PUT_DOWN,
    PUT_DOWN_STALE,
    SITUATION,
    UNFINISHED,
    claimed_pair,
    market_pair,
    probes,
)
from spacetraders_lab.store.failures import is_duplicate, unknown_run
from spacetraders_lab.store.lease import FENCE, held, lease_lost, require_lease
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import experiment_intents as intents
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.types import UtcDateTime

_TRIES = 20  # at pairs whose listings others take in the same moment, before the ship is told to come again


class WorkQueueRepository:
    """The queue as seen by coordinator, workers and status; one transaction is the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def enqueue_pairs(
        self,
        run_id: str,
        player_id: int,
        pairs: Iterable[MarketPair],
        *,
        now: datetime,
        max_attempts: int = 5,
        menus: Mapping[str, Menu] | None = None,
    ) -> int:
        """Append pairs to the run's queue as PENDING, in the order given; returns how many.

        `menus` by pair_id say what those pairs are traded at that do not follow the run's design.
        """
        last = select(func.coalesce(func.max(queue.c.position), 0)).where(queue.c.run_id == run_id)
        start = self._connection.execute(last).scalar_one() + 1
        rows = [
            {
                "run_id": run_id,
                "player_id": player_id,
                "pair_id": pair.pair_id,
                "good_symbol": pair.good_symbol,
                "buy_market": pair.buy_market,
                "sell_market": pair.sell_market,
                "status": QueueStatus.PENDING,
                "created_at": now,
                "not_before": now,
                "position": position,
                "max_attempts": max_attempts,
                "menu": menu_json(menus[pair.pair_id]) if menus and pair.pair_id in menus else None,
            }
            for position, pair in enumerate(pairs, start)
        ]
        if rows:
            self._connection.execute(insert(queue), rows)
        return len(rows)

    def claim_next_pair(
        self,
        run_id: str,
        ship_symbol: str,
        *,
        owner: str,
        now: datetime,
        lease_seconds: float,
        near: Sequence[str] = (),
    ) -> ClaimedPair | None:
        """Give the ship its next pair, leased and with both listings locked; None means "nothing free now", not "done".

        `owner` is one id per start of a worker. The queue is first in, first out; `near`, markets in the order in which
        the ship would rather begin, goes before that for pairs that nobody has had. A cancelled run gives nothing.
        Raises UserError for a run that does not exist.
        """
        until = now + timedelta(seconds=lease_seconds)
        values = {"in_run": run_id, "ship": ship_symbol, "by_owner": owner, "now": now, "until": until}
        situation = SITUATION.first(self._connection, values)
        if situation is None:
            raise unknown_run(run_id)
        if situation.is_over or situation.is_busy:
            return None
        if situation.has_stale:
            for put_down in PUT_DOWN.rows(self._connection, values):
                listing_locks.hold(self._connection, put_down.queue_id, now)
        try:
            return self._claim(values | {"universe": situation.universe_id}, near)
        except IntegrityError as error:
            if is_duplicate(error):  # another process has given the ship a pair in the same moment
                return None
            raise

    def renew_lease(self, claim: ClaimedPair, *, now: datetime, lease_seconds: float) -> None:
        """Extend the lease to `lease_seconds` from now, and the locks with it; raises LeaseLost."""
        until = now + timedelta(seconds=lease_seconds)
        if _RENEW.change(self._connection, held(claim, now) | {"until": until}) != 1:
            raise lease_lost(claim)
        listing_locks.hold(self._connection, claim.queue_id, until)

    def begin_anew(self, claim: ClaimedPair, *, now: datetime) -> ClaimedPair:
        """Start a new take of the pair with the same ship, because the last one lost its cargo; raises LeaseLost."""
        self._change(claim, now, take=queue.c.take + 1)
        skip_if_cancelled(self._connection, claim, now=now)
        return replace(claim, take=claim.take + 1)

    def lock_listing(self, claim: ClaimedPair, market: str, good: str, *, now: datetime) -> bool:
        """Lock one more listing for a claim, for as long as its lease; False when another pair holds it.

        Raises LeaseLost.
        """
        until = require_lease(self._connection, claim, now=now)
        universe = self._universe_of(claim.run_id)
        return listing_locks.take_one(self._connection, universe, claim.queue_id, market, good, now=now, until=until)

    def mark_complete(self, claim: ClaimedPair, *, now: datetime, washout_seconds: float = 0.0) -> None:
        """The pair is COMPLETED; its listings are free after the washout. Raises LeaseLost."""
        if _COMPLETE.change(self._connection, held(claim, now) | {"now": now}) != 1:
            raise lease_lost(claim)
        listing_locks.hold(self._connection, claim.queue_id, now + timedelta(seconds=washout_seconds))

    def mark_failed(
        self,
        claim: ClaimedPair,
        error: str,
        *,
        now: datetime,
        washout_seconds: float = 0.0,
        failed_for: SkipReason = SkipReason.PAIR_FAILED,
    ) -> None:
        """The pair is FAILED for good, with the reason; its listings are free after the washout. Raises LeaseLost.

        `failed_for` is written down also for each of its planned trades that has not taken place.
        """
        ended = {"completed_at": now, "error_message": error, "failed_for": failed_for}
        self._end(claim, now, washout_seconds, CLAIMED, status=QueueStatus.FAILED, **ended)
        skip_the_rest(self._connection, [claim.queue_id], failed_for, now=now)

    def do_without(self, claim: ClaimedPair, why: str, *, now: datetime, washout_seconds: float) -> None:
        """Fail the pair because nothing more of it can be paid for. Raises LeaseLost."""
        failed_for = SkipReason.CREDITS
        self.mark_failed(claim, _not_measured(why), now=now, washout_seconds=washout_seconds, failed_for=failed_for)

    def release(
        self,
        claim: ClaimedPair,
        *,
        now: datetime,
        not_before: datetime | None = None,
        spend_attempt: bool = False,
        washout_seconds: float = 0.0,
    ) -> None:
        """Give the pair back; the same ship goes first when it claims again. Raises LeaseLost.

        An attempt that is not spent is granted anew (`max_attempts` grows), because `attempts` is the fence. A pair
        that has ended (`claim_leftovers`) stays as it ended, its listings free after the washout.
        """
        has_ended = select(queue.c.completed_at.is_not(None)).where(queue.c.queue_id == claim.queue_id)
        self._end(
            claim,
            now,
            washout_seconds if self._connection.execute(has_ended).scalar_one() else 0.0,
            status=case((CLAIMED, QueueStatus.PENDING), else_=queue.c.status),
            not_before=not_before or now,
            max_attempts=queue.c.max_attempts + (0 if spend_attempt else 1),
        )

    def put_off(self, claim: ClaimedPair, error: str, *, now: datetime, not_before: datetime) -> None:
        """Give the pair back with an attempt spent, because the game broke on it; the last one fails it.

        Raises LeaseLost.
        """
        if self._is_last_attempt(claim):
            error = f"gave up after {claim.attempt} attempts, the last by {claim.ship_symbol}: {error}"
            self.mark_failed(claim, error, now=now, failed_for=SkipReason.API_ERROR)
        else:
            self.release(claim, now=now, not_before=not_before, spend_attempt=True)

    def claim_leftovers(
        self, run_id: str, ship_symbol: str, *, owner: str, now: datetime, lease_seconds: float
    ) -> ClaimedPair | None:
        """Lease the ended pair that the ship traded last, so that it may sell what it still has aboard.

        The pair stays as it is (of a cancelled run, whatever that is), and the claim is for the ship's own take of it.
        None when the ship never traded in the run, or when the pair or its listings are in use now.
        """
        until = now + timedelta(seconds=lease_seconds)
        last = self._connection.execute(
            select(intents.c.queue_id, intents.c.take)
            .where(intents.c.run_id == run_id, intents.c.ship_symbol == ship_symbol)
            .order_by(intents.c.intent_id.desc())
            .limit(1)
        ).first()
        if last is None:
            return None
        with self._connection.begin_nested() as savepoint:
            row = self._connection.execute(
                update(queue)
                .where(
                    queue.c.queue_id == last.queue_id,
                    or_(queue.c.status.in_((QueueStatus.COMPLETED, QueueStatus.FAILED)), _RUN_HAS_ENDED),
                    or_(queue.c.owner.is_(None), queue.c.lease_until <= now),
                )
                .values(owner=owner, lease_until=until, attempts=queue.c.attempts + 1)
                .returning(queue)
            ).first()
            if row is None:
                return None
            claim = replace(claimed_pair(row), ship_symbol=ship_symbol, take=last.take)
            universe = self._universe_of(run_id)
            if listing_locks.take(self._connection, universe, claim.queue_id, claim.pair, now=now, until=until):
                return claim
            savepoint.rollback()
        return None

    def sweep(self, run_id: str, *, now: datetime) -> int:
        """Fail the pairs that nobody holds and whose attempts are spent; returns how many."""
        # Nothing is said to the listing locks: those of a pair that nobody holds have ended with its lease.
        ended = [row.queue_id for row in _SWEEP.rows(self._connection, {"in_run": run_id, "now": now})]
        skip_the_rest(self._connection, ended, SkipReason.GAVE_UP, now=now)
        return len(ended)

    def put_down_stale(self, run_id: str, *, now: datetime) -> None:
        """Give back the pairs whose leases have ended, because the run has ended and nobody will claim them."""
        PUT_DOWN_STALE.change(self._connection, {"in_run": run_id, "now": now})

    def end_waiting(self, run_id: str, why: str, reason: SkipReason, *, now: datetime) -> int:
        """Fail the pairs that nobody is at, because the run begins nothing more; returns how many."""
        values = {"in_run": run_id, "now": now, "why": _not_measured(why), "reason": reason}
        ended = [row.queue_id for row in _END_WAITING.rows(self._connection, values)]
        skip_the_rest(self._connection, ended, reason, now=now)
        return len(ended)

    def get_queue_status(self, run_id: str) -> dict[str, int]:
        """Pairs by status, all four of them."""
        counts = select(queue.c.status, func.count()).where(queue.c.run_id == run_id).group_by(queue.c.status)
        found = {status.value: count for status, count in self._connection.execute(counts)}
        return {status.value: found.get(status.value, 0) for status in QueueStatus}

    def get_ship_progress(self, run_id: str) -> dict[str, int]:
        """Pairs completed by each ship, the busiest first."""
        completed = func.count().label("completed")
        of_run = (queue.c.run_id == run_id, queue.c.status == QueueStatus.COMPLETED)
        by_ship = select(queue.c.claimed_by, completed).where(*of_run).group_by(queue.c.claimed_by)
        rows = self._connection.execute(by_ship.order_by(completed.desc(), queue.c.claimed_by))
        return {row.claimed_by: row.completed for row in rows}

    def unfinished(self, run_id: str) -> int:
        """Pairs that are PENDING or CLAIMED, and one more as long as the run may still ask for pairs or readings.

        A worker may leave only when there are none.
        """
        run = _UNFINISHED.first(self._connection, {"in_run": run_id})
        return int(run.pairs + (run.ended_because is None and stored_design(run.design).is_open_ended))

    def open_pairs(self, run_id: str) -> list[MarketPair]:
        """The pairs that are PENDING or CLAIMED, in the queue's order."""
        rows = select(queue).where(queue.c.run_id == run_id, UNFINISHED).order_by(queue.c.position, queue.c.queue_id)
        return [market_pair(row) for row in self._connection.execute(rows)]

    def enqueued(self, run_id: str) -> Counter[str]:
        """How often each pair (GOOD:BUY:SELL) was put into the queue."""
        pair = (queue.c.good_symbol, queue.c.buy_market, queue.c.sell_market)
        rows = self._connection.execute(select(*pair, func.count()).where(queue.c.run_id == run_id).group_by(*pair))
        return Counter({MarketPair.of(*ends).pair_id: times for *ends, times in rows})

    def _is_last_attempt(self, claim: ClaimedPair) -> bool:
        spent = select(queue.c.queue_id).where(
            queue.c.queue_id == claim.queue_id, CLAIMED, queue.c.attempts >= queue.c.max_attempts
        )
        return self._connection.execute(spent).first() is not None

    def _universe_of(self, run_id: str) -> int:
        found = select(runs.c.universe_id).where(runs.c.run_id == run_id).with_for_update(key_share=True)
        return int(self._connection.execute(found).scalar_one())

    def _claim(self, values: dict[str, Any], near: Sequence[str]) -> ClaimedPair | None:
        now, until = values["now"], values["until"]
        for _ in range(_TRIES):
            with self._connection.begin_nested() as savepoint:
                row = self._probe(values, near)
                if row is None:
                    return None
                claim = claimed_pair(row)
                if listing_locks.take(
                    self._connection, values["universe"], claim.queue_id, claim.pair, now=now, until=until
                ):
                    return claim
                # Another claimer was faster at one of the listings. It has committed: the next look passes over it.
                savepoint.rollback()
        return None

    def _probe(self, values: dict[str, Any], near: Sequence[str]) -> Any:
        statements, places = probes(near)
        found = (statement.first(self._connection, values | places) for statement in statements)
        return next((row for row in found if row is not None), None)

    def _end(
        self, claim: ClaimedPair, now: datetime, washout_seconds: float, *where: ColumnElement[bool], **values: Any
    ) -> None:
        self._change(claim, now, *where, owner=None, lease_until=None, **values)
        listing_locks.hold(self._connection, claim.queue_id, now + timedelta(seconds=washout_seconds))

    def _change(self, claim: ClaimedPair, now: datetime, *where: ColumnElement[bool], **values: Any) -> None:
        change = update(queue).where(*FENCE, *where).values(**values)
        if self._connection.execute(change, held(claim, now)).rowcount != 1:
            raise lease_lost(claim)


# --- what is executed for every trade and every heartbeat is built once: to build it costs more than to execute it ----

_RENEW = Prepared(update(queue).where(*FENCE).values(lease_until=bindparam("until", type_=UtcDateTime)))
_NOW = bindparam("now", type_=UtcDateTime)
_COMPLETE = Prepared(
    update(queue)
    .where(*FENCE, CLAIMED)
    .values(status=QueueStatus.COMPLETED, completed_at=_NOW, error_message=None, owner=None, lease_until=None)
)
_RUN_HAS_ENDED = exists().where(runs.c.run_id == queue.c.run_id, runs.c.finished_at.is_not(None))
_IN_RUN: ColumnElement[bool] = queue.c.run_id == bindparam("in_run")
# Two counts, for each has its index: with OR, SQLite looks at every pair of the run.
_pending, _claimed = (
    select(func.count()).select_from(queue).where(_IN_RUN, so).scalar_subquery() for so in (PENDING, CLAIMED)
)
_UNFINISHED = Prepared(
    select((_pending + _claimed).label("pairs"), runs.c.design, runs.c.ended_because).where(
        runs.c.run_id == bindparam("in_run")
    )
)
_LAST_BY: ColumnElement[str] = literal_column("' attempts, the last by '") + queue.c.claimed_by
_GAVE_UP: ColumnElement[str] = literal_column("'gave up after '") + cast(queue.c.attempts, Text) + _LAST_BY
_FAIL_WAITING = (
    update(queue)
    .where(_IN_RUN, or_(PENDING, and_(CLAIMED, queue.c.lease_until <= _NOW)))
    .values(status=QueueStatus.FAILED, completed_at=_NOW, lease_until=None, owner=None)
    .returning(queue.c.queue_id)
)
# Attempts are spent by ships: of all the pairs that wait, those that none ever had are not looked at.
_SPENT = (queue.c.claimed_by.is_not(None), UNFINISHED, queue.c.attempts >= queue.c.max_attempts)
_SWEEP = Prepared(_FAIL_WAITING.where(*_SPENT).values(error_message=_GAVE_UP, failed_for=SkipReason.GAVE_UP))
_END_WAITING = Prepared(_FAIL_WAITING.values(error_message=bindparam("why"), failed_for=bindparam("reason")))


def _not_measured(why: str) -> str:
    return f"not measured: {why}"

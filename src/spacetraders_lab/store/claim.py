"""The statements of a claim: one finds a pair and leases it, each probe served by its own index.

Statements only; `work_queue` says when they are executed, and locks the listings.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, case, literal_column, or_, select, update

from spacetraders_lab.core.experiment import ClaimedPair, MarketPair, QueueStatus, RunStatus
from spacetraders_lab.store import listing_locks
from spacetraders_lab.store.attrition import stored_menu
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.types import UtcDateTime

# Literals and not bound values: a generic plan cannot match a bound value to a partial index.
PENDING = queue.c.status == literal_column("'PENDING'")
CLAIMED = queue.c.status == literal_column("'CLAIMED'")
# The same words as in the ship's index: else a probe for a ship's unfinished pairs reads all that it has ended.
UNFINISHED = queue.c.status.in_((literal_column("'PENDING'"), literal_column("'CLAIMED'")))

_run: BindParameter[str] = bindparam("in_run")
_ship: BindParameter[str] = bindparam("ship")
_owner: BindParameter[str] = bindparam("by_owner")
_now = bindparam("now", type_=UtcDateTime)
_until = bindparam("until", type_=UtcDateTime)
_universe: BindParameter[int] = bindparam("universe")


def _claim(*probe: ColumnElement[bool], first: ColumnElement[int] | None = None) -> Prepared:
    """One statement that finds one pair and gives it to the ship, its lease included; `first` goes before the position.

    The search is a CTE: PostgreSQL may run a locking sub-select twice, and lock more rows than its LIMIT. SQLite has
    no row locks and needs none: its transaction holds the whole file.
    """
    found = (
        select(queue.c.queue_id)
        .where(
            queue.c.run_id == _run,
            *probe,
            queue.c.attempts < queue.c.max_attempts,
            listing_locks.listings_are_free(_universe, _now),
        )
        .order_by(*([] if first is None else [first]), queue.c.position, queue.c.queue_id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .cte("found")
    )
    return Prepared(
        update(queue)
        .where(queue.c.queue_id == select(found.c.queue_id).scalar_subquery())
        .values(
            status=QueueStatus.CLAIMED,
            owner=_owner,
            claimed_at=_now,
            lease_until=_until,
            # Another ship starts a new take, so that facts never mix two holds.
            take=case((queue.c.claimed_by == _ship, queue.c.take), else_=queue.c.take + 1),
            claimed_by=_ship,
            attempts=queue.c.attempts + 1,
        )
        .returning(queue)
    )


_due = queue.c.not_before <= _now
_expired = queue.c.lease_until <= _now
# In this order, each served by its own index: what the ship itself left unfinished (its hold may be full of it), what
# a dead worker left, what nobody has had.
_OWN = _claim(queue.c.claimed_by == _ship, UNFINISHED, _due)
_ABANDONED = _claim(CLAIMED, _expired)
_NEXT = _claim(PENDING, _due)


def probes(near: Sequence[str] = ()) -> tuple[tuple[Prepared, ...], dict[str, str]]:
    """The statements to try one after the other until one finds a pair, and what they are given of `near`.

    What nobody has had goes first in, first out; with `near`, by the place of its buy market in that list before, which
    looks at every free pair, so that a claim costs more the longer the queue is.
    """
    if not near:
        return (_OWN, _ABANDONED, _NEXT), {}
    return (_OWN, _ABANDONED, _nearest(len(near))), {f"near_{place}": market for place, market in enumerate(near)}


@cache  # a system has a few dozen markets; to build the statement costs more than to execute it
def _nearest(count: int) -> Prepared:
    places: list[tuple[BindParameter[str], int]] = [(bindparam(f"near_{place}"), place) for place in range(count)]
    return _claim(PENDING, _due, first=case(*places, value=queue.c.buy_market, else_=count))


_FREE = {"status": QueueStatus.PENDING, "owner": None, "lease_until": None}
PUT_DOWN_STALE = Prepared(update(queue).where(queue.c.run_id == _run, CLAIMED, _expired).values(_FREE))

# A ship has one pair in its hands: what it holds no more, or by this very owner, is put down before it claims. It is
# the first to be taken up again, unless its attempts are spent or its listings are in use.
PUT_DOWN = Prepared(
    update(queue)
    .where(queue.c.run_id == _run, queue.c.claimed_by == _ship, UNFINISHED, CLAIMED)
    .where(or_(_expired, queue.c.owner == _owner))
    .values(_FREE)
    .returning(queue.c.queue_id)
)

# A ship whose pair is still leased to an earlier owner waits for that lease to end: that owner may be about to trade.
_held = select(queue.c.queue_id).where(queue.c.run_id == _run, queue.c.claimed_by == _ship, UNFINISHED, CLAIMED)
# The run is locked for others to read: it is not cancelled between this and the claim, which may start a new take.
SITUATION = Prepared(
    select(
        runs.c.universe_id,
        (runs.c.status == RunStatus.CANCELLED).label("is_over"),
        _held.where(queue.c.lease_until > _now, queue.c.owner != _owner).exists().label("is_busy"),
        _held.where(or_(_expired, queue.c.owner == _owner)).exists().label("has_stale"),
    )
    .where(runs.c.run_id == _run)
    .with_for_update(read=True, of=runs)
)


def market_pair(row: Any) -> MarketPair:
    """The pair of a row of the queue."""
    return MarketPair(row.pair_id, row.good_symbol, row.buy_market, row.sell_market)


def claimed_pair(row: Any) -> ClaimedPair:
    """The claim that a row of the queue shows."""
    return ClaimedPair(
        queue_id=row.queue_id,
        run_id=row.run_id,
        pair=market_pair(row),
        ship_symbol=row.claimed_by,
        owner=row.owner,
        attempt=row.attempts,
        take=row.take,
        menu=stored_menu(row.menu),
    )

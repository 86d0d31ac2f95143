"""The lease that every write of a worker carries: the claim as it must still stand for anything to be written.

Who holds a pair is decided here and nowhere else; `work_queue` gives leases out and ends them.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from spacetraders_lab.core.errors import LeaseLost
from spacetraders_lab.core.experiment import ClaimedPair
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.types import UtcDateTime

FENCE = (
    queue.c.queue_id == bindparam("held_queue_id"),
    queue.c.owner == bindparam("held_by"),
    queue.c.attempts == bindparam("held_attempt"),
    queue.c.lease_until > bindparam("held_at", type_=UtcDateTime),
)
# Not against rows that refer to the pair: who cancels the run writes some, and holds what the trade is counted in.
_LEASE = Prepared(select(queue.c.lease_until).where(*FENCE).with_for_update(key_share=True))


def require_lease(connection: Connection, claim: ClaimedPair, *, now: datetime) -> datetime:
    """The end of the claim's lease; the pair cannot pass to another before the transaction ends. Raises LeaseLost."""
    found = _LEASE.first(connection, held(claim, now))
    if found is None:
        raise lease_lost(claim)
    until: datetime = found.lease_until
    return until


def held(claim: ClaimedPair, now: datetime) -> dict[str, Any]:
    """The values of `FENCE`: the claim as it must still stand, with a lease that lives now."""
    return {
        "held_queue_id": claim.queue_id,
        "held_by": claim.owner,
        "held_attempt": claim.attempt,
        "held_at": now,
    }


def lease_lost(claim: ClaimedPair) -> LeaseLost:
    """The error for a claim that somebody else may hold by now."""
    return LeaseLost(f"{claim.ship_symbol} no longer holds {claim.pair.pair_id} (attempt {claim.attempt})")

"""What every program was promised of an account's rate limit: one row an account, changed under its lock."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

from sqlalchemy import Connection, select, update

from spacetraders_lab.core.rate_budget import RateBudget
from spacetraders_lab.store.schema import rate_limit
from spacetraders_lab.store.upsert import insert_into

T = TypeVar("T")


def change(connection: Connection, account: str, work: Callable[[RateBudget], tuple[RateBudget, T]]) -> T:
    """Put the account's budget through `work` and keep what it makes of it; nobody else does so meanwhile."""
    found = select(rate_limit.c.budget).where(rate_limit.c.account == account).with_for_update()
    kept = connection.scalar(found)
    if kept is None:
        entry = insert_into(connection, rate_limit).values(account=account, budget=asdict(RateBudget()))
        connection.execute(entry.on_conflict_do_nothing())
        kept = connection.execute(found).scalar_one()
    budget, result = work(RateBudget(**kept | {"burst": tuple((holder, sent) for holder, sent in kept["burst"])}))
    connection.execute(update(rate_limit).where(rate_limit.c.account == account).values(budget=asdict(budget)))
    return result

"""An account's rate limit, shared with other programs through the database. Moves promises; `core` decides them."""

import uuid
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection

from spacetraders_lab.core import rate_budget
from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.rate_budget import Demand, RateBudget, Reservation
from spacetraders_lab.run.clock import error_of
from spacetraders_lab.store.rate_budget import change

Write = Callable[[Callable[[Connection], Reservation]], Awaitable[Reservation]]


class SharedBudget:
    """One program's part of an account's budget; the programs that name the same `account` share it."""

    def __init__(self, account: str, write: Write, clock: Clock) -> None:
        self._account, self._write, self._clock = account, write, clock
        self._holder = uuid.uuid4().hex

    async def reserve(self, demand: Demand) -> Reservation:
        """Return what is not used and be promised more, in one transaction; times are of the steady clock.

        Raises DatabaseUnavailable.
        """

        def decide(budget: RateBudget) -> tuple[RateBudget, Reservation]:
            # read when the row is locked, however long that took: nobody promises anything in between
            now = self._clock.now().timestamp()
            ahead = now - self._clock.monotonic()
            budget, reservation = rate_budget.reserve(
                budget, self._holder, demand.shifted(ahead), now=now, error=error_of(self._clock)
            )
            return budget, reservation.shifted(-ahead)

        return await self._write(lambda connection: change(connection, self._account, decide))

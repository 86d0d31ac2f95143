"""The money of a run, credit by credit: what is reserved, what has left the purse, and what may still go."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, case, cast, func, select, update

from spacetraders_lab.core.errors import BudgetReached, TooDear
from spacetraders_lab.core.experiment import IntentState
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.failures import unknown_run
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import experiment_intents as intents
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import market_experiments as trades


class Budget:
    """What one run may lose, and what is away of it; one transaction is the caller's."""

    def __init__(self, connection: Connection, run_id: str) -> None:
        self._connection, self._run_id = connection, run_id

    def reserve(self, credits: int) -> None:
        """Count a purchase that is about to be sent; raises TooDear when it does not fit.

        What the run keeps for fuel must remain beside it.

        One statement, so that two ships cannot both spend the last of it: open the intent in the same transaction.
        """
        if not self._count(_RESERVE, credits):
            raise TooDear(f"the next purchase costs up to {credits:,} credits; {self._said()}")

    def settle(self, *, reserved: int, paid: int) -> None:
        """Put what really left the purse (negative: came in) in the place of what was reserved."""
        if paid == reserved:
            return  # as most purchases: all writers of a run would wait for its row
        self._count(_SPEND, paid - reserved)

    def check(self) -> None:
        """Raise BudgetReached when nothing could be bought any more: fuel would be burnt for nothing."""
        if self.left() <= 0:
            raise BudgetReached(self._said())

    def left(self, *, with_fuel: bool = False) -> int:
        """Credits that goods may be bought with now; `with_fuel` also what is kept for fuel."""
        money = self._money()
        return int(money.budget - money.outlay - (0 if with_fuel else money.kept_for_fuel))

    def add_fuel(self, credits: int) -> None:
        """Add to what the run has paid for fuel."""
        self._count(_SPEND_ON_FUEL, credits)

    def afford_fuel(self, credits: int, *, with_kept: bool) -> None:
        """Add to it for a flight that need not be; raises BudgetReached, with nothing counted, when it does not fit.

        `with_kept`: also with what is kept for fuel, which else is left to ships that have something to sell. What is
        given back (negative) always fits.
        """
        if credits <= 0:
            self.add_fuel(credits)
        elif not self._count(_AFFORD_FUEL, credits, keeps=int(not with_kept)):
            raise BudgetReached(f"the next refuelling costs up to {credits:,} credits; {self._said()}")

    def raise_to(self, credits: int) -> None:
        """Say how much the run may lose from now on."""
        self._connection.execute(update(runs).where(runs.c.run_id == self._run_id).values(budget=credits))

    def keep_for_fuel(self, credits: int) -> None:
        """Say how much of it buys no goods from now on."""
        self._connection.execute(update(runs).where(runs.c.run_id == self._run_id).values(kept_for_fuel=credits))

    def outlay(self) -> int:
        """Credits that are away: the running sum that `net_spent` must agree with. Raises UserError: no such run."""
        return self._sum(runs.c.outlay)

    def net_spent(self) -> int:
        """The outlay summed anew from the rows: purchases less sales, fuel, and purchases of unknown outcome.

        An unresolved purchase (open, or in conflict with the hold) counts as units x price_limit. Raises UserError: no
        such run.
        """
        return self._sum(runs.c.fuel_credits + _recorded + _unresolved)

    def _sum(self, credits: ColumnElement[int]) -> int:
        found = self._connection.execute(select(credits).where(runs.c.run_id == self._run_id)).scalar()
        if found is None:
            raise unknown_run(self._run_id)
        return int(found)

    def _count(self, statement: Prepared, credits: int, **more: int) -> bool:
        """Whether the statement has counted the credits."""
        values = {"of_run": self._run_id, "credits": credits} | more
        return statement.change(self._connection, values) == 1

    def _money(self) -> Any:
        return _MONEY.first(self._connection, {"of_run": self._run_id})

    def _said(self) -> str:
        money = self._money()
        return f"{money.outlay:,} of the budget of {money.budget:,} are away, {money.kept_for_fuel:,} are kept for fuel"


# what is executed for every trade is built once
_OF_RUN: ColumnElement[bool] = runs.c.run_id == bindparam("of_run")
_CREDITS = bindparam("credits", type_=BigInteger)
_MONEY = Prepared(select(runs.c.outlay, runs.c.budget, runs.c.kept_for_fuel).where(_OF_RUN))
_spend = update(runs).where(_OF_RUN).values(outlay=runs.c.outlay + _CREDITS)
_SPEND = Prepared(_spend)
_RESERVE = Prepared(_spend.where(runs.c.outlay + _CREDITS + runs.c.kept_for_fuel <= runs.c.budget))
_spend_on_fuel = _spend.values(fuel_credits=runs.c.fuel_credits + _CREDITS)
_SPEND_ON_FUEL = Prepared(_spend_on_fuel)
_AFFORD_FUEL = Prepared(
    _spend_on_fuel.where(
        runs.c.outlay + _CREDITS + runs.c.kept_for_fuel * bindparam("keeps", type_=BigInteger) <= runs.c.budget
    )
)

_recorded = (
    select(
        func.coalesce(
            func.sum(
                case((trades.c.operation == Operation.BUY, trades.c.total_credits), else_=-trades.c.total_credits)
            ),
            0,
        )
    )
    .where(trades.c.run_id == runs.c.run_id)
    .correlate(runs)
    .scalar_subquery()
)
_unresolved = (
    select(func.coalesce(func.sum(cast(intents.c.units, BigInteger) * intents.c.price_limit), 0))
    .where(
        intents.c.run_id == runs.c.run_id,
        intents.c.state.in_((IntentState.OPEN, IntentState.CONFLICT)),
        intents.c.operation == Operation.BUY,
    )
    .correlate(runs)
    .scalar_subquery()
)

"""Trades written down before they are sent, and what became of them: the ledger that a ship's hold is held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    select,
    update,
)

from spacetraders_lab.core.errors import LeaseLost
from spacetraders_lab.core.experiment import ClaimedPair, Intent, IntentState, Step
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.lease import require_lease
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import experiment_intents as intents
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import experiment_work_queue as queue

_OPEN = intents.c.state == literal_column("'OPEN'")  # a literal, as the partial index has it


@dataclass(frozen=True, slots=True)
class HoldHistory:
    """Units of a good in a ship's hold: those that are not the run's, and all that should be aboard now.

    What other runs of the player have bought and sold with the ship since is counted with what was aboard before the
    run. The markets are those of the pair that the good was last traded for.
    """

    units_of_others: int
    expected_units: int
    buy_market: str
    sell_market: str

    @property
    def of_the_run(self) -> int:
        """Units that the run has put aboard and not sold."""
        return self.expected_units - self.units_of_others


class IntentRepository:
    """Intents of trades; one transaction is the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(
        self,
        claim: ClaimedPair,
        step: Step,
        *,
        units_before: int,
        price_limit: int,
        quote_before: dict[str, Any],
        now: datetime,
    ) -> Intent:
        """Write down a trade that is about to be sent. Raises LeaseLost when the pair is no longer the claim's.

        A ship has at most one open intent in a run: a second one raises Duplicate when the transaction ends.
        """
        require_lease(self._connection, claim, now=now)
        values = {
            "run_id": claim.run_id,
            "queue_id": claim.queue_id,
            "ship_symbol": claim.ship_symbol,
            "owner": claim.owner,
            "attempt": claim.attempt,
            "take": claim.take,
            "operation": step.operation,
            "good_symbol": step.good_symbol,
            "market": step.market,
            "fraction": step.fraction,
            "iteration": step.iteration,
            "part": step.part,
            "units": step.units,
            "units_before": units_before,
            "price_limit": price_limit,
            "quote_before": quote_before,
            "state": IntentState.OPEN,
            "created_at": now,
        }
        return _intent(values | {"intent_id": _ADD.first(self._connection, values).intent_id})

    def resolve(self, intent_id: int, state: IntentState, *, now: datetime, units_found: int | None = None) -> None:
        """Say what became of an open intent; raises LeaseLost when somebody else has said so already.

        `units_found` in the hold goes with a CONFLICT: the ledger counts from there on.
        """
        values = {"resolved_id": intent_id, "state": state, "units_found": units_found, "resolved_at": now}
        if _RESOLVE.change(self._connection, values) != 1:
            raise LeaseLost(f"intent {intent_id} was resolved by another owner")

    def open_intents(self, player_id: int, ship_symbol: str) -> list[Intent]:
        """The trades of a player's ship whose outcome is not known, in whatever run, oldest first.

        Call signs come again in the next universe and on other servers, and so do the names of ships: their trades are
        another player's.
        """
        return self._open(_OPEN_OF_SHIP, player=player_id, ship=ship_symbol)

    def open_of_run(self, run_id: str) -> list[Intent]:
        """The trades of a run whose outcome is not known, oldest first."""
        return self._open(_OPEN_OF_RUN, run=run_id)

    def hold_history(self, run_id: str, ship_symbol: str, good_symbol: str) -> HoldHistory | None:
        """What the run knows of a good in a ship's hold; None when the ship has not traded it in the run."""
        found = _HISTORY.first(self._connection, {"run": run_id, "ship": ship_symbol, "good": good_symbol})
        if found is None:
            return None
        return HoldHistory(
            found.first_units_before + found.by_others_since_first,
            _units_now(found) + found.by_others_since_last,
            found.buy_market,
            found.sell_market,
        )

    def histories(self, run_id: str, ship_symbol: str) -> dict[str, HoldHistory]:
        """What the run knows of every good that the ship has traded in it, by good."""
        traded = select(intents.c.good_symbol).where(intents.c.run_id == run_id, intents.c.ship_symbol == ship_symbol)
        goods = self._connection.execute(traded.distinct().order_by(intents.c.good_symbol)).scalars().all()
        histories = {good: self.hold_history(run_id, ship_symbol, good) for good in goods}
        return {good: history for good, history in histories.items() if history is not None}

    def units_if_late(self, run_id: str, ship_symbol: str, good_symbol: str) -> int | None:
        """Units that would be aboard if the last trade of the good had come late; None unless it was taken for lost."""
        last = _HISTORY.first(self._connection, {"run": run_id, "ship": ship_symbol, "good": good_symbol})
        return None if last is None or last.state is not IntentState.DID_NOT else _units_after(last)

    def carries_cargo(self, run_id: str, ship_symbol: str) -> bool:
        """Whether the run has put something aboard the ship that is not sold yet."""
        return any(history.of_the_run > 0 for history in self.histories(run_id, ship_symbol).values())

    def ships_with_cargo(self, run_id: str) -> list[str]:
        """The ships that the run has put something aboard that is not sold yet, as far as the ledger knows."""
        traded = select(intents.c.ship_symbol).where(intents.c.run_id == run_id).distinct()
        ships = self._connection.execute(traded.order_by(intents.c.ship_symbol)).scalars().all()
        return [ship for ship in ships if self.carries_cargo(run_id, ship)]

    def may_carry_cargo(self, run_id: str, ship_symbol: str) -> bool:
        """Whether something of the run may be aboard: the ledger has it so, or does not know what became of a trade."""
        is_open = any(intent.ship_symbol == ship_symbol for intent in self.open_of_run(run_id))
        return is_open or self.carries_cargo(run_id, ship_symbol)

    def _open(self, statement: Prepared, **whose: str | int) -> list[Intent]:
        rows = statement.rows(self._connection, whose)
        return sorted((_intent(row._asdict()) for row in rows), key=lambda intent: intent.intent_id)


# --- what is executed for every trade or pair is built once ----------------------------------------------------------

# Sorted by the program: to have them by their key, SQLite would walk the whole table instead of the open ones' index.
_ALL_OPEN = select(intents).where(_OPEN)
# asked of each open one: joined, SQLite would walk the player's runs, or look at all trades of each
_player = select(runs.c.player_id).where(runs.c.run_id == intents.c.run_id).scalar_subquery()
_OPEN_OF_SHIP = Prepared(_ALL_OPEN.where(intents.c.ship_symbol == bindparam("ship"), _player == bindparam("player")))
_OPEN_OF_RUN = Prepared(_ALL_OPEN.where(intents.c.run_id == bindparam("run")))

_NOT_YET = ("intent_id", "units_found", "resolved_at")
_ADD = Prepared(
    insert(intents)
    .values({column.name: bindparam(column.name) for column in intents.c if column.name not in _NOT_YET})
    .returning(intents.c.intent_id)
)
_RESOLVE = Prepared(
    update(intents)
    .where(intents.c.intent_id == bindparam("resolved_id"), _OPEN)
    .values({name: bindparam(name) for name in ("state", "units_found", "resolved_at")})
)


def _of_good(ledger: Any) -> tuple[ColumnElement[bool], ...]:
    """Of all entries of the ledger, those of the bound run, ship and good."""
    return (
        ledger.c.run_id == bindparam("run"),
        ledger.c.ship_symbol == bindparam("ship"),
        ledger.c.good_symbol == bindparam("good"),
    )


def _of_the_first(column: str) -> ScalarSelect[Any]:
    """A column of the run's first intent of the good."""
    earliest = intents.alias("earliest")
    first = select(earliest.c[column]).where(*_of_good(earliest)).order_by(earliest.c.intent_id).limit(1)
    return first.scalar_subquery()


def _by_others_since(intent_id: ColumnElement[int]) -> ScalarSelect[int]:
    """Units of the good that other runs of the player have put aboard the ship after an intent, less what they took."""
    theirs, own, other = intents.alias("theirs"), runs.alias("own"), runs.alias("other")
    change = case(
        (
            theirs.c.state == literal_column("'HAPPENED'"),
            case((theirs.c.operation == literal_column("'BUY'"), theirs.c.units), else_=-theirs.c.units),
        ),
        (theirs.c.state == literal_column("'CONFLICT'"), theirs.c.units_found - theirs.c.units_before),
        else_=0,
    )
    return (
        select(func.coalesce(func.sum(change), 0))
        .select_from(own)
        .join(other, (other.c.player_id == own.c.player_id) & (other.c.run_id != own.c.run_id))
        .join(theirs, theirs.c.run_id == other.c.run_id)
        .where(
            own.c.run_id == bindparam("run"),
            theirs.c.ship_symbol == bindparam("ship"),
            theirs.c.good_symbol == bindparam("good"),
            theirs.c.intent_id > intent_id,
        )
        .correlate(intents)
        .scalar_subquery()
    )


_bought = intents.alias("bought")
# the sale of a leftover belongs to a pair of some other good, whose markets need not take this one
_bought_for = (
    select(_bought.c.queue_id)
    .where(*_of_good(_bought), _bought.c.fraction.is_not(None))
    .order_by(_bought.c.intent_id.desc())
    .limit(1)
).scalar_subquery()
_HISTORY = Prepared(
    select(
        *(intents.c[name] for name in ("operation", "state", "units", "units_before", "units_found")),
        _of_the_first("units_before").label("first_units_before"),
        _by_others_since(_of_the_first("intent_id")).label("by_others_since_first"),
        _by_others_since(intents.c.intent_id).label("by_others_since_last"),
        queue.c.buy_market,
        queue.c.sell_market,
    )
    .select_from(intents.join(queue, queue.c.queue_id == _bought_for))
    .where(*_of_good(intents))
    .order_by(intents.c.intent_id.desc())
    .limit(1)
)


def _units_now(row: Any) -> int:
    """Units in the hold after an intent, by what became of it; an open one is taken as not done."""
    if row.state is IntentState.HAPPENED:
        return _units_after(row)
    return int(row.units_found if row.state is IntentState.CONFLICT else row.units_before)


def _units_after(row: Any) -> int:
    """Units in the hold once the trade has taken place."""
    return int(row.units_before + (row.units if row.operation is Operation.BUY else -row.units))


def _intent(row: Mapping[str, Any]) -> Intent:
    step = ("operation", "good_symbol", "market", "fraction", "iteration", "part", "units")
    return Intent(
        intent_id=row["intent_id"],
        run_id=row["run_id"],
        queue_id=row["queue_id"],
        ship_symbol=row["ship_symbol"],
        owner=row["owner"],
        attempt=row["attempt"],
        take=row["take"],
        step=Step(*(row[name] for name in step)),
        units_before=row["units_before"],
        price_limit=row["price_limit"],
        quote_before=row["quote_before"],
        state=row["state"],
        created_at=row["created_at"],
    )

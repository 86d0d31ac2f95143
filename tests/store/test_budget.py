"""The running sum of a budget agrees with the rows, and two ships cannot both spend the last of it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from spacetraders_lab.core.errors import BudgetReached, UserError
from spacetraders_lab.core.experiment import IntentState
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository
from tests.factories import NOON, PAIR, make_record
from tests.store.memory import Queue, enter_run, make_step


def buy(database: Database, ship: str, units: int, price: int) -> tuple[int, int]:
    """Intend a purchase and reserve its money; (intent id, credits)."""
    claim = Queue(database).must_claim(ship)
    with database.transaction() as connection:
        intents, step = IntentRepository(connection), make_step(units=units)
        intent = intents.open(claim, step, units_before=0, price_limit=price, quote_before={}, now=NOON)
        Budget(connection, "run-1").reserve(units * price)
    return intent.intent_id, units * price


def away(database: Database) -> int:
    with database.reading() as connection:
        budget = Budget(connection, "run-1")
        assert budget.outlay() == budget.net_spent()
        return budget.outlay()


def test_a_purchase_counts_from_its_intent_on_at_its_limit_then_at_its_price(database: Database) -> None:
    enter_run(database, [PAIR])
    assert away(database) == 0
    intent_id, credits = buy(database, "S-1", 6, 50)
    assert away(database) == credits == 300
    with database.transaction() as connection:
        IntentRepository(connection).resolve(intent_id, IntentState.HAPPENED, now=NOON)
        ExperimentRepository(connection).record_transaction(make_record(price_per_unit=48, total_credits=288))
        Budget(connection, "run-1").settle(reserved=credits, paid=288)
    assert away(database) == 288


def test_a_purchase_that_did_not_happen_costs_nothing_a_conflict_stays(database: Database) -> None:
    enter_run(database, [PAIR])
    intent_id, credits = buy(database, "S-1", 6, 50)
    with database.transaction() as connection:
        IntentRepository(connection).resolve(intent_id, IntentState.DID_NOT, now=NOON)
        Budget(connection, "run-1").settle(reserved=credits, paid=0)
    assert away(database) == 0
    intent_id, _ = buy(database, "S-1", 7, 50)
    with database.transaction() as connection:
        IntentRepository(connection).resolve(intent_id, IntentState.CONFLICT, now=NOON, units_found=3)
    assert away(database) == 350


def test_sales_bring_credits_back_and_fuel_costs(database: Database) -> None:
    enter_run(database, [PAIR])
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record(Operation.SELL, total_credits=500))
        budget = Budget(connection, "run-1")
        budget.settle(reserved=0, paid=-500)
        budget.add_fuel(72)
    assert away(database) == -428


def test_what_does_not_fit_the_budget_is_refused_and_reserves_nothing(database: Database) -> None:
    enter_run(database, [PAIR], budget=1_000)
    with database.transaction() as connection:
        Budget(connection, "run-1").reserve(1_000)
    with pytest.raises(BudgetReached, match="1,000 of the budget of 1,000"), database.transaction() as connection:
        Budget(connection, "run-1").reserve(1)
    with database.reading() as connection:
        assert Budget(connection, "run-1").outlay() == 1_000


def test_what_is_kept_for_fuel_must_remain(database: Database) -> None:
    enter_run(database, [PAIR], budget=1_000)
    with database.transaction() as connection:
        Budget(connection, "run-1").keep_for_fuel(401)
    with pytest.raises(BudgetReached, match="401 are kept for fuel"), database.transaction() as connection:
        Budget(connection, "run-1").reserve(600)
    with database.transaction() as connection:
        Budget(connection, "run-1").keep_for_fuel(400)
        Budget(connection, "run-1").reserve(600)


def test_what_is_kept_for_fuel_buys_fuel_and_no_more(database: Database) -> None:
    enter_run(database, [PAIR], budget=1_000)
    with database.transaction() as connection:
        budget = Budget(connection, "run-1")
        budget.keep_for_fuel(400)
        assert budget.left() == 600
        assert budget.left(with_fuel=True) == 1_000
        budget.afford_fuel(600, with_kept=False)
        with pytest.raises(BudgetReached):
            budget.afford_fuel(1, with_kept=False)
        budget.afford_fuel(400, with_kept=True)
        with pytest.raises(BudgetReached):
            budget.afford_fuel(1, with_kept=True)
        assert budget.outlay() == 1_000


def test_credits_beyond_four_bytes_are_counted(database: Database) -> None:
    enter_run(database, [PAIR], budget=20_000_000_000)
    buy(database, "S-1", 200, 60_000_000)
    assert away(database) == 12_000_000_000


def test_ships_that_reserve_at_once_never_exceed_the_budget(database: Database) -> None:
    enter_run(database, [PAIR], budget=1_000)
    barrier = threading.Barrier(8)

    def ship(_: int) -> bool:
        barrier.wait()
        try:
            with database.transaction() as connection:
                Budget(connection, "run-1").reserve(300)
        except BudgetReached:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ship, range(8))) == 3
    with database.reading() as connection:
        assert Budget(connection, "run-1").outlay() == 900


@pytest.mark.parametrize("verb", ["net_spent", "outlay"])
def test_an_unknown_run_is_the_users_error(database: Database, verb: str) -> None:
    with database.reading() as connection, pytest.raises(UserError, match="experiment list"):
        getattr(Budget(connection, "nonsense"), verb)()

"""Intents: written under a live lease, resolved once, and the hold they add up to."""

from contextlib import closing

import pytest

from spacetraders_lab.core.errors import LeaseLost
from spacetraders_lab.core.experiment import ClaimedPair, Intent, IntentState, MarketPair
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.failures import Duplicate
from spacetraders_lab.store.intents import HoldHistory, IntentRepository
from spacetraders_lab.store.world import World
from tests.factories import BUY_MARKET, GOOD, NOON, PAIR, SELL_MARKET, SHIP
from tests.plans import plans
from tests.store.memory import LEASE, SERVER, Queue, after, apart, enter_run, make_step

PLAYER = 1  # the only one in the database
QUOTE = {"observed_at": "2026-03-01T12:00:00Z", "purchase_price": 50, "supply": "MODERATE", "activity": None}


@pytest.fixture
def claim(database: Database) -> ClaimedPair:
    enter_run(database, [PAIR, *apart(2)])
    return Queue(database).must_claim()


def intend(database: Database, claim: ClaimedPair, *, at: float = 0, before: int = 0, **step: object) -> Intent:
    with database.transaction() as connection:
        return IntentRepository(connection).open(
            claim, make_step(**step), units_before=before, price_limit=50, quote_before=QUOTE, now=after(at)
        )


def resolve(database: Database, intent: Intent, state: IntentState, found: int | None = None) -> None:
    with database.transaction() as connection:
        IntentRepository(connection).resolve(intent.intent_id, state, now=NOON, units_found=found)


def history(database: Database, good: str = GOOD) -> HoldHistory | None:
    with database.reading() as connection:
        return IntentRepository(connection).hold_history("run-1", SHIP, good)


def test_an_intent_is_read_as_it_was_written(database: Database, claim: ClaimedPair) -> None:
    written = intend(database, claim, before=3)
    assert (written.step, written.units_before, written.price_limit) == (make_step(), 3, 50)
    assert (written.quote_before, written.state, written.created_at) == (QUOTE, IntentState.OPEN, NOON)
    assert (written.queue_id, written.owner, written.attempt, written.take) == (claim.queue_id, claim.owner, 1, 1)
    with database.reading() as connection:
        intents = IntentRepository(connection)
        assert intents.open_intents(PLAYER, SHIP) == intents.open_of_run("run-1") == [written]
        assert intents.open_intents(PLAYER, "OTHER-1") == intents.open_of_run("run-2") == []


def test_a_ship_of_the_same_name_in_the_next_universe_has_not_traded(database: Database, claim: ClaimedPair) -> None:
    written = intend(database, claim)
    with database.transaction() as connection:
        next_universe = World(connection).universe_id(SERVER, "2026-03-14")
    run = enter_run(database, run_id="run-2", universe_id=next_universe)
    with database.reading() as connection:
        intents = IntentRepository(connection)
        assert intents.open_intents(run.player_id, SHIP) == []
        assert intents.open_intents(PLAYER, SHIP) == [written]
        assert not intents.may_carry_cargo("run-2", SHIP)
        assert intents.may_carry_cargo("run-1", SHIP)


def test_open_intents_are_found_in_the_index_of_open_ones(sqlite_url: str) -> None:
    """However many trades and runs there have been."""
    with closing(open_database(sqlite_url)) as database, plans() as found, database.reading() as connection:
        IntentRepository(connection).open_intents(PLAYER, SHIP)
    (plan,) = (plan for statement, plan in found.items() if "'OPEN'" in statement)
    assert "experiment_intents USING INDEX uq_intents_open" in plan
    assert "SCAN experiment_runs" not in plan


def test_without_a_live_lease_nothing_is_intended(database: Database, claim: ClaimedPair) -> None:
    with pytest.raises(LeaseLost):
        intend(database, claim, at=LEASE)
    Queue(database).must_claim("S-2", after(LEASE))
    with pytest.raises(LeaseLost):
        intend(database, claim, at=1)
    with database.reading() as connection:
        assert IntentRepository(connection).open_of_run("run-1") == []


def test_a_ship_intends_nothing_more_while_an_outcome_is_unknown(database: Database, claim: ClaimedPair) -> None:
    first = intend(database, claim)
    with pytest.raises(Duplicate):
        intend(database, claim, iteration=2)
    resolve(database, first, IntentState.DID_NOT)
    intend(database, claim, iteration=2)


def test_two_ships_may_intend_at_once(database: Database, claim: ClaimedPair) -> None:
    intend(database, claim)
    intend(database, Queue(database).must_claim("S-2"))


@pytest.mark.parametrize("state", [IntentState.HAPPENED, IntentState.DID_NOT, IntentState.CONFLICT])
def test_an_intent_is_resolved_once(database: Database, claim: ClaimedPair, state: IntentState) -> None:
    intent = intend(database, claim)
    resolve(database, intent, state, found=0)
    with pytest.raises(LeaseLost):
        resolve(database, intent, IntentState.HAPPENED)
    with database.reading() as connection:
        assert IntentRepository(connection).open_intents(PLAYER, SHIP) == []


def test_a_good_never_traded_has_no_history(database: Database, claim: ClaimedPair) -> None:
    intend(database, claim)
    assert history(database, "GOLD") is None


@pytest.mark.parametrize(
    ("state", "found", "expected"),
    [(IntentState.HAPPENED, None, 9), (IntentState.DID_NOT, None, 3), (IntentState.CONFLICT, 5, 5)],
)
def test_the_hold_is_as_the_last_intent_left_it(
    database: Database, claim: ClaimedPair, state: IntentState, found: int | None, expected: int
) -> None:
    resolve(database, intend(database, claim, before=3), state, found)
    assert history(database) == HoldHistory(3, expected, BUY_MARKET, SELL_MARKET)


def test_an_open_intent_is_not_done_yet(database: Database, claim: ClaimedPair) -> None:
    intend(database, claim, before=3)
    assert history(database) == HoldHistory(3, 3, BUY_MARKET, SELL_MARKET)


def test_what_other_runs_buy_and_sell_is_aboard_and_not_the_runs(database: Database, claim: ClaimedPair) -> None:
    """Each run by its own trades, wherever in between the other's came."""
    enter_run(database, apart(2), run_id="run-2")
    theirs = Queue(database).must_claim(run_id="run-2", owner="another")
    resolve(database, intend(database, claim, units=6, before=1), IntentState.HAPPENED)
    resolve(database, intend(database, theirs, units=10, before=7), IntentState.HAPPENED)
    assert history(database) == HoldHistory(11, 17, BUY_MARKET, SELL_MARKET)
    resolve(database, intend(database, claim, operation=Operation.SELL, units=6, before=17), IntentState.HAPPENED)
    resolve(database, intend(database, theirs, units=2, before=11), IntentState.CONFLICT, 12)
    resolve(database, intend(database, theirs, units=3, before=12), IntentState.DID_NOT)
    assert history(database) == HoldHistory(12, 12, BUY_MARKET, SELL_MARKET)
    with database.reading() as connection:
        of_theirs = IntentRepository(connection).hold_history("run-2", SHIP, GOOD)
    assert of_theirs is not None
    assert (of_theirs.units_of_others, of_theirs.of_the_run) == (1, 11)


def test_the_ledger_follows_purchases_and_sales_good_by_good(database: Database, claim: ClaimedPair) -> None:
    resolve(database, intend(database, claim, units=6), IntentState.HAPPENED)
    resolve(database, intend(database, claim, units=15, before=6, fraction=0.25), IntentState.HAPPENED)
    resolve(database, intend(database, claim, operation=Operation.SELL, units=6, before=21), IntentState.HAPPENED)
    resolve(database, intend(database, claim, units=4, good_symbol="GOLD"), IntentState.HAPPENED)
    with database.reading() as connection:
        histories = IntentRepository(connection).histories("run-1", SHIP)
        assert {good: history.expected_units for good, history in histories.items()} == {GOOD: 15, "GOLD": 4}
        assert IntentRepository(connection).histories("run-1", "OTHER-1") == {}


def test_the_markets_of_a_history_are_those_of_the_last_pair(database: Database) -> None:
    other = MarketPair.of(GOOD, SELL_MARKET, "X1-GZ7-C3")
    enter_run(database, [PAIR, other])
    queue = Queue(database)
    first = queue.must_claim()
    resolve(database, intend(database, first), IntentState.HAPPENED)
    queue.do("mark_failed", first, "why", now=NOON)
    second = queue.must_claim()
    assert second.pair == other
    resolve(database, intend(database, second, before=6), IntentState.HAPPENED)
    assert history(database) == HoldHistory(0, 12, SELL_MARKET, "X1-GZ7-C3")


def test_the_sale_of_a_leftover_does_not_change_the_markets(database: Database) -> None:
    """It belongs to a pair of another good, whose markets need not take this one."""
    other = MarketPair.of("GOLD", "X1-GZ7-C3", "X1-GZ7-D4")
    enter_run(database, [PAIR, other])
    queue = Queue(database)
    first = queue.must_claim()
    resolve(database, intend(database, first), IntentState.HAPPENED)
    queue.do("mark_failed", first, "why", now=NOON)
    sale = {"operation": Operation.SELL, "units": 4, "before": 6, "fraction": None}
    resolve(database, intend(database, queue.must_claim(), **sale), IntentState.HAPPENED)
    assert history(database) == HoldHistory(0, 2, BUY_MARKET, SELL_MARKET)

"""A trade whose answer got lost is never repeated blindly: hold and market list tell what became of it."""

from collections.abc import Callable

import httpx2
import pytest

from spacetraders_lab.core.experiment import Design
from spacetraders_lab.core.market import Operation
from spacetraders_lab.study.rig import FOUR_CELLS, ONE_CELL, Exchange, Rig

MakeRig = Callable[..., Rig]


class KilledByTheReset(BaseException):
    """The process is gone, and with it the universe."""


@pytest.fixture
def alone(make_rig: MakeRig) -> Rig:
    """A laboratory with one frigate."""
    return make_rig(ships=1)


def _lose_one_answer(rig: Rig, ending: str) -> None:
    """The game does what it is asked and its answer never comes."""

    def lose(exchange: Exchange) -> None:
        if exchange.fits("POST", ending):
            rig.wire.after = lambda _: None
            raise httpx2.ReadTimeout("the answer was lost")

    rig.wire.after = lose


def _lose_one_request(rig: Rig, ending: str, error: httpx2.TransportError) -> None:
    """The game is never asked, which the sender may know (no connection) or not (no answer)."""

    def lose(request: httpx2.Request) -> None:
        if request.method == "POST" and request.url.path.endswith(ending):
            rig.wire.before = lambda _: None
            raise error

    rig.wire.before = lose


def _answer_once(rig: Rig, ending: str, response: httpx2.Response) -> None:
    """Somebody in front of the game answers in its place, and the game is never asked."""

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        if request.method == "POST" and request.url.path.endswith(ending):
            rig.wire.before = lambda _: None
            return response
        return None

    rig.wire.before = answer


def _agrees_with_the_ledger(rig: Rig) -> bool:
    """Every trade that took place has exactly one row, with its units and its price, in order."""
    rows = rig.rows("SELECT operation, units, price_per_unit FROM market_experiments ORDER BY experiment_id")
    sides = {"PURCHASE": "BUY", "SELL": "SELL"}
    happened = [(sides[e.kind], e.units, e.price_per_unit) for e in rig.ledger("PURCHASE", "SELL")]
    return [(row["operation"], row["units"], row["price_per_unit"]) for row in rows] == happened


@pytest.mark.parametrize("ending", ["/purchase", "/sell"])
def test_a_trade_that_happened_unheard_is_recorded_once_and_marked(alone: Rig, ending: str) -> None:
    _lose_one_answer(alone, ending)
    run = alone.queue([alone.pair()], FOUR_CELLS)
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 1}
    assert _agrees_with_the_ledger(alone)
    (recovered,) = [record for record in alone.records(run) if record.recovered]
    assert recovered.operation is (Operation.BUY if ending == "/purchase" else Operation.SELL)
    assert alone.ship().hold == {}


def test_a_trade_that_the_market_lists_is_recorded_though_the_hold_was_changed_by_hand(alone: Rig) -> None:
    """The answer is lost, and before anybody looks the player throws some of it overboard."""

    def lose(exchange: Exchange) -> None:
        if exchange.fits("POST", "/purchase"):
            alone.wire.after = lambda _: None
            alone.ship().load(alone.pair().good_symbol, -1)
            raise httpx2.ReadTimeout("the answer was lost")

    alone.wire.after = lose
    run = alone.queue([alone.pair()], FOUR_CELLS)
    alone.fly(run)
    assert "1 were expected" not in str(alone.errors(run))
    assert "disagrees with the ledger" in str(alone.errors(run))
    assert _agrees_with_the_ledger(alone)
    assert alone.ship().hold == {}
    states = [row["state"] for row in alone.rows("SELECT state FROM experiment_intents ORDER BY intent_id")]
    assert states[:2] == ["HAPPENED", "CONFLICT"], "what is missing is on record as well"
    (money,) = alone.rows("SELECT outlay FROM experiment_runs")
    assert money["outlay"] == sum(e.total * (-1 if e.kind == "SELL" else 1) for e in alone.ledger())


@pytest.mark.parametrize("ending", ["/purchase", "/sell"])
@pytest.mark.parametrize(
    "error",
    [httpx2.ReadTimeout("no answer"), httpx2.ConnectError("no connection"), httpx2.RemoteProtocolError("broken off")],
    ids=lambda error: type(error).__name__,
)
def test_a_trade_that_never_reached_the_game_is_made_later(
    alone: Rig, ending: str, error: httpx2.TransportError
) -> None:
    _lose_one_request(alone, ending, error)
    run = alone.queue([alone.pair()], FOUR_CELLS)
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 1}
    assert _agrees_with_the_ledger(alone)
    assert not any(record.recovered for record in alone.records(run))
    assert alone.ship().hold == {}


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_an_error_in_front_of_the_game_neither_doubles_nor_loses_a_trade(alone: Rig, status: int) -> None:
    _answer_once(alone, "/purchase", httpx2.Response(status, text="<html>sorry</html>"))
    run = alone.queue([alone.pair()], FOUR_CELLS)
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 1}
    assert _agrees_with_the_ledger(alone)


def test_the_limit_of_the_game_delays_and_fails_nothing(alone: Rig) -> None:
    body = {"error": {"message": "slow down", "code": 429, "data": {"retryAfter": 3.5}}}
    _answer_once(alone, "/purchase", httpx2.Response(429, json=body))
    run = alone.queue([alone.pair()], FOUR_CELLS)
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 1}
    assert _agrees_with_the_ledger(alone)


def test_a_trade_that_the_markets_list_does_not_show_is_not_taken_for_the_one_before(alone: Rig) -> None:
    """Two equal purchases, and the list has only the first: the second has the price that was posted for it."""
    made = 0

    def lose_the_second(exchange: Exchange) -> None:
        nonlocal made
        if exchange.fits("POST", "/purchase"):
            made += 1
            if made == 2:
                alone.universe.home.markets[pair.buy_market].transactions.pop()
                raise httpx2.ReadTimeout("the answer was lost")

    alone.wire.after = lose_the_second
    pair = alone.pair()
    run = alone.queue([pair], Design(fractions=(1.0,), iterations=2))
    alone.fly(run)
    assert [record.recovered for record in alone.records(run)][:2] == [False, True]
    assert alone.records(run)[0].units == alone.records(run)[1].units
    assert _agrees_with_the_ledger(alone)


def test_a_trade_is_not_judged_before_a_late_request_can_no_longer_arrive(alone: Rig) -> None:
    """After an unknown answer the ship is not asked before the settle time has passed."""
    _lose_one_answer(alone, "/purchase")
    run = alone.queue([alone.pair()], FOUR_CELLS)
    alone.fly(run)
    lost = next(i for i, x in enumerate(alone.wire.log) if x.fits("POST", "/purchase"))
    then = next(x for x in alone.wire.log[lost + 1 :] if x.fits("GET", "/my/ships/LAB-1"))
    assert (then.at - alone.wire.log[lost].at).total_seconds() >= alone.times.settle


def test_the_budget_counts_an_unheard_purchase_once(alone: Rig) -> None:
    _lose_one_answer(alone, "/purchase")
    purse = alone.agent.credits
    run = alone.queue([alone.pair()], FOUR_CELLS)
    alone.fly(run)
    (row,) = alone.rows("SELECT outlay FROM experiment_runs")
    assert row["outlay"] == purse - alone.agent.credits


def test_the_next_universe_tells_nothing_of_a_trade_in_the_last_one(make_rig: MakeRig) -> None:
    """Its ship of the same name has nothing aboard, as if it had sold what the old one carried."""
    gone, here = make_rig(ships=1), make_rig(ships=1, seed=2)
    begun = gone.queue([gone.pair()], ONE_CELL, run_id="begun")

    def reset(request: httpx2.Request) -> None:
        if request.url.path.endswith("/sell"):
            raise KilledByTheReset

    gone.wire.before = reset
    with pytest.raises(KilledByTheReset):
        gone.fly(begun)
    here.clock.run(here.clock.sleep(gone.clock.elapsed))
    run = here.queue([here.pair()], ONE_CELL)
    here.fly(run)

    assert here.counts(run) == {"COMPLETED": 1}
    assert not any(record.recovered for record in here.records(run))
    assert [record.operation for record in here.records(begun)] == [Operation.BUY]
    (intent,) = here.rows("SELECT operation, state FROM experiment_intents WHERE run_id = 'begun' AND state = 'OPEN'")
    assert intent["operation"] == "SELL"


def test_a_ship_that_the_game_can_no_longer_show_leaves_and_others_measure_its_pairs(make_rig: MakeRig) -> None:
    rig = make_rig(ships=2)

    def spoil(exchange: Exchange) -> None:
        if exchange.fits("POST", "LAB-1/purchase"):
            rig.ship().hold["ICE_WATER"] = -4

    rig.wire.after = spoil
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    gone, other = rig.fly(run)
    assert gone.error is not None and gone.error.startswith("the game cannot show LAB-1 (HTTP 500, code 3000)")
    assert (other.error, other.pairs_completed, rig.counts(run)) == (None, 4, {"COMPLETED": 4})
    assert rig.rows("SELECT attempts FROM experiment_work_queue WHERE attempts > 2") == []
    asked = [exchange for exchange in rig.wire.log if exchange.fits("GET", "/my/ships/LAB-1")]
    assert len(asked) < 10

"""From the quote before, the transaction and the quote after to the row that is kept."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import Step, TradeRecord
from spacetraders_lab.core.market import Activity, ListingType, MarketSnapshot, Operation, Supply, TradeGood
from spacetraders_lab.core.observation import TradeContext, Visit, foreign_units, impact_percent, trade_record
from tests.factories import (
    BUY_MARKET,
    GOOD,
    NOON,
    PAIR,
    SELL_MARKET,
    SHIP,
    make_good,
    make_ship,
    make_snapshot,
    make_transaction,
)

BUY = Step(Operation.BUY, GOOD, BUY_MARKET, 0.25, 2, 1, 15)
SELL = Step(Operation.SELL, GOOD, SELL_MARKET, 0.25, 2, 3, 15)
EXPORT = make_good(trade_volume=60, supply=Supply.HIGH, activity=Activity.WEAK, purchase_price=100, sell_price=49)
EXPORT_AFTER = replace(
    EXPORT, trade_volume=66, supply=Supply.MODERATE, activity=Activity.GROWING, purchase_price=104, sell_price=51
)
LATER = NOON + timedelta(seconds=1.5)


def record(step: Step = BUY, *, before: TradeGood = EXPORT, after: MarketSnapshot | None, **others: Any) -> TradeRecord:
    """The row of a step at 100 credits a unit, looked up at noon and traded a second and a half later."""
    transaction = make_transaction(step.operation, step.units, price_per_unit=100, timestamp=LATER)
    context = TradeContext(PAIR, Visit("visit-7", 4, 33), before, NOON)
    ship = make_ship(inventory={GOOD: 15, "FUEL": 5}, cargo_capacity=80)
    return trade_record(
        step, transaction, context, run_id="run-9", player_id=3, take=2, ship=ship, after=after, **others
    )


def test_a_purchase_keeps_what_was_seen_on_both_sides_of_it() -> None:
    row = record(after=make_snapshot(BUY_MARKET, [EXPORT_AFTER]))
    assert row == TradeRecord(
        run_id="run-9",
        player_id=3,
        ship_symbol=SHIP,
        good_symbol=GOOD,
        pair_id=PAIR.pair_id,
        buy_market=BUY_MARKET,
        sell_market=SELL_MARKET,
        operation=Operation.BUY,
        iteration=2,
        batch_size_fraction=0.25,
        units=15,
        price_per_unit=100,
        total_credits=1500,
        listing_type=ListingType.EXPORT,
        supply_before=Supply.HIGH,
        activity_before=Activity.WEAK,
        trade_volume_before=60,
        price_before=100,
        purchase_price_before=100,
        sell_price_before=49,
        supply_after=Supply.MODERATE,
        activity_after=Activity.GROWING,
        trade_volume_after=66,
        price_after=104,
        purchase_price_after=104,
        sell_price_after=51,
        supply_change="HIGH→MODERATE",
        price_impact_percent=pytest.approx(4.0),
        visit_id="visit-7",
        sequence_in_visit=4,
        cumulative_units=33,
        seconds_since_before=1.5,
        foreign_units=0,
        cargo_units=20,
        cargo_capacity=80,
        take=2,
        part=1,
        recovered=False,
        timestamp=LATER,
    )


def test_a_sale_is_judged_by_the_bid() -> None:
    before = make_good(type=ListingType.IMPORT, purchase_price=410, sell_price=200)
    after = replace(before, purchase_price=400, sell_price=190)
    row = record(SELL, before=before, after=make_snapshot(SELL_MARKET, [after]))
    assert (row.price_before, row.price_after, row.price_impact_percent) == (200, 190, pytest.approx(-5.0))
    assert (row.purchase_price_before, row.purchase_price_after) == (410, 400)
    assert (row.operation, row.part, row.sell_market) == (Operation.SELL, 3, SELL_MARKET)
    assert row.supply_change == "MODERATE→MODERATE"


def test_units_and_credits_are_those_of_the_transaction_not_of_the_wish() -> None:
    context = TradeContext(PAIR, Visit("visit-7", 1, 9), EXPORT, NOON)
    transaction = make_transaction(units=9, price_per_unit=101, total_price=909, timestamp=LATER)
    row = trade_record(BUY, transaction, context, run_id="run-9", player_id=3, take=1, ship=make_ship(), after=None)
    assert (row.units, row.price_per_unit, row.total_credits) == (9, 101, 909)


@pytest.mark.parametrize("after", [None, make_snapshot(BUY_MARKET, [make_good("FUEL")])])
def test_what_nobody_could_read_after_the_trade_stays_unknown(after: MarketSnapshot | None) -> None:
    row = record(after=after, recovered=True)
    unknown = (
        row.supply_after,
        row.activity_after,
        row.trade_volume_after,
        row.price_after,
        row.purchase_price_after,
        row.sell_price_after,
        row.supply_change,
        row.price_impact_percent,
    )
    assert unknown == (None,) * 8
    assert row.foreign_units == 0
    assert row.recovered
    assert (row.units, row.price_before) == (15, 100)


def test_a_leftover_is_sold_where_it_is_and_belongs_to_no_cell() -> None:
    elsewhere = Step(Operation.SELL, GOOD, "X1-GZ7-C3", None, 0, 1, 15)
    row = record(elsewhere, after=None)
    assert (row.buy_market, row.sell_market) == (BUY_MARKET, "X1-GZ7-C3")
    assert (row.batch_size_fraction, row.iteration, row.pair_id) == (None, 0, PAIR.pair_id)


def test_an_exchange_has_no_activity_before_nor_after() -> None:
    exchange = make_good(type=ListingType.EXCHANGE, activity=None)
    row = record(before=exchange, after=make_snapshot(BUY_MARKET, [exchange]))
    assert (row.activity_before, row.activity_after) == (None, None)
    assert row.supply_after is Supply.MODERATE


def test_the_units_that_other_ships_traded_between_the_snapshots_are_kept() -> None:
    trades = (
        make_transaction(units=15, timestamp=LATER),  # this ship's own
        make_transaction(units=20, ship_symbol="OTHER-1", timestamp=LATER),
        make_transaction(Operation.SELL, 3, ship_symbol="OTHER-2", timestamp=LATER),
        make_transaction(units=50, ship_symbol="OTHER-1", timestamp=NOON),  # already in the quote before
        make_transaction(units=70, ship_symbol="OTHER-1", trade_symbol="FUEL", timestamp=LATER),
    )
    row = record(after=make_snapshot(BUY_MARKET, [EXPORT_AFTER], transactions=trades))
    assert row.foreign_units == 23
    assert foreign_units(trades, "FUEL", SHIP, NOON) == 70
    assert foreign_units(trades, GOOD, SHIP, LATER) == 0
    assert foreign_units((), GOOD, SHIP, NOON) == 0


def test_what_the_reading_before_reported_is_not_foreign_whatever_our_clock_said_then() -> None:
    """The market's own stamps are compared with each other: a clock that is a minute slow makes nothing of them."""
    old = make_transaction(units=50, ship_symbol="OTHER-1", timestamp=NOON)
    new = make_transaction(units=20, ship_symbol="OTHER-1", timestamp=LATER)
    context = TradeContext(PAIR, Visit("visit-7", 1, 9), EXPORT, NOON - timedelta(minutes=1), NOON)
    again = TradeContext.from_json(json.loads(json.dumps(context.to_json())))
    after = make_snapshot(BUY_MARKET, [EXPORT_AFTER], transactions=(old, new))
    row = trade_record(
        BUY, make_transaction(timestamp=LATER), again, run_id="r", player_id=3, take=1, ship=make_ship(), after=after
    )
    assert row.foreign_units == 20
    assert make_snapshot(BUY_MARKET, [EXPORT], transactions=(new, old)).traded_at == LATER
    assert make_snapshot(BUY_MARKET, [EXPORT]).traded_at is None


@pytest.mark.parametrize(
    ("traders", "untouched"),
    [
        ([], True),
        ([("LAB-2", 0)], True),
        ([("LAB-2", 0), ("OTHER-1", 2)], True),
        ([("LAB-2", 0), ("LAB2-1", 2)], True),
        ([("OTHER-1", 0), ("LAB-2", 2), ("OTHER-1", 3)], False),
        ([("OTHER-1", 2)], False),
    ],
    ids=["nobody", "ours before", "others", "an agent of nearly the same name", "ours", "a list too short to tell"],
)
def test_whether_ships_of_an_agent_have_traded_since_is_told_by_the_markets_own_list(
    traders: list[tuple[str, int]], untouched: bool
) -> None:
    shown = tuple(
        make_transaction(ship_symbol=ship, timestamp=NOON + timedelta(minutes=minute)) for ship, minute in traders
    )
    market = make_snapshot(BUY_MARKET, [EXPORT], transactions=shown)
    assert market.is_untouched_since(NOON + timedelta(minutes=1), "LAB") is untouched


def test_a_good_may_be_left_out_of_account() -> None:
    old, new = (make_transaction(ship_symbol="LAB-2", timestamp=at) for at in (NOON, LATER))
    market = make_snapshot(BUY_MARKET, [EXPORT], transactions=(new, old))
    assert not market.is_untouched_since(NOON, "LAB")
    assert market.is_untouched_since(NOON, "LAB", but_for=new.trade_symbol)


def test_a_context_of_an_earlier_version_is_read() -> None:
    context = TradeContext(PAIR, Visit("visit-7", 1, 9), EXPORT, NOON)
    document = {name: value for name, value in context.to_json().items() if name != "traded_at"}
    assert TradeContext.from_json(document) == context
    assert context.reported_until == NOON


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_the_impact_leads_from_the_price_before_to_the_one_after(before: int, after: int) -> None:
    impact = impact_percent(before, after)
    assert impact is not None
    assert before * (1 + impact / 100) == pytest.approx(after)
    assert (impact > 0, impact < 0) == (after > before, after < before)


def test_a_quote_of_nothing_has_no_impact_and_its_trade_is_kept_all_the_same() -> None:
    worthless = replace(EXPORT, sell_price=0)
    row = record(SELL, before=worthless, after=make_snapshot(SELL_MARKET, [worthless]))
    assert (row.price_before, row.price_after, row.price_impact_percent) == (0, 0, None)
    assert (row.units, row.total_credits) == (15, 1500)


goods = st.builds(
    make_good,
    type=st.sampled_from(ListingType),
    supply=st.sampled_from(Supply),
    activity=st.sampled_from([*Activity, None]),
    trade_volume=st.integers(1, 200),
    purchase_price=st.integers(1, 10**6),
    sell_price=st.integers(1, 10**6),
)


@given(goods, st.datetimes(timezones=st.just(NOON.tzinfo)), st.integers(1, 99), st.integers(1, 9999))
def test_a_context_survives_plain_json(good: TradeGood, at: Any, sequence: int, cumulative: int) -> None:
    """It is kept with the intent, to record the trade after a crash: enums and time come back as what they were."""
    context = TradeContext(PAIR, Visit("visit-7", sequence, cumulative), good, at)
    again = TradeContext.from_json(json.loads(json.dumps(context.to_json())))
    assert again == context
    assert type(again.before.type) is ListingType
    assert type(again.before.supply) is Supply
    assert type(again.before.activity) is type(good.activity)

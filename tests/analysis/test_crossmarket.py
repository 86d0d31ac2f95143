"""The accounts of pairs and ships: they agree with the rows, whatever their order, and say what the impact took."""

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.analysis.crossmarket import find_profitable_pairs, pair_accounts, ship_accounts
from spacetraders_lab.core.experiment import MarketPair, TradeRecord
from spacetraders_lab.core.market import Operation
from tests.factories import NOON, PAIR, make_record

BUY, SELL = Operation.BUY, Operation.SELL


def columns(records: Sequence[TradeRecord]) -> dict[str, list[Any]]:
    return {field.name: [getattr(record, field.name) for record in records] for field in fields(TradeRecord)}


def trade(minute: int, side: Operation, units: int, before: int, after: int | None, **more: Any) -> TradeRecord:
    """A trade at the quote before it, in the visit of its side unless another is named."""
    usual = {"visit_id": f"{side}-1", "sequence_in_visit": minute, "total_credits": units * before} | more
    return make_record(
        side,
        units=units,
        price_before=before,
        price_after=after,
        price_per_unit=before,
        timestamp=NOON + timedelta(minutes=minute),
        **usual,
    )


LOAD = [trade(0, BUY, 10, 100, 104), trade(1, BUY, 10, 104, 108), trade(30, SELL, 20, 150, 141)]


def test_a_pair_before_and_after_its_own_impact() -> None:
    (account,) = pair_accounts(columns(LOAD))
    assert (account.good, account.buy_market, account.sell_market) == (
        PAIR.good_symbol,
        PAIR.buy_market,
        PAIR.sell_market,
    )
    assert (account.bought, account.sold, account.spent, account.earned, account.profit) == (20, 20, 2040, 3000, 960)
    assert account.spread_before == 50  # first quotes: 150 - 100
    assert account.spread_realised == 48  # 3000 / 20 - 2040 / 20
    assert account.spread_after == 141 - 108


def test_the_quotes_before_are_those_that_each_visit_began_with_weighted_by_its_units() -> None:
    second = [trade(60, BUY, 30, 120, 130, visit_id="BUY-2"), trade(61, BUY, 10, 130, 134, visit_id="BUY-2")]
    (account,) = pair_accounts(columns([*LOAD, *second]))
    assert account.ask == (20 * 100 + 40 * 120) / 60


def test_a_pair_that_is_measured_again_is_one_pair() -> None:
    again = MarketPair.of(PAIR.good_symbol, PAIR.buy_market, PAIR.sell_market, visit=2)
    second = [replace(row, pair_id=again.pair_id) for row in (trade(60, BUY, 10, 100, 104, visit_id="BUY-2"),)]
    (account,) = pair_accounts(columns([*LOAD, *second]))
    assert (account.sell_market, account.transactions, account.bought) == (PAIR.sell_market, 4, 30)
    assert MarketPair.named(again.pair_id) == again


def test_a_side_that_was_not_traded_has_no_price() -> None:
    (account,) = pair_accounts(columns(LOAD[:2]))
    assert (account.sold, account.earned, account.profit) == (0, 0, -2040)
    assert math.isnan(account.spread_before) and math.isnan(account.spread_realised)
    assert find_profitable_pairs([account]) == []


def test_a_leftover_is_no_sale_of_its_pair_but_work_of_its_ship() -> None:
    leftover = trade(40, SELL, 5, 1, 1, batch_size_fraction=None, iteration=0)
    assert pair_accounts(columns([*LOAD, leftover])) == pair_accounts(columns(LOAD))
    (ship,) = ship_accounts(columns([*LOAD, leftover]))
    assert (ship.transactions, ship.earned) == (4, 3005)


def test_a_trade_that_nobody_read_after_leaves_the_last_quote_that_was_read() -> None:
    (account,) = pair_accounts(columns([*LOAD, trade(31, SELL, 1, 141, None)]))
    assert account.bid_after == 141


def test_profitable_pairs_come_best_first() -> None:
    def pair(good: str, bid: int) -> list[TradeRecord]:
        named = MarketPair.of(good, "A", "B")
        return [
            replace(trade(0, BUY, 1, 100, 101), pair_id=named.pair_id),
            replace(trade(9, SELL, 1, bid, bid - 1), pair_id=named.pair_id),
        ]

    rows = [*pair("EVEN", 100), *pair("GOOD", 130), *pair("BEST", 170), *pair("LOSS", 60)]
    assert [account.good for account in find_profitable_pairs(pair_accounts(columns(rows)))] == ["BEST", "GOOD"]


def test_a_ships_time_is_that_in_visits_and_the_rest() -> None:
    (ship,) = ship_accounts(columns(LOAD))
    assert (ship.pairs, ship.visits, ship.transactions, ship.units) == (1, 2, 3, 40)
    assert (ship.spent, ship.earned) == (2040, 3000)
    assert (ship.hours, ship.visit_hours) == (0.5, 1 / 60)
    assert ship.transactions_an_hour == 4
    (beginner,) = ship_accounts(columns(LOAD[:1]))
    assert math.isnan(beginner.transactions_an_hour) and math.isnan(beginner.visit_share)


def test_nothing_recorded_is_no_account() -> None:
    assert pair_accounts(columns([])) == ship_accounts(columns([])) == []


TRADES = st.lists(
    st.builds(
        lambda side, units, price, ship, good: replace(
            trade(0, side, units, price, price + 1),
            ship_symbol=ship,
            pair_id=MarketPair.of(good, "A", "B").pair_id,
            visit_id=f"{ship}/{good}/{side}",
        ),
        st.sampled_from([BUY, SELL]),
        st.integers(1, 60),
        st.integers(1, 10_000),
        st.sampled_from(["A-1", "A-2"]),
        st.sampled_from(["IRON", "GOLD"]),
    ),
    min_size=1,
    max_size=12,
).map(lambda rows: [replace(row, timestamp=NOON + timedelta(seconds=i)) for i, row in enumerate(rows)])


@given(TRADES, st.randoms())
def test_accounts_add_up_to_the_rows_in_whatever_order_they_come(rows: list[TradeRecord], chance: Any) -> None:
    pairs, ships = pair_accounts(columns(rows)), ship_accounts(columns(rows))
    for accounts in (pairs, ships):
        assert sum(account.spent for account in accounts) == sum(r.total_credits for r in rows if r.operation is BUY)
        assert sum(account.earned for account in accounts) == sum(r.total_credits for r in rows if r.operation is SELL)
        assert sum(account.transactions for account in accounts) == len(rows)
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert str(pair_accounts(columns(shuffled))) == str(pairs)  # as text: NaN is not equal to itself
    assert ship_accounts(columns(shuffled)) == ships


@pytest.mark.parametrize("verb", [pair_accounts, ship_accounts])
def test_a_missing_column_is_named(verb: Any) -> None:
    with pytest.raises(Exception, match="visit_id"):
        verb({name: found for name, found in columns(LOAD).items() if name != "visit_id"})

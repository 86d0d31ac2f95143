"""What a ship does next: each rule by itself, on hand-made facts. Whole pairs are played in test_whole_pairs."""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.commands import (
    DockShipCommand,
    GetMarketQuery,
    NavigateShipCommand,
    PurchaseCargoCommand,
    SellCargoCommand,
)
from spacetraders_lab.core.experiment import Design, Step, TradeRecord
from spacetraders_lab.core.market import MarketSnapshot, Operation
from spacetraders_lab.core.protocol import (
    Action,
    Leftover,
    NoFunds,
    PairDone,
    PairFacts,
    PairFailed,
    cell_units,
    next_action,
    trade_command,
)
from spacetraders_lab.core.ship import NavStatus, Ship
from tests.factories import BUY_MARKET, GOOD, PAIR, SELL_MARKET, SHIP, make_good, make_record, make_ship, make_snapshot

ONE_CELL = Design(fractions=(0.5,), iterations=1)
TWO_CELLS = Design(fractions=(0.5,), iterations=2)
AT_BUY_MARKET = make_ship(waypoint=BUY_MARKET)
AT_SELL_MARKET = make_ship(waypoint=SELL_MARKET)


def live(waypoint: str, trade_volume: int = 60) -> MarketSnapshot:
    return make_snapshot(waypoint, [make_good(trade_volume=trade_volume)])


def bought(iteration: int = 1, units: int = 30, fraction: float = 0.5, **fields: Any) -> TradeRecord:
    return make_record(Operation.BUY, fraction, iteration, units, **fields)


def sold(iteration: int = 1, units: int = 30, part: int = 1) -> TradeRecord:
    return make_record(Operation.SELL, 0.5, iteration, units, part=part)


def holding(ship: Ship, units: int, **other: int) -> Ship:
    return replace(ship, inventory={GOOD: units} | other if units else other)


def act(ship: Ship, *records: TradeRecord, design: Design = TWO_CELLS, **facts: Any) -> Action:
    return next_action(PAIR, PairFacts(design, records, **facts), ship)


def buy(iteration: int = 1, units: int = 30, fraction: float = 0.5) -> Step:
    return Step(Operation.BUY, GOOD, BUY_MARKET, fraction, iteration, 1, units)


def sell(iteration: int = 1, units: int = 30, part: int = 1) -> Step:
    return Step(Operation.SELL, GOOD, SELL_MARKET, 0.5, iteration, part, units)


# The size of a cell


@pytest.mark.parametrize(
    ("trade_volume", "fraction", "units"),
    [
        (60, 0.1, 6),
        (60, 0.25, 15),
        (60, 1.0, 60),
        (5, 0.5, 3),  # 2.5 goes up
        (6, 0.25, 2),  # 1.5 goes up, as 2.5 does
        (10, 0.25, 3),
        (14, 0.1, 1),  # 1.4 goes down
        (4, 0.1, 1),  # 0.4 would be nothing, and a cell is at least one unit
        (1, 0.1, 1),
        (90, 0.35, 32),  # 31.5, which a float makes 31.499999999999996
        (50, 0.29, 15),
    ],
)
def test_a_cell_is_its_fraction_rounded_half_up_and_never_nothing(
    trade_volume: int, fraction: float, units: int
) -> None:
    assert cell_units(trade_volume, fraction) == units


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_a_cell_is_what_decimal_arithmetic_says_and_never_over_the_trade_volume(
    trade_volume: int, permille: int
) -> None:
    exact = int((Decimal(permille) / 1000 * trade_volume).to_integral_value(ROUND_HALF_UP))
    assert cell_units(trade_volume, permille / 1000) == max(1, exact) <= trade_volume


# Getting there


@pytest.mark.parametrize(
    ("ship", "action"),
    [
        (AT_SELL_MARKET, NavigateShipCommand(SHIP, BUY_MARKET)),
        (replace(AT_BUY_MARKET, status=NavStatus.IN_TRANSIT), NavigateShipCommand(SHIP, BUY_MARKET)),
        (replace(AT_BUY_MARKET, status=NavStatus.IN_ORBIT), DockShipCommand(SHIP)),
        (AT_BUY_MARKET, GetMarketQuery(BUY_MARKET)),
    ],
)
def test_a_purchase_needs_flight_dock_and_a_live_look(ship: Ship, action: Action) -> None:
    assert act(ship) == action


def test_what_is_known_of_another_market_is_no_look_at_this_one() -> None:
    assert act(AT_BUY_MARKET, market=live(SELL_MARKET)) == GetMarketQuery(BUY_MARKET)


def test_a_sale_needs_flight_dock_and_a_live_look_too() -> None:
    all_bought = [bought(1), bought(2)]
    at_sea, arrived = holding(AT_BUY_MARKET, 60), holding(AT_SELL_MARKET, 60)
    assert act(at_sea, *all_bought, market=live(BUY_MARKET)) == NavigateShipCommand(SHIP, SELL_MARKET)
    assert act(replace(arrived, status=NavStatus.IN_ORBIT), *all_bought) == DockShipCommand(SHIP)
    assert act(arrived, *all_bought) == GetMarketQuery(SELL_MARKET)
    assert act(arrived, *all_bought, market=live(SELL_MARKET)) == sell(1)


# Buying


def test_cells_are_bought_in_the_order_of_the_design() -> None:
    design = Design(fractions=(0.25, 0.1), iterations=2)
    at: dict[str, Any] = {"market": live(BUY_MARKET), "design": design}
    assert act(AT_BUY_MARKET, **at) == buy(1, 15, 0.25)
    rows = [bought(1, 15, 0.25), bought(2, 15, 0.25)]
    assert act(holding(AT_BUY_MARKET, 30), *rows, **at) == buy(1, 6, 0.1)


def test_a_cell_larger_than_the_hold_is_cut_to_it_and_counts_as_done() -> None:
    small = replace(AT_BUY_MARKET, cargo_capacity=20)
    assert act(small, design=ONE_CELL, market=live(BUY_MARKET)) == buy(1, 20)
    back = replace(small, waypoint=SELL_MARKET)
    assert act(back, bought(1, 20), sold(1, 20), design=ONE_CELL) == PairDone()


def test_other_cargo_makes_the_hold_smaller() -> None:
    crowded = holding(AT_BUY_MARKET, 0, FUEL=70)
    assert act(crowded, market=live(BUY_MARKET)) == buy(1, 10)


def test_a_cell_larger_than_the_space_left_waits_for_the_next_trip() -> None:
    nearly_full = holding(replace(AT_BUY_MARKET, cargo_capacity=59), 30)
    assert act(nearly_full, bought(1), market=live(BUY_MARKET)) == NavigateShipCommand(SHIP, SELL_MARKET)
    just_enough = replace(nearly_full, cargo_capacity=60)
    assert act(just_enough, bought(1), market=live(BUY_MARKET)) == buy(2)


@pytest.mark.parametrize(
    ("after", "action"),
    [
        (60, GetMarketQuery(BUY_MARKET)),
        (62, NavigateShipCommand(SHIP, SELL_MARKET)),
        (None, GetMarketQuery(BUY_MARKET)),
    ],
)
def test_whether_the_next_cell_fits_is_known_without_a_look_from_the_last_purchase(
    after: int | None, action: Action
) -> None:
    """The newest tradeVolume counts; where nobody read it after the trade, the one before it does."""
    ship = holding(replace(AT_BUY_MARKET, cargo_capacity=60), 30)
    assert act(ship, bought(1, trade_volume_before=60, trade_volume_after=after)) == action


def test_the_live_trade_volume_wins_over_the_recorded_one() -> None:
    ship = holding(replace(AT_BUY_MARKET, cargo_capacity=60), 30)
    assert act(ship, bought(1), market=live(BUY_MARKET, 66)) == NavigateShipCommand(SHIP, SELL_MARKET)


def test_what_was_seen_elsewhere_says_nothing_of_the_buy_market() -> None:
    ship = holding(replace(AT_BUY_MARKET, cargo_capacity=60), 30)
    assert act(ship, bought(1), market=live(SELL_MARKET, 200)) == GetMarketQuery(BUY_MARKET)


def test_no_room_in_the_hold_fails_the_pair_and_says_why() -> None:
    full = holding(AT_BUY_MARKET, 0, FUEL=80)
    failed = act(full, market=live(BUY_MARKET))
    assert isinstance(failed, PairFailed)
    assert "no room" in failed.reason
    assert "80" in failed.reason


def test_a_good_that_the_buy_market_has_not_fails_the_pair_and_says_where() -> None:
    bare = make_snapshot(BUY_MARKET, [make_good("FUEL")])
    assert act(AT_BUY_MARKET, market=bare) == PairFailed(f"{GOOD} is not traded at {BUY_MARKET}")


def test_a_good_that_vanishes_while_some_of_it_is_aboard_fails_the_pair_too() -> None:
    bare = make_snapshot(BUY_MARKET, [])
    action = act(holding(AT_BUY_MARKET, 30), bought(1), market=bare)
    assert action == PairFailed(f"{GOOD} is not traded at {BUY_MARKET}")


# Selling


def test_a_good_that_the_sell_market_has_not_fails_the_pair_and_says_where() -> None:
    bare = make_snapshot(SELL_MARKET, [])
    action = act(holding(AT_SELL_MARKET, 30), bought(1), market=bare)
    assert action == PairFailed(f"{GOOD} is not traded at {SELL_MARKET}")


def test_a_sale_is_split_at_the_sell_markets_trade_volume() -> None:
    rows, market, units = [bought(1)], live(SELL_MARKET, 13), 30
    for part, expected in enumerate((13, 13, 4), start=1):
        assert act(holding(AT_SELL_MARKET, units), *rows, market=market) == sell(1, expected, part)
        rows.append(sold(1, expected, part))
        units -= expected
    assert act(AT_SELL_MARKET, *rows, market=market) == NavigateShipCommand(SHIP, BUY_MARKET)


def test_what_was_bought_is_sold_cell_by_cell_in_the_order_of_the_purchases() -> None:
    rows = [bought(1), bought(2), sold(1)]
    assert act(holding(AT_SELL_MARKET, 30), *rows, market=live(SELL_MARKET)) == sell(2)


def test_at_the_sell_market_cargo_is_sold_though_more_could_be_bought() -> None:
    assert act(holding(AT_SELL_MARKET, 30), bought(1)) == GetMarketQuery(SELL_MARKET)


def test_a_sale_that_began_is_finished_before_the_next_purchase_wherever_the_ship_is() -> None:
    """A crash between two parts may leave the ship anywhere; buying more would mix two trips."""
    rows = [bought(1), sold(1, 13)]
    assert act(holding(AT_BUY_MARKET, 17), *rows, market=live(BUY_MARKET)) == NavigateShipCommand(SHIP, SELL_MARKET)


def test_the_pair_is_done_when_every_cell_is_bought_and_sold() -> None:
    rows = [bought(1), bought(2), sold(1), sold(2)]
    assert act(AT_SELL_MARKET, *rows) == PairDone()
    assert act(AT_SELL_MARKET, *rows, cannot_buy=True) == PairDone()
    assert act(holding(AT_SELL_MARKET, 30), *rows[:-1], market=live(SELL_MARKET)) == sell(2)


# Credits, giving up, leftovers


def test_without_credits_the_cargo_is_sold_first() -> None:
    ship = holding(AT_BUY_MARKET, 30)
    assert act(ship, bought(1), market=live(BUY_MARKET)) == buy(2)
    assert act(ship, bought(1), market=live(BUY_MARKET), cannot_buy=True) == NavigateShipCommand(SHIP, SELL_MARKET)


def test_without_credits_and_with_an_empty_hold_the_world_must_change() -> None:
    assert act(AT_BUY_MARKET, cannot_buy=True) == NoFunds()
    assert act(AT_SELL_MARKET, bought(1), sold(1), cannot_buy=True) == NoFunds()


def test_leftovers_go_before_everything_else_split_like_any_sale() -> None:
    leftover = Leftover("FUEL", 30, (SELL_MARKET, BUY_MARKET), parts=2)
    market = make_snapshot(SELL_MARKET, [make_good("FUEL", trade_volume=20), make_good()])
    facts: dict[str, Any] = {"leftovers": (leftover, Leftover("IRON", 1, (BUY_MARKET,))), "giving_up": "lost track"}
    aboard = holding(AT_SELL_MARKET, 30, FUEL=30)
    step = Step(Operation.SELL, "FUEL", SELL_MARKET, None, 0, part=3, units=20)
    assert act(aboard, bought(1), market=market, **facts) == step
    assert act(aboard, bought(1), **facts) == GetMarketQuery(SELL_MARKET)
    assert act(replace(aboard, waypoint=BUY_MARKET), bought(1), **facts) == NavigateShipCommand(SHIP, SELL_MARKET)


def test_a_leftover_that_its_market_does_not_take_fails_the_pair_and_says_where() -> None:
    action = act(AT_SELL_MARKET, market=live(SELL_MARKET), leftovers=(Leftover("FUEL", 3, (SELL_MARKET,)),))
    assert action == PairFailed(f"FUEL is not traded at {SELL_MARKET}")


def test_a_leftover_smaller_than_the_trade_volume_goes_at_once() -> None:
    action = act(AT_SELL_MARKET, market=live(SELL_MARKET), leftovers=(Leftover(GOOD, 7, (SELL_MARKET,)),))
    assert action == Step(Operation.SELL, GOOD, SELL_MARKET, None, 0, part=1, units=7)


def test_sold_leftovers_are_no_cell_of_the_pair() -> None:
    leftover = make_record(Operation.SELL, None, 0, 30)
    assert act(AT_BUY_MARKET, leftover, market=live(BUY_MARKET)) == buy(1)


def test_giving_up_fails_the_pair_with_its_reason_whatever_is_left_to_do() -> None:
    assert act(AT_BUY_MARKET, giving_up="the market is gone") == PairFailed("the market is gone")
    assert act(holding(AT_BUY_MARKET, 30), bought(1), giving_up="enough") == PairFailed("enough")


@pytest.mark.parametrize(
    ("step", "command"),
    [(buy(1, 7), PurchaseCargoCommand(SHIP, GOOD, 7)), (sell(1, 7), SellCargoCommand(SHIP, GOOD, 7))],
)
def test_a_step_is_carried_out_by_the_command_of_its_side(
    step: Step, command: PurchaseCargoCommand | SellCargoCommand
) -> None:
    assert trade_command(step, SHIP) == command

"""Visits with menus of their own, played by the protocol to the end and killed anywhere: placebo first, guards kept,
and every planned trade executed or skipped.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import Design, DesignName, Menu, Skip, SkipReason, Step, TradeRecord
from spacetraders_lab.core.ledger import cells_done
from spacetraders_lab.core.market import Activity, ListingType, MarketSnapshot, Operation, Supply
from spacetraders_lab.core.menus import grid_menu, visit_menu
from spacetraders_lab.core.protocol import (
    Action,
    NoFunds,
    PairDone,
    PairFacts,
    PlaceboReading,
    SkipTrades,
    next_action,
)
from tests.core.toy import ToyGame
from tests.factories import BUY_MARKET, GOOD, PAIR, SELL_MARKET, make_good, make_record, make_ship, make_snapshot

LADDER = Design(name=DesignName.LADDER)
SEEDED = Design(seeded=True)
THREE = Menu(((1.0, 1), (1.0, 2), (1.0, 3)), ((1.0, 1), (1.0, 2), (1.0, 3)))
BOUGHT, BOUGHT_AND_BRACKETED = make_ship(inventory={GOOD: 10}), {BUY_MARKET: 1}


@st.composite
def visits(draw: st.DrawFn) -> ToyGame:
    """A ladder or a seeded grid about to begin, at markets whose quotes move little or much with every trade."""
    volumes = (draw(st.integers(1, 60)), draw(st.integers(4, 60)))
    ship = make_ship(
        waypoint=draw(st.sampled_from([BUY_MARKET, SELL_MARKET])), cargo_capacity=draw(st.integers(1, 120))
    )
    step = draw(st.sampled_from([0, 1, 5]))
    source, target = make_good(trade_volume=volumes[0]), make_good(trade_volume=volumes[1])
    if draw(st.booleans()):
        menu = visit_menu(LADDER, 1, 0, source, target, ship.cargo_capacity)
        return ToyGame(LADDER, volumes, ship, menu=menu, steps_of_price=step)
    seeded = replace(SEEDED, iterations=draw(st.integers(1, 2)))
    menu = grid_menu(seeded, 1, draw(st.integers(0, 9)), source, target)
    return ToyGame(seeded, volumes, ship, menu=menu, steps_of_price=step)


def check(game: ToyGame) -> None:
    """Planned = executed + skipped, each once; the hold is empty; nothing was traded without a placebo before it."""
    assert game.menu is not None
    planned = Counter(game.menu.planned)
    executed = {(side, cell) for side in Operation for cell in cells_done(game.records, (), side)}
    skipped = [(skip.operation, skip.cell) for skip in game.skips]
    assert Counter([*executed, *skipped]) == planned
    assert game.ship.units_of(GOOD) == 0


@given(visits(), st.sets(st.integers(0, 60), max_size=20))
def test_killed_anywhere_every_planned_trade_is_executed_or_skipped(game: ToyGame, crashes: Collection[int]) -> None:
    assert game.play(crashes) == PairDone()
    check(game)


@given(visits())
def test_undisturbed_each_visit_begins_with_one_placebo_and_shares_its_readings(game: ToyGame) -> None:
    assert game.play() == PairDone()
    check(game)
    if not game.skips:
        assert game.brackets.total() == game.visits
        assert game.reads == len(game.records) + 2 * game.visits


@given(visits(), st.integers(0, 30))
def test_without_money_a_visit_sells_what_it_has_and_a_beginning_waits(game: ToyGame, broke_at: int) -> None:
    def go_broke(now: ToyGame) -> None:
        now.cannot_buy = now.actions >= broke_at

    ending = game.play(before=go_broke)
    assert game.ship.units_of(GOOD) == 0
    if ending == NoFunds():
        game.cannot_buy = False
        assert game.play() == PairDone()
    check(game)


# Each guard by itself


def act(*records: TradeRecord, menu: Menu = THREE, design: Design = LADDER, **facts: Any) -> Action:
    ship = make_ship(inventory={GOOD: 60 * len(records)} if records else {}, cargo_capacity=225)
    brackets = facts.pop("brackets", BOUGHT_AND_BRACKETED)
    return next_action(PAIR, PairFacts(design, records, own_menu=menu, brackets=brackets, **facts), ship)


def live(**good: Any) -> MarketSnapshot:
    return make_snapshot(BUY_MARKET, [make_good(**good)])


def bought(iteration: int = 1, **fields: Any) -> TradeRecord:
    return make_record(Operation.BUY, 1.0, iteration, 60, **fields)


def reason(action: Action) -> SkipReason:
    """The one reason for which all that is left of the purchases is skipped."""
    assert isinstance(action, SkipTrades)
    assert {skip.operation for skip in action.skips} == {Operation.BUY}
    (found,) = {skip.reason for skip in action.skips}
    return found


def test_a_visit_begins_with_a_placebo_reading() -> None:
    assert act(market=live(), brackets={}) == PlaceboReading(BUY_MARKET)
    assert isinstance(act(market=live()), Step)


def test_the_literal_grid_takes_none() -> None:
    assert isinstance(act(market=live(), brackets={}, design=Design(), menu=Design().menu), Step)


def test_a_listing_that_is_displaced_is_not_begun_at() -> None:
    menu = replace(THREE, highest_ask=60.0)
    assert isinstance(act(market=live(purchase_price=60), menu=menu), Step)
    assert reason(act(market=live(purchase_price=61), menu=menu)) is SkipReason.GUARD


def test_what_the_visit_itself_moves_is_judged_by_its_own_beginning() -> None:
    """Once begun, it ends when the quote is 0.35 in the logarithm beyond the first: 50 -> 70 is within, 71 beyond."""
    menu = replace(THREE, highest_ask=60.0)
    assert isinstance(act(bought(), market=live(purchase_price=70), menu=menu), Step)
    assert reason(act(bought(), market=live(purchase_price=71), menu=menu)) is SkipReason.GUARD


def test_a_visit_ends_when_another_player_has_traded() -> None:
    assert reason(act(bought(foreign_units=3), market=live())) is SkipReason.FOREIGN
    assert isinstance(act(bought(foreign_units=3), market=live(), menu=Design().menu, design=Design()), Step)


@pytest.mark.parametrize(
    ("supply", "kind", "quotes", "is_saturated"),
    [
        (Supply.SCARCE, ListingType.EXPORT, (50, 24), True),
        (Supply.SCARCE, ListingType.EXPORT, (51, 24), False),
        (Supply.SCARCE, ListingType.EXCHANGE, (50, 24), False),
        (Supply.MODERATE, ListingType.EXPORT, (50, 24), False),
    ],
)
def test_a_visit_ends_at_the_bound_of_the_quote(
    supply: Supply, kind: ListingType, quotes: tuple[int, int], is_saturated: bool
) -> None:
    last = bought(supply_before=supply, listing_type=kind)
    action = act(last, market=live(purchase_price=quotes[0], sell_price=quotes[1], activity=Activity.WEAK))
    assert isinstance(action, SkipTrades) is is_saturated
    if is_saturated:
        assert reason(action) is SkipReason.SATURATED


@pytest.mark.parametrize(("units", "is_saturated"), [(30, True), (29, False)])
def test_a_trade_of_less_than_half_a_trade_volume_shows_no_bound(units: int, is_saturated: bool) -> None:
    last = make_record(Operation.BUY, 0.5, 1, units, trade_volume_before=60, supply_before=Supply.SCARCE)
    still = live(purchase_price=last.purchase_price_before, sell_price=last.sell_price_before)
    assert isinstance(act(last, market=still), SkipTrades) is is_saturated


@pytest.mark.parametrize(("bid", "is_begun"), [(20, True), (19, False)])
def test_a_sale_is_not_begun_at_a_bid_that_has_fallen_too_far(bid: int, is_begun: bool) -> None:
    ship = make_ship(waypoint=SELL_MARKET, inventory={GOOD: 180}, cargo_capacity=225)
    market = make_snapshot(SELL_MARKET, [make_good(sell_price=bid)])
    records, brackets = tuple(bought(i) for i in (1, 2, 3)), {BUY_MARKET: 1, SELL_MARKET: 1}
    facts = PairFacts(LADDER, records, market, own_menu=replace(THREE, lowest_bid=20.0), brackets=brackets)
    action = next_action(PAIR, facts, ship)
    if is_begun:
        assert isinstance(action, Step) and action.operation is Operation.SELL
    else:
        assert action == SkipTrades(tuple(Skip(Operation.SELL, cell, SkipReason.GUARD) for cell in THREE.sells or ()))


def test_a_full_hold_ends_the_purchases_of_a_load() -> None:
    full = make_ship(inventory={GOOD: 60, "FUEL": 20})
    action = next_action(PAIR, PairFacts(LADDER, (bought(),), live(), own_menu=THREE, brackets={BUY_MARKET: 1}), full)
    assert reason(action) is SkipReason.CARGO


def test_what_was_not_bought_need_not_be_sold() -> None:
    skips = tuple(Skip(Operation.BUY, cell, SkipReason.GUARD) for cell in THREE.buys)
    action = act(market=live(), skips=skips)
    assert action == SkipTrades(tuple(Skip(Operation.SELL, c, SkipReason.ZERO_UNITS) for c in THREE.sells or ()))


def test_a_seeded_grid_that_cannot_be_sold_buys_no_more() -> None:
    """A bid that has fallen too far ends both sides; what is aboard is sold as a leftover."""
    good = make_good(trade_volume=10)
    menu = grid_menu(SEEDED, 0, 0, good, good)
    game = ToyGame(SEEDED, (10, 10), make_ship(cargo_capacity=10), menu=menu, steps_of_price=3)
    assert game.play() == PairDone()
    check(game)
    guarded = [skip for skip in game.skips if skip.reason is SkipReason.GUARD]
    assert {skip.operation for skip in guarded} == set(Operation)
    assert any(row.batch_size_fraction is None for row in game.records)

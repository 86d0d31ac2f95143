"""Menus: what a visit trades fits the hold, the tradeVolumes and the market's limits, whatever these are."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import Design, DesignName, Menu, MenuKind
from spacetraders_lab.core.market import ListingType, Operation, TradeGood
from spacetraders_lab.core.menus import MOST_VOLUMES, expected_move, grid_menu, planned_skips, visit_menu
from spacetraders_lab.core.planning import loads
from spacetraders_lab.core.protocol import cell_units
from tests.factories import make_good

LADDER, ADAPTIVE = Design(name=DesignName.LADDER), Design(name=DesignName.ADAPTIVE)
EVEN = make_good(type=ListingType.IMPORT, trade_volume=20, purchase_price=60, sell_price=28)  # moves little
volumes, holds = st.integers(1, 200), st.integers(1, 225)


def exports(trade_volume: int, ask: int = 1000) -> TradeGood:
    return make_good(type=ListingType.EXPORT, trade_volume=trade_volume, purchase_price=ask, sell_price=ask // 2 - 10)


def imports(trade_volume: int, bid: int = 1200) -> TradeGood:
    return make_good(type=ListingType.IMPORT, trade_volume=trade_volume, purchase_price=2 * bid + 40, sell_price=bid)


def units(menu: Menu, source: TradeGood, target: TradeGood) -> tuple[list[int], list[int]]:
    assert menu.sells is not None
    bought = [cell_units(source.trade_volume, fraction) for fraction, _ in menu.buys]
    return bought, [cell_units(target.trade_volume, fraction) for fraction, _ in menu.sells]


def test_a_ladder_by_hand() -> None:
    """A hold of 40: two whole 16s and a half; sold at 20 in two; at 10 in four."""
    assert units(visit_menu(LADDER, 0, 0, exports(16), imports(20), 40), exports(16), imports(20))[0] == [16, 16, 8]
    assert units(visit_menu(LADDER, 0, 0, exports(16), imports(20), 40), exports(16), imports(20))[1] == [20, 20]
    assert units(visit_menu(LADDER, 0, 0, exports(20), imports(10), 80), exports(20), imports(10)) == (
        [20, 20],
        [10] * 4,
    )
    assert units(visit_menu(LADDER, 0, 0, exports(60), imports(60), 40), exports(60), imports(60)) == (
        [20, 20],
        [20, 20],
    )


@given(st.integers(0, 99), st.sampled_from([LADDER, ADAPTIVE]), volumes, volumes, holds)
def test_a_visit_is_one_load_that_is_wholly_sold(
    number: int, design: Design, buy_volume: int, sell_volume: int, hold: int
) -> None:
    source, target = exports(buy_volume), imports(sell_volume)
    menu = visit_menu(design, 5, number, source, target, hold)
    (load,) = loads(menu, buy_volume, sell_volume, hold)
    assert sum(load.purchases) == sum(load.sales) <= hold
    assert all(size <= buy_volume for size in load.purchases)
    assert all(size <= sell_volume for size in load.sales)
    assert len(set(menu.planned)) == len(menu.planned)
    for total, volume in ((sum(load.purchases), buy_volume), (sum(load.sales), sell_volume)):
        assert total <= MOST_VOLUMES * volume


@given(volumes, volumes, st.integers(2, 225))
def test_a_ladder_has_two_rungs_at_least_on_each_side(buy_volume: int, sell_volume: int, hold: int) -> None:
    bought, sold = units(
        visit_menu(LADDER, 0, 0, exports(buy_volume), imports(sell_volume), hold),
        exports(buy_volume),
        imports(sell_volume),
    )
    assert len(bought) >= 2 or sum(bought) == 1
    assert len(sold) >= 2 or sum(bought) == 1


def test_one_adaptive_visit_of_five_asks_for_the_exponent() -> None:
    kinds = [visit_menu(ADAPTIVE, 3, n, exports(20), imports(20), 80).kind for n in range(100)]
    assert all(Counter(kinds[i : i + 5])[MenuKind.EXPONENT] == 1 for i in range(0, 100, 5))
    assert len({kinds.index(MenuKind.EXPONENT, i) % 5 for i in range(0, 95, 5)}) > 1
    ladders = [visit_menu(LADDER, 3, n, exports(20), imports(20), 80).kind for n in range(20)]
    assert set(ladders) == {MenuKind.PRECISION}


def test_exponent_visits_trade_every_size_in_every_place() -> None:
    menus = [visit_menu(ADAPTIVE, 3, n, exports(20), imports(20), 80) for n in range(90)]
    orders = [tuple(f for f, _ in menu.buys) for menu in menus if menu.kind is MenuKind.EXPONENT]
    assert len(orders) == 18
    assert all(sorted(order) == [0.25, 0.5, 1.0] for order in orders)
    sales = [tuple(f for f, _ in menu.sells or ()) for menu in menus if menu.kind is MenuKind.EXPONENT]
    assert all(sorted(sold) == sorted(bought) and sold != bought for bought, sold in zip(orders, sales, strict=True))
    for place in range(3):
        assert set(Counter(order[place] for order in orders).values()) == {6}


@given(st.integers(0, 1000), st.integers(0, 400))
def test_the_seeded_grid_trades_the_grids_cells_in_another_order(seed: int, number: int) -> None:
    menu = grid_menu(Design(), seed, number, EVEN, EVEN)
    assert sorted(menu.buys) == sorted(Design().cells)
    assert menu.sells is None
    assert menu == grid_menu(Design(), seed, number, EVEN, EVEN)


def test_over_the_pairs_of_a_seeded_grid_every_size_is_first_equally_often() -> None:
    first = Counter(grid_menu(Design(), 9, number, EVEN, EVEN).buys[0][0] for number in range(40))
    assert set(first.values()) == {10}


def test_guards_are_set_a_quarter_from_the_quotes_seen() -> None:
    source, target = exports(20, ask=1000), imports(20, bid=1250)
    for menu in (visit_menu(LADDER, 0, 0, source, target, 40), grid_menu(Design(seeded=True), 0, 0, source, target)):
        assert (menu.highest_ask, menu.lowest_bid) == (1250.0, 1000.0)


def test_sizes_too_small_to_move_a_quote_are_left_out_and_the_largest_never() -> None:
    cheap = make_good(trade_volume=20, purchase_price=60, sell_price=28)
    dear = exports(20, ask=9000)
    menu = Design().menu
    assert expected_move(cheap, Operation.BUY, cell_units(20, 0.1)) < 1
    left_out = {(skip.operation, skip.cell[0]) for skip in planned_skips(menu, cheap, EVEN)}
    assert (Operation.BUY, 0.1) in left_out
    assert (Operation.SELL, 0.1) in left_out
    still = make_good(type=ListingType.EXCHANGE, trade_volume=20, purchase_price=20, sell_price=18)
    assert {skip.cell[0] for skip in planned_skips(menu, still, still)} == {0.1, 0.25, 0.5}
    assert planned_skips(menu, dear, imports(20, bid=9000)) == ()


def test_what_is_left_out_is_not_traded() -> None:
    menu = Design().menu
    skips = planned_skips(menu, make_good(trade_volume=20, purchase_price=60, sell_price=28), EVEN)
    rest = menu.without(skips)
    assert set(rest.buys) == set(menu.buys) - {skip.cell for skip in skips}

"""Whole pairs played by the protocol to the end, killed anywhere on the way: every cell is bought and sold, once."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from math import ceil

from hypothesis import example, given
from hypothesis import strategies as st

from spacetraders_lab.core.experiment import Design
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.protocol import NoFunds, PairDone, cell_units
from spacetraders_lab.core.ship import NavStatus
from tests.core.toy import ToyGame
from tests.factories import BUY_MARKET, GOOD, SELL_MARKET, make_ship

designs = st.builds(
    Design,
    fractions=st.lists(st.integers(1, 100).map(lambda n: n / 100), min_size=1, max_size=4, unique=True).map(tuple),
    iterations=st.integers(1, 3),
)


@st.composite
def games(draw: st.DrawFn, leftovers: bool = False) -> ToyGame:
    """A pair about to begin, anywhere, with other cargo aboard as long as there is room for a unit."""
    volume = draw(st.integers(1, 200))
    # a sale in hundreds of parts would only take longer
    volumes = (volume, draw(st.integers(max(1, volume // 16), 200)))
    hold = draw(st.integers(1, 225))
    other = draw(st.integers(0, hold - 1))
    aboard = {"FUEL": other} if other else {}
    if leftovers:
        aboard[GOOD] = draw(st.integers(1, hold - other))
    ship = make_ship(
        waypoint=draw(st.sampled_from([BUY_MARKET, SELL_MARKET, "X1-GZ7-C3"])),
        status=draw(st.sampled_from(NavStatus)),
        cargo_capacity=hold,
        inventory=aboard,
    )
    return ToyGame(draw(designs), volumes, ship)


crash_points = st.sets(st.integers(0, 60), max_size=20)


def cells_of(game: ToyGame) -> tuple[Counter[tuple[float | None, int]], Counter[tuple[float | None, int]]]:
    """Units bought and units sold of every cell (None is a leftover)."""
    totals: dict[Operation, Counter[tuple[float | None, int]]] = {operation: Counter() for operation in Operation}
    for row in game.records:
        totals[row.operation][row.batch_size_fraction, row.iteration] += row.units
    return totals[Operation.BUY], totals[Operation.SELL]


def check_the_books(game: ToyGame) -> None:
    """Every cell bought once, in order, and sold as bought; the hold as it was but for the good; rows all distinct."""
    purchases = [(row.batch_size_fraction, row.iteration) for row in game.records if row.operation is Operation.BUY]
    units_bought, units_sold = cells_of(game)
    assert purchases == list(game.design.cells)
    assert Counter({cell: n for cell, n in units_sold.items() if cell != (None, 0)}) == units_bought
    assert game.ship.units_of(GOOD) == 0
    assert len(game.steps()) == len({(row[0], row[1], row[2], row[3]) for row in game.steps()})
    assert all(row.units <= row.trade_volume_before for row in game.records)
    assert all(row.cargo_units <= row.cargo_capacity for row in game.records)


@given(games())
@example(ToyGame(trade_volumes=(200, 12), ship=make_ship(cargo_capacity=1)))
@example(ToyGame(trade_volumes=(1, 1), ship=make_ship(cargo_capacity=225)))
def test_every_pair_is_measured_whole_at_the_least_requests(game: ToyGame) -> None:
    other, begins_there = game.ship.units_of("FUEL"), game.ship.waypoint == BUY_MARKET
    assert game.play() == PairDone()
    check_the_books(game)
    assert game.ship.units_of("FUEL") == other
    assert game.reads == len(game.records) + game.visits, "one look before the first trade of a visit, one after each"
    assert game.flights == game.visits - begins_there
    assert game.actions <= len(game.records) + 3 * game.visits


@given(games())
def test_a_cell_is_cut_only_by_an_otherwise_empty_hold(game: ToyGame) -> None:
    """What is bought is the cell's size, or all the room that the ship has for the pair where that is less."""
    room = game.ship.free_space
    game.play()
    for (fraction, _), units in cells_of(game)[0].items():
        assert fraction is not None
        assert units == min(cell_units(game.trade_volumes[0], fraction), room)


@given(games(), crash_points)
def test_killed_anywhere_it_does_the_same_trades_in_the_same_order(game: ToyGame, crashes: Collection[int]) -> None:
    undisturbed = ToyGame(game.design, game.trade_volumes, game.ship)
    assert undisturbed.play() == game.play(crashes) == PairDone()
    check_the_books(game)
    assert game.steps() == undisturbed.steps()
    assert game.actions <= undisturbed.actions + 2 * len(crashes), "a crash costs a look, or a flight looked after"


def test_killed_at_each_action_of_the_grid() -> None:
    undisturbed = ToyGame()
    undisturbed.play()
    assert undisturbed.actions > 24
    for crash in range(undisturbed.actions):
        game = ToyGame()
        assert game.play({crash}) == PairDone()
        assert game.steps() == undisturbed.steps()


def test_killed_at_every_second_action() -> None:
    undisturbed, game = ToyGame(), ToyGame()
    assert undisturbed.play() == game.play(range(1, 1000, 2)) == PairDone()
    assert game.steps() == undisturbed.steps()


@given(games(), crash_points, st.dictionaries(st.integers(0, 60), st.sampled_from([BUY_MARKET, SELL_MARKET])))
def test_trade_volumes_that_grow_under_way_break_nothing(
    game: ToyGame, crashes: Collection[int], growths: dict[int, str]
) -> None:
    """Cells follow the live tradeVolume; a sale begun at a small one may end at a larger one."""

    def grow(now: ToyGame) -> None:
        if market := growths.get(now.actions):
            good = now.goods[market]
            now.goods[market] = replace(good, trade_volume=ceil(1.1 * good.trade_volume))

    assert game.play(crashes, before=grow) == PairDone()
    check_the_books(game)


@given(games(leftovers=True), crash_points)
def test_leftovers_are_sold_first_once_and_apart_from_the_cells(game: ToyGame, crashes: Collection[int]) -> None:
    aboard = game.ship.units_of(GOOD)
    assert game.play(crashes) == PairDone()
    check_the_books(game)
    assert cells_of(game)[1][None, 0] == aboard
    leftovers = [row for row in game.records if row.batch_size_fraction is None]
    assert game.records[: len(leftovers)] == leftovers


@given(games(), st.integers(0, 60), crash_points)
def test_when_credits_run_out_it_sells_waits_and_goes_on_later(
    game: ToyGame, broke_at: int, crashes: Collection[int]
) -> None:
    def go_broke(now: ToyGame) -> None:
        now.cannot_buy = now.actions >= broke_at

    ending = game.play(crashes, before=go_broke)
    unsold = len(game.design.cells) - len(cells_of(game)[1])
    assert ending == (NoFunds() if unsold else PairDone())
    assert game.ship.units_of(GOOD) == 0
    game.cannot_buy = False
    assert game.play(crashes) == PairDone()
    check_the_books(game)


def test_the_grid_in_a_hold_of_eighty() -> None:
    """By hand: 3x6 + 3x15 = 63, then a 30 does not fit; 30 + 30; 30, and a 60 does not fit; 60; 60; 60."""
    game = ToyGame(ship=make_ship(cargo_capacity=80))
    game.play()
    trips: list[list[int]] = []
    for before, row in zip([None, *game.records], game.records, strict=False):
        if row.operation is Operation.BUY:
            if before is None or before.operation is Operation.SELL:
                trips.append([])
            trips[-1].append(row.units)
    assert trips == [[6, 6, 6, 15, 15, 15], [30, 30], [30], [60], [60], [60]]
    assert (len(game.records), game.visits, game.flights, game.reads) == (24, 12, 11, 36)

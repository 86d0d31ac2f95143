"""What is traded at one visit, drawn before the run begins or while it goes on: sizes, their order, and the guards.

Source of the sizes: for impact alone the largest size tells most; whether impact is proportional to size is told by a
quarter, a half and the whole (locally D-optimal is e^(-1/b) of the largest), in random order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from spacetraders_lab.core.draws import draw, williams_row
from spacetraders_lab.core.experiment import Cell, Design, DesignName, MarketPair, Menu, MenuKind, Skip, SkipReason
from spacetraders_lab.core.market import ListingKey, Operation, TradeGood
from spacetraders_lab.core.prior import expected_listing
from spacetraders_lab.core.protocol import cell_units

MOST_VOLUMES = 4  # tradeVolumes that a visit moves a listing by
LARGEST_DISPLACEMENT = 1.25  # of a quote against its reference, for a visit to begin
EXPONENT_SIZES = (0.25, 0.5, 1.0)
VISITS_A_BLOCK = 5  # of which one is an exponent visit


def grid_menu(design: Design, seed: int, number: int, source: TradeGood, target: TradeGood) -> Menu:
    """The grid's cells for pair `number`: each iteration takes the sizes in the next row of a Williams square.

    `source` and `target` are as quoted when the pair is planned: the guards are set against these quotes.
    """
    start = int(1000 * draw(seed, "grid")) + number * design.iterations
    cells = tuple(
        (fraction, iteration)
        for iteration in range(1, design.iterations + 1)
        for fraction in williams_row(design.fractions, start + iteration)
    )
    return _guarded(Menu(cells), source, target)


def visit_menu(design: Design, seed: int, number: int, source: TradeGood, target: TradeGood, hold: int) -> Menu:
    """The menu of visit `number` of a run, for one load from `source` to `target` in a hold of so many units.

    Both are as quoted when the visit is planned: the guards are set against these quotes.
    """
    is_exponent = design.name is DesignName.ADAPTIVE and _is_exponent_visit(seed, number)
    buys, sells = (_exponent_cells if is_exponent else _precision_cells)(seed, number, source, target, hold)
    return _guarded(Menu(buys, sells, MenuKind.EXPONENT if is_exponent else MenuKind.PRECISION), source, target)


def draw_menus(
    pairs: Sequence[MarketPair],
    quotes: Mapping[ListingKey, TradeGood],
    draw_one: Callable[[int, TradeGood, TradeGood], Menu],
    first: int = 0,
) -> tuple[dict[str, Menu], dict[str, tuple[Skip, ...]]]:
    """The menus of the pairs, numbered from `first` on, and the sizes that are left out of each; both by pair_id."""
    menus, skips = {}, {}
    for number, pair in enumerate(pairs, first):
        source, target = (quotes[listing] for listing in pair.listings)
        menus[pair.pair_id] = draw_one(number, source, target)
        skips[pair.pair_id] = planned_skips(menus[pair.pair_id], source, target)
    return menus, skips


def load_sizes(source: TradeGood, target: TradeGood, hold: int) -> tuple[list[int], list[int]]:
    """Units of each purchase and of each sale of a precision visit: full tradeVolumes, as many as fit.

    Two trades a side at least, because one step alone does not show a curve.
    """
    load = min(hold, MOST_VOLUMES * source.trade_volume, MOST_VOLUMES * target.trade_volume)
    bought = _steps(load, source.trade_volume, least_rest=source.trade_volume / 2)
    return bought, _steps(sum(bought), target.trade_volume, least_rest=1)


def planned_skips(menu: Menu, source: TradeGood, target: TradeGood) -> tuple[Skip, ...]:
    """Sizes below the largest that would not move a quote by a credit: they are left out from the beginning.

    A load is sold all the same, so only its purchases are judged; the grid's cells are bought and sold or neither.
    """
    largest = max(fraction for fraction, _ in menu.buys)
    sides = [(Operation.BUY, source)] if menu.sells is not None else [(Operation.BUY, source), (Operation.SELL, target)]
    tiny = [
        cell
        for cell in menu.buys
        if cell[0] < largest
        and all(expected_move(good, side, cell_units(source.trade_volume, cell[0])) < 1 for side, good in sides)
    ]
    return tuple(Skip(side, cell, SkipReason.ZERO_TICK) for side, _ in sides for cell in tiny)


def expected_move(good: TradeGood, side: Operation, units: int) -> float:
    """Credits by which a trade of so many units is expected to move its own quote, unrounded."""
    now = expected_listing(good)
    if side is Operation.BUY:
        return abs(now.after_trade(units).ask - now.ask)
    return abs(now.after_trade(-units).bid - now.bid)


def _guarded(menu: Menu, source: TradeGood, target: TradeGood) -> Menu:
    """The menu with the quotes beyond which neither side of it is begun."""
    return replace(
        menu,
        highest_ask=source.purchase_price * LARGEST_DISPLACEMENT,
        lowest_bid=target.sell_price / LARGEST_DISPLACEMENT,
    )


def _is_exponent_visit(seed: int, number: int) -> bool:
    block, place = divmod(number, VISITS_A_BLOCK)
    return place == int(VISITS_A_BLOCK * draw(seed, "exponent visit", block))


def _precision_cells(
    seed: int, number: int, source: TradeGood, target: TradeGood, hold: int
) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    bought, sold = load_sizes(source, target, hold)
    return _cells(bought, source.trade_volume), _cells(sold, target.trade_volume)


def _exponent_cells(
    seed: int, number: int, source: TradeGood, target: TradeGood, hold: int
) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """A quarter, a half and the whole of the largest size whose sum fits; each side in an order of its own."""
    whole = max(1, min(source.trade_volume, target.trade_volume, int(hold / sum(EXPONENT_SIZES))))
    start = int(1000 * draw(seed, "exponent order"))
    sides = []
    for side, good in ((0, source), (1, target)):
        sizes = williams_row(EXPONENT_SIZES, start + number // VISITS_A_BLOCK + len(EXPONENT_SIZES) * side)
        sides.append(_cells([cell_units(whole, size) for size in sizes], good.trade_volume))
    return sides[0], sides[1]


def _steps(load: int, trade_volume: int, *, least_rest: float) -> list[int]:
    """The load in tradeVolumes and a rest that is worth a trade."""
    full, rest = divmod(load, trade_volume)
    if full < 2:
        return [units for units in ((load + 1) // 2, load // 2) if units]
    return [trade_volume] * full + ([rest] if rest >= least_rest else [])


def _cells(units: list[int], trade_volume: int) -> tuple[Cell, ...]:
    """Sizes as fractions of the tradeVolume; equal ones are told apart by their iteration."""
    fractions = [round(size / trade_volume, 6) for size in units]
    return tuple((fraction, fractions[: i + 1].count(fraction)) for i, fraction in enumerate(fractions))

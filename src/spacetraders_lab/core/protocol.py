"""The heart: what a ship does next for its pair, from what is recorded and from nothing else.

`next_action` never sees a socket or a clock, so a worker that was killed anywhere starts again by reading the facts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from types import MappingProxyType

from spacetraders_lab.core.commands import (
    DockShipCommand,
    GetMarketQuery,
    NavigateShipCommand,
    PurchaseCargoCommand,
    SellCargoCommand,
    TradeCommand,
)
from spacetraders_lab.core.experiment import (
    Cell,
    Design,
    MarketPair,
    Menu,
    Skip,
    SkipReason,
    Step,
    TradeRecord,
)
from spacetraders_lab.core.ledger import HeldCell, cells_left, held_cells
from spacetraders_lab.core.market import ListingType, MarketSnapshot, Operation, Supply, TradeGood
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import round_half_up

# Beyond this log move from the first quote of a visit the next trade would measure the bound of the quote.
FURTHEST_LOG_MOVE = 0.35


@dataclass(frozen=True, slots=True)
class Leftover:
    """Cargo of the run that no cell of this take will sell, with the markets that may take it, best first.

    `parts` counts the leftover sales of the good that this take has recorded.
    """

    good_symbol: str
    units: int
    markets: tuple[str, ...]
    parts: int = 0


@dataclass(frozen=True, slots=True)
class PairFacts:
    """All that `next_action` may look at.

    `records` are the rows of this take, oldest first. `market` is the live state of the market where the ship
    is: read since its arrival and since its last trade there, else None. `cannot_buy` says that the purse or
    the budget refused the next purchase, `giving_up` why the pair must fail; what it holds is then a leftover.
    `skips` are the planned trades that this take leaves out; `brackets` counts the placebo brackets that it has
    taken at each market.
    """

    design: Design
    records: tuple[TradeRecord, ...] = ()
    market: MarketSnapshot | None = None
    leftovers: tuple[Leftover, ...] = ()
    cannot_buy: bool = False
    giving_up: str | None = None
    own_menu: Menu | None = None
    skips: tuple[Skip, ...] = ()
    brackets: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def menu(self) -> Menu:
        """What the pair is traded at."""
        return self.own_menu or self.design.menu


@dataclass(frozen=True, slots=True)
class PairDone:
    """Every cell is bought and sold."""


@dataclass(frozen=True, slots=True)
class PairFailed:
    """The pair cannot be measured, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoRoom(PairFailed):
    """The hold is full of what is not the pair's: where nothing can be done about that, the ship is to blame."""


@dataclass(frozen=True, slots=True)
class NoFunds:
    """Nothing is aboard that could be sold, and the next purchase cannot be paid: wait for the world to change."""


@dataclass(frozen=True, slots=True)
class PlaceboReading:
    """Read the market once more, as long after the last reading as a trade would take: the placebo bracket."""

    waypoint: str


@dataclass(frozen=True, slots=True)
class SkipTrades:
    """Write down that these planned trades will not take place."""

    skips: tuple[Skip, ...]


Action = (
    NavigateShipCommand
    | DockShipCommand
    | GetMarketQuery
    | PlaceboReading
    | Step
    | SkipTrades
    | PairDone
    | PairFailed
    | NoFunds
)


def cell_units(trade_volume: int, fraction: float) -> int:
    """Units of a cell: the fraction of the tradeVolume rounded half up, at least one."""
    # 0.35 x 90 is 31.5 to everybody but a float, which has 31.499999999999996
    return max(1, round_half_up(round(trade_volume * fraction, 9)))


def transactions(units: int, trade_volume: int) -> list[int]:
    """Units as the fewest transactions that the market allows, full ones first."""
    full, rest = divmod(units, trade_volume)
    return [trade_volume] * full + ([rest] if rest else [])


def trade_command(step: Step, ship_symbol: str) -> TradeCommand:
    """The command that carries out a step."""
    kind = PurchaseCargoCommand if step.operation is Operation.BUY else SellCargoCommand
    return kind(ship_symbol, step.good_symbol, step.units)


def next_action(pair: MarketPair, facts: PairFacts, ship: Ship) -> Action:
    """What the ship does next for the pair; a pure function of the recorded facts and the ship's state.

    Leftovers go first. Then cells are bought in the menu's order while the next one fits, flown to the sell market and
    sold, and so on until every planned trade is executed or skipped.
    """
    if facts.leftovers:
        return _sell_leftover(facts.leftovers[0], facts, ship)
    if facts.giving_up:
        return PairFailed(facts.giving_up)
    held = held_cells(facts.menu, facts.records, facts.skips)
    todo = cells_left(facts.menu, facts.records, facts.skips, Operation.BUY)
    if held and _must_sell(pair, facts, ship, todo):
        return _sell(pair, held[0], facts, ship)
    if todo:
        return _buy(pair, todo, facts, ship)
    return _skip(facts, SkipReason.ZERO_UNITS, Operation.SELL) or PairDone()


def _must_sell(pair: MarketPair, facts: PairFacts, ship: Ship, todo: Sequence[Cell]) -> bool:
    """With cargo aboard: is it time to sell it, or is there more to buy first?"""
    if facts.menu.sells is not None:
        return not todo
    selling_already = facts.records[-1].operation is Operation.SELL or ship.waypoint == pair.sell_market
    if selling_already or facts.cannot_buy or not todo:
        return True
    return cell_units(_known_trade_volume(pair, facts), todo[0][0]) > ship.free_space


def _skip(facts: PairFacts, reason: SkipReason, *sides: Operation) -> SkipTrades | None:
    """Leave out all that is left of these sides; None when nothing is."""
    skips = tuple(
        Skip(side, cell, reason) for side in sides for cell in cells_left(facts.menu, facts.records, facts.skips, side)
    )
    return SkipTrades(skips) if skips else None


def _known_trade_volume(pair: MarketPair, facts: PairFacts) -> int:
    """The buy market's tradeVolume: from the live market when the ship is there, else as last recorded."""
    if facts.market is not None and facts.market.waypoint == pair.buy_market:
        good = facts.market.goods.get(pair.good_symbol)
        if good is not None:
            return good.trade_volume
    last = [row for row in facts.records if row.operation is Operation.BUY][-1]
    return last.trade_volume_after or last.trade_volume_before


def _buy(pair: MarketPair, todo: Sequence[Cell], facts: PairFacts, ship: Ship) -> Action:
    # what a single load already holds is worth selling without the rest
    may_skip = facts.menu.sells is not None and any(row.operation is Operation.BUY for row in facts.records)
    if facts.cannot_buy:
        return (_skip(facts, SkipReason.CREDITS, Operation.BUY) if may_skip else None) or NoFunds()
    if ship.free_space < 1:  # seen before anything is flown
        full = f"no room in the hold of {ship.symbol}: {ship.cargo_units} units of other cargo are aboard"
        return (_skip(facts, SkipReason.CARGO, Operation.BUY) if may_skip else None) or NoRoom(full)
    listing = _ready_to_trade(pair.buy_market, Operation.BUY, pair.good_symbol, facts, ship)
    if not isinstance(listing, TradeGood):
        return listing
    units = min(cell_units(listing.trade_volume, todo[0][0]), ship.free_space)
    return Step(Operation.BUY, pair.good_symbol, pair.buy_market, *todo[0], part=1, units=units)


def _sell(pair: MarketPair, cell: HeldCell, facts: PairFacts, ship: Ship) -> Action:
    listing = _ready_to_trade(pair.sell_market, Operation.SELL, pair.good_symbol, facts, ship)
    if not isinstance(listing, TradeGood):
        return listing
    most = listing.trade_volume
    if facts.menu.sells is not None:
        most = min(most, cell_units(most, cell.fraction))
    return Step(
        Operation.SELL,
        pair.good_symbol,
        pair.sell_market,
        cell.fraction,
        cell.iteration,
        part=cell.parts_sold + 1,
        units=min(cell.units, most),
    )


def _ready_to_trade(market: str, side: Operation, good: str, facts: PairFacts, ship: Ship) -> TradeGood | Action:
    """The live listing once a measured trade may be made there, or what must be done first, or the end of this side."""
    listing = _at_market(market, good, facts, ship)
    if not isinstance(listing, TradeGood) or facts.design.is_literal:
        return listing
    rows = [row for row in facts.records if row.batch_size_fraction is not None]
    if facts.brackets.get(market, 0) < _visits(rows, side):
        return PlaceboReading(market)
    reason = _why_stop(listing, side, facts.menu, rows)
    if reason is None:
        return listing
    # what cannot be sold in measured steps need not be bought
    return _skip(facts, reason, *(Operation if side is Operation.SELL else [side])) or listing


def _visits(rows: Sequence[TradeRecord], side: Operation) -> int:
    """How often the take has come to trade on this side, the visit under way or about to begin included."""
    sides = [operation for operation, _ in groupby(rows, key=lambda row: row.operation)]
    return sides.count(side) + (not sides or sides[-1] is not side)


def _why_stop(listing: TradeGood, side: Operation, menu: Menu, rows: Sequence[TradeRecord]) -> SkipReason | None:
    """Why nothing more should be measured on this side of the listing now; the guards of the design."""
    visit = list(takewhile(lambda row: row.operation is side, reversed(rows)))
    if not visit:
        return SkipReason.GUARD if _is_displaced(listing, side, menu) else None
    last, first = visit[0], visit[-1]
    if last.foreign_units:
        return SkipReason.FOREIGN
    then, now = first.price_before, listing.price(side)
    low, high = (then, now) if side is Operation.BUY else (now, then)
    if high > low * math.exp(FURTHEST_LOG_MOVE):
        return SkipReason.GUARD
    return SkipReason.SATURATED if _is_saturated(last, listing) else None


def _is_displaced(listing: TradeGood, side: Operation, menu: Menu) -> bool:
    if side is Operation.BUY:
        return menu.highest_ask is not None and listing.purchase_price > menu.highest_ask
    return menu.lowest_bid is not None and listing.sell_price < menu.lowest_bid


def _is_saturated(last: TradeRecord, listing: TradeGood) -> bool:
    """Whether half a tradeVolume or more moved neither quote of a listing that was empty (or full) already.

    An EXCHANGE moves so little that standing still says nothing.
    """
    bound = Supply.SCARCE if last.operation is Operation.BUY else Supply.ABUNDANT
    stood = (last.purchase_price_before, last.sell_price_before) == (listing.purchase_price, listing.sell_price)
    is_large = 2 * last.units >= last.trade_volume_before
    return stood and is_large and last.supply_before is bound and last.listing_type is not ListingType.EXCHANGE


def _sell_leftover(leftover: Leftover, facts: PairFacts, ship: Ship) -> Action:
    market = leftover.markets[0]
    listing = _at_market(market, leftover.good_symbol, facts, ship)
    if not isinstance(listing, TradeGood):
        return listing
    units = min(leftover.units, listing.trade_volume)
    return Step(Operation.SELL, leftover.good_symbol, market, None, 0, part=leftover.parts + 1, units=units)


def _at_market(market: str, good: str, facts: PairFacts, ship: Ship) -> TradeGood | Action:
    """The live listing at the market, or what must be done first to have it."""
    if ship.waypoint != market or ship.status is NavStatus.IN_TRANSIT:
        return NavigateShipCommand(ship.symbol, market)
    if ship.status is not NavStatus.DOCKED:
        return DockShipCommand(ship.symbol)
    if facts.market is None or facts.market.waypoint != market:
        return GetMarketQuery(market)
    return facts.market.goods.get(good) or PairFailed(f"{good} is not traded at {market}")

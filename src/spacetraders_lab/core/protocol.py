"""The heart: what a ship does next for its pair, from what is recorded and from nothing else.

`next_action` never sees a socket or a clock, so a worker that was killed anywhere starts again by reading the facts.
"""

from dataclasses import dataclass

from spacetraders_lab.core.commands import (
    DockShipCommand,
    GetMarketQuery,
    NavigateShipCommand,
    PurchaseCargoCommand,
    SellCargoCommand,
    TradeCommand,
)
from spacetraders_lab.core.experiment import Design, MarketPair, Step, TradeRecord
from spacetraders_lab.core.ledger import HeldCell, bought_cells, held_cells
from spacetraders_lab.core.market import MarketSnapshot, Operation, TradeGood
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import round_half_up


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
    """

    design: Design
    records: tuple[TradeRecord, ...] = ()
    market: MarketSnapshot | None = None
    leftovers: tuple[Leftover, ...] = ()
    cannot_buy: bool = False
    giving_up: str | None = None


@dataclass(frozen=True, slots=True)
class PairDone:
    """Every cell is bought and sold."""


@dataclass(frozen=True, slots=True)
class PairFailed:
    """The pair cannot be measured, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoFunds:
    """Nothing is aboard that could be sold, and the next purchase cannot be paid: wait for the world to change."""


Action = NavigateShipCommand | DockShipCommand | GetMarketQuery | Step | PairDone | PairFailed | NoFunds


def cell_units(trade_volume: int, fraction: float) -> int:
    """Units of a cell: the fraction of the tradeVolume rounded half up, at least one."""
    # 0.35 x 90 is 31.5 to everybody but a float, which has 31.499999999999996
    return max(1, round_half_up(round(trade_volume * fraction, 9)))


def trade_command(step: Step, ship_symbol: str) -> TradeCommand:
    """The command that carries out a step."""
    kind = PurchaseCargoCommand if step.operation is Operation.BUY else SellCargoCommand
    return kind(ship_symbol, step.good_symbol, step.units)


def next_action(pair: MarketPair, facts: PairFacts, ship: Ship) -> Action:
    """What the ship does next for the pair; a pure function of the recorded facts and the ship's state.

    Leftovers go first. Then cells are bought in the design's order while the next one fits, flown to the sell
    market and sold cell by cell, and so on until every cell is done.
    """
    if facts.leftovers:
        return _sell_leftover(facts.leftovers[0], facts, ship)
    if facts.giving_up:
        return PairFailed(facts.giving_up)
    held = held_cells(facts.records)
    bought = bought_cells(facts.records)
    todo = [cell for cell in facts.design.cells if cell not in bought]
    if held and _must_sell(pair, facts, ship, todo):
        return _sell(pair, held[0], facts, ship)
    if not todo:
        return PairDone()
    if facts.cannot_buy:
        return NoFunds()
    return _buy(pair, todo[0], facts, ship)


def _must_sell(pair: MarketPair, facts: PairFacts, ship: Ship, todo: list[tuple[float, int]]) -> bool:
    """With cargo aboard: is it time to sell it, or is there more to buy first?"""
    selling_already = facts.records[-1].operation is Operation.SELL or ship.waypoint == pair.sell_market
    if selling_already or facts.cannot_buy or not todo:
        return True
    return cell_units(_known_trade_volume(pair, facts), todo[0][0]) > ship.free_space


def _known_trade_volume(pair: MarketPair, facts: PairFacts) -> int:
    """The buy market's tradeVolume: from the live market when the ship is there, else as last recorded."""
    if facts.market is not None and facts.market.waypoint == pair.buy_market:
        good = facts.market.goods.get(pair.good_symbol)
        if good is not None:
            return good.trade_volume
    last = [row for row in facts.records if row.operation is Operation.BUY][-1]
    return last.trade_volume_after or last.trade_volume_before


def _buy(pair: MarketPair, cell: tuple[float, int], facts: PairFacts, ship: Ship) -> Action:
    listing = _at_market(pair.buy_market, pair.good_symbol, facts, ship)
    if not isinstance(listing, TradeGood):
        return listing
    units = min(cell_units(listing.trade_volume, cell[0]), ship.free_space)
    if units < 1:
        return PairFailed(f"no room in the hold of {ship.symbol}: {ship.cargo_units} units of other cargo are aboard")
    return Step(Operation.BUY, pair.good_symbol, pair.buy_market, *cell, part=1, units=units)


def _sell(pair: MarketPair, cell: HeldCell, facts: PairFacts, ship: Ship) -> Action:
    listing = _at_market(pair.sell_market, pair.good_symbol, facts, ship)
    if not isinstance(listing, TradeGood):
        return listing
    return Step(
        Operation.SELL,
        pair.good_symbol,
        pair.sell_market,
        cell.fraction,
        cell.iteration,
        part=cell.parts_sold + 1,
        units=min(cell.units, listing.trade_volume),
    )


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

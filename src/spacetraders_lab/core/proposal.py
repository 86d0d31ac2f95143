"""From a design and the quotes to the pairs it would trade, their menus and their order. Chooses and draws only."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import chain

from spacetraders_lab.core.experiment import Design, DesignName, MarketPair, Menu, Skip
from spacetraders_lab.core.market import Listing, ListingKey, Operation, TradeGood, quotes_of
from spacetraders_lab.core.menus import MOST_VOLUMES, draw_menus, expected_move, grid_menu, visit_menu
from spacetraders_lab.core.planning import WORST_CASE, Plan, Ways
from spacetraders_lab.core.protocol import cell_units
from spacetraders_lab.core.selection import MarketSelector, balanced_order, queue_order
from spacetraders_lab.core.survey import numbered, separate_lanes, stratified_order, survey_pairs

# prices pairs with these menus, in this order, without those that do not fit within so many credits
Price = Callable[[Sequence[MarketPair], Mapping[str, Menu], float], Plan]


class LeftOut(StrEnum):
    """Why something of a system will not be measured, or not as it should be.

    A side with a zero tick is traded all the same where a design does not leave it out: it shows nothing.
    """

    ZERO_TICK = "zero tick: would not move the quote by a credit"
    HOLD = "larger than the hold"
    UNPROFITABLE = "loses money, and no --budget was named"
    BUDGET = "beyond the budget"
    MAX_PAIRS = "beyond --max-pairs"


@dataclass(frozen=True, slots=True)
class Omission:
    """Something that is left out: a good, a pair or a size of a listing's side, and why."""

    what: str
    reason: LeftOut


@dataclass(frozen=True, slots=True)
class Proposal:
    """Pairs in the order of the queue, and in the order in which they were chosen, with their menus and omissions.

    `menus` by pair_id where they differ from the design's; `skips` are planned trades that are left out at once.
    `markets` counts the listings of each good that are used.
    """

    pairs: tuple[MarketPair, ...]
    chosen_in: tuple[MarketPair, ...]
    quotes: Mapping[ListingKey, TradeGood]
    markets: Mapping[str, int]
    menus: Mapping[str, Menu] = field(default_factory=dict)
    skips: Mapping[str, tuple[Skip, ...]] = field(default_factory=dict)
    omissions: tuple[Omission, ...] = ()

    @property
    def to_trade(self) -> dict[str, Menu]:
        """The menus without what is left out from the beginning: what the plan prices."""
        return {pair_id: menu.without(self.skips.get(pair_id, ())) for pair_id, menu in self.menus.items()}


def propose(
    design: Design,
    listings: Mapping[str, Sequence[Listing]],
    price: Price,
    *,
    ways: Ways,
    seed: int,
    hold: int,
    ships: int,
    max_pairs: int | None,
    budget: int | None,
    purse: int,
) -> Proposal:
    """What the design would trade of these goods' listings, with so many ships.

    `budget` and `purse` are what may be lost beside the money for fuel; where the user named no budget (None) only
    pairs are chosen that lose nothing, and of those as many as the purse can bear. The grid is all or nothing: its
    price is for the user to judge.
    """
    if design.name is DesignName.GRID:
        return _grid(design, listings, ways, seed=seed, hold=hold, ships=ships, max_pairs=max_pairs)
    return _visits(design, listings, price, seed=seed, hold=hold, max_pairs=max_pairs, budget=budget, purse=purse)


def _grid(
    design: Design,
    listings: Mapping[str, Sequence[Listing]],
    ways: Ways,
    *,
    seed: int,
    hold: int,
    ships: int,
    max_pairs: int | None,
) -> Proposal:
    selector = MarketSelector()
    chosen = {good: selector.select_representative_markets(found) for good, found in listings.items()}
    candidates = balanced_order(
        [selector.generate_market_pairs([m.waypoint for m in markets], good) for good, markets in chosen.items()]
    )
    pairs, quotes = queue_order(candidates[:max_pairs], ships, ways), quotes_of(chain.from_iterable(chosen.values()))
    menus: dict[str, Menu] = {}
    skips: dict[str, tuple[Skip, ...]] = {}
    if design.seeded:
        pairs = stratified_order(pairs, _cell_of(quotes), seed)
        menus, skips = draw_menus(pairs, quotes, partial(grid_menu, design, seed))
    return Proposal(
        tuple(pairs),
        tuple(candidates),
        quotes,
        {good: len(markets) for good, markets in chosen.items()},
        menus,
        skips,
        (*_sizes_that_show_less(design, quotes, hold), *_beyond(candidates, max_pairs)),
    )


def _visits(
    design: Design,
    listings: Mapping[str, Sequence[Listing]],
    price: Price,
    *,
    seed: int,
    hold: int,
    max_pairs: int | None,
    budget: int | None,
    purse: int,
) -> Proposal:
    lanes = survey_pairs(listings, design.rounds)
    if design.name is DesignName.RECOVERY:
        lanes = separate_lanes(lanes)
    quotes = quotes_of(chain.from_iterable(listings.values()))
    candidates = numbered(MarketPair.of(lane.good, lane.source.waypoint, lane.target.waypoint) for lane in lanes)
    menus, skips = draw_menus(candidates, quotes, partial(visit_menu, design, seed, hold=hold))
    to_trade = {pair_id: menu.without(skips[pair_id]) for pair_id, menu in menus.items()}
    wanted, omissions = candidates, list[Omission]()
    if budget is None:
        losing = {planned.pair for planned in price(wanted, to_trade, math.inf).pairs if planned.loss(1.0) > 0}
        omissions += [Omission(pair.pair_id, LeftOut.UNPROFITABLE) for pair in wanted if pair in losing]
        wanted = [pair for pair in wanted if pair not in losing]
    credits = purse if budget is None else budget
    wanted = _dear_last(wanted, to_trade, price, credits)
    fitting = [planned.pair for planned in price(wanted, to_trade, credits).pairs]
    chosen, beyond = fitting[:max_pairs], _beyond(fitting, max_pairs)
    in_turn = stratified_order(chosen, _cell_of(quotes), seed)
    pairs = [planned.pair for planned in price(in_turn, to_trade, credits).pairs]
    taken = {*(pair.pair_id for pair in pairs), *(omission.what for omission in beyond)}
    omissions += [Omission(pair.pair_id, LeftOut.BUDGET) for pair in wanted if pair.pair_id not in taken]
    omissions += beyond
    used = {key for pair in pairs for key in pair.listings}
    return Proposal(
        tuple(pairs),
        tuple(wanted),
        quotes,
        {good: len({market for market, listed in used if listed == good}) for good in listings},
        {pair.pair_id: menus[pair.pair_id] for pair in pairs},
        {pair.pair_id: skips[pair.pair_id] for pair in pairs},
        (*_loads_that_show_less(quotes, hold), *omissions),
    )


def _dear_last(wanted: Sequence[MarketPair], menus: Mapping[str, Menu], price: Price, credits: int) -> list[MarketPair]:
    """The pairs in their order, but those last of which as many at once as there are ships would not fit.

    One of these keeps many others out. One part more than ships, for what the pairs before them may have lost.
    """
    plan = price(wanted, menus, math.inf)
    share = credits / (plan.ships + 1)
    dear = {planned.pair for planned in plan.pairs if planned.peak(WORST_CASE) > share}
    return sorted(wanted, key=lambda pair: pair in dear)


def _cell_of(quotes: Mapping[ListingKey, TradeGood]) -> Callable[[MarketPair], tuple[str, str, str]]:
    """What pairs are stratified by: type, supply and activity of the listing that is bought from."""

    def cell(pair: MarketPair) -> tuple[str, str, str]:
        good = quotes[pair.listings[0]]
        return good.type, good.supply, good.activity or ""

    return cell


def _beyond(candidates: Sequence[MarketPair], max_pairs: int | None) -> list[Omission]:
    left = [] if max_pairs is None else candidates[max_pairs:]
    return [Omission(pair.pair_id, LeftOut.MAX_PAIRS) for pair in left]


def _sizes_that_show_less(design: Design, quotes: Mapping[ListingKey, TradeGood], hold: int) -> list[Omission]:
    """The grid's sizes that cannot show an impact at a listing, and those that the hold will cut short."""
    found = []
    for (market, good), listing in sorted(quotes.items()):
        for fraction in design.fractions:
            units = cell_units(listing.trade_volume, fraction)
            if units > hold:
                found.append(Omission(f"{good} at {market}, {fraction:g} of the tradeVolume", LeftOut.HOLD))
            found += [
                Omission(f"{good} at {market}, {side} {fraction:g}", LeftOut.ZERO_TICK)
                for side in Operation
                if expected_move(listing, side, units) < 1
            ]
    return found


def _loads_that_show_less(quotes: Mapping[ListingKey, TradeGood], hold: int) -> list[Omission]:
    """Listings whose tradeVolume the hold cannot take whole, and sides that not even a whole visit would move."""
    found = []
    for (market, good), listing in sorted(quotes.items()):
        if listing.trade_volume > hold:
            found.append(Omission(f"{good} at {market}, a tradeVolume of {listing.trade_volume}", LeftOut.HOLD))
        most = min(hold, MOST_VOLUMES * listing.trade_volume)
        found += [
            Omission(f"{good} at {market}, {side}", LeftOut.ZERO_TICK)
            for side in Operation
            if expected_move(listing, side, most) < 1
        ]
    return found

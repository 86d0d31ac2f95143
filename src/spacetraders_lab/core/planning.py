"""What an experiment will cost in trades and credits before anything is bought. Predicts, never acts.

How long it takes is `core.schedule`'s business.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from spacetraders_lab.core.experiment import MarketPair, Menu
from spacetraders_lab.core.market import ListingKey, TradeGood
from spacetraders_lab.core.prior import ExpectedListing, expected_listing
from spacetraders_lab.core.protocol import FURTHEST_LOG_MOVE, cell_units, transactions
from spacetraders_lab.core.travel import FUEL_PER_MARKET_UNIT

REQUESTS_PER_FLIGHT = 3  # orbit, navigate, dock
# Quotes move between the scouting and the trade, and other players trade too: the worst case buys a quarter
# dearer and sells a quarter cheaper than expected. The budget itself is kept by the worker, trade by trade.
WORST_CASE = 1.25


@dataclass(frozen=True, slots=True)
class Way:
    """The way between two markets, docked to docked: seconds with every stop, flights, requests, ship fuel burned.

    `bought` is the FUEL of its stops in market units, beside what fills the tank where it begins.
    """

    seconds: float
    flights: int
    requests: int
    fuel: int
    bought: int = 0


Ways = Callable[[str, str], Way]


@dataclass(frozen=True, slots=True)
class Load:
    """What a ship buys, flies over and sells at once, in units of each transaction."""

    purchases: tuple[int, ...]
    sales: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PairPlan:
    """One pair, priced: its loads, credits (paid, earned) load by load, and fuel for flying there and back."""

    pair: MarketPair
    loads: tuple[Load, ...]
    trips: tuple[tuple[float, float], ...]
    fuel: float = 0.0

    @property
    def transactions(self) -> int:
        return sum(len(load.purchases) + len(load.sales) for load in self.loads)

    @property
    def visits(self) -> int:
        """Dockings to trade: at the buy market and at the sell market, once a load."""
        return 2 * len(self.loads)

    @property
    def spent(self) -> float:
        return sum(paid for paid, _ in self.trips)

    @property
    def earned(self) -> float:
        return sum(earned for _, earned in self.trips)

    def loss(self, caution: float) -> float:
        """Credits that the pair costs in the end, buying at `caution` times the price and selling at a `caution`th."""
        return (self.spent + self.fuel) * caution - self.earned / caution

    def peak(self, caution: float) -> float:
        """The most credits that the pair has out at once: what earlier loads lost and the load that is aboard."""
        out = peak = self.fuel * caution
        for paid, earned in self.trips:
            peak = max(peak, out + paid * caution)
            out += paid * caution - earned / caution
        return peak


@dataclass(frozen=True, slots=True)
class Plan:
    """A priced experiment. Credits are positive when they leave the purse."""

    pairs: tuple[PairPlan, ...]
    ships: int

    @property
    def transactions(self) -> int:
        return sum(p.transactions for p in self.pairs)

    @property
    def expected_loss(self) -> float:
        return sum(p.loss(1.0) for p in self.pairs)

    @property
    def peak_outlay(self) -> float:
        """The most credits that are away at once: losses of the pairs done plus all that every ship's pair has out."""
        return max(running_peaks(self.pairs, self.ships, 1.0), default=0.0)

    @property
    def worst_case(self) -> float:
        """The peak outlay when everything is a quarter dearer to buy and a quarter cheaper to sell."""
        return max(running_peaks(self.pairs, self.ships, WORST_CASE), default=0.0)

    def pairs_within(self, budget: float, chosen_in: Sequence[MarketPair] = ()) -> int:
        """How many pairs have a worst case within the budget, if they are chosen in that order (else in the plan's)."""
        turn = {pair: i for i, pair in enumerate(chosen_in)}
        turns = [turn.get(planned.pair, i) for i, planned in enumerate(self.pairs)]

        def worst_case(count: int) -> float:
            chosen = [planned for planned, place in zip(self.pairs, turns, strict=True) if place < count]
            return max(running_peaks(chosen, self.ships, WORST_CASE), default=0.0)

        # The count that it ends at has been tried and fits, even where the worst case does not grow with every pair.
        return bisect_right(range(1, len(self.pairs) + 1), budget, key=worst_case)


def requests_needed(transactions: int, visits: int, flights: int, refuels: int = 0) -> int:
    """The fewest requests: each trade, a market read before the first of a visit and after each, flights, refuels."""
    return transactions + (transactions + visits) + REQUESTS_PER_FLIGHT * flights + refuels


def running_peaks(pairs: Sequence[PairPlan], ships: int, caution: float) -> list[float]:
    """For each number of pairs from the first: the largest outlay up to there, buying at `caution` times the price.

    The last `ships` pairs are under way at once and the ones before them are done. Ascending.
    """
    peaks: list[float] = []
    peak = gone = 0.0
    for count in range(1, len(pairs) + 1):
        done = max(0, count - ships)
        if done:
            gone += pairs[done - 1].loss(caution)
        peak = max(peak, gone + sum(pair.peak(caution) for pair in pairs[done:count]))
        peaks.append(peak)
    return peaks


def make_plan(
    pairs: Sequence[MarketPair],
    quotes: Mapping[ListingKey, TradeGood],
    menus: Mapping[str, Menu] | Menu,
    ways: Ways,
    *,
    ships: int,
    hold: int,
    fuel_price: float = 0.0,
    washout_hours: float = 0.0,
    within: float = math.inf,
) -> Plan:
    """Price the pairs in their order, each at the quotes that the pairs before it leave behind.

    Pairs are passed over whose worst case beside the ones before them is more than `within` credits.

    `menus` by pair_id, or one for all. `hold` is the smallest cargo capacity among the ships; `fuel_price` is what a
    market asks for a unit of FUEL. What the guards will end is not priced. Of recovery only what falls into the washout
    is counted: the rest helps in some directions and hurts in others.
    """
    rest = {key: expected_listing(good) for key, good in quotes.items()}
    listings, planned, lost = dict(rest), list[PairPlan](), 0.0
    for pair in pairs:
        menu = menus if isinstance(menus, Menu) else menus[pair.pair_id]
        before = {key: listings[key] for key in pair.listings}
        listings |= {key: listing.recovered(rest[key], washout_hours) for key, listing in before.items()}
        way = ways(pair.buy_market, pair.sell_market)
        new = _plan_pair(pair, listings, menu, way, hold=hold, fuel_price=fuel_price)
        done = planned[-ships].loss(WORST_CASE) if len(planned) >= ships else 0.0
        under_way = planned[max(0, len(planned) + 1 - ships) :]
        if lost + done + sum(one.peak(WORST_CASE) for one in (*under_way, new)) > within:
            listings |= before
            continue
        lost += done
        planned.append(new)
    return Plan(tuple(planned), ships)


def loads(menu: Menu, buy_volume: int, sell_volume: int, hold: int) -> tuple[Load, ...]:
    """The transactions of a menu at these tradeVolumes, load by load."""
    units = [min(cell_units(buy_volume, fraction), hold) for fraction, _ in menu.buys]
    if menu.sells is None:
        return tuple(
            Load(tuple(load), tuple(part for cell in load for part in transactions(cell, sell_volume)))
            for load in _loads(units, hold)
        )
    bought, aboard, sales = _within(units, hold), sum(_within(units, hold)), []
    for fraction, _ in menu.sells:
        if aboard:
            sales.append(min(cell_units(sell_volume, fraction), aboard))
            aboard -= sales[-1]
    return (Load(tuple(bought), (*sales, *transactions(aboard, sell_volume))),)


def _within(units: Sequence[int], hold: int) -> list[int]:
    """Sizes one after the other until so many units are reached."""
    bought: list[int] = []
    for size in units:
        if room := hold - sum(bought):
            bought.append(min(size, room))
    return bought


def _loads(units: Sequence[int], hold: int) -> list[list[int]]:
    """Cells in their order, those together in a load that fit into the hold together."""
    result: list[list[int]] = [[]]
    for size in units:
        if sum(result[-1]) + size > hold:
            result.append([])
        result[-1].append(size)
    return result


def _plan_pair(
    pair: MarketPair,
    listings: dict[ListingKey, ExpectedListing],
    menu: Menu,
    way: Way,
    *,
    hold: int,
    fuel_price: float,
) -> PairPlan:
    """Trade the pair at the listings as they stand, and leave them as it leaves them."""
    source, target = pair.listings
    planned, trips = [], []
    for load in loads(menu, listings[source].trade_volume, listings[target].trade_volume, hold):
        buying = _trade(listings[source], load.purchases, menu)
        aboard = sum(buying.units)
        if not aboard:
            break
        selling = _trade(listings[target], [-units for units in _within(load.sales, aboard)], menu)
        rest = aboard + sum(selling.units)
        clearing = _trade(selling.listing, [-units for units in transactions(rest, selling.listing.trade_volume)], None)
        listings[source], listings[target] = buying.listing, clearing.listing
        planned.append(Load(buying.units, tuple(-units for units in selling.units + clearing.units)))
        trips.append((buying.credits, -selling.credits - clearing.credits))
        if rest or len(buying.units) < len(load.purchases):
            break  # a guard has ended this side, and so what follows
    fuel = 2 * len(planned) * way.fuel / FUEL_PER_MARKET_UNIT * fuel_price
    return PairPlan(pair, tuple(planned), tuple(trips), fuel)


@dataclass(frozen=True, slots=True)
class _Traded:
    """What a side comes to: the listing after it, units and credits of its trades (negative: sold, earned)."""

    listing: ExpectedListing
    units: tuple[int, ...]
    credits: float


def _trade(listing: ExpectedListing, sizes: Sequence[int], guards: Menu | None) -> _Traded:
    """Trade these units one after the other, for as long as the guards of the menu allow; without one, all of them."""
    first, done, credits = listing, 0, 0.0
    for units in sizes:
        if guards is not None and _is_guarded(first, listing, guards, buys=units > 0, has_begun=done > 0):
            break
        credits += units * (listing.ask if units > 0 else listing.bid)
        listing = listing.after_trade(units)
        done += 1
    return _Traded(listing, tuple(sizes[:done]), credits)


def _is_guarded(first: ExpectedListing, now: ExpectedListing, menu: Menu, *, buys: bool, has_begun: bool) -> bool:
    """Whether the protocol would end the side here; it guards none whose menu has no guards."""
    if menu.highest_ask is None or menu.lowest_bid is None:
        return False
    if not has_begun:
        return now.ask > menu.highest_ask if buys else now.bid < menu.lowest_bid
    low, high = (first.ask, now.ask) if buys else (now.bid, first.bid)
    return high > low * math.exp(FURTHEST_LOG_MOVE)

"""What an experiment will cost before anything is bought: trades, requests, hours and credits. Predicts, never acts."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spacetraders_lab.core.experiment import Design, MarketPair
from spacetraders_lab.core.market import TradeGood
from spacetraders_lab.core.prior import ExpectedListing, expected_listing
from spacetraders_lab.core.protocol import cell_units
from spacetraders_lab.core.travel import FUEL_PER_MARKET_UNIT, FlightMode, distance, fuel_cost, travel_seconds
from spacetraders_lab.core.waypoint import Waypoint

REQUESTS_PER_FLIGHT = 3  # orbit, navigate, dock
_REQUESTS_PER_SECOND = 2.5  # 2/s and 30 more a minute
_SECONDS_PER_REQUEST = 0.3  # round trip of one ship's request when nobody else wants the limiter
# Quotes move between the scouting and the trade, and other players trade too: the worst case buys a quarter
# dearer and sells a quarter cheaper than expected. The budget itself is kept by the worker, trade by trade.
WORST_CASE = 1.25

ListingKey = tuple[str, str]  # (market, good)


@dataclass(frozen=True, slots=True)
class PairPlan:
    """One pair, priced: counts of trades and flights, seconds in flight, credits (paid, earned) load by load."""

    pair: MarketPair
    transactions: int
    flights: int
    flight_seconds: float
    trips: tuple[tuple[float, float], ...]
    fuel: float = 0.0

    @property
    def visits(self) -> int:
        """Dockings to trade: at the buy market and at the sell market, once a load."""
        return 2 * len(self.trips)

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
    def requests(self) -> int:
        """All requests but those of refuelling."""
        return requests_needed(self.transactions, sum(p.visits for p in self.pairs), sum(p.flights for p in self.pairs))

    @property
    def hours(self) -> float:
        """Game hours with all ships at work: flight-bound or API-bound, whichever is longer."""
        flying = sum(p.flight_seconds for p in self.pairs) + self.requests * _SECONDS_PER_REQUEST
        return max(flying / max(1, self.ships), self.requests / _REQUESTS_PER_SECOND) / 3600

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

        fitting = bisect_right(range(1, len(self.pairs) + 1), budget, key=worst_case)
        # another order of choosing need not make the worst case grow with every pair
        while fitting and worst_case(fitting) > budget:
            fitting -= 1
        return fitting


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
    waypoints: Mapping[str, Waypoint],
    design: Design,
    *,
    ships: int,
    hold: int,
    speed: int,
    fuel_price: float = 0.0,
) -> Plan:
    """Price the pairs in their order, each at the quotes that the pairs before it leave behind.

    `hold` is the smallest cargo capacity and `speed` the slowest engine among the ships; `fuel_price` is what a market
    asks for a unit of FUEL, 0 for ships without a tank. Recovery between pairs is left out: it helps in some directions
    and hurts in others.
    """
    listings = {key: expected_listing(good) for key, good in quotes.items()}
    planned = []
    at: str | None = None
    for pair in pairs:
        planned.append(
            _plan_pair(pair, listings, waypoints, design, hold=hold, speed=speed, fuel_price=fuel_price, at=at)
        )
        # with several ships the next pair begins elsewhere, as a rule
        at = pair.sell_market if ships == 1 else None
    return Plan(tuple(planned), ships)


def loads(trade_volume: int, design: Design, hold: int) -> list[list[int]]:
    """The units of the cells that fit into the hold together, load by load."""
    result: list[list[int]] = [[]]
    for fraction, _ in design.cells:
        units = min(cell_units(trade_volume, fraction), hold)
        if sum(result[-1]) + units > hold:
            result.append([])
        result[-1].append(units)
    return result


def _plan_pair(
    pair: MarketPair,
    listings: dict[ListingKey, ExpectedListing],
    waypoints: Mapping[str, Waypoint],
    design: Design,
    *,
    hold: int,
    speed: int,
    fuel_price: float,
    at: str | None,
) -> PairPlan:
    source, target = (pair.buy_market, pair.good_symbol), (pair.sell_market, pair.good_symbol)
    trips: list[tuple[float, float]] = []
    sales = 0
    for load in loads(listings[source].trade_volume, design, hold):
        paid = earned = 0.0
        for units in load:
            paid += units * listings[source].ask
            listings[source] = listings[source].after_trade(units)
        for units in load:
            for part in _parts(units, listings[target].trade_volume):
                earned += part * listings[target].bid
                listings[target] = listings[target].after_trade(-part)
                sales += 1
        trips.append((paid, earned))
    flights = 2 * len(trips) - (1 if at == pair.buy_market else 0)
    apart = _apart(waypoints[pair.buy_market], waypoints[pair.sell_market])
    seconds = flights * travel_seconds(apart, speed, FlightMode.CRUISE)
    fuel = flights * fuel_cost(apart, FlightMode.BURN) / FUEL_PER_MARKET_UNIT * fuel_price
    return PairPlan(pair, len(design.cells) + sales, flights, seconds, tuple(trips), fuel)


def _parts(units: int, trade_volume: int) -> list[int]:
    """A sale split into transactions that the market allows."""
    full, rest = divmod(units, trade_volume)
    return [trade_volume] * full + ([rest] if rest else [])


def _apart(a: Waypoint, b: Waypoint) -> float:
    return distance(a.x, a.y, b.x, b.y)

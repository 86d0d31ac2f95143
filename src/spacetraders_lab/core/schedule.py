"""How long a plan takes, by playing it: ships claim pairs, fly, trade and leave listings alone. Never acts."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from spacetraders_lab.core.experiment import ClaimOrder, Design, MarketPair
from spacetraders_lab.core.planning import ListingKey, Load, PairPlan, Ways

SECONDS_PER_REQUEST = 0.3  # round trip of one ship's request when nobody else wants the limiter
REQUESTS_PER_SECOND = 2.5  # 2/s and 30 more a minute, for all ships together
POLL_SECONDS = 5.0  # between two looks at a queue that has nothing free


class Bound(StrEnum):
    """What a run waits for most."""

    FLIGHT = "flight-bound"
    API = "API-bound"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan's duration (game hours) and what it uses, with so many ships."""

    ships: int
    hours: float
    requests: int
    flights: int
    bound: Bound


@dataclass(slots=True)
class _Ship:
    at: str
    fuel_capacity: int
    fuel: int


@dataclass(slots=True)
class _Fleet:
    """The state of the play: requests made so far, and until when listings are closed."""

    ways: Ways
    gap: float  # seconds of a placebo reading; 0: none is taken
    washout: float
    requests: int = 0
    flights: int = 0
    closed: dict[ListingKey, float] = field(default_factory=dict)

    def opens(self, pair: MarketPair) -> float:
        return max(self.closed.get(key, 0.0) for key in _listings(pair))

    def carry_out(self, ship: _Ship, planned: PairPlan, *, shares: bool, now: float) -> float:
        """The seconds that the pair takes the ship; `shares` says that the last pair's reading still holds."""
        before, seconds, pair = self.requests, 0.0, planned.pair
        for load in planned.loads or (Load((), ()),):  # where a guard keeps all from being bought, the ship goes to see
            stops = ((pair.buy_market, load.purchases), (pair.sell_market, load.sales))
            for market, trades in stops if load.sales else stops[:1]:
                has_flown = ship.at != market
                seconds += self._fly(ship, market) if has_flown else 0.0
                reads = 0 if shares and not has_flown else 1 + (self.gap > 0)
                seconds += self.gap if reads > 1 else 0.0
                self.requests += reads + 2 * len(trades)
        seconds += (self.requests - before) * SECONDS_PER_REQUEST
        self.closed.update(dict.fromkeys(_listings(pair), now + seconds + self.washout))
        return seconds

    def _fly(self, ship: _Ship, market: str) -> float:
        way = self.ways(ship.at, market)
        if ship.fuel_capacity and ship.fuel < way.fuel:
            ship.fuel = ship.fuel_capacity
            self.requests += 1
        ship.at, ship.fuel = market, ship.fuel - way.fuel
        self.requests += way.requests
        self.flights += way.flights
        return way.seconds


def make_schedule(
    pairs: Sequence[PairPlan], design: Design, ways: Ways, starts: Sequence[str], *, fuel_capacity: int
) -> Schedule:
    """Play the pairs in their order with one ship at each start, all with full tanks (0: ships that need no fuel).

    The run takes as long as its slowest ship, or as long as the requests of all ships together take.
    """
    fleet = _Fleet(ways, design.placebo_seconds, design.washout_seconds)
    ships = [_Ship(at, fuel_capacity, fuel_capacity) for at in starts]
    waiting, hours = list(pairs), 0.0
    free = [(0.0, number, False) for number in range(len(ships))]
    while waiting:
        now, number, has_read = heapq.heappop(free)
        ship = ships[number]
        chosen = _claim(waiting, fleet, ship, design.claim_order, now)
        if chosen is None:
            soonest = min(fleet.opens(planned.pair) for planned in waiting)
            heapq.heappush(free, (max(now, soonest) + POLL_SECONDS / 2, number, False))
            continue
        waiting.remove(chosen)
        seconds = fleet.carry_out(ship, chosen, shares=has_read and design.shares_readings, now=now)
        hours = max(hours, (now + seconds) / 3600)
        heapq.heappush(free, (now + seconds, number, True))
    by_requests = fleet.requests / REQUESTS_PER_SECOND / 3600
    bound = Bound.API if by_requests > hours else Bound.FLIGHT
    return Schedule(len(ships), max(hours, by_requests), fleet.requests, fleet.flights, bound)


def _claim(waiting: Sequence[PairPlan], fleet: _Fleet, ship: _Ship, order: ClaimOrder, now: float) -> PairPlan | None:
    """The pair that the ship is given: the first that is free, or the free one that begins nearest."""
    free = (planned for planned in waiting if fleet.opens(planned.pair) <= now)
    if order is ClaimOrder.FIFO:
        return next(free, None)
    return min(free, key=lambda planned: _seconds(fleet.ways, ship.at, planned.pair.buy_market), default=None)


def _seconds(ways: Ways, start: str, end: str) -> float:
    return 0.0 if start == end else ways(start, end).seconds


def _listings(pair: MarketPair) -> tuple[ListingKey, ListingKey]:
    return (pair.buy_market, pair.good_symbol), (pair.sell_market, pair.good_symbol)

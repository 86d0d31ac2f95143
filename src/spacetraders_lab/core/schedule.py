"""How long a plan takes, by playing it: ships claim pairs, fly, trade and leave listings alone. Never acts."""

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName, MarketPair
from spacetraders_lab.core.limits import NO_LIMITS, Limits
from spacetraders_lab.core.market import ListingKey
from spacetraders_lab.core.planning import Load, PairPlan, Ways
from spacetraders_lab.core.revisits import Watch, stays
from spacetraders_lab.core.travel import market_units
from spacetraders_lab.core.watch_schedule import begin_watch, moment, play_watch

SECONDS_PER_REQUEST = 0.3  # round trip of one ship's request when nobody else wants the limiter
REQUESTS_PER_SECOND = 2.5  # 2/s and 30 more a minute, for all ships together
REFUELLING = 3  # requests: dock, refuel, orbit
POLL_SECONDS = 5.0  # game time between two looks at a queue that has nothing free


class Bound(StrEnum):
    """What a run waits for most."""

    FLIGHT = "flight-bound"
    API = "API-bound"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan's duration (game hours) and what it uses, with so many ships.

    `pairs` counts those that are begun before a limit is reached. Of a recovery plan's `readings_planned` the ships
    can make `readings` in time, for which they buy `watch_fuel` units of FUEL at markets.
    """

    ships: int
    hours: float
    requests: int
    flights: int
    bound: Bound
    pairs: int
    readings: int = 0
    readings_planned: int = 0
    watch_fuel: int = 0


@dataclass(slots=True)
class _Ship:
    at: str
    ways: Ways
    fuel_capacity: int
    fuel: int
    is_probe: bool = False
    is_docked: bool = True

    def seconds(self, start: str, end: str) -> float:
        """How long it flies between two markets."""
        return 0.0 if start == end else self.ways(start, end).seconds


@dataclass(slots=True)
class _Fleet:
    """The state of the play: requests made so far, when the pairs of listings ended, what was traded and read when."""

    design: Design
    requests: int = 0
    flights: int = 0
    begun: int = 0
    ended: dict[ListingKey, float] = field(default_factory=dict)
    traded: dict[ListingKey, float] = field(default_factory=dict)
    read: list[tuple[str, float]] = field(default_factory=list)
    watch_fuel: int = 0

    def carry_out(self, ship: _Ship, planned: PairPlan, *, shares: bool, now: float) -> float:
        """The seconds that the pair takes the ship; `shares` says that the last pair's reading still holds."""
        began, pair, gap = now, planned.pair, self.design.placebo_seconds
        for load in planned.loads or (Load((), ()),):  # where a guard keeps all from being bought, the ship goes to see
            stops = ((pair.buy_market, load.purchases), (pair.sell_market, load.sales))
            for market, trades in stops if load.sales else stops[:1]:
                has_flown, before = ship.at != market, self.requests
                now += self._fly(ship, market) if has_flown else 0.0
                reads = 0 if shares and not has_flown else 1 + (gap > 0)
                now += gap if reads > 1 else 0.0
                self.requests += reads + 2 * len(trades)
                now += (self.requests - before) * SECONDS_PER_REQUEST
                self.traded[market, pair.good_symbol] = now
                now += self._stay(market, now)
        self.begun += 1
        self.ended.update(dict.fromkeys(pair.listings, now))
        return now - began

    def travel(self, ship: _Ship, market: str) -> float:
        """Fly there in a recovery watch and read: in orbit, unless the tank must be filled. Returns the seconds."""
        before, seconds = self.requests, 0.0
        if ship.at != market:
            way = ship.ways(ship.at, market)
            refuels = bool(ship.fuel_capacity) and ship.fuel < way.fuel
            self.watch_fuel += market_units(ship.fuel_capacity - ship.fuel) if refuels else 0
            # of a way from dock to dock neither the first orbit nor the last docking is for certain
            self.requests += way.requests - 2 + (REFUELLING if refuels else ship.is_docked)
            self.flights += way.flights
            ship.fuel = (ship.fuel_capacity if refuels else ship.fuel) - way.fuel
            ship.at, ship.is_docked, seconds = market, False, way.seconds
        self.requests += 1
        return seconds + (self.requests - before) * SECONDS_PER_REQUEST

    def _stay(self, market: str, now: float) -> float:
        """The seconds that a ship stays at a market that it has just traded, to read it again."""
        if self.design.name is not DesignName.RECOVERY:
            return 0.0
        last = moment(now)
        reads = [(due - last).total_seconds() for due in stays(last, last)]
        self.read += [(market, now + later) for later in reads]
        self.requests += len(reads)
        return max(reads)

    def _fly(self, ship: _Ship, market: str) -> float:
        way = ship.ways(ship.at, market)
        if ship.fuel_capacity and ship.fuel < way.fuel:
            ship.fuel = ship.fuel_capacity
            self.requests += 1
        ship.at, ship.fuel = market, ship.fuel - way.fuel
        self.requests += way.requests
        self.flights += way.flights
        return way.seconds


class _Waiting:
    """The pairs that no ship has had; `opens` by their place: when both listings were left alone for long enough."""

    def __init__(self, pairs: Sequence[PairPlan]) -> None:
        self._pairs = pairs
        self._at = defaultdict[ListingKey, list[int]](list)
        for place, planned in enumerate(pairs):
            for key in planned.pair.listings:
                self._at[key].append(place)
        self.opens = dict.fromkeys(range(len(pairs)), 0.0)

    def claim(self, ship: _Ship, order: ClaimOrder, now: float) -> PairPlan | None:
        """Take the pair that the ship is given: the first that is free, or the free one that begins nearest."""
        free = (place for place, opens in self.opens.items() if opens <= now)
        if order is ClaimOrder.FIFO:
            chosen = next(free, None)
        else:
            chosen = min(
                free, key=lambda place: ship.seconds(ship.at, self._pairs[place].pair.buy_market), default=None
            )
        if chosen is None:
            return None
        del self.opens[chosen]
        return self._pairs[chosen]

    def close(self, pair: MarketPair, until: float) -> None:
        """Nobody may trade the pair's listings before then."""
        for key in pair.listings:
            for place in self._at[key]:
                if place in self.opens:
                    self.opens[place] = max(until, self.opens[place])


def make_schedule(
    pairs: Sequence[PairPlan],
    design: Design,
    ways: Ways,
    starts: Sequence[str],
    *,
    fuel_capacity: int,
    probes: Sequence[str] = (),
    probe_ways: Ways | None = None,
    limits: Limits = NO_LIMITS,
) -> Schedule:
    """Play the pairs in their order with one ship at each start, all with full tanks (0: ships that need no fuel).

    The run takes as long as its slowest ship, or as long as the requests of all ships together take. In a recovery run
    the ships, and `probes` at these places with ways of their own, then watch what was traded.
    """
    fleet = _Fleet(design)
    ships = [_Ship(at, ways, fuel_capacity, fuel_capacity) for at in starts]
    ends = _trade(fleet, ships, pairs, limits)
    watch = Watch(0, 0, ())
    over = max(ends)
    if design.name is DesignName.RECOVERY and fleet.traded:
        watchers = ships + [_Ship(at, probe_ways or ways, 0, 0, is_probe=True) for at in probes]
        free = [*ends, *(0.0 for _ in probes)]

        def is_over(now: float) -> bool:
            return limits.reached(hours=now / 3600, requests=fleet.requests) is not None

        foreseen = begin_watch(fleet.traded, fleet.ended, fleet.read)
        watch, over = play_watch(foreseen, watchers, free, fleet.travel, is_over)
    hours, by_requests = over / 3600, fleet.requests / REQUESTS_PER_SECOND / 3600
    bound = Bound.API if by_requests > hours else Bound.FLIGHT
    figures = max(hours, by_requests), fleet.requests, fleet.flights, bound, fleet.begun
    return Schedule(len(ships), *figures, watch.done, watch.planned, fleet.watch_fuel)


def _trade(fleet: _Fleet, ships: Sequence[_Ship], pairs: Sequence[PairPlan], limits: Limits) -> list[float]:
    """Let the ships trade the pairs; returns when each of them has done its last (seconds)."""
    waiting, ends = _Waiting(pairs), [0.0] * len(ships)
    free = [(0.0, number, False) for number in range(len(ships))]
    while waiting.opens:
        now, number, has_read = heapq.heappop(free)
        if limits.reached(hours=now / 3600, requests=fleet.requests):
            ends[number] = max(ends[number], min(now, 3600 * (limits.max_hours or inf)))
            break
        ship = ships[number]
        chosen = waiting.claim(ship, fleet.design.claim_order, now)
        if chosen is None:
            soonest = min(waiting.opens.values())
            heapq.heappush(free, (max(now, soonest) + POLL_SECONDS / 2, number, False))
            continue
        shares = has_read and fleet.design.shares_readings
        ends[number] = now + fleet.carry_out(ship, chosen, shares=shares, now=now)
        waiting.close(chosen.pair, ends[number] + fleet.design.washout_seconds)
        heapq.heappush(free, (ends[number], number, True))
    return ends

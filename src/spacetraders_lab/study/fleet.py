"""Ships at work in an economy itself: what a run's workers would do, without HTTP, database or waiting.

Every decision is the protocol's (`core.protocol`), every row is made as a run makes it; only travelling, the request
limit and the locks are played here, in plain game seconds. Nothing is estimated. It knows no faults: what happens when
something breaks is the business of the whole stack (`study.rig`).
"""

from collections import Counter, defaultdict, deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from heapq import heappop, heappush
from math import inf

from spacetraders_lab.core.commands import DockShipCommand, GetMarketQuery, NavigateShipCommand
from spacetraders_lab.core.experiment import (
    BRACKET_SECONDS,
    PLACEBO_SECONDS,
    READING_LASTS_SECONDS,
    ClaimOrder,
    Design,
    PlaceboBracket,
    Step,
    TradeRecord,
)
from spacetraders_lab.core.legs import leg_table
from spacetraders_lab.core.limits import NO_LIMITS, Limits
from spacetraders_lab.core.market import Listing, MarketSnapshot, Operation
from spacetraders_lab.core.observation import TradeContext, Visit, trade_record
from spacetraders_lab.core.protocol import (
    Action,
    NoFunds,
    PairDone,
    PairFailed,
    PlaceboReading,
    SkipTrades,
    next_action,
)
from spacetraders_lab.core.routing import Leg, route_of
from spacetraders_lab.core.schedule import POLL_SECONDS
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import distance, market_units
from spacetraders_lab.run.feed import LONG
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.study.assignments import Assignment, Director, Queue, Run
from spacetraders_lab.study.markets import Markets
from spacetraders_lab.study.voyager import Voyager, new_ship
from spacetraders_lab.study.worlds import World

RUN_ID = "study"
NO_FUNDS = "the purse cannot pay for the next purchase"


@dataclass(slots=True)
class Played:
    """What came of it. `slopes` has for each row the log move of a full tradeVolume by the economy's law: the truth.

    `sightings` are the listings of every reading, beginning with a look at all markets. `planned` counts the trades of
    all pairs begun, `skips` those left out, by reason. `spent` are the credits net of what was earned, fuel included;
    `failed` tells of each pair that failed why.
    """

    rows: list[TradeRecord] = field(default_factory=list)
    slopes: list[float] = field(default_factory=list)
    sightings: list[Listing] = field(default_factory=list)
    placebos: list[PlaceboBracket] = field(default_factory=list)
    skips: Counter[str] = field(default_factory=Counter)
    planned: int = 0
    requests: int = 0
    seconds: float = 0.0
    spent: int = 0
    completed: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def hours(self) -> float:
        return self.seconds / 3600


class RequestLimit:
    """The game's rate limit for one account: 2 requests in any second and 30 more in any minute, first come first."""

    def __init__(self) -> None:
        self._steady, self._burst = deque([-inf] * 2, 2), deque([-inf] * 30, 30)
        self._last = 0.0

    def grant(self, now: float) -> float:
        """When a request that comes now may go out."""
        steady, burst = self._steady[0] + 1.0, self._burst[0] + 60.0
        self._last = max(now, self._last, min(steady, burst))
        (self._steady if steady <= self._last else self._burst).append(self._last)
        return self._last


class Fleet:
    """A world's ships in one system. What a ship does is a generator of the game seconds at which it goes on."""

    def __init__(self, world: World, system: System) -> None:
        self.played = Played()
        self.markets = Markets(system, 3600 * world.age_hours)
        self.markets.read_all(0.0)
        self._world = world
        self._now = 0.0
        self._credits = world.credits
        self._readings: defaultdict[str, list[MarketSnapshot]] = defaultdict(list)  # by ships, since the last trade
        self._limit = RequestLimit()
        self._places = system.waypoints
        self._legs = leg_table(tuple(system.waypoints.values()), world.speed)
        self._stations = frozenset(symbol for symbol, market in system.markets.items() if FUEL in market.listings)
        self._voyagers = [Voyager(new_ship(world, system, number)) for number in range(1, world.ships + 1)]

    def play(
        self,
        design: Design,
        assignments: Iterable[Assignment] = (),
        *,
        director: Director | None = None,
        transactions: int | None = None,
        limits: Limits = NO_LIMITS,
    ) -> Played:
        """Measure what is assigned, and then what the director names; no pair is begun after so many transactions,
        or once a limit is reached.
        """
        run = Run(design, Queue(assignments), director, inf if transactions is None else transactions, limits)
        lives = [self._live(voyager, run) for voyager in self._voyagers]
        events = [(self._now, number) for number in range(len(lives))]
        while events:
            self._now, number = heappop(events)
            until = next(lives[number], None)
            if until is not None:
                heappush(events, (until, number))
        self.played.seconds = self._now
        self.played.sightings = self.markets.sightings
        return self.played

    def watch(self, minutes: Iterable[float]) -> None:
        """Read every market so many minutes after the last trade, as probes would."""
        for later in minutes:
            self.played.requests += self.markets.read_all(self._now + 60 * later)

    # --- one ship -------------------------------------------------------------------------------------------------

    def _live(self, voyager: Voyager, run: Run) -> Generator[float]:
        """Take on and measure pairs until there is none left."""
        while len(self.played.rows) < run.transactions:
            if run.limits.reached(hours=self._now / 3600, requests=self.played.requests):
                return
            self._refill(run, voyager.ship.waypoint)
            task = self._claim(voyager, run)
            if task is not None:
                voyager.begin(task)
                self._reuse_reading(voyager, run.design)
                yield from self._measure(voyager, run.design)
                run.end(task, self._now)
            elif run.is_over:
                return
            else:
                yield self._now + POLL_SECONDS

    def _claim(self, voyager: Voyager, run: Run) -> Assignment | None:
        """The next pair in the queue; by nearness only once the ship has worked, as a run's worker knows its place."""
        if run.design.claim_order is ClaimOrder.FIFO or voyager.task is None:
            return run.queue.take(self._now)
        here = self._places[voyager.ship.waypoint]
        return run.queue.take(
            self._now, lambda market: distance(here.x, here.y, self._places[market].x, self._places[market].y)
        )

    def _refill(self, run: Run, here: str) -> None:
        """Ask the director, from the market that a ship is at, when the queue is empty and there is something new."""
        if len(run.queue) or run.director is None or run.is_over or self._now < run.asks_from:
            return
        if self._world.probe_minutes:
            self.played.requests += self.markets.read_all(self._now, older_than=60 * self._world.probe_minutes)
        held = run.queue.locks.held(self._now)
        answer = run.director.ask(
            self.played.rows,
            self.played.placebos,
            listings=self.markets.latest.values(),
            locked={listing: self.markets.moment(min(end, self._now + LONG)) for listing, end in held.items()},
            queued=run.queue.pairs,
            spent=self.played.spent,
            turn=run.assigned,
            now=self.markets.moment(self._now),
            start=self.markets.moment(0.0),
            here=here,
        )
        run.note(answer, self.markets.latest, self._now)

    def _reuse_reading(self, voyager: Voyager, design: Design) -> None:
        """Where the pair begins at once where the last one ended, that one's last reading is this one's first."""
        market, task = voyager.market, voyager.task
        assert task is not None
        is_fresh = (
            market is not None
            and design.shares_readings
            and market.waypoint == task.pair.buy_market == voyager.ship.waypoint
            and (self.markets.moment(self._now) - market.observed_at).total_seconds() <= READING_LASTS_SECONDS
        )
        if market is not None and is_fresh:
            voyager.brackets[market.waypoint] += 1
        else:
            voyager.market = None

    def _measure(self, voyager: Voyager, design: Design) -> Generator[float]:
        """Do what the protocol says until the pair has ended."""
        task, played = voyager.task, self.played
        assert task is not None
        played.planned += len((task.menu or design.menu).planned)
        played.skips.update(skip.reason.value for skip in task.skips)
        while True:
            action = next_action(task.pair, voyager.facts(design), voyager.ship)
            if isinstance(action, PairDone):
                played.completed += 1
                return
            if isinstance(action, PairFailed | NoFunds):
                played.failed[task.pair.pair_id] = action.reason if isinstance(action, PairFailed) else NO_FUNDS
                return
            yield from self._do(voyager, action)

    def _do(self, voyager: Voyager, action: Action) -> Generator[float]:
        match action:
            case NavigateShipCommand(destination=destination):
                yield from self._navigate(voyager, destination)
            case DockShipCommand():
                yield self._request()
                voyager.ship = replace(voyager.ship, status=NavStatus.DOCKED)
            case GetMarketQuery(waypoint=waypoint):
                yield self._request()
                voyager.market = self._read(waypoint)
            case PlaceboReading(waypoint=waypoint):
                yield from self._take_bracket(voyager, waypoint)
            case SkipTrades(skips=skips):
                voyager.skips += skips
                self.played.skips.update(skip.reason.value for skip in skips)
            case Step() as step:
                yield from self._trade(voyager, step)

    def _read(self, waypoint: str) -> MarketSnapshot:
        snapshot = self.markets.read(waypoint, self._now)
        self._readings[waypoint].append(snapshot)
        return snapshot

    def _take_bracket(self, voyager: Voyager, waypoint: str) -> Generator[float]:
        """With the reading that a ship made shortly before, else with a second one (`run.placebo`)."""
        after = voyager.market
        assert after is not None  # the protocol asks for it at a market it has seen
        before = self._read_before(after)
        if before is None:
            before = after
            yield self._now + PLACEBO_SECONDS
            yield self._request()
            after = voyager.market = self._read(waypoint)
        voyager.brackets[waypoint] += 1
        self.played.placebos += [
            PlaceboBracket(
                RUN_ID,
                voyager.ship.symbol,
                waypoint,
                before.goods[good],
                before.observed_at,
                after.goods[good],
                after.observed_at,
            )
            for good in sorted(before.goods)
        ]

    def _read_before(self, last: MarketSnapshot) -> MarketSnapshot | None:
        """The reading that makes a bracket with this one; None where there was none, or it is too long ago."""
        until = last.observed_at - timedelta(seconds=PLACEBO_SECONDS)
        before = next((x for x in reversed(self._readings[last.waypoint]) if x.observed_at <= until), None)
        since = last.observed_at - timedelta(seconds=BRACKET_SECONDS)
        return before if before is not None and before.observed_at >= since else None

    def _navigate(self, voyager: Voyager, destination: str) -> Generator[float]:
        voyager.market = None
        ship = voyager.ship
        for leg in route_of(ship, self._legs, destination, self._stations).legs:
            yield from self._fly(voyager, leg)
        voyager.begin_visit()

    def _fly(self, voyager: Voyager, leg: Leg) -> Generator[float]:
        """Refuel if the route says so, change the mode, undock, fly."""
        ship = voyager.ship
        if leg.refuel_before:
            if ship.status is not NavStatus.DOCKED:
                yield self._request()
            yield self._request()
            ship = self._refuel(replace(ship, status=NavStatus.DOCKED))
        requests = 1 + (ship.flight_mode is not leg.mode) + (ship.status is NavStatus.DOCKED)
        for _ in range(requests):
            yield self._request()
        yield self._now + leg.seconds
        voyager.ship = replace(
            ship,
            waypoint=leg.destination,
            status=NavStatus.IN_ORBIT,
            flight_mode=leg.mode,
            fuel=max(0, ship.fuel - leg.fuel) if ship.fuel_capacity else 0,
        )

    def _refuel(self, ship: Ship) -> Ship:
        units = market_units(ship.fuel_capacity - ship.fuel)
        deal = self.markets.deal(ship.waypoint, ship.symbol, FUEL, Operation.BUY, units, self._now)
        self._pay(deal.transaction.total_price)
        return replace(ship, fuel=ship.fuel_capacity)

    # --- one trade ------------------------------------------------------------------------------------------------

    def _trade(self, voyager: Voyager, step: Step) -> Generator[float]:
        """Trade at the quote that stands, read the market, and record both."""
        assert voyager.market is not None and voyager.task is not None  # the protocol has seen the market
        buys, ship = step.operation is Operation.BUY, voyager.ship
        before = voyager.market.goods[step.good_symbol]
        if buys and step.units * before.purchase_price > self._credits:
            voyager.cannot_buy = True
            return
        visit = Visit(voyager.visit.visit_id, voyager.visit.sequence + 1, voyager.visit.cumulative_units + step.units)
        context = TradeContext(voyager.task.pair, visit, before, voyager.market.observed_at, voyager.market.traded_at)
        yield self._request()
        deal = self.markets.deal(step.market, ship.symbol, step.good_symbol, step.operation, step.units, self._now)
        self._readings[step.market].clear()
        self._pay(deal.transaction.total_price if buys else -deal.transaction.total_price)
        held = ship.units_of(step.good_symbol) + (step.units if buys else -step.units)
        voyager.ship, voyager.visit = ship.with_units(step.good_symbol, held), visit
        yield self._request()
        voyager.market = self._read(step.market)
        record = trade_record(
            step,
            deal.transaction,
            context,
            run_id=RUN_ID,
            player_id=0,
            take=1,
            ship=voyager.ship,
            after=voyager.market,
        )
        voyager.records.append(record)
        self.played.rows.append(record)
        self.played.slopes.append(deal.slope)

    def _pay(self, credits: int) -> None:
        self._credits -= credits
        self.played.spent += credits

    def _request(self) -> float:
        """When the next request of the account may go out."""
        self.played.requests += 1
        return self._limit.grant(self._now)

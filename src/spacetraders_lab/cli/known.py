"""What the database knows of a system's markets, as the commands that advise ask for it. Prints no advice."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from spacetraders_lab.analysis.advice import Trip
from spacetraders_lab.analysis.displaced import own_trades
from spacetraders_lab.analysis.evidence import Evidence, evidence_of
from spacetraders_lab.analysis.pace import PaceGround, pace_ground, resilience_of
from spacetraders_lab.analysis.recovery import RESTED_SECONDS
from spacetraders_lab.analysis.resilience import Resilience
from spacetraders_lab.cli.found import STEPS, Found, find
from spacetraders_lab.cli.settings import database, settings
from spacetraders_lab.cli.waiting import steps
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Listing, Operation
from spacetraders_lab.core.planning import REQUESTS_PER_FLIGHT
from spacetraders_lab.core.travel import FUEL_PER_MARKET_UNIT, FlightMode, distance, fuel_cost, travel_seconds
from spacetraders_lab.core.waypoint import Waypoint, checked_system, system_of
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.status import summarise_runs
from spacetraders_lab.store.world import World

FUEL = "FUEL"
_SEEDS = {Operation.BUY: 0, Operation.SELL: 1}  # the two ends of a lane err apart from each other


@dataclass(frozen=True, slots=True)
class End:
    """One side of one listing: its curve and how it comes back, with the grounds of both.

    `unrest` is a warning where our trades may not have let the quotes come to rest; empty where they have.
    """

    good: str
    market: str
    evidence: Evidence
    resilience: Resilience | None
    pace: PaceGround
    unrest: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the database holds on some markets of a system, and what all runs of their universe found."""

    connection: Connection
    universe_id: int
    found: Found
    now: datetime
    _listings: dict[tuple[str, str], Listing | None] = field(default_factory=dict)
    _places: dict[str, Waypoint] = field(default_factory=dict)

    def end(self, market: str, good: str, side: Operation) -> End:
        """What is known of trading there; raises UserError where no price was seen, or nothing measured tells."""
        listing, recovery = self.listing(market, good), self.found.findings.recovery
        if listing is None:
            raise UserError(
                f"{good} was never seen at {market}: send a ship there, then `spacetraders market get {market}`"
            )
        seed, age = _SEEDS[side], self.found.time.minutes(listing.observed_at, self.now)
        trades = own_trades(self.found.data, (market, good), self._seconds(listing.observed_at))
        return End(
            good,
            market,
            evidence_of(self.found.findings, listing, side, age_minutes=age, trades=trades, seed=seed),
            resilience_of(recovery, listing, side, seed=seed),
            pace_ground(recovery, listing, side),
            self._unrest(market, good),
        )

    def trading(self, system: str) -> dict[str, list[str]]:
        """The markets that trade each good, seen or not, FUEL left out; what is seen there is not looked up again."""
        world, found = World(self.connection), defaultdict[str, set[str]](set)
        for market, goods in world.market_lists(self.universe_id, system).items():
            for good in goods:
                self._listings[market, good] = None
        for seen in world.latest_listings(self.universe_id, system):
            self._listings[seen.waypoint, seen.good.symbol] = seen
        for market, good in self._listings:
            found[good].add(market)
        return {good: sorted(found[good]) for good in sorted(found) if good != FUEL}

    def unread(self, system: str) -> int:
        """How many markets of the system trade nobody knows what; `trading` is to be asked first."""
        read = {market for market, _ in self._listings}
        charted = World(self.connection).waypoints(self.universe_id, system)
        return sum(place.has_market and place.symbol not in read for place in charted)

    def listing(self, market: str, good: str) -> Listing | None:
        """The newest of what was seen of it; None where that is nothing."""
        key = market, good
        if key not in self._listings:
            newest = World(self.connection).history(self.universe_id, market, good, most=1)
            self._listings[key] = newest[0] if newest else None
        return self._listings[key]

    def over(self) -> str:
        """A warning where the universe that all this is about is known to be over; empty where it is not."""
        world = World(self.connection)
        newer = world.successor(self.universe_id)
        if newer is None:
            return ""
        its = world.universe(self.universe_id).reset_date
        return f"All this is about the universe of {its}, which is over: that of {newer.reset_date} has begun since."

    def trip(self, origin: str, target: str, speed: int) -> Trip:
        """There and back on CRUISE, fuel bought at the cheapest quote known of the two markets (None: none known).

        Raises UserError where it is not known where one of them lies.
        """
        a, b = self._place(origin), self._place(target)
        apart = distance(a.x, a.y, b.x, b.y)
        sold = (self.listing(place.symbol, FUEL) for place in (a, b))
        fuel = [seen.good.purchase_price for seen in sold if seen is not None]
        burned = 2 * fuel_cost(apart, FlightMode.CRUISE) / FUEL_PER_MARKET_UNIT
        return Trip(
            minutes=2 * travel_seconds(apart, speed, FlightMode.CRUISE) / 60,
            fuel=burned * min(fuel) if fuel else None,
            requests=2 * (REQUESTS_PER_FLIGHT + 1) + (1 if fuel else 0),  # flights, a market read each, refuelling
        )

    def _place(self, symbol: str) -> Waypoint:
        system = system_of(symbol)
        if not self._places:
            charted = World(self.connection).waypoints(self.universe_id, system)
            self._places.update({place.symbol: place for place in charted})
        if symbol not in self._places:
            raise UserError(
                f"{symbol} is not charted in {system}; scout it: spacetraders market scout --system {system}"
            )
        return self._places[symbol]

    def _unrest(self, market: str, good: str) -> str:
        data, listing = self.found.data, (market, good)
        if listing not in data.unit_names:
            return ""
        last = data.time[data.unit == data.unit_names.index(listing)].max()
        since = self._seconds(self.now) - last
        if since >= RESTED_SECONDS:
            return ""
        return f"You traded {good} at {market} {age_of(since / 60)} ago: its quotes may still be recovering."

    def _seconds(self, hour: datetime) -> float:
        """The game's hour for the clock's, in seconds since 1970."""
        return float(self.found.time.of([hour]).astype("int64")[0]) / 1e6


@contextmanager
def known(*markets: str) -> Iterator[Known]:
    """What is known of the system in which all of these markets lie."""
    system, *others = {system_of(market): None for market in markets}
    if others:
        raise UserError(f"{', '.join(markets)} lie in several systems; trade between systems is not measured")
    with known_of(system) as found:
        yield found


@contextmanager
def known_of(system: str) -> Iterator[Known]:
    """What is known of a system; raises UserError where that is nothing, or nothing was ever traded there."""
    with database() as opened:
        universe_id, found = _find(opened, checked_system(system))
        with opened.reading() as connection:
            yield Known(connection, universe_id, found, SystemClock().now())


def age_of(minutes: float) -> str:
    """An age in words."""
    if minutes < 120:
        return f"{minutes:.0f} minutes"
    return f"{minutes / 60:.0f} hours" if minutes < 72 * 60 else f"{minutes / 1440:.0f} days"


def _find(opened: Database, system: str) -> tuple[int, Found]:
    """What all runs found together in the universe in which the system's prices were seen last."""
    base_url = settings().base_url
    with opened.reading() as connection:
        universe_id = World(connection).last_universe(base_url, system)
        if universe_id is None:
            raise UserError(
                f"no price of {system} was ever seen at {base_url}; scout it first:"
                f" spacetraders market scout --system {system}"
            )
        traded = {run.run_id for run in summarise_runs(connection) if run.transactions}
        runs = [
            run.run_id
            for run in ExperimentRepository(connection).list_runs()
            if run.universe_id == universe_id and run.run_id in traded
        ]
    if not runs:
        raise UserError(
            f"no experiment has traded in this universe of {base_url} yet, so nothing can be predicted; run one:"
            " spacetraders experiment liquidity"
        )
    with steps(*STEPS) as done:
        return universe_id, find(opened, runs, done)

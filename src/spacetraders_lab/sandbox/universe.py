"""The state of a universe: systems, agents, ships, ledger. Time is an argument; HTTP is unknown here.

`trade.py`, `cargo.py`, `flight.py` and `yard.py` act on it.
"""

import hashlib
import math
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.ship import NavStatus
from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.galaxy import Galaxy, generate_galaxy
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.hulls import HULLS, Hull
from spacetraders_lab.sandbox.ledger import Ledger
from spacetraders_lab.sandbox.market import Market, shown_transaction
from spacetraders_lab.sandbox.refusals import stamp
from spacetraders_lab.sandbox.settings import SandboxSettings


@dataclass(slots=True)
class Agent:
    """A player: purse in credits, the number that the next ship gets, and since when (None: from the beginning)."""

    symbol: str
    account_id: str
    faction: str
    headquarters: str
    credits: int
    token: str
    next_ship: int = 1
    registered: datetime | None = None


@dataclass(slots=True)
class Flight:
    """The latest route of a ship; departure equals arrival for a ship that never flew.

    `share` of the way was left when the flight mode was last changed, at `changed` (None: not in this flight).
    """

    origin: Waypoint
    destination: Waypoint
    departure: datetime
    arrival: datetime
    share: float = 1.0
    changed: datetime | None = None

    def left(self, now: datetime) -> float:
        """The share of the way that is still to be flown."""
        return self.share * ((self.arrival - now) / (self.arrival - (self.changed or self.departure)))


@dataclass(slots=True)
class ShipState:
    """A ship. While in transit `waypoint` is already the destination; `hold` maps good to units."""

    symbol: str
    agent: str
    hull: Hull
    capacity: int
    waypoint: str
    flight: Flight
    fuel: int
    status: NavStatus = NavStatus.DOCKED
    mode: FlightMode = FlightMode.CRUISE
    hold: dict[str, int] = field(default_factory=dict)
    burned: int = 0
    burned_at: datetime | None = None
    cooldown_until: datetime | None = None
    cooldown_seconds: int = 0

    @property
    def system(self) -> str:
        return system_of(self.waypoint)

    @property
    def cargo_units(self) -> int:
        return sum(self.hold.values())

    def settle(self, now: datetime) -> None:
        """A flight whose time has come ends in orbit."""
        if self.status is NavStatus.IN_TRANSIT and now >= self.flight.arrival:
            self.status = NavStatus.IN_ORBIT

    def check_not_in_transit(self, now: datetime) -> None:
        """Raises 4214 while the ship flies."""
        if self.status is NavStatus.IN_TRANSIT:
            flight = self.flight
            seconds = max(0, math.ceil((flight.arrival - now).total_seconds()))
            ends = flight.origin.symbol, flight.destination.symbol
            raise refusals.in_transit(*ends, stamp(flight.departure), stamp(flight.arrival), seconds)

    def load(self, good: str, units: int) -> None:
        """Add units (negative: take them away); the caller has checked room and stock."""
        left = self.hold.get(good, 0) + units
        self.hold.pop(good, None)
        if left:
            self.hold[good] = left


@dataclass(slots=True)
class Universe:
    """Everything there is. Make one with `create`; all chance comes from the seed of the settings."""

    settings: SandboxSettings
    start: datetime
    reset_date: str
    is_first: bool
    secret: str
    galaxy: Galaxy
    agents: dict[str, Agent] = field(default_factory=dict)
    ships: dict[str, ShipState] = field(default_factory=dict)
    fleets: dict[str, dict[str, ShipState]] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)

    @classmethod
    def create(cls, settings: SandboxSettings, now: datetime) -> "Universe":
        """A new universe, the same for the same settings, that begins `now` unless the settings say when."""
        start = settings.start or now
        return cls.grown_from(settings, start, start.date().isoformat(), is_first=True)

    @classmethod
    def grown_from(cls, settings: SandboxSettings, start: datetime, reset_date: str, *, is_first: bool) -> "Universe":
        """The universe as it was at its beginning, known by where, when and whether it is the first of its server."""
        seed = f"{settings.seed}" if is_first else f"{settings.seed}:{reset_date}"
        secret = hashlib.sha256(f"sandbox universe {seed}".encode()).hexdigest()
        return cls(settings, start, reset_date, is_first, secret, generate_galaxy(settings, Random(seed)))

    def successor(self, now: datetime) -> "Universe":
        """The universe after a reset: other places, a later reset date, no agents."""
        reset_date = max(now.date(), date.fromisoformat(self.reset_date) + timedelta(days=1))
        return Universe.grown_from(self.settings, now, reset_date.isoformat(), is_first=False)

    @property
    def universe_id(self) -> str:
        """What tells this universe from every other, even one that begins on the same day at the same address."""
        return hashlib.sha256(f"{self.secret} {self.start.isoformat()}".encode()).hexdigest()[:12]

    @property
    def systems(self) -> dict[str, System]:
        return self.galaxy.systems

    @property
    def home(self) -> System:
        return self.galaxy.home

    def elapsed(self, now: datetime) -> float:
        """Game seconds since the beginning."""
        return max(0.0, (now - self.start).total_seconds() * self.settings.speed)

    def moment(self, game_seconds: float) -> datetime:
        """The wall-clock moment so many game seconds after the beginning."""
        return self.start + timedelta(seconds=game_seconds / self.settings.speed)

    def duration(self, game_seconds: float) -> timedelta:
        """What so many game seconds take on the wall clock: whole milliseconds (stamps show no more), at least one."""
        return timedelta(milliseconds=max(1, math.floor(game_seconds * 1000 / self.settings.speed + 0.5)))

    def system(self, symbol: str) -> System:
        """The system of that symbol; raises the game's 404."""
        try:
            return self.systems[symbol]
        except KeyError:
            raise refusals.not_found(f"System {symbol}") from None

    def place(self, system: str, waypoint: str) -> tuple[System, Waypoint]:
        """A waypoint with its system; raises the game's 404."""
        found = self.system(system)
        if waypoint not in found.waypoints:
            raise refusals.not_found(f"Waypoint {waypoint}")
        return found, found.waypoints[waypoint]

    def waypoint(self, symbol: str) -> Waypoint | None:
        """A waypoint wherever it is, None when there is none."""
        system = self.systems.get(system_of(symbol))
        return system.waypoints.get(symbol) if system else None

    def market(self, waypoint: str, now: datetime) -> Market:
        """The market there, brought up to `now`; raises 4603 when there is none."""
        system = self.systems.get(system_of(waypoint))
        market = system.markets.get(waypoint) if system else None
        if market is None:
            raise refusals.no_market(waypoint)
        for visit in market.advance(self.elapsed(now)):
            ship, at = f"{visit.trader}-1", self.moment(visit.at)
            kind = "PURCHASE" if visit.operation is Operation.BUY else "SELL"
            market.show(shown_transaction(waypoint, ship, visit.good, kind, visit.units, visit.price, at))
            self.ledger.add(
                kind,
                at,
                agent=visit.trader,
                ship_symbol=ship,
                waypoint=waypoint,
                good=visit.good,
                units=visit.units,
                price=visit.price,
            )
        return market

    def ship(self, agent: Agent, symbol: str, now: datetime) -> ShipState:
        """An own ship, its flight ended if its time has come; raises the game's 404."""
        try:
            ship = self.fleets[agent.symbol][symbol]
        except KeyError:
            message = f"Ship not found. Ship {symbol} does not exist or does not belong to the agent."
            raise refusals.refuse(404, message, 404, shipSymbol=symbol) from None
        ship.settle(now)
        return ship

    def is_watched(self, agent: Agent | None, waypoint: str, now: datetime) -> bool:
        """Whether a ship of the agent is at the waypoint (docked or in orbit)."""
        if agent is None:
            return False
        for ship in self.fleets[agent.symbol].values():
            if ship.waypoint == waypoint:
                ship.settle(now)
                if ship.status is not NavStatus.IN_TRANSIT:
                    return True
        return False

    def add_ship(self, agent: Agent, kind: str, at: Waypoint, now: datetime) -> ShipState:
        """Hand the agent a new ship, docked and with a full tank."""
        hull = HULLS[kind]
        capacity = hull.cargo if self.settings.hold is None or not hull.cargo else self.settings.hold
        symbol = f"{agent.symbol}-{agent.next_ship:X}"
        agent.next_ship += 1
        ship = ShipState(symbol, agent.symbol, hull, capacity, at.symbol, Flight(at, at, now, now), hull.fuel)
        self.ships[symbol] = self.fleets[agent.symbol][symbol] = ship
        return ship

    def note(
        self, kind: str, ship: ShipState, now: datetime, *, good: str = "", units: int = 0, price: int = 0
    ) -> None:
        """Write a change of a ship, its hold or its agent's purse into the ledger, after it happened."""
        self.ledger.add(
            kind,
            now,
            agent=ship.agent,
            ship_symbol=ship.symbol,
            waypoint=ship.waypoint,
            good=good,
            units=units,
            price=price,
            credits_after=self.agents[ship.agent].credits,
            cargo_after=ship.cargo_units,
        )


def system_of(waypoint: str) -> str:
    """The system part of a waypoint symbol, whatever its form: clients may ask for anything."""
    return waypoint.rpartition("-")[0]


def whole_milliseconds(moment: datetime) -> datetime:
    """The moment as stamps show it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

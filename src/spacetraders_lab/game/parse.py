"""The game's JSON as typed shapes, and the core's values made from them. Knows no HTTP and asks nothing.

Fields that the lab does not use are not declared, and what is unknown is ignored, so that the game may grow.
Words that the lab does not know are survived wherever the rest still makes sense.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Generic, TypeVar

from msgspec import DecodeError, Meta, Raw, Struct, ValidationError, convert
from msgspec.json import Decoder

from spacetraders_lab.core.market import (
    Activity,
    ListingType,
    MarketSnapshot,
    MarketTransaction,
    Operation,
    Supply,
    TradeGood,
)
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.core.waypoint import Waypoint

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_OPERATIONS = {"PURCHASE": Operation.BUY, "SELL": Operation.SELL}

Stamp = Annotated[datetime, Meta(tz=True)]


class Shape(Struct, frozen=True, rename="camel"):
    """A JSON object of the game."""


class Data(Shape, Generic[T], frozen=True):
    """The envelope of every reply but the status."""

    data: T


class PageMeta(Shape, frozen=True):
    total: int


class Page(Shape, Generic[T], frozen=True):
    """The envelope of a list."""

    data: list[T]
    meta: PageMeta | None = None  # players have seen lists without


class Symbol(Shape, frozen=True):
    """Anything of which only the symbol is of interest."""

    symbol: str


# --- ships ---------------------------------------------------------------------------------------------------------


class Route(Shape, frozen=True):
    departure_time: Stamp
    arrival: Stamp


class Nav(Shape, frozen=True):
    waypoint_symbol: str
    route: Route
    status: str
    flight_mode: str

    def of(self, ship: Ship) -> Ship:
        """The ship with this navigation."""
        # A mode we do not know is not the one the next flight wants. STEALTH is the one that no route ever asks for,
        # so it has the next flight set its mode.
        mode = known(FlightMode, self.flight_mode) or FlightMode.STEALTH
        # In a state that we do not know a ship is not to be used before its flight is over, if there is one.
        status = known(NavStatus, self.status) or NavStatus.IN_TRANSIT
        return replace(ship, waypoint=self.waypoint_symbol, status=status, flight_mode=mode, arrival=self.route.arrival)


class Fuel(Shape, frozen=True):
    current: int
    capacity: int

    def of(self, ship: Ship) -> Ship:
        """The ship with this tank."""
        return replace(ship, fuel=self.current, fuel_capacity=self.capacity)


class CargoItem(Shape, frozen=True):
    symbol: str
    units: int


class Cargo(Shape, frozen=True):
    capacity: int
    inventory: list[CargoItem]

    def of(self, ship: Ship) -> Ship:
        """The ship with this hold. The game has shown negative units; nothing is what they are worth."""
        inventory = {item.symbol: item.units for item in self.inventory if item.units > 0}
        return replace(ship, cargo_capacity=self.capacity, inventory=MappingProxyType(inventory))


class Engine(Shape, frozen=True):
    speed: float

    @property
    def whole_speed(self) -> int:
        """The speed that flights are planned with: never faster than the engine."""
        return max(1, int(self.speed))


class ShipShape(Shape, frozen=True):
    symbol: str
    nav: Nav
    fuel: Fuel
    cargo: Cargo
    engine: Engine

    @property
    def ship(self) -> Ship:
        blank = Ship(self.symbol, "", NavStatus.IN_ORBIT, FlightMode.CRUISE, self.engine.whole_speed, 0, 0, 0)
        return self.nav.of(self.fuel.of(self.cargo.of(blank)))


# --- markets -------------------------------------------------------------------------------------------------------


class TransactionShape(Shape, frozen=True):
    waypoint_symbol: str
    ship_symbol: str
    trade_symbol: str
    type: str
    units: int
    price_per_unit: int
    total_price: int
    timestamp: Stamp

    def of(self, operation: Operation) -> MarketTransaction:
        """The transaction, known to be of this side."""
        return MarketTransaction(
            self.waypoint_symbol,
            self.ship_symbol,
            self.trade_symbol,
            operation,
            self.units,
            self.price_per_unit,
            self.total_price,
            self.timestamp,
        )


class TradeGoodShape(Shape, frozen=True):
    symbol: str
    type: str | None
    trade_volume: int
    supply: str | None
    purchase_price: int
    sell_price: int
    activity: str | None = None

    @property
    def good(self) -> TradeGood | None:
        """The listing, None when its type or supply is a word that the lab does not know."""
        return _good(self)


class MarketShape(Shape, frozen=True):
    symbol: str
    exports: list[Symbol]
    imports: list[Symbol]
    exchange: list[Symbol]
    transactions: list[Raw] | None = None  # each entry is read by itself: a strange one hides nothing else
    trade_goods: list[TradeGoodShape] | None = None

    def snapshot(self, observed_at: datetime) -> MarketSnapshot:
        """What the market showed at that time."""
        goods = [shape.good for shape in self.trade_goods or ()]
        return MarketSnapshot(
            waypoint=self.symbol,
            observed_at=observed_at,
            goods=MappingProxyType({good.symbol: good for good in goods if good is not None}),
            transactions=tuple(_listed(self.transactions or ())),
            imports=symbols(self.imports),
            exports=symbols(self.exports),
            exchange=symbols(self.exchange),
        )


# --- places --------------------------------------------------------------------------------------------------------


class WaypointShape(Shape, frozen=True):
    symbol: str
    type: str
    x: int
    y: int
    traits: list[Symbol] = []
    orbits: str | None = None
    is_under_construction: bool = False

    @property
    def waypoint(self) -> Waypoint:
        traits = frozenset(symbols(self.traits))
        return Waypoint(self.symbol, self.type, self.x, self.y, traits, self.orbits, self.is_under_construction)


class SystemShape(Shape, frozen=True):
    symbol: str
    x: int
    y: int


class JumpGate(Shape, frozen=True):
    """A gate; `connections` are the gates that can be jumped to."""

    symbol: str
    connections: list[str]


# --- the account ---------------------------------------------------------------------------------------------------


class Agent(Shape, frozen=True):
    """The player's agent; credits may be negative."""

    symbol: str
    headquarters: str
    credits: int
    ship_count: int = 0


class ServerResets(Shape, frozen=True):
    next: Stamp


class SandboxShape(Shape, frozen=True):
    """What only a sandbox says of itself."""

    universe: str


class Status(Shape, frozen=True):
    """The game's status: a server's universe is known by its `reset_date`."""

    reset_date: str
    server_resets: Any = None
    sandbox: SandboxShape | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When the universe ends, None where the game does not say so in its usual form."""
        try:
            return convert(self.server_resets, ServerResets, strict=False).next
        except ValidationError:
            return None

    def server(self, base_url: str) -> str:
        """What plays at the address: the address itself, or with a sandbox its universe behind a #.

        Sandboxes come and go at an address, several a day; the game has one universe from a reset to the next.
        """
        return f"{base_url}#{self.sandbox.universe}" if self.sandbox else base_url


class Registration(Shape, frozen=True):
    """A new agent with its token."""

    token: str
    agent: Agent

    def __repr__(self) -> str:
        return f"Registration({self.agent.symbol})"


# --- replies to actions --------------------------------------------------------------------------------------------


class NavReply(Shape, frozen=True):
    nav: Nav


class FlightReply(Shape, frozen=True):
    nav: Nav
    fuel: Fuel


class RefuelReply(Shape, frozen=True):
    agent: Agent
    fuel: Fuel
    transaction: TransactionShape


class TradeReply(Shape, frozen=True):
    agent: Agent
    cargo: Cargo
    transaction: TransactionShape


class Cooldown(Shape, frozen=True):
    remaining_seconds: float


class JumpReply(Shape, frozen=True):
    """After a jump; `transaction` is the antimatter that it took."""

    nav: Nav
    cooldown: Cooldown
    transaction: TransactionShape
    agent: Agent


_read_transaction = Decoder(TransactionShape, strict=False).decode


def _listed(entries: Iterable[Raw]) -> Iterator[MarketTransaction]:
    """The entries of a market's list but those of another kind, or without all that a transaction has."""
    return filter(None, map(_transaction, map(bytes, entries)))


@lru_cache(maxsize=4096)  # a market's list is nearly the same at its next reading: forty markets with a hundred entries
def _transaction(entry: bytes) -> MarketTransaction | None:
    try:
        shape = _read_transaction(entry)
    except DecodeError:
        return None
    operation = _OPERATIONS.get(shape.type)
    return None if operation is None else shape.of(operation)


@lru_cache(maxsize=1024)  # most listings of a market stand as they stood at its last reading
def _good(shape: TradeGoodShape) -> TradeGood | None:
    listing_type, supply = known(ListingType, shape.type), known(Supply, shape.supply)
    if listing_type is None or supply is None:
        return None
    activity = known(Activity, shape.activity)
    return TradeGood(
        shape.symbol, listing_type, shape.trade_volume, supply, activity, shape.purchase_price, shape.sell_price
    )


@lru_cache(maxsize=1024)  # a market's reply has sixty such words, and the game has few
def known(words: type[E], word: str | None) -> E | None:
    """The member with this value, None for a word that the lab does not know."""
    try:
        return words(word or "")
    except ValueError:
        return None


def symbols(things: Iterable[Symbol]) -> tuple[str, ...]:
    return tuple(thing.symbol for thing in things)

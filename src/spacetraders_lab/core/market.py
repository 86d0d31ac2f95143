"""What a market quotes and reports. You *pay* `purchase_price` (the ask) and *receive* `sell_price` (the bid)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple


class Supply(StrEnum):
    """How full a listing is, from empty to full."""

    SCARCE = "SCARCE"
    LIMITED = "LIMITED"
    MODERATE = "MODERATE"
    HIGH = "HIGH"
    ABUNDANT = "ABUNDANT"


class Activity(StrEnum):
    """How briskly a listing produces or consumes; the game gives none for EXCHANGE."""

    WEAK = "WEAK"
    GROWING = "GROWING"
    STRONG = "STRONG"
    RESTRICTED = "RESTRICTED"


ListingKey = tuple[str, str]  # (market, good)


class ListingType(StrEnum):
    """Whether the market makes the good, uses it, or only passes it on."""

    EXPORT = "EXPORT"
    IMPORT = "IMPORT"
    EXCHANGE = "EXCHANGE"


class Operation(StrEnum):
    """The side of a transaction, seen from the player."""

    BUY = "BUY"
    SELL = "SELL"


CellKey = tuple[Operation, ListingType, Supply, Activity | None]  # what price impact is estimated for


@dataclass(frozen=True, slots=True)
class TradeGood:
    """One listing as quoted at one moment; prices in credits a unit, `trade_volume` in units a transaction."""

    symbol: str
    type: ListingType
    trade_volume: int
    supply: Supply
    activity: Activity | None
    purchase_price: int
    sell_price: int

    @property
    def is_priced(self) -> bool:
        """Whether both quotes are at least a credit: moves of one that stands at 0 have no ratio."""
        return min(self.purchase_price, self.sell_price) > 0

    def price(self, operation: Operation) -> int:
        """The quote that a transaction of this side trades at: the ask for BUY, the bid for SELL."""
        return self.purchase_price if operation is Operation.BUY else self.sell_price


def trade_good_from_json(data: Mapping[str, Any]) -> TradeGood:
    """The listing that `dataclasses.asdict` turned into plain JSON."""
    activity = data["activity"]
    words = {
        "type": ListingType(data["type"]),
        "supply": Supply(data["supply"]),
        "activity": None if activity is None else Activity(activity),
    }
    return TradeGood(**{**data, **words})


class MarketTransaction(NamedTuple):
    """One trade as the market (or the reply to our own request) reports it.

    A tuple, for a market reports a hundred with every reading, and a dataclass takes four times as long to make.
    """

    waypoint: str
    ship_symbol: str
    trade_symbol: str
    operation: Operation
    units: int
    price_per_unit: int
    total_price: int
    timestamp: datetime


_timestamp = attrgetter("timestamp")


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """One reply of a market. `goods` (by symbol) and `transactions` are empty when no own ship was there.

    `observed_at` is by the game's clock.
    """

    waypoint: str
    observed_at: datetime
    goods: Mapping[str, TradeGood] = field(default_factory=lambda: MappingProxyType({}))
    transactions: tuple[MarketTransaction, ...] = ()
    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    exchange: tuple[str, ...] = ()

    @property
    def traded_at(self) -> datetime | None:
        """When the latest trade that it reports took place; None when it reports none."""
        return max(map(_timestamp, self.transactions), default=None)

    def is_untouched_since(self, moment: datetime, agent: str, *, but_for: str | None = None) -> bool:
        """Whether no ship of the agent has traded here after a moment, by the market's own list; `but_for` is a good.

        False as well where the list does not reach back so far.
        """
        newer = [t for t in self.transactions if t.timestamp > moment]
        own = (t for t in newer if t.ship_symbol.rpartition("-")[0] == agent and t.trade_symbol != but_for)
        return next(own, None) is None and (not newer or len(newer) < len(self.transactions))

    @property
    def listed(self) -> tuple[str, ...]:
        """Every good that can be traded here, known without a visit."""
        return tuple(sorted({*self.imports, *self.exports, *self.exchange}))


@dataclass(frozen=True, slots=True)
class Listing:
    """A trade good at its market, with the time it was seen: what the selector chooses among."""

    waypoint: str
    good: TradeGood
    observed_at: datetime

    @property
    def key(self) -> ListingKey:
        """Its market and its good."""
        return self.waypoint, self.good.symbol


def quotes_of(listings: Iterable[Listing]) -> dict[ListingKey, TradeGood]:
    """What each listing quotes; of one that is there twice, the last."""
    return {listing.key: listing.good for listing in listings}

"""What was found of recovery: the beat of the markets, what a tick brings back, half-lives. Computes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.core.market import Activity, ListingType, Operation


@dataclass(frozen=True, slots=True)
class Tick:
    """The beat of the markets: quotes move by themselves once a period, each listing at its own phase (seconds).

    The phase may lie by so many seconds as `reaches` says to either side.
    """

    period_seconds: float
    phases: Mapping[tuple[str, str], float]
    reaches: Mapping[tuple[str, str], float]
    changes: int
    explained: int  # of the changes


@dataclass(frozen=True, slots=True)
class TickRate:
    """TradeVolumes by which the hidden stock moves towards its rest at each tick, by listing type and activity.

    `mean` is the mean over the listings measured. `rate` is what one listing does: the same value, with the ends
    between which 95 % of listings lie, for each has a pace of its own.
    """

    type: ListingType
    activity: Activity | None
    rate: Estimate
    mean: Estimate
    listings: int
    ticks: int


@dataclass(frozen=True, slots=True)
class ListingRate:
    """What a tick brings back at one listing while it has an activity: anything from `low` to `high` tradeVolumes."""

    market: str
    good: str
    type: ListingType
    activity: Activity | None
    low: float
    high: float
    ticks: int


class Stream(StrEnum):
    """How a trade stands to what its market does by itself: it makes what it exports, and uses what it imports."""

    WITH = "with"  # bought from an EXPORT, sold to an IMPORT: the market undoes the move
    AGAINST = "against"  # sold to an EXPORT, bought from an IMPORT: it does not
    NONE = "none"  # EXCHANGE


def stream_of(kind: ListingType, side: Operation) -> Stream:
    """Whether a market of that kind by itself undoes what a trade of that side does."""
    if kind is ListingType.EXCHANGE:
        return Stream.NONE
    return Stream.WITH if (kind is ListingType.EXPORT) == (side is Operation.BUY) else Stream.AGAINST


@dataclass(frozen=True, slots=True)
class ReturnEstimate:
    """How moved quotes go back: the time in which half of what is not permanent has gone, and the share that stays.

    None where the readings after so many visits (`revisits`) to so many `listings` do not tell. `lasts_minutes` is set
    where less than half had gone (95 % sure) after so long, the longest that was watched. `unrested` visits more were
    read again, but their listing was still on its way back from an earlier visit. `volumes` is how many tradeVolumes
    the visits traded, in the median: 0 where that is not known.
    """

    half_life_minutes: Estimate | None
    permanent_share: Estimate | None
    lasts_minutes: float | None
    revisits: int
    listings: int
    unrested: int = 0
    volumes: float = 0.0


@dataclass(frozen=True, slots=True)
class RecoveryEstimate:
    """How quotes come back after trades. `tick` is None where no beat was found; `returns` has every stream.

    `rates` are what a tick brings back in listings of a kind, `listing_rates` in each that was seen to come back.
    """

    tick: Tick | None
    rates: tuple[TickRate, ...]
    returns: Mapping[Stream, ReturnEstimate]
    listing_rates: tuple[ListingRate, ...] = ()

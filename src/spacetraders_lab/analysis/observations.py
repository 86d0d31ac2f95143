"""Market snapshots as arrays: every listing as it was seen at some moment, trade or no trade. Estimates nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from spacetraders_lab.analysis.arrays import (
    Columns,
    Floats,
    Ints,
    Rows,
    codes,
    column,
    named,
    numbers,
    pairs,
    seconds,
)
from spacetraders_lab.analysis.dataset import ACTIVITIES, NO_ACTIVITY, SUPPLIES, TYPES, quotes
from spacetraders_lab.core.market import Listing


@dataclass(frozen=True, slots=True)
class Observations(Rows):
    """Quotes by listing and time, ordered so; `unit` is a position in `unit_names`, the rest as in Dataset."""

    unit_names: tuple[tuple[str, str], ...]
    type: Ints
    supply: Ints
    activity: Ints
    trade_volume: Floats
    ask: Floats
    bid: Floats
    time: Floats


@dataclass(frozen=True, slots=True)
class OtherTrades:
    """When runs that are not analysed traded which listing (seconds since 1970, ascending).

    What a quote does over such a trade is neither recovery nor drift.
    """

    times: Mapping[tuple[str, str], Floats] = field(default_factory=dict)

    def of(self, listing: tuple[str, str]) -> Floats:
        return self.times.get(listing, _NEVER)

    def before(self, names: Sequence[tuple[str, str]], unit: Ints, time: Floats) -> Ints:
        """For each moment at a listing (`unit` is a position in `names`), how many of them had come before."""
        counts = np.zeros(len(unit), dtype=np.int64)
        for position, name in enumerate(names):
            if name in self.times:
                own = np.flatnonzero(unit == position)
                counts[own] = np.searchsorted(self.times[name], time[own])
        return counts


_NEVER = np.zeros(0)
NO_OTHERS = OtherTrades()


def other_trades_from_columns(columns: Columns) -> OtherTrades:
    """The trades of other runs given as columns waypoint_symbol, good_symbol and timestamp."""
    times: dict[tuple[str, str], list[float]] = {}
    listings = zip(column(columns, "waypoint_symbol"), column(columns, "good_symbol"), strict=True)
    for listing, time in zip(listings, seconds(column(columns, "timestamp")).tolist(), strict=True):
        times.setdefault(listing, []).append(time)
    return OtherTrades({listing: np.sort(np.array(own)) for listing, own in times.items()})


def observations_of(listings: Iterable[Listing]) -> Observations:
    """The observations of listings as the store gives them."""
    seen = list(listings)
    return observations_from_columns(
        {
            "waypoint_symbol": [x.waypoint for x in seen],
            "good_symbol": [x.good.symbol for x in seen],
            "type": [x.good.type for x in seen],
            "supply": [x.good.supply for x in seen],
            "activity": [x.good.activity for x in seen],
            "trade_volume": [x.good.trade_volume for x in seen],
            "purchase_price": [x.good.purchase_price for x in seen],
            "sell_price": [x.good.sell_price for x in seen],
            "observed_at": [x.observed_at for x in seen],
        }
    )


def observations_from_columns(columns: Columns) -> Observations:
    """The observations given as columns named like those of `market_observations`; nulls as None."""
    market, markets = named(column(columns, "waypoint_symbol"))
    good, goods = named(column(columns, "good_symbol"))
    unit, market_of, good_of = pairs(market, good, max(1, len(goods)))
    activity = codes(column(columns, "activity"), ACTIVITIES[:NO_ACTIVITY])
    found = Observations(
        unit_names=tuple((markets[m], goods[g]) for m, g in zip(market_of, good_of, strict=True)),
        unit=unit,
        type=codes(column(columns, "type"), TYPES),
        supply=codes(column(columns, "supply"), SUPPLIES),
        activity=np.where(activity < 0, NO_ACTIVITY, activity),
        trade_volume=numbers(column(columns, "trade_volume")),
        ask=quotes(column(columns, "purchase_price")),
        bid=quotes(column(columns, "sell_price")),
        time=seconds(column(columns, "observed_at")),
    )
    return found.take(np.lexsort((found.time, found.unit)))

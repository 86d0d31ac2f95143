"""Plays visits straight against the sandbox's markets, without ships or server: rows as the lab would record them.

What a visit reads, trades and records is what the lab's ships do; only flying, money and cargo are left out.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from spacetraders_lab.analysis.dataset import Dataset, dataset_from_columns
from spacetraders_lab.analysis.observations import Observations, observations_from_columns
from spacetraders_lab.analysis.recovery_findings import Stream, stream_of
from spacetraders_lab.core.market import Listing, ListingType, Operation, TradeGood
from spacetraders_lab.core.protocol import cell_units
from spacetraders_lab.sandbox.goods import RECIPES
from spacetraders_lab.sandbox.lab import generate_lab
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.settings import SandboxSettings

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)
READ_SECONDS = 1.0
Row = dict[str, Any]


def lab_markets(**settings: Any) -> dict[str, Market]:
    """The markets of the sandbox's laboratory system: 12 goods at 6 markets each, and FUEL."""
    chosen = SandboxSettings(**{"profile": "lab", "volume_grows": False} | settings)
    return generate_lab(chosen, Random(chosen.seed)).markets


def dear(markets: dict[str, Market]) -> dict[str, Market]:
    """The same markets with every good so dear that rounding does not show."""
    for place in markets.values():
        for listing in place.listings.values():
            listing.mid *= 100_000
    return markets


@dataclass
class Trading:
    """A ship that is everywhere: `visit` trades at one listing, `look` only reads; both keep what was seen."""

    markets: dict[str, Market]
    now: float = 0.0  # game seconds
    trades: list[Row] = field(default_factory=list)
    seen: list[Row] = field(default_factory=list)
    visits: int = 0

    def read(self, market: str, good: str) -> Row:
        place = self.markets[market]
        place.advance(self.now)
        listing, quote = place.listings[good], place.quote(good)
        row = {
            "waypoint_symbol": market,
            "good_symbol": good,
            "type": listing.kind,
            "trade_volume": listing.trade_volume,
            "supply": listing.supply,
            "activity": place.activity(good),
            "purchase_price": quote.ask,
            "sell_price": quote.bid,
            "observed_at": EPOCH + timedelta(seconds=self.now),
        }
        self.seen.append(row)
        return row

    def look(self) -> None:
        """Read every listing of every market."""
        for market, place in self.markets.items():
            for good in place.listings:
                self.read(market, good)

    def listing(self, market: str, good: str) -> Listing:
        """A listing as it is seen now."""
        return as_listing(self.read(market, good))

    def visit(self, market: str, good: str, operation: Operation, fractions: tuple[float, ...]) -> None:
        """Read, trade, read, trade, read."""
        self.visits += 1
        before, total = self.read(market, good), 0
        for sequence, fraction in enumerate(fractions, 1):
            units = cell_units(before["trade_volume"], fraction)
            total += units
            self.now += READ_SECONDS
            self.markets[market].move(good, operation, units)
            traded_at, sent = self.now, before
            self.now += READ_SECONDS
            before = self.read(market, good)
            self.trades.append(
                _record(sent, before, operation, units, fraction, sequence, total, traded_at, f"visit-{self.visits}")
            )

    def dataset(self) -> Dataset:
        return dataset_from_columns({name: [row[name] for row in self.trades] for name in self.trades[0]})

    def observations(self) -> Observations:
        return observations_from_columns({name: [row[name] for row in self.seen] for name in self.seen[0]})


def as_listing(seen: Row) -> Listing:
    """A row of `seen` as the store would give it back."""
    named = ("type", "trade_volume", "supply", "activity", "purchase_price", "sell_price")
    good = TradeGood(seen["good_symbol"], *(seen[name] for name in named))
    return Listing(seen["waypoint_symbol"], good, seen["observed_at"])


def _record(
    before: Row,
    after: Row,
    operation: Operation,
    units: int,
    fraction: float,
    sequence: int,
    total: int,
    traded_at: float,
    visit: str,
) -> Row:
    side = "purchase_price" if operation is Operation.BUY else "sell_price"
    at = EPOCH + timedelta(seconds=traded_at)
    return {
        "run_id": "run-1",
        "ship_symbol": "HAULER-1",
        "good_symbol": before["good_symbol"],
        "buy_market": before["waypoint_symbol"],
        "sell_market": before["waypoint_symbol"],
        "operation": operation,
        "batch_size_fraction": fraction,
        "units": units,
        "price_per_unit": before[side],
        "listing_type": before["type"],
        "supply_before": before["supply"],
        "activity_before": before["activity"],
        "trade_volume_before": before["trade_volume"],
        "purchase_price_before": before["purchase_price"],
        "sell_price_before": before["sell_price"],
        "supply_after": after["supply"],
        "trade_volume_after": after["trade_volume"],
        "purchase_price_after": after["purchase_price"],
        "sell_price_after": after["sell_price"],
        "price_impact_percent": 100 * (after[side] - before[side]) / before[side],
        "visit_id": visit,
        "sequence_in_visit": sequence,
        "cumulative_units": total,
        "seconds_since_before": (at - before["observed_at"]).total_seconds(),
        "foreign_units": 0,
        "recovered": False,
        "timestamp": at,
    }


Menu = Callable[[Random], tuple[float, ...]]


def full_steps(random: Random) -> tuple[float, ...]:
    """Three full trade volumes."""
    return (1.0, 1.0, 1.0)


def mixed_steps(random: Random) -> tuple[float, ...]:
    """Four sizes in random order."""
    return tuple(random.choice((0.25, 0.5, 1.0)) for _ in range(4))


def trade_at_random(
    markets: dict[str, Market], visits: int, *, seed: int = 1, menu: Menu = full_steps, gap: float = 600.0
) -> Trading:
    """Visits at listings in random order, no listing twice before all others were visited, `gap` seconds apart."""
    trading, random = Trading(markets), Random(seed)
    queue: Iterator[tuple[str, str]] = iter(())
    for _ in range(visits):
        if (chosen := next(queue, None)) is None:
            listings = sorted((m, g) for m, place in markets.items() for g in place.listings)
            queue = iter(random.sample(listings, len(listings)))
            chosen = next(queue)
        trading.visit(*chosen, random.choice((Operation.BUY, Operation.SELL)), menu(random))
        trading.now += gap
    return trading


def trade_and_watch(
    markets: dict[str, Market],
    visits: int,
    *,
    looks: int = 12,
    every: float = 300.0,
    seed: int = 1,
    menu: Menu = full_steps,
) -> Trading:
    """Visits at random listings; after each the whole market is read again and again, about `every` seconds."""
    trading, random = Trading(markets), Random(seed)
    listings = sorted((market, good) for market, place in markets.items() for good in place.listings)
    for _ in range(visits):
        market, good = random.choice(listings)
        trading.visit(market, good, random.choice((Operation.BUY, Operation.SELL)), menu(random))
        for _ in range(looks):
            trading.now += every * random.uniform(0.5, 1.5)
            for other in markets[market].listings:
                trading.read(market, other)
    return trading


def keep_only(place: Market, goods: set[str]) -> None:
    """Leave out of a market what nobody will look at, so that its ticks need not be played; nothing else changes.

    What the goods are made of stays, and what is made of them: one moves the other.
    """
    kinds = {good: listing.kind for good, listing in place.listings.items()}
    chains = [
        {product, *(good for good in RECIPES.get(product, ()) if kinds.get(good) is ListingType.IMPORT)}
        for product, kind in kinds.items()
        if kind is ListingType.EXPORT
    ]
    kept: set[str] = set()
    while kept != goods:
        kept, goods = goods, goods.union(*(chain for chain in chains if chain & goods))
    place.restore([listing for good, listing in place.listings.items() if good in kept], [], place.progress)


def trade_and_return(
    markets: dict[str, Market],
    visits: int,
    *,
    reads: int = 2,
    seed: int = 1,
    stream: Stream = Stream.WITH,
    every: float = 52 * 3600.0,
) -> Trading:
    """Visits that displace 30 listings, each read again 30 to 1,500 minutes later.

    A listing is visited every so many seconds, give or take ten hours: by default it is left alone for 40 hours.
    """
    trading, random = Trading(markets), Random(seed)
    listings = random.sample(sorted((m, g) for m, place in markets.items() for g in place.listings), 30)
    for market, place in markets.items():
        keep_only(place, {good for at, good in listings if at == market})
    plan = []
    for number in range(visits):
        begin = number // 30 * every + random.uniform(0, 10 * 3600)
        plan.append((begin, listings[number % 30], True))
        for _ in range(reads):
            minutes = math.exp(random.uniform(math.log(30), math.log(1500)))
            plan.append((begin + 60 * minutes, listings[number % 30], False))
    for when, listing, trades in sorted(plan):
        trading.now = max(trading.now, when)
        if trades:
            kind, sides = markets[listing[0]].listings[listing[1]].kind, (Operation.BUY, Operation.SELL)
            own = [side for side in sides if stream_of(kind, side) in (stream, Stream.NONE)]
            trading.visit(*listing, random.choice(own), (1.0,) * random.choice((2, 3, 4)))
        else:
            trading.read(*listing)
    return trading

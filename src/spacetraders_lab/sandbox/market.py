"""A market with its hidden listings: quotes, trades, and the ticks that pass between two looks at it.

It is brought up to date only when somebody looks; time comes in as game seconds since the universe began.
It knows no ships and no credits.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from spacetraders_lab.core.market import Activity, ListingType, Operation
from spacetraders_lab.core.travel import round_half_up
from spacetraders_lab.sandbox.chance import draw
from spacetraders_lab.sandbox.economies import Economy, economy_of
from spacetraders_lab.sandbox.economy import Quote, grown_volume, is_restricted, ladder, shrunk_volume
from spacetraders_lab.sandbox.goods import RECIPES
from spacetraders_lab.sandbox.listing import Listing, Trade
from spacetraders_lab.sandbox.refusals import stamp
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.visitors import Visit, wait, wish

_TIME_SLACK = 1e-6  # wall seconds: stamps are whole microseconds, so a tick may fall just behind its own stamp


@dataclass(slots=True)
class Progress:
    """How far a market has come: the next tick is listing `next` (by phase) of round `cycle`.

    `changed` says whether anything happened in the round so far; `visits` counts other traders' visits, the next
    being due at `next_visit` game seconds.
    """

    cycle: int = 0
    next: int = 0
    changed: bool = True
    visits: int = 0
    next_visit: float = math.inf


@dataclass(slots=True)
class Market:
    """The listings of one waypoint, coupled by the recipes. `transactions` holds the newest ones as they are shown."""

    waypoint: str
    listings: dict[str, Listing]
    settings: SandboxSettings
    transactions: deque[dict[str, Any]] = field(default_factory=deque)
    progress: Progress = field(default_factory=Progress)
    _economy: Economy = field(init=False)
    _order: list[Listing] = field(init=False)
    _partners: dict[str, tuple[Listing, ...]] = field(init=False)
    _gap: float = math.inf

    def __post_init__(self) -> None:
        self.transactions = deque(self.transactions, maxlen=self.settings.transactions_kept)
        self._economy = economy_of(self.settings)
        self._link()

    def _link(self) -> None:
        self._order = sorted(self.listings.values(), key=lambda listing: listing.phase)
        self._partners = {good: self._partners_of(listing) for good, listing in self.listings.items()}

    def _partners_of(self, listing: Listing) -> tuple[Listing, ...]:
        if listing.kind is ListingType.EXPORT:
            sources = (self.listings.get(good) for good in RECIPES.get(listing.good, ()))
            return tuple(x for x in sources if x is not None and x.kind is ListingType.IMPORT)
        if listing.kind is ListingType.IMPORT:
            exports = (x for x in self.listings.values() if x.kind is ListingType.EXPORT)
            return tuple(x for x in exports if listing.good in RECIPES.get(x.good, ()))
        return ()

    def quote(self, good: str) -> Quote:
        """What the good costs and brings now."""
        return self._economy.quote(self.listings[good])

    def activity(self, good: str) -> Activity | None:
        """How brisk the listing is; None for EXCHANGE."""
        listing = self.listings[good]
        if listing.kind is ListingType.EXCHANGE:
            return None
        partners = self._partners[good]
        if partners and is_restricted(listing.kind, [partner.supply for partner in partners]):
            return Activity.RESTRICTED
        if listing.base_activity is Activity.STRONG:
            return Activity.STRONG
        reached = ladder(listing.busy_ticks, self.settings.growing_after, self.settings.strong_after)
        return listing.base_activity if reached is Activity.WEAK else reached

    def rate(self, good: str) -> float:
        """Trade volumes that the listing makes (EXPORT) or uses up (IMPORT) at its next tick, rest left aside."""
        listing = self.listings[good]
        match self.activity(good):
            case Activity.RESTRICTED:
                return self.settings.rate_restricted
            case Activity.WEAK:
                return listing.rate_weak
            case Activity.GROWING:
                return listing.rate_growing
            case Activity.STRONG:
                return self.settings.rate_strong
        return self.settings.exchange_rate

    def move(self, good: str, operation: Operation, units: int) -> None:
        """Let a trade of `units` act on stock and prices."""
        listing = self.listings[good]
        self._economy.trade(self._trade(good, operation, units))
        if listing.kind is (ListingType.EXPORT if operation is Operation.BUY else ListingType.IMPORT):
            listing.fed_units += units
        self.progress.changed = True

    def expected_move(self, good: str, operation: Operation, units: int) -> float:
        """By how much a trade of `units` now would move the log of its quote: noise, rounding and bounds left aside."""
        return self._economy.expected_move(self._trade(good, operation, units))

    @property
    def exponent(self) -> float:
        """The power of the traded share of a tradeVolume with which moves grow, by the market's law."""
        return self.settings.exponent if self.settings.economy in ("power", "by-cell") else 1.0

    def _trade(self, good: str, operation: Operation, units: int) -> Trade:
        return Trade(self.listings[good], self.waypoint, self.activity(good), operation, units)

    def restore(self, listings: list[Listing], transactions: list[dict[str, Any]], progress: Progress) -> None:
        """Go on from where an earlier self of this market stood."""
        self.listings = {listing.good: listing for listing in listings}
        self.transactions.extend(transactions)
        self.progress = progress
        self._link()

    def show(self, transaction: dict[str, Any]) -> None:
        """Put a trade into the list that visitors see; the oldest leaves it when it is full."""
        self.transactions.append(transaction)

    def expect_visitors(self, mean_gap: float) -> None:
        """Let other traders come, on average every so many game seconds, from the beginning on."""
        self._gap = mean_gap
        self.progress.next_visit = wait(self.settings, self.waypoint, 0, mean_gap)

    def advance(self, game_seconds: float) -> list[Visit]:
        """Let everything happen that is due by then, in time order; returns the other traders' trades among it.

        Each listing ticks at its own phase. A whole round of ticks that changes nothing will change nothing until
        somebody trades, so the rounds up to then are skipped: a market left alone for weeks costs no more than one
        left alone for an hour.
        """
        due = game_seconds + _TIME_SLACK * self.settings.speed
        visits: list[Visit] = []
        while self.progress.next_visit <= due:
            at = self.progress.next_visit
            self._tick_until(at)
            visits += self._receive(at)
            self.progress.visits += 1
            self.progress.next_visit = at + wait(self.settings, self.waypoint, self.progress.visits, self._gap)
        self._tick_until(due)
        return visits

    def _tick_until(self, due: float) -> None:
        period, progress = self.settings.tick_minutes * 60, self.progress
        while self._order and progress.cycle * period + self._order[progress.next].phase <= due:
            progress.changed |= self._tick(self._order[progress.next])
            progress.next += 1
            if progress.next == len(self._order):
                following = progress.cycle + 1
                progress.cycle = following if progress.changed else max(following, int(due // period))
                progress.next, progress.changed = 0, False

    def _receive(self, at: float) -> list[Visit]:
        wanted = wish(self.settings, self.waypoint, self.progress.visits, self.listings)
        if wanted is None:
            return []
        trader, listing, operation, units = wanted
        quote = self.quote(listing.good)
        price = quote.ask if operation is Operation.BUY else quote.bid
        self.move(listing.good, operation, units)
        return [Visit(trader, listing.good, operation, units, price, at)]

    def last_tick(self, game_seconds: float) -> float:
        """When a listing here last ticked, in game seconds; negative before the first tick."""
        period = self.settings.tick_minutes * 60
        return max((math.floor((game_seconds - x.phase) / period) * period + x.phase for x in self._order), default=-1)

    def _tick(self, listing: Listing) -> bool:
        before = (listing.stock, listing.busy_ticks, listing.trade_volume, listing.fed_units)
        self._produce(listing)
        self._climb(listing)
        moving = self._economy.tick(listing, self.waypoint, self.progress.cycle)
        return moving or before != (listing.stock, listing.busy_ticks, listing.trade_volume, listing.fed_units)

    def _produce(self, listing: Listing) -> None:
        """Move the stock towards its rest by rate·tv, at least one unit, never past it; making may use up inputs."""
        room = round_half_up(listing.rest * listing.trade_volume) - listing.stock
        makes = room > 0 and listing.kind is not ListingType.IMPORT
        uses_up = room < 0 and listing.kind is not ListingType.EXPORT
        if not (makes or uses_up):  # most listings at most ticks: their rate need not be known
            return
        rate = self.rate(listing.good)
        if not rate:
            return
        step = max(1, round_half_up(rate * listing.trade_volume))
        if uses_up:
            listing.stock -= min(step, -room)
            return
        made = min(step, room)
        listing.stock += made
        for partner in self._partners[listing.good]:
            partner.stock -= round_half_up(made * self.settings.inputs_per_unit)

    def _climb(self, listing: Listing) -> None:
        """Count busy ticks up and quiet ones down; the tradeVolume may grow at the top and shrink at the bottom."""
        settings = self.settings
        busy = listing.fed_units >= settings.busy_share * listing.trade_volume
        listing.fed_units = 0
        top, bottom = settings.strong_after, -settings.volume_shrinks_after
        listing.busy_ticks = min(top, listing.busy_ticks + 1) if busy else max(bottom, listing.busy_ticks - 1)
        if settings.volume_grows and busy and listing.busy_ticks == top:
            self._resize(listing, grown_volume(listing.trade_volume))
        elif bottom and listing.busy_ticks == bottom and listing.trade_volume > listing.first_volume:
            listing.busy_ticks = 0
            self._resize(listing, shrunk_volume(listing.trade_volume))

    def _resize(self, listing: Listing, volume: int) -> None:
        """Another tradeVolume, within its bounds, with a factor drawn for it; the stock stays as it is."""
        if not listing.first_volume <= volume <= self.settings.volume_cap * listing.first_volume:
            return
        listing.trade_volume = volume
        chance = draw(self.settings.seed, "volume", self.waypoint, listing.good, volume)
        listing.factor = draw_factor(listing.kind, self.settings, chance)


def draw_factor(kind: ListingType, settings: SandboxSettings, random: Random) -> float:
    """A listing's f: a multiple of 0.05, most often in the lower half of its range, as in the real systems."""
    if kind is ListingType.EXCHANGE:
        return 1.0
    low, high = settings.export_factor if kind is ListingType.EXPORT else settings.import_factor
    mode = low + (high - low) * (0.5 if kind is ListingType.EXPORT else 0.3)
    return round(round_half_up(random.triangular(low, high, mode) * 20) / 20, 2)


def shown_transaction(
    waypoint: str, ship: str, good: str, kind: str, units: int, price: int, at: datetime
) -> dict[str, Any]:
    """A trade as the game shows it."""
    return {
        "waypointSymbol": waypoint,
        "shipSymbol": ship,
        "tradeSymbol": good,
        "type": kind,
        "units": units,
        "pricePerUnit": price,
        "totalPrice": units * price,
        "timestamp": stamp(at),
    }

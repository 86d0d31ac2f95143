"""How trades and time move a listing's prices: the game's law, and simple laws for checking estimators.

All have the same small interface, `Economy`. Stocks, labels and production are the same in all of them; only the
quotes differ.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import ListingType, Operation
from spacetraders_lab.core.travel import round_half_up
from spacetraders_lab.sandbox.by_cell import ASK_FOLLOWS, impact_by_cell
from spacetraders_lab.sandbox.chance import draw
from spacetraders_lab.sandbox.economy import Quote, game_prices, rounded
from spacetraders_lab.sandbox.listing import Listing, Trade
from spacetraders_lab.sandbox.settings import SandboxSettings


class Economy(Protocol):
    """A price law with its dynamics; `market` is the waypoint's symbol, wanted for draws only."""

    def quote(self, listing: Listing) -> Quote:
        """Both sides in credits a unit."""

    def trade(self, trade: Trade) -> None:
        """Let a trade act on stock and prices."""

    def expected_move(self, trade: Trade) -> float:
        """The change of the log of the traded quote by the trade: noise, rounding and bounds left aside."""

    def tick(self, listing: Listing, market: str, number: int) -> bool:
        """Let the time of one tick act on the prices, production left aside; says whether it may act again."""


class GameEconomy:
    """The measured law: prices follow from the stock alone. Noise is an error of the stock that a trade moves."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings

    def quote(self, listing: Listing) -> Quote:
        stock = listing.tranches + self.settings.stock_offset
        return _quote(
            listing.kind, listing.mid, listing.factor, stock, self.settings.exchange_steepness, listing.wander
        )

    def trade(self, trade: Trade) -> None:
        moved = round_half_up(trade.units * _noise(self.settings, trade)) if self.settings.noise else trade.units
        trade.listing.stock += -moved if trade.operation is Operation.BUY else moved

    def expected_move(self, trade: Trade) -> float:
        buys, stock = trade.operation is Operation.BUY, trade.listing.tranches
        side = 0 if buys else 1
        before = _prices(self.settings, trade.listing, stock)[side]
        after = _prices(self.settings, trade.listing, stock + (-trade.share if buys else trade.share))[side]
        return math.log(max(1.0, after) / max(1.0, before))

    def tick(self, listing: Listing, market: str, number: int) -> bool:
        return _drift(self.settings, listing, market, number)


class ShiftEconomy:
    """The quote at rest times a displacement: every transaction adds a step to it, time takes the step back.

    `step` is the move of a trade: of the log price, or with `absolute` of the price itself in shares of the quote at
    rest. A share of each step lasts; the rest halves in the half-life. The displacement is that of the bid; the log of
    the ask moves `ask_follows` times as far.
    """

    def __init__(
        self,
        settings: SandboxSettings,
        step: Callable[[Trade], float],
        *,
        absolute: bool = False,
        ask_follows: Mapping[ListingType, float] | None = None,
    ) -> None:
        self.settings = settings
        self.step = step
        self.absolute = absolute
        self.ask_follows = ask_follows or dict.fromkeys(ListingType, 1.0)
        self.kept = 2 ** (-settings.tick_minutes / settings.half_life_minutes)

    def quote(self, listing: Listing) -> Quote:
        return rounded(listing.kind, *self._exact(listing))

    def trade(self, trade: Trade) -> None:
        listing = trade.listing
        size = self.step(trade)
        if self.settings.noise:
            size *= _noise(self.settings, trade)
        if trade.operation is Operation.BUY:
            size /= self.ask_follows[listing.kind]
        self._shift(listing, size if trade.operation is Operation.BUY else -size)
        if self.settings.state_rounding:
            self._round(trade)
        listing.stock += -trade.units if trade.operation is Operation.BUY else trade.units

    def expected_move(self, trade: Trade) -> float:
        size = self.step(trade) if trade.operation is Operation.BUY else -self.step(trade)
        if not self.absolute:
            return size
        level = 1 + trade.listing.shift + trade.listing.lasting
        return math.log(max(1e-9, level + size) / max(1e-9, level))

    def tick(self, listing: Listing, market: str, number: int) -> bool:
        drifted = _drift(self.settings, listing, market, number)
        if not listing.shift:
            return drifted
        listing.shift = listing.shift * self.kept if abs(listing.shift) > _NOTHING else 0.0
        return True

    def _exact(self, listing: Listing) -> tuple[float, float]:
        """(ask, bid) before rounding."""
        ask, bid = _prices(self.settings, listing, listing.rest)
        moved = listing.shift + listing.lasting
        if self.absolute:
            level = max(0.0, 1 + moved) * math.exp(listing.wander)
            return ask * level, bid * level
        moved += listing.wander
        return ask * math.exp(self.ask_follows[listing.kind] * moved), bid * math.exp(moved)

    def _shift(self, listing: Listing, size: float) -> None:
        """Move the displacement, as far as it gives way."""
        furthest, moved = self.settings.saturation, listing.shift + listing.lasting
        move = max(-furthest - moved, min(furthest - moved, size))
        listing.lasting += move * self.settings.permanent_share
        listing.shift += move * (1 - self.settings.permanent_share)

    def _round(self, trade: Trade) -> None:
        """Let the quote that was traded stand at the whole credits that are shown."""
        side, listing = 0 if trade.operation is Operation.BUY else 1, trade.listing
        missing = math.log(self.quote(listing)[side] / self._exact(listing)[side])
        listing.shift += missing / (1.0 if side else self.ask_follows[listing.kind])


@lru_cache(maxsize=4096)  # between two looks at a market most of its stocks stay as they were
def _quote(kind: ListingType, mid: float, factor: float, stock: float, steepness: float, wander: float) -> Quote:
    ask, bid = game_prices(kind, mid, factor, stock, steepness)
    level = math.exp(wander) if wander else 1.0
    return rounded(kind, ask * level, bid * level)


_NOTHING = 1e-9

_ECONOMIES: dict[str, Callable[[SandboxSettings], Economy]] = {
    "game": GameEconomy,
    "constant-percent": lambda settings: ShiftEconomy(settings, lambda trade: trade.listing.impact * trade.share),
    "linear": lambda settings: ShiftEconomy(settings, lambda trade: trade.listing.impact * trade.share, absolute=True),
    "power": lambda settings: ShiftEconomy(
        settings, lambda trade: trade.listing.impact * trade.share**settings.exponent
    ),
    "null": lambda settings: ShiftEconomy(settings, lambda trade: 0.0),
    "by-cell": lambda settings: ShiftEconomy(
        settings, lambda trade: impact_by_cell(settings, trade), ask_follows=ASK_FOLLOWS
    ),
}
ECONOMIES = tuple(_ECONOMIES)


def economy_of(settings: SandboxSettings) -> Economy:
    """The economy that the settings name."""
    try:
        return _ECONOMIES[settings.economy](settings)
    except KeyError:
        raise UserError(f"{settings.economy!r} is no economy; there are {', '.join(ECONOMIES)}") from None


def _prices(settings: SandboxSettings, listing: Listing, stock: float) -> tuple[float, float]:
    return game_prices(
        listing.kind, listing.mid, listing.factor, stock + settings.stock_offset, settings.exchange_steepness
    )


def _noise(settings: SandboxSettings, trade: Trade) -> float:
    """The factor by which a transaction's effect misses its law: its mean is 1.

    Its deviation is the setting for a full trade volume, and larger by the root of the share for a part of one, as if
    every unit had an error of its own.
    """
    trade.listing.trades += 1
    name = ("noise", trade.market, trade.listing.good, trade.listing.trades)
    error: float = draw(settings.seed, *name).gauss(0, settings.noise / math.sqrt(trade.share))
    return 1 + error


def _drift(settings: SandboxSettings, listing: Listing, market: str, number: int) -> bool:
    """An Ornstein-Uhlenbeck step of the log price level over one tick; False without drift."""
    if not settings.drift:
        return False
    kept = 2 ** (-settings.tick_minutes / settings.drift_half_life_minutes)
    step = draw(settings.seed, "drift", market, listing.good, number).gauss(0, settings.drift)
    listing.wander = listing.wander * kept + step * math.sqrt(1 - kept * kept)
    return True

"""How trades and time move a listing's prices: the game's law, and simple laws for checking estimators.

All have the same small interface, `Economy`. Stocks, labels and production are the same in all of them; only the
quotes differ.
"""

import math
from collections.abc import Callable
from typing import Protocol

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.travel import round_half_up
from spacetraders_lab.sandbox.chance import draw
from spacetraders_lab.sandbox.economy import Quote, game_prices, rounded
from spacetraders_lab.sandbox.listing import Listing
from spacetraders_lab.sandbox.settings import SandboxSettings


class Economy(Protocol):
    """A price law with its dynamics; `market` is the waypoint's symbol, wanted for draws only."""

    def quote(self, listing: Listing) -> Quote:
        """Both sides in credits a unit."""

    def trade(self, listing: Listing, market: str, operation: Operation, units: int) -> None:
        """Let a trade act on stock and prices."""

    def tick(self, listing: Listing, market: str, number: int) -> bool:
        """Let the time of one tick act on the prices, production left aside; says whether it may act again."""


class GameEconomy:
    """The measured law: prices follow from the stock alone. Noise is an error of the stock that a trade moves."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings

    def quote(self, listing: Listing) -> Quote:
        ask, bid = _prices(self.settings, listing, listing.tranches)
        level = math.exp(listing.wander) if listing.wander else 1.0
        return rounded(listing.kind, ask * level, bid * level)

    def trade(self, listing: Listing, market: str, operation: Operation, units: int) -> None:
        moved = round_half_up(units * _noise(self.settings, listing, market)) if self.settings.noise else units
        listing.stock += -moved if operation is Operation.BUY else moved

    def tick(self, listing: Listing, market: str, number: int) -> bool:
        return _drift(self.settings, listing, market, number)


class ShiftEconomy:
    """The quote at rest times a displacement: every transaction adds a step to it, time takes the step back.

    `step` gives the step for a share of the trade volume, to be multiplied with the listing's `impact`: a move of the
    log price, or with `absolute` of the price itself in shares of the quote at rest. A share of each step lasts; the
    rest halves in the half-life.
    """

    def __init__(self, settings: SandboxSettings, step: Callable[[float], float], *, absolute: bool = False) -> None:
        self.settings = settings
        self.step = step
        self.absolute = absolute
        self.kept = 2 ** (-settings.tick_minutes / settings.half_life_minutes)

    def quote(self, listing: Listing) -> Quote:
        ask, bid = _prices(self.settings, listing, listing.rest)
        moved = listing.shift + listing.lasting
        level = (max(0.0, 1 + moved) if self.absolute else math.exp(moved)) * math.exp(listing.wander)
        return rounded(listing.kind, ask * level, bid * level)

    def trade(self, listing: Listing, market: str, operation: Operation, units: int) -> None:
        size = listing.impact * self.step(units / listing.trade_volume)
        if self.settings.noise:
            size *= _noise(self.settings, listing, market)
        buys = operation is Operation.BUY
        moved = listing.shift + listing.lasting
        move = max(-_FURTHEST - moved, min(_FURTHEST - moved, size if buys else -size))
        listing.lasting += move * self.settings.permanent_share
        listing.shift += move * (1 - self.settings.permanent_share)
        listing.stock += -units if buys else units

    def tick(self, listing: Listing, market: str, number: int) -> bool:
        drifted = _drift(self.settings, listing, market, number)
        if not listing.shift:
            return drifted
        listing.shift = listing.shift * self.kept if abs(listing.shift) > _NOTHING else 0.0
        return True


_FURTHEST = 5.0  # the log displacement at which a listing gives way no further: prices stay within a factor of 150
_NOTHING = 1e-9

_ECONOMIES: dict[str, Callable[[SandboxSettings], Economy]] = {
    "game": GameEconomy,
    "constant-percent": lambda settings: ShiftEconomy(settings, lambda share: share),
    "linear": lambda settings: ShiftEconomy(settings, lambda share: share, absolute=True),
    "power": lambda settings: ShiftEconomy(settings, lambda share: share**settings.exponent),
    "null": lambda settings: ShiftEconomy(settings, lambda share: 0.0),
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


def _noise(settings: SandboxSettings, listing: Listing, market: str) -> float:
    """The factor by which a transaction's effect misses its law; its mean is 1, its deviation the setting."""
    listing.trades += 1
    error: float = draw(settings.seed, "noise", market, listing.good, listing.trades).gauss(0, settings.noise)
    return 1 + error


def _drift(settings: SandboxSettings, listing: Listing, market: str, number: int) -> bool:
    """An Ornstein-Uhlenbeck step of the log price level over one tick; False without drift."""
    if not settings.drift:
        return False
    kept = 2 ** (-settings.tick_minutes / settings.drift_half_life_minutes)
    step = draw(settings.seed, "drift", market, listing.good, number).gauss(0, settings.drift)
    listing.wander = listing.wander * kept + step * math.sqrt(1 - kept * kept)
    return True

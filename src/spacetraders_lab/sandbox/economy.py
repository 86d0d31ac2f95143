"""The price law and the labels, as pure functions of a listing's hidden stock. No state, no time, no chance.

Source of the formulas: derived for this project from public observations of the real game (2025-04 to 2026-07);
they reproduce 341 of 341 observed quotes within 2 credits. A stock `s` is counted in trade volumes, nominally 0 to 10.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from spacetraders_lab.core.market import Activity, ListingType, Supply
from spacetraders_lab.core.travel import round_half_up

_STEEPNESS = 0.3  # the deviation from the asymptote doubles every 1/0.3 = 3⅓ trade volumes
EXCHANGE_STEEPNESS = 0.066
LABEL_CENTRES = dict(zip(Supply, (0.5, 2.0, 5.0, 8.0, 9.5), strict=True))  # in trade volumes; see `supply_label`


class Quote(NamedTuple):
    """Both sides of a listing in credits a unit: a player pays `ask` and receives `bid`."""

    ask: int
    bid: int


def game_prices(
    kind: ListingType, mid: float, factor: float, stock: float, exchange_steepness: float = EXCHANGE_STEEPNESS
) -> tuple[float, float]:
    """(ask, bid) before rounding, for a mid price M, a listing's factor f and its stock."""
    if kind is ListingType.EXPORT:
        slope = 1 - factor
        return (
            mid * (factor + slope * 2 ** (_STEEPNESS * (4 - stock))),
            mid / 2 * (factor + slope * 2 ** (_STEEPNESS * (3 - stock))),
        )
    if kind is ListingType.IMPORT:
        slope = factor - 1
        return (
            mid * 2 * (factor - slope * 2 ** (_STEEPNESS * (stock - 7))),
            mid * (factor - slope * 2 ** (_STEEPNESS * (stock - 6))),
        )
    high = mid * (1 + (exchange_steepness * (6 - stock)) ** 3)
    low = mid * (1 + (exchange_steepness * (4 - stock)) ** 3)
    return max(high * 1.01, high + 2), min(low * 0.99, low - 2)


def rounded(kind: ListingType, ask: float, bid: float) -> Quote:
    """Quotes as the game shows them: whole credits, an IMPORT's ask even, nothing below 1."""
    whole_ask = 2 * round_half_up(ask / 2) if kind is ListingType.IMPORT else round_half_up(ask)
    return Quote(max(1, whole_ask), max(1, round_half_up(bid)))


def supply_label(kind: ListingType, stock: float) -> Supply:
    """The supply level shown for a stock; at exactly 3 or 7 an EXPORT shows the lower one, an IMPORT the upper one."""
    if stock < 1:
        return Supply.SCARCE
    if stock > 9:
        return Supply.ABUNDANT
    if stock < 3 or (stock == 3 and kind is ListingType.EXPORT):
        return Supply.LIMITED
    if stock < 7 or (stock == 7 and kind is ListingType.EXPORT):
        return Supply.MODERATE
    return Supply.HIGH


def is_restricted(kind: ListingType, partners: Iterable[Supply]) -> bool:
    """Whether a listing is RESTRICTED by those it is coupled with at its market.

    An EXPORT's partners are the goods it is made from, an IMPORT's the goods made from it. An EXPORT is restricted
    exactly when an input is SCARCE (74 of 74 seen), an IMPORT when all its products are ABUNDANT (44 of 44).
    """
    labels = tuple(partners)
    if kind is ListingType.EXPORT:
        return Supply.SCARCE in labels
    return kind is ListingType.IMPORT and bool(labels) and all(label is Supply.ABUNDANT for label in labels)


def ladder(busy_ticks: int, growing_after: int, strong_after: int) -> Activity:
    """How brisk a listing is after so many busy ticks, coupling left aside."""
    if busy_ticks >= strong_after:
        return Activity.STRONG
    return Activity.GROWING if busy_ticks >= growing_after else Activity.WEAK


def grown_volume(trade_volume: int) -> int:
    """The next larger tradeVolume, ceil(1.1·tv) in floating point: after 90 the game shows 100, not 99."""
    return math.ceil(1.1 * trade_volume)


def shrunk_volume(trade_volume: int) -> int:
    """The step below: the largest volume that does not grow beyond this one."""
    near = round(trade_volume / 1.1)
    return near if grown_volume(near) <= trade_volume else near - 1

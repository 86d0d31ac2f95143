"""The other traders: who comes to a market when, and what they trade there. Drawn by name, so never by who looks."""

import math
from typing import NamedTuple

from spacetraders_lab.core.market import ListingType, Operation
from spacetraders_lab.sandbox.chance import draw
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.sandbox.listing import Listing
from spacetraders_lab.sandbox.settings import SandboxSettings

# A trader buys where there is stock and sells where there is need, so that traders alone never empty a universe.
_BUY_ABOVE = 4.0  # trade volumes
_SELL_BELOW = 4.0


class Visit(NamedTuple):
    """A trade of somebody else: `at` in game seconds, `price` in credits a unit."""

    trader: str
    good: str
    operation: Operation
    units: int
    price: int
    at: float


def mean_gap(settings: SandboxSettings, markets: int) -> float:
    """Mean game seconds between two visits at one of so many markets; infinite without other traders."""
    if not settings.npc_traders or not markets:
        return math.inf
    return settings.npc_trade_minutes * 60 * markets / settings.npc_traders


def wait(settings: SandboxSettings, market: str, number: int, gap: float) -> float:
    """Game seconds from the visit before to visit `number`."""
    return draw(settings.seed, "wait", market, number).expovariate(1 / gap) if math.isfinite(gap) else math.inf


def wish(
    settings: SandboxSettings, market: str, number: int, listings: dict[str, Listing]
) -> tuple[str, Listing, Operation, int] | None:
    """What visit `number` wants: (trader, listing, operation, units); None when it finds nothing worth its while."""
    chance = draw(settings.seed, "visit", market, number)
    trader = f"NPC-{chance.randrange(settings.npc_traders) + 1:X}"
    wanted = [(x, direction) for x in listings.values() if x.good != FUEL and (direction := _direction(x))]
    if not wanted:
        return None
    listing, operation = chance.choice(wanted)
    return trader, listing, operation, math.ceil(chance.uniform(0.1, 1) * listing.trade_volume)


def _direction(listing: Listing) -> Operation | None:
    if listing.kind is not ListingType.IMPORT and listing.tranches > _BUY_ABOVE:
        return Operation.BUY
    if listing.kind is not ListingType.EXPORT and listing.tranches < _SELL_BELOW:
        return Operation.SELL
    return None

"""What every generated system is made of: symbols, coordinates, listings and markets at rest. See `home.py`, `lab.py`.

It only creates; nothing here changes a universe that runs.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from spacetraders_lab.core.market import ListingType
from spacetraders_lab.core.travel import round_half_up
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox.goods import ANTIMATTER, ANTIMATTER_VOLUME, EXCHANGE_VOLUME, FUEL, GOODS, RARE, Good
from spacetraders_lab.sandbox.listing import Listing
from spacetraders_lab.sandbox.market import Market, draw_factor
from spacetraders_lab.sandbox.settings import Range, SandboxSettings
from spacetraders_lab.sandbox.shipyard import Shipyard


@dataclass(slots=True)
class System:
    """A system: its places in the game's order, its markets and shipyards by waypoint symbol."""

    symbol: str
    type: str
    x: int
    y: int
    headquarters: str
    waypoints: dict[str, Waypoint]
    markets: dict[str, Market]
    shipyards: dict[str, Shipyard]
    faction: str = "COSMIC"
    orbitals: dict[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.orbitals = {
            symbol: tuple(x.symbol for x in self.waypoints.values() if x.orbits == symbol) for symbol in self.waypoints
        }


def system_symbol(random: Random) -> str:
    """A symbol like the game's: X1 and two letters, two digits."""
    return f"X1-{''.join(random.choices('ABCDFGHJKMNPQRSTUVXYZ', k=2))}{random.randrange(10, 100)}"


def polar(radius: float, angle: float) -> tuple[int, int]:
    """Whole map coordinates at a radius and an angle (radians)."""
    return round(radius * math.cos(angle)), round(radius * math.sin(angle))


def make_market(
    waypoint: str,
    exports: Iterable[str],
    imports: Iterable[str],
    exchange: Iterable[str],
    settings: SandboxSettings,
    random: Random,
) -> Market:
    """A market at rest; FUEL is added to the exchange where it is not listed otherwise."""
    kinds = dict.fromkeys((FUEL, *exchange), ListingType.EXCHANGE)
    kinds |= dict.fromkeys(imports, ListingType.IMPORT) | dict.fromkeys(exports, ListingType.EXPORT)
    listings = {good: make_listing(GOODS[good], kind, settings, random) for good, kind in sorted(kinds.items())}
    return Market(waypoint, listings, settings)


def make_listing(good: Good, kind: ListingType, settings: SandboxSettings, random: Random) -> Listing:
    """A listing at rest: f, stock, rates and phase drawn from the ranges of the settings."""
    exchange = ANTIMATTER_VOLUME if good.symbol == ANTIMATTER else EXCHANGE_VOLUME
    volume = exchange if kind is ListingType.EXCHANGE else good.volume
    low, high = _rest_range(kind, volume, settings)
    stock = round_half_up(random.uniform(low, high) * volume)
    return Listing(
        good=good.symbol,
        kind=kind,
        mid=good.mid * settings.price_level,
        factor=draw_factor(kind, settings, random),
        trade_volume=volume,
        first_volume=volume,
        stock=stock,
        rest=stock / volume,
        phase=float(random.randrange(max(1, round(settings.tick_minutes * 60)))),
        rate_weak=round(random.uniform(*settings.rate_weak), 3),
        rate_growing=round(random.uniform(*settings.rate_growing), 3),
        impact=settings.impact * math.exp(random.gauss(0, settings.heterogeneity)),
    )


def _rest_range(kind: ListingType, volume: int, settings: SandboxSettings) -> Range:
    if kind is ListingType.EXCHANGE:
        return settings.rest_exchange
    if kind is ListingType.IMPORT:
        return settings.rest_import
    return settings.rest_export_rare if volume == RARE else settings.rest_export

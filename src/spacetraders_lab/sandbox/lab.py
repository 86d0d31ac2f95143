"""Makes the laboratory system: 12 cheap goods at exactly 6 of 8 markets each, close together, as varied as can be.

It is made for short experiments with a 40-unit hold; it does not pretend to be like a real system.
"""

import itertools
import math
from dataclasses import replace
from random import Random

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Activity, ListingType
from spacetraders_lab.core.travel import round_half_up
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox.generate import System, make_listing, polar, system_symbol
from spacetraders_lab.sandbox.goods import FUEL, GOODS, TRADE_SYMBOLS, Good
from spacetraders_lab.sandbox.listing import Listing
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.shipyard import make_shipyard

LAB_GOODS = (
    "ALUMINUM", "ALUMINUM_ORE", "COPPER", "COPPER_ORE", "EXPLOSIVES", "FERTILIZERS",
    "GOLD", "IRON", "IRON_ORE", "PLASTICS", "POLYNUCLEOTIDES", "SILVER",
)  # fmt: skip
MARKETS = 8
MARKETS_PER_GOOD = 6
_GOODS_PER_MARKET = 18  # about as many as in the game, where there are more than the twelve goods

_VOLUMES = (10, 12, 16, 20)
_RADIUS = 58  # neighbours on the ring are 44 apart, opposites 116: 46 to 96 seconds at speed 36
_KINDS = (
    ListingType.EXPORT, ListingType.IMPORT, ListingType.EXPORT,
    ListingType.IMPORT, ListingType.EXCHANGE, ListingType.IMPORT,
)  # fmt: skip
_RESTS = {  # one after the other, so that every supply level comes up for every type
    ListingType.EXPORT: (9.6, 8.0, 5.0, 2.4, 0.4),
    ListingType.IMPORT: (0.0, 2.2, 5.0, 7.8, -1.4, 9.4),
    ListingType.EXCHANGE: (5.0, 2.0, 8.0, 0.0, 10.0),
}
_ACTIVITIES = (Activity.WEAK, Activity.GROWING, Activity.WEAK, Activity.STRONG)


def generate_lab(settings: SandboxSettings, random: Random) -> System:
    """Eight planets on a ring, all selling FUEL; the first is headquarters and shipyard."""
    system = system_symbol(random)
    turn = random.uniform(0, math.tau)
    places = {}
    markets = max(MARKETS, settings.goods * MARKETS_PER_GOOD // _GOODS_PER_MARKET)
    for i in range(markets):
        symbol = f"{system}-{chr(ord('A') + i % 26)}{i + 1}"
        traits = frozenset({"MARKETPLACE", "INDUSTRIAL", *(("SHIPYARD",) if i == 0 else ())})
        places[symbol] = Waypoint(symbol, "PLANET", *polar(_RADIUS, turn + i * math.tau / markets), traits)
    listings = _deal_listings(tuple(places), settings, random)
    trading = {symbol: Market(symbol, dict(sorted(goods.items())), settings) for symbol, goods in listings.items()}
    first = next(iter(places))
    yards = {first: make_shipyard(first, ("SHIP_PROBE", "SHIP_LIGHT_SHUTTLE", "SHIP_LIGHT_HAULER"), random)}
    return System(system, "ORANGE_STAR", 0, 0, first, places, trading, yards)


def lab_goods(count: int) -> tuple[Good, ...]:
    """So many goods: the twelve, and then others by name, but cheap: each priced like one of the twelve.

    Raises UserError for more goods than the game has.
    """
    symbols = (*LAB_GOODS, *sorted(TRADE_SYMBOLS - {FUEL, *LAB_GOODS}))
    if count > len(symbols):
        raise UserError(f"the lab profile has at most {len(symbols)} goods, not {count}")
    prices = itertools.cycle(GOODS[symbol] for symbol in LAB_GOODS)
    return tuple(replace(price, symbol=symbol) for symbol, price in zip(symbols[:count], prices, strict=False))


def _deal_listings(places: tuple[str, ...], settings: SandboxSettings, random: Random) -> dict[str, dict[str, Listing]]:
    """Every good at six markets, nine of the twelve goods a market; types, rests and activities go round by turns."""
    markets: dict[str, dict[str, Listing]] = {place: {} for place in places}
    dealt = dict.fromkeys(ListingType, 0)
    for number, good in enumerate(random.sample(lab_goods(settings.goods), settings.goods)):
        for turn in range(MARKETS_PER_GOOD):
            place = places[(number * MARKETS_PER_GOOD + turn) % len(places)]
            kind = _KINDS[(turn + number) % len(_KINDS)]
            volume = _VOLUMES[(number + turn) % len(_VOLUMES)]
            markets[place][good.symbol] = _lab_listing(good, kind, volume, dealt[kind], settings, random)
            dealt[kind] += 1
    for place in places:
        markets[place][FUEL] = make_listing(GOODS[FUEL], ListingType.EXCHANGE, settings, random)
    return markets


def _lab_listing(
    good: Good, kind: ListingType, volume: int, number: int, settings: SandboxSettings, random: Random
) -> Listing:
    listing = make_listing(good, kind, settings, random)
    rests = _RESTS[kind]
    listing.trade_volume = listing.first_volume = volume
    listing.stock = round_half_up((rests[number % len(rests)] + random.uniform(-0.3, 0.3)) * volume)
    listing.rest = listing.stock / volume
    listing.base_activity = _ACTIVITIES[number // len(rests) % len(_ACTIVITIES)]
    return listing

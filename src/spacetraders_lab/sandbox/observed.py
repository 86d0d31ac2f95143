"""Makes a system like one that was observed: the same places, listings, quotes and labels, with a truth that fits them.

The two quotes of a listing tell its asymptote and its deviation from it; where on the stock scale that is follows from
the good's mid price where it is known, else from the supply label. Rates and phases cannot be seen and are drawn.
"""

import math
from collections.abc import Iterable, Sequence
from random import Random

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Activity, ListingType, TradeGood
from spacetraders_lab.core.market import Listing as Seen
from spacetraders_lab.core.prior import DOUBLINGS_PER_TRADE_VOLUME, expected_listing
from spacetraders_lab.core.travel import round_half_up
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox.economy import LABEL_CENTRES, supply_label
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.goods import GOODS
from spacetraders_lab.sandbox.listing import Listing
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.settings import SandboxSettings

_MIDDLE_FACTORS = {ListingType.EXPORT: 0.6, ListingType.IMPORT: 1.4}
_LEAST_DEVIATION = 0.25  # credits: less is hidden by the rounding of the quotes


def observed_system(symbol: str, places: Sequence[Waypoint], seen: Iterable[Seen], settings: SandboxSettings) -> System:
    """A system of the given places whose markets quote what was seen there, and rest at it.

    Raises UserError when nothing was seen.
    """
    random = Random(f"observed:{settings.seed}")
    listings: dict[str, dict[str, Listing]] = {}
    for sight in sorted(seen, key=lambda sight: (sight.waypoint, sight.good.symbol)):
        listings.setdefault(sight.waypoint, {})[sight.good.symbol] = _listing(sight.good, settings, random)
    if not listings:
        raise UserError(f"no prices of {symbol} are known; scout it first: spacetraders market scout --system {symbol}")
    markets = {waypoint: Market(waypoint, goods, settings) for waypoint, goods in listings.items()}
    return System(symbol, "UNKNOWN", 0, 0, next(iter(markets)), {x.symbol: x for x in places}, markets, {})


def _listing(good: TradeGood, settings: SandboxSettings, random: Random) -> Listing:
    mid, factor, stock = _law(good)
    # RESTRICTED is nobody's own: it follows from the goods that the listing is coupled with
    own = good.activity if good.activity in (Activity.GROWING, Activity.STRONG) else Activity.WEAK
    return Listing(
        good=good.symbol,
        kind=good.type,
        mid=mid * settings.price_level,
        factor=factor,
        trade_volume=good.trade_volume,
        first_volume=good.trade_volume,
        stock=stock,
        rest=stock / good.trade_volume,
        phase=float(random.randrange(max(1, round(settings.tick_minutes * 60)))),
        rate_weak=round(random.uniform(*settings.rate_weak), 3),
        rate_growing=round(random.uniform(*settings.rate_growing), 3),
        base_activity=own,
        impact=settings.impact * math.exp(random.gauss(0, settings.heterogeneity)),
    )


def _law(good: TradeGood) -> tuple[float, float, int]:
    """M, f and stock (in units) at which the price law gives these quotes.

    The law fits a pair of quotes at nearly any stock. The mid price of the good decides, if it leads to the label that
    is shown, else the middle of that label; where the law does not fit there either, a usual factor.
    """
    centre = LABEL_CENTRES[good.supply]
    if good.type is ListingType.EXCHANGE:
        return (good.purchase_price + good.sell_price) / 2, 1.0, round_half_up(centre * good.trade_volume)
    known = GOODS.get(good.symbol)
    usual = _stock_at(good, _asymptote(good) / _MIDDLE_FACTORS[good.type])
    for volumes in (_stock_at(good, known.mid) if known else None, centre, usual):
        stock = round_half_up((centre if volumes is None else volumes) * good.trade_volume)
        mid = _mid_at(good, stock / good.trade_volume)
        if mid > 0 and (volumes is usual or supply_label(good.type, stock / good.trade_volume) is good.supply):
            break
    return mid, _asymptote(good) / mid, stock


def _asymptote(good: TradeGood) -> float:
    """f·M: the ask's asymptote for an EXPORT, half of it for an IMPORT."""
    asymptote = expected_listing(good).ask_asymptote
    return asymptote if good.type is ListingType.EXPORT else asymptote / 2


def _deviation(good: TradeGood) -> float:
    """|1 - f|·M·2^(0.3·(how far the stock is from its reference)), in credits."""
    deviation = abs(expected_listing(good).ask_deviation)
    return max(_LEAST_DEVIATION, deviation if good.type is ListingType.EXPORT else deviation / 2)


def _stock_at(good: TradeGood, mid: float) -> float | None:
    """The stock at which the deviation is what it is, if M is `mid`; None if it cannot be."""
    is_export = good.type is ListingType.EXPORT
    slope = mid - _asymptote(good) if is_export else _asymptote(good) - mid
    if slope <= 0:
        return None
    doublings = math.log2(_deviation(good) / slope) / DOUBLINGS_PER_TRADE_VOLUME
    return 4 - doublings if is_export else 7 + doublings


def _mid_at(good: TradeGood, stock: float) -> float:
    """The M at which the deviation is what it is at this stock."""
    is_export = good.type is ListingType.EXPORT
    doublings = DOUBLINGS_PER_TRADE_VOLUME * (4 - stock if is_export else stock - 7)
    slope = _deviation(good) / 2**doublings
    return _asymptote(good) + slope if is_export else _asymptote(good) - slope

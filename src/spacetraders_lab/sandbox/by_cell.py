"""The `by-cell` economy's impact: what one trade volume moves depends on side, supply and activity, and on the listing.

It is the world in which the estimators by cell are checked: every number is known. The surface is our own, in round
numbers of the size that players publish (market_model.json of acdtunes/spacetraders, July 2026); nothing says that the
game is so.
"""

import math
from functools import lru_cache
from statistics import fmean

from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from spacetraders_lab.sandbox.chance import draw
from spacetraders_lab.sandbox.economy import LABEL_CENTRES
from spacetraders_lab.sandbox.listing import Trade
from spacetraders_lab.sandbox.settings import SandboxSettings

# Log move of the traded quote by one trade volume of a WEAK listing, from SCARCE to ABUNDANT.
_LEVELS = {
    Operation.BUY: (0.080, 0.065, 0.050, 0.035, 0.025),
    Operation.SELL: (0.012, 0.022, 0.040, 0.070, 0.110),
}
_ACTIVITY = {
    Activity.WEAK: 1.0,
    Activity.GROWING: 0.8,
    Activity.STRONG: 0.7,
    Activity.RESTRICTED: 1.6,
    None: 0.1,  # EXCHANGE
}
_USUAL = 0.05  # the setting `impact` at which the surface holds as it stands

# d ln(ask) / d ln(bid): within a listing the ask is a straight line of the bid. Source: acdtunes/spacetraders,
# supply_transitions.csv, 57 listings.
ASK_FOLLOWS = {ListingType.EXPORT: 1.16, ListingType.IMPORT: 0.79, ListingType.EXCHANGE: 1.0}

_LABELS = tuple(Supply)
_LOG_LEVELS = {side: tuple(map(math.log, levels)) for side, levels in _LEVELS.items()}
_BOTH_SIDES = tuple(map(fmean, zip(*_LOG_LEVELS.values(), strict=True)))
_CENTRES = tuple(LABEL_CENTRES.values())


def impact_by_cell(settings: SandboxSettings, trade: Trade) -> float:
    """The expected log move of the traded quote by this trade: positive, noise, rounding and bounds left aside.

    It is that of one trade volume times (units / trade volume) to the power of the setting `exponent`.
    """
    listing = trade.listing
    size: float = trade.share**settings.exponent
    if not settings.smooth:
        return size * listing_impact(
            settings, trade.market, listing.good, trade.operation, listing.supply, trade.activity
        )
    level = _between_labels(settings, trade.operation, trade.activity, listing.tranches)
    return size * math.exp(level + _listing_effect(settings, trade.market, listing.good, trade.operation))


def listing_impact(
    settings: SandboxSettings,
    market: str,
    good: str,
    operation: Operation,
    supply: Supply,
    activity: Activity | None,
) -> float:
    """The log move by one trade volume of this listing's side while it shows these labels."""
    level = _log_level(settings, operation, supply, activity)
    return math.exp(level + _listing_effect(settings, market, good, operation))


def population_impact(
    settings: SandboxSettings, operation: Operation, supply: Supply, activity: Activity | None
) -> float:
    """The mean log move by one trade volume over all listings there could be in this cell."""
    return math.exp(_log_level(settings, operation, supply, activity) + settings.heterogeneity**2 / 2)


def _log_level(settings: SandboxSettings, operation: Operation, supply: Supply, activity: Activity | None) -> float:
    """The cell's typical log impact; an effect that the settings call absent is averaged away."""
    absent = settings.absent_effect
    row = _BOTH_SIDES if absent == "side" else _LOG_LEVELS[operation]
    level = fmean(row) if absent == "supply" else row[_LABELS.index(supply)]
    if absent != "activity":
        level += math.log(_ACTIVITY[activity])
    if settings.interaction:
        side = "" if absent == "side" else operation
        level += settings.interaction * _standard_normal(settings.seed, "cell", side, supply, activity)
    return level + math.log(settings.impact / _USUAL)


def _between_labels(settings: SandboxSettings, operation: Operation, activity: Activity | None, stock: float) -> float:
    """The log impact on straight lines between the centres of the labels, flat beyond the outermost two."""
    stock = min(_CENTRES[-1], max(_CENTRES[0], stock))
    after = next(i for i in range(1, len(_CENTRES)) if stock <= _CENTRES[i])
    low, high = (_log_level(settings, operation, _LABELS[i], activity) for i in (after - 1, after))
    return low + (high - low) * (stock - _CENTRES[after - 1]) / (_CENTRES[after] - _CENTRES[after - 1])


def _listing_effect(settings: SandboxSettings, market: str, good: str, operation: Operation) -> float:
    """How much this side of this listing differs from its cell: half of the variance is common to both sides."""
    if not settings.heterogeneity:
        return 0.0
    common = _standard_normal(settings.seed, "listing", market, good)
    own = _standard_normal(settings.seed, "listing", market, good, operation)
    return settings.heterogeneity * (common + own) / math.sqrt(2)


@lru_cache(maxsize=10_000)
def _standard_normal(*name: object) -> float:
    return draw(*name).gauss(0, 1)

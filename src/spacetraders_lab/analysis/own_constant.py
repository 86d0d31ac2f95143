"""A listing's own constant in the law of impact, and its grounds: measured there, or as its quotes or likes show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from spacetraders_lab.analysis.distributions import NORMAL_REACH
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import LawFit, LawForm, ListingLaw
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE
from spacetraders_lab.core.market import Listing, Operation

_SHARED = {LawForm.STOCK: ("k", "ratio", "scale"), LawForm.ASYMPTOTE: ("k",)}  # by type, without which a law is silent


class Ground(StrEnum):
    """What a prediction stands on, the best first."""

    LAW = "the law of impact, as measured at this very listing"
    QUOTES = "the law of impact as in markets like it, placed by its two quotes"
    LISTING = "trades of this very listing"
    CELL = "trades of markets like it; this side of it was never traded"


@dataclass(frozen=True, slots=True)
class OwnConstant:
    """The constant of a listing and side, what it stands on, and the listings and sides whose trades these are.

    `shared` is how it errs with what listings share, in the parts of `LawFit.shared`.
    """

    estimate: Estimate
    ground: Ground
    of: tuple[ListingLaw, ...]
    shared: tuple[float, ...] = ()


def listing_constant(law: LawFit, listing: Listing, side: Operation) -> OwnConstant | None:
    """The listing's own constant: as measured there, else from its two quotes.

    None where no such way is open, or where what its type has in common is not known, down to its sign.
    """
    kind = listing.good.type
    if not all(_has_sign(law, f"{name} {kind}") for name in _SHARED.get(law.best, ())):
        return None
    alike = tuple(x for x in law.listings if x.type is kind and (x.side is side or law.best is LawForm.STOCK))
    own = tuple(x for x in alike if (x.market, x.good) == (listing.waypoint, listing.good.symbol))
    if law.best is LawForm.NONE:
        nothing = Estimate(np.nan, np.nan, np.nan)
        return OwnConstant(nothing, Ground.LAW if own else Ground.CELL, own or alike) if alike else None
    measured = _measured(own, alike)
    if measured is not None:
        return OwnConstant(measured, Ground.LAW, own, own[0].shared)
    if law.best is LawForm.STOCK:
        placed = _from_quotes(law, listing)
        if placed is None:
            return None
        tilted = tuple(-listing.good.purchase_price * part for part in law.shared.get(f"ratio {kind}", ()))
        return OwnConstant(placed, Ground.QUOTES, alike, tilted)
    return None


def _has_sign(law: LawFit, name: str) -> bool:
    found = law.score.parameters.get(name)
    return found is not None and (found.low > 0 or found.high < 0)


def _measured(own: Sequence[ListingLaw], alike: Sequence[ListingLaw]) -> Estimate | None:
    """The constant found at the listing; one trade has no spread of its own and borrows that of its likes."""
    found = next((x.constant for x in own if np.isfinite(x.constant.value)), None)
    if found is None or np.isfinite(found.low + found.high):
        return found
    spreads = [
        (x.constant.high - x.constant.low) / 2 / abs(x.constant.value) * np.sqrt(x.trades)
        for x in alike
        if np.isfinite(x.constant.low + x.constant.high) and x.constant.value
    ]
    if not spreads:
        return None
    reach = abs(found.value) * float(np.median(spreads))
    return Estimate(found.value, found.value - reach, found.value + reach)


def _from_quotes(law: LawFit, listing: Listing) -> Estimate | None:
    """The offset of one pair of quotes, uncertain by their rounding; None where the bid is at its floor."""
    if listing.good.sell_price <= LOWEST_QUOTE:
        return None
    ratio = law.score.parameters[f"ratio {listing.good.type}"].value
    ask_step, bid_step = law.price_steps[listing.good.type]
    offset = listing.good.sell_price - ratio * listing.good.purchase_price
    reach = NORMAL_REACH * float(np.hypot(bid_step, ratio * ask_step)) / np.sqrt(12)
    return Estimate(offset, offset - reach, offset + reach)

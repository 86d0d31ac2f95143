"""A listing's own constant in the law of impact: as measured there, or as its quotes or its likes show it."""

import numpy as np

from spacetraders_lab.analysis.distributions import NORMAL_REACH
from spacetraders_lab.analysis.findings import Estimate, LawFit, LawForm
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE
from spacetraders_lab.core.market import Listing, Operation


def listing_constant(law: LawFit, listing: Listing, side: Operation) -> Estimate | None:
    """The listing's own constant: as measured there, else from its two quotes, else as in listings of its type.

    None where no such way is open.
    """
    for known in law.listings:
        same_side = known.side is side or law.best is LawForm.STOCK
        if (known.market, known.good) == (listing.waypoint, listing.good.symbol) and same_side:
            return known.constant
    if law.best is LawForm.STOCK:
        return _from_quotes(law, listing)
    alike = [x.constant.value for x in law.listings if x.side is side and x.type is listing.good.type]
    if law.best in (LawForm.CONSTANT, LawForm.POWER) and alike:
        return Estimate(*(float(value) for value in np.quantile(alike, (0.5, 0.025, 0.975))))
    return Estimate(np.nan, np.nan, np.nan) if law.best is LawForm.NONE else None


def _from_quotes(law: LawFit, listing: Listing) -> Estimate | None:
    """The offset of one pair of quotes, uncertain by their rounding; None where the bid is at its floor."""
    ratio = law.score.parameters.get(f"ratio {listing.good.type}")
    if ratio is None or listing.good.sell_price <= LOWEST_QUOTE:
        return None
    ask_step, bid_step = law.price_steps[listing.good.type]
    offset = listing.good.sell_price - ratio.value * listing.good.purchase_price
    reach = NORMAL_REACH * float(np.hypot(bid_step, ratio.value * ask_step)) / np.sqrt(12)
    return Estimate(offset, offset - reach, offset + reach)

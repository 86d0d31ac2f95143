"""What the fitted law says of the next trades at a listing, from its newest quotes. Advises nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from spacetraders_lab.analysis.arrays import Floats
from spacetraders_lab.analysis.dataset import SIDES, TYPES
from spacetraders_lab.analysis.distributions import NORMAL_REACH
from spacetraders_lab.analysis.findings import Estimate, LawFit, LawForm
from spacetraders_lab.analysis.forms import FORMS
from spacetraders_lab.analysis.law import TOLERANCE_CREDITS, TOLERANCE_SHARE
from spacetraders_lab.analysis.steps import Steps
from spacetraders_lab.core.market import Listing, Operation


@dataclass(frozen=True, slots=True)
class QuotePath:
    """The traded quote before each of some transactions and after the last, in credits, unrounded; with 95 % limits."""

    quotes: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def predict_quotes(law: LawFit, listing: Listing, side: Operation, units: Sequence[int]) -> QuotePath | None:
    """The path of a listing's quote under transactions of so many units each, from the quotes just seen.

    None where neither the listing has been measured nor its quotes alone place it on the law.
    """
    constant = listing_constant(law, listing, side)
    if constant is None:
        return None
    form = next(form for form in FORMS if form.form is law.best)
    common = {name: estimate.value for name, estimate in law.score.parameters.items()}
    steps = _ahead(law, listing, side, units, common.get("b", 1.0))
    middle, *ends = (
        form.apply(steps, common, np.full(len(steps), value)) for value in (constant.value, constant.low, constant.high)
    )
    tolerance = np.maximum(TOLERANCE_CREDITS, TOLERANCE_SHARE * middle)
    noise = law.score.error_95 * tolerance * np.sqrt(np.arange(1, len(steps) + 1))
    off = np.nan_to_num(np.abs(np.stack(ends) - middle).max(0))
    reach = np.sqrt(noise**2 + off**2)
    now = float(listing.good.price(side))
    return QuotePath(*(_path(now, quotes) for quotes in (middle, middle - reach, middle + reach)))


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
    """The offset of one pair of quotes, uncertain by their rounding."""
    ratio = law.score.parameters.get(f"ratio {listing.good.type}")
    if ratio is None:
        return None
    ask_step, bid_step = law.price_steps[listing.good.type]
    offset = listing.good.sell_price - ratio.value * listing.good.purchase_price
    reach = NORMAL_REACH * float(np.hypot(bid_step, ratio.value * ask_step)) / np.sqrt(12)
    return Estimate(offset, offset - reach, offset + reach)


def _ahead(law: LawFit, listing: Listing, side: Operation, units: Sequence[int], exponent: float) -> Steps:
    """Steps that all begin at the quotes just seen and grow: a form's effect depends on the sum of sizes^exponent."""
    good, count = listing.good, len(units)
    sizes = np.array(units) / good.trade_volume
    x: Floats = np.array(list(accumulate(sizes**exponent))) ** (1 / exponent)
    buys = side is Operation.BUY
    ask_step, bid_step = law.price_steps[good.type]
    same = np.zeros(count, dtype=np.int64)
    price, other = (good.purchase_price, good.sell_price) if buys else (good.sell_price, good.purchase_price)
    grain, other_grain = (ask_step, bid_step) if buys else (bid_step, ask_step)
    nothing = np.full(count, np.nan)
    return Steps(
        unit=same,
        group=same,
        type=np.full(count, TYPES.index(good.type)),
        side=np.full(count, SIDES.index(side)),
        time=nothing,
        x=x,
        signed=x if buys else -x,
        price=np.full(count, float(price)),
        next=nothing,
        other=np.full(count, float(other)),
        other_next=nothing,
        grain=np.full(count, grain),
        other_grain=np.full(count, other_grain),
    )


def _path(now: float, quotes: Floats) -> tuple[float, ...]:
    return (now, *(max(1.0, float(quote)) for quote in quotes))

"""Where the fitted law says a quote goes, straight from the form itself: the check on everything built upon it."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from spacetraders_lab.analysis.dataset import SIDES, TYPES
from spacetraders_lab.analysis.findings import LawFit
from spacetraders_lab.analysis.forms import FORMS
from spacetraders_lab.analysis.own_constant import listing_constant
from spacetraders_lab.analysis.steps import Steps
from spacetraders_lab.core.market import Listing, Operation


def predict_quotes(law: LawFit, listing: Listing, side: Operation, units: Sequence[int]) -> list[float]:
    """The traded quote before each of some transactions of so many units and after the last, unrounded."""
    form = next(form for form in FORMS if form.form is law.best)
    common = {name: estimate.value for name, estimate in law.score.parameters.items()}
    constant = listing_constant(law, listing, side)
    assert constant is not None
    steps = _ahead(law, listing, side, units, common.get("b", 1.0))
    quotes = form.apply(steps, common, np.full(len(units), constant.estimate.value))
    return [float(listing.good.price(side)), *np.maximum(1.0, quotes).tolist()]


def _ahead(law: LawFit, listing: Listing, side: Operation, units: Sequence[int], exponent: float) -> Steps:
    """Steps that all begin at the quotes just seen and grow: a form's effect depends on the sum of sizes^exponent."""
    good, count, buys = listing.good, len(units), side is Operation.BUY
    x = np.array(list(accumulate((np.array(units) / good.trade_volume) ** exponent))) ** (1 / exponent)
    ask, bid = zip((good.purchase_price, good.sell_price), law.price_steps[good.type], strict=True)
    (price, grain), (other, other_grain) = (ask, bid) if buys else (bid, ask)
    return Steps(
        unit=np.zeros(count, dtype=np.int64),
        group=np.zeros(count, dtype=np.int64),
        visit=np.zeros(count, dtype=np.int64),
        type=np.full(count, TYPES.index(good.type)),
        side=np.full(count, SIDES.index(side)),
        time=np.full(count, np.nan),
        x=x,
        signed=x if buys else -x,
        price=np.full(count, float(price)),
        next=np.full(count, np.nan),
        other=np.full(count, float(other)),
        other_next=np.full(count, np.nan),
        grain=np.full(count, grain),
        other_grain=np.full(count, other_grain),
    )

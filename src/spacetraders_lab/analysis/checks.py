"""The two checks that come before any estimate: trades are made at the posted quote, and at which one."""

import numpy as np

from spacetraders_lab.analysis.dataset import BUY, Dataset
from spacetraders_lab.analysis.findings import PriceChecks


def check_prices(data: Dataset) -> PriceChecks:
    """Compare what was paid with both quotes read before, over the rows that can be used."""
    rows = data.used()
    other = np.where(rows.side == BUY, rows.bid_before, rows.ask_before)
    posted = rows.paid == rows.before
    return PriceChecks(len(rows), int(posted.sum()), int(((rows.paid == other) & ~posted).sum()))

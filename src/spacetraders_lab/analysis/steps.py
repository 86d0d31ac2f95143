"""Single trades as the law sees them: from one pair of quotes to the next. Arrays only, nothing is fitted."""

from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, Ints, Rows
from spacetraders_lab.analysis.dataset import BUY, Dataset
from spacetraders_lab.analysis.rounding import steps_of
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE


@dataclass(frozen=True, slots=True)
class Steps(Rows):
    """Usable trades in time order. `group` numbers listing x side; `signed` is x for BUY and -x for SELL.

    `price` is the traded quote before and `next` after, `other` and `other_next` those of the other side, all in
    credits; `grain` and `other_grain` are the steps that they are rounded to.
    """

    group: Ints
    visit: Ints
    type: Ints
    side: Ints
    time: Floats
    x: Floats
    signed: Floats
    price: Floats
    next: Floats
    other: Floats
    other_next: Floats
    grain: Floats
    other_grain: Floats

    @property
    def buys(self) -> Bools:
        bought: Bools = self.side == BUY
        return bought


def trade_steps(data: Dataset) -> Steps:
    """The usable rows as steps, without those where a quote of either side is at its floor: it hides the stock."""
    rows = data.used()
    lowest = np.minimum.reduce([rows.ask_before, rows.bid_before, rows.ask_after, rows.bid_after])
    rows = rows.take(lowest > LOWEST_QUOTE)
    buys = rows.side == BUY
    grains = steps_of(rows)[rows.type]
    return Steps(
        unit=rows.unit,
        group=rows.unit * 2 + rows.side,
        visit=rows.visit,
        type=rows.type,
        side=rows.side,
        time=rows.time,
        x=rows.x,
        signed=rows.sign * rows.x,
        price=rows.before,
        next=rows.after,
        other=np.where(buys, rows.bid_before, rows.ask_before),
        other_next=np.where(buys, rows.bid_after, rows.ask_after),
        grain=np.where(buys, grains[:, 0], grains[:, 1]),
        other_grain=np.where(buys, grains[:, 1], grains[:, 0]),
    )


def sums_before(code: Ints, *values: Floats) -> list[Floats]:
    """For each row the sum of the earlier rows of its code, its own left out; one array for each of the values."""
    order = np.argsort(code, kind="stable")
    begins = np.flatnonzero(np.diff(code[order], prepend=-1))
    lengths = np.diff(np.append(begins, len(code)))
    found = []
    for value in values:
        running = np.cumsum(value[order]) - value[order]
        running -= np.repeat(running[begins], lengths)
        back = np.empty(len(code))
        back[order] = running
        found.append(back)
    return found

"""Where a quote goes while one trades: one side of one listing, in as many draws as the data leave open.

A curve knows a law and its parameters, never where they come from: that is `evidence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spacetraders_lab.analysis.arrays import Floats
from spacetraders_lab.analysis.findings import LawForm
from spacetraders_lab.core.market import Operation

LOWEST = 1.0  # credits: no quote is lower


@dataclass(frozen=True, slots=True)
class Curve:
    """The quote of one side as trades move it. Arrays have one entry a draw.

    `quote` is the quote now, in credits a unit. `slope` is what the form of the law says of one full tradeVolume: a
    log move (CONSTANT, POWER), credits (LINEAR), doublings of the distance to the `asymptote` (ASYMPTOTE). `exponent`
    is b: a transaction of x tradeVolumes moves the quote like x^b.
    """

    side: Operation
    form: LawForm
    trade_volume: int
    quote: Floats
    slope: Floats
    asymptote: Floats | None = None
    exponent: float = 1.0

    @property
    def draws(self) -> int:
        return len(self.quote)

    def central(self) -> "Curve":
        """The one curve of the median of every parameter."""
        middle = None if self.asymptote is None else _median(self.asymptote)
        return replace(self, quote=_median(self.quote), slope=_median(self.slope), asymptote=middle)

    def at(self, moved: Floats) -> Floats:
        """The quotes once so many tradeVolumes have moved them: `moved` broadcasts against (draws, 1)."""
        up = 1.0 if self.side is Operation.BUY else -1.0
        quote, slope = self.quote[:, None], self.slope[:, None]
        match self.form:
            case LawForm.NONE:
                quotes = quote + 0.0 * moved
            case LawForm.CONSTANT | LawForm.POWER:
                quotes = quote * np.exp(up * slope * moved)
            case LawForm.LINEAR:
                quotes = quote + up * slope * moved
            case LawForm.ASYMPTOTE:
                assert self.asymptote is not None
                distance = quote - self.asymptote[:, None]
                # a trade moves the quote against the trader: away from an asymptote behind it, towards one before it
                quotes = self.asymptote[:, None] + distance * 2.0 ** (up * np.sign(distance) * slope * moved)
        moved_quotes: Floats = np.maximum(LOWEST, quotes)
        return moved_quotes

    def unit_prices(self, units: int, *, displaced: float = 0.0, transaction: int | None = None) -> Floats:
        """What each of so many units trades at, shape (draws, units), in transactions of one size (a tradeVolume).

        All units of a transaction trade at the quote that it finds. `displaced` is by how many tradeVolumes earlier
        trades have left the quote moved.
        """
        size = transaction or self.trade_volume
        full = (size / self.trade_volume) ** self.exponent
        found = displaced + full * np.arange(-(-units // size), dtype=np.float64)
        return np.repeat(self.at(found[None, :]), size, axis=1)[:, :units]

    def moved_by(self, transactions: Sequence[int]) -> float:
        """By how many tradeVolumes' worth transactions of so many units move the quote."""
        return float(sum((units / self.trade_volume) ** self.exponent for units in transactions))


def transactions(units: int, trade_volume: int) -> list[int]:
    """Units as the fewest transactions that the market allows, full ones first."""
    full, rest = divmod(units, trade_volume)
    return [trade_volume] * full + ([rest] if rest else [])


def _median(values: Floats) -> Floats:
    return np.array([np.median(values)])

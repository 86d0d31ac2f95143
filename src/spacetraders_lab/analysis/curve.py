"""Where a quote goes while one trades: one side of one listing, in as many draws as the data leave open.

A curve knows a law and its parameters, never where they come from: that is `evidence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from spacetraders_lab.analysis.arrays import Bools, Floats, Ints
from spacetraders_lab.analysis.findings import LawForm
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE
from spacetraders_lab.core.market import Operation

_FURTHEST = 50.0  # the exponent at which a quote is called endless
_ENDLESS = 1e18  # tradeVolumes
_ERRORS = 1  # a stream of its own: the draws of the parameters come from the same seed


@dataclass(frozen=True, slots=True)
class Curve:
    """The quote of one side as trades move it. Arrays have one entry a draw.

    `quote` is the quote now, in credits a unit. `slope` is what the form of the law says of one full tradeVolume: a
    log move against the trader (CONSTANT, POWER), credits (LINEAR), or, for ASYMPTOTE, how often one tradeVolume
    *bought* doubles the distance to the `asymptote`. `exponent` is b: a transaction of x tradeVolumes moves the quote
    like x^b. `bend` is by how much the log of a slope (CONSTANT, POWER) grows with each tradeVolume that the quote is
    moved against the trader. `noise` is the standard deviation, in credits, of what each transaction adds that the law
    does not say; `seed` chooses its draws. `displaced` is how many tradeVolumes the own trades before have left the
    quote moved against the trader, from where it goes back to (below 0: in his favour).
    """

    side: Operation
    form: LawForm
    trade_volume: int
    quote: Floats
    slope: Floats
    asymptote: Floats | None = None
    exponent: float = 1.0
    bend: Floats | float = 0.0
    noise: float = 0.0
    seed: int = 0
    displaced: Floats | float = 0.0

    @property
    def draws(self) -> int:
        return len(self.quote)

    @property
    def against(self) -> float:
        """The sign of moves of the quote against the trader."""
        return 1.0 if self.side is Operation.BUY else -1.0

    @property
    def rest(self) -> Floats:
        """The tradeVolumes from now at which the quote is best, a draw, if trades move it against the trader."""
        return -np.maximum(0.0, np.zeros(self.draws) + self.displaced)

    @property
    def runs_away(self) -> Bools:
        """In which draws trades move the quote in the trader's favour; a constant known badly can say that."""
        begin, end = (self.at(self.rest[:, None] + far)[:, 0] for far in (0.0, _ENDLESS))
        return self.against * end < self.against * begin

    def central(self) -> "Curve":
        """The one curve of the median of every parameter."""
        middle = None if self.asymptote is None else _median(self.asymptote)
        return replace(
            self,
            quote=_median(self.quote),
            slope=_median(self.slope),
            asymptote=middle,
            bend=float(np.median(self.bend)),
            noise=0.0,
            displaced=float(np.median(self.displaced)),
        )

    def of_draws(self, kept: Ints) -> "Curve":
        """The same curve in some of its draws only."""
        asymptote = None if self.asymptote is None else self.asymptote[kept]
        bend, displaced = (x[kept] if isinstance(x, np.ndarray) else x for x in (self.bend, self.displaced))
        return replace(
            self,
            quote=self.quote[kept],
            slope=self.slope[kept],
            asymptote=asymptote,
            bend=bend,
            displaced=displaced,
        )

    def at(self, moved: Floats) -> Floats:
        """The quotes once so many tradeVolumes have moved them: `moved` broadcasts against (draws, 1)."""
        up, quote, slope = self.against, self.quote[:, None], self.slope[:, None]
        match self.form:
            case LawForm.NONE:
                quotes = quote + 0.0 * moved
            case LawForm.CONSTANT | LawForm.POWER:
                bent = moved * special.exprel(_bounded(np.reshape(self.bend, (-1, 1)) * moved))
                quotes = quote * np.exp(_bounded(up * slope * bent))
            case LawForm.LINEAR:
                quotes = quote + up * slope * moved
            case LawForm.ASYMPTOTE | LawForm.STOCK:
                assert self.asymptote is not None
                asymptote = self.asymptote[:, None]
                quotes = asymptote + (quote - asymptote) * np.exp2(_bounded(up * slope * moved))
        return np.maximum(LOWEST_QUOTE, quotes)

    def after(self, moved: Floats) -> "Curve":
        """The same curve once so many tradeVolumes, one number a draw, have moved the quote."""
        return replace(self, quote=self.at(moved[:, None])[:, 0], slope=self.slope * np.exp(self.bend * moved))

    def unit_prices(self, units: int, *, displaced: Floats | float = 0.0, transaction: int | None = None) -> Floats:
        """What each of so many units trades at, shape (draws, units), in transactions of one size (a tradeVolume).

        All units of a transaction trade at the quote that it finds. `displaced` is by how many tradeVolumes earlier
        trades have left the quote moved, in all draws or in each.
        """
        size = transaction or self.trade_volume
        full = (size / self.trade_volume) ** self.exponent
        count = -(-units // size)
        found = np.reshape(displaced, (-1, 1)) + full * np.arange(count, dtype=np.float64)
        quotes = np.maximum(LOWEST_QUOTE, self.at(found) + self.errors(count))
        return np.repeat(quotes, size, axis=1)[:, :units]

    def errors(self, count: int) -> Floats:
        """What the law leaves unsaid of so many transactions of a visit, shape (draws, count): it piles up over them.

        The first quote is known. The same every time.
        """
        chance = np.random.default_rng((self.seed, _ERRORS))
        steps = chance.normal(0.0, self.noise, (count, self.draws)).T
        steps[:, :1] = 0.0
        return np.cumsum(steps, axis=1)

    def moved_by(self, transactions: Sequence[int]) -> float:
        """By how many tradeVolumes' worth transactions of so many units move the quote."""
        return float(sum((units / self.trade_volume) ** self.exponent for units in transactions))

    def moved_by_each(self, units: Ints) -> Floats:
        """By how many tradeVolumes' worth each of these numbers of units moves the quote, in full transactions."""
        full, rest = np.divmod(units, self.trade_volume)
        moved: Floats = full + (rest / self.trade_volume) ** self.exponent
        return moved


def _bounded(exponent: Floats) -> Floats:
    """So far and no further: quotes beyond are no news, and their numbers would overflow."""
    return np.minimum(np.maximum(exponent, -_FURTHEST), _FURTHEST)  # twice as fast as np.clip


def _median(values: Floats) -> Floats:
    return np.array([np.median(values)])

"""How a listing comes back after trades, in as many draws as the data leave open: what is left of moves, and when.

Displacements are in tradeVolumes. Resilience knows no prices: what a displaced quote is, is the curve's affair.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spacetraders_lab.analysis.arrays import Floats

WEEK = 7 * 24 * 60.0  # minutes: about half of a universe's life, and what "kept up" means here


@dataclass(frozen=True, slots=True)
class Resilience:
    """The pace at which a displacement goes back. Arrays have one entry a draw.

    It halves every `half_life` minutes but for the share `lasting`, or, without a half-life, shrinks by so many
    tradeVolumes `an_hour`.
    """

    half_life: Floats | None
    an_hour: Floats
    lasting: Floats

    @classmethod
    def halving(cls, half_life: Floats, lasting: Floats | float = 0.0) -> "Resilience":
        """It halves in so many minutes, but for a share that stays."""
        return cls(half_life, np.zeros_like(half_life), np.zeros_like(half_life) + lasting)

    @classmethod
    def steadily(cls, an_hour: Floats) -> "Resilience":
        """It shrinks by so many tradeVolumes an hour; 0: nothing comes back."""
        return cls(None, an_hour, np.zeros_like(an_hour))

    def central(self) -> "Resilience":
        """The one of the median of every parameter."""
        half_life = None if self.half_life is None else _median(self.half_life)
        return replace(self, half_life=half_life, an_hour=_median(self.an_hour), lasting=_median(self.lasting))

    def gone_back(self, passing: Floats, minutes: Floats | float) -> Floats:
        """What is left of displacements that do not stay after so many minutes; the last axis is that of the draws.

        Ticks take back what was moved against the trader, and nothing of what was moved in his favour.
        """
        if self.half_life is None:
            return np.asarray(passing - np.clip(passing, 0.0, self.an_hour * minutes / 60))
        return np.asarray(passing * np.exp2(-minutes / self.half_life))

    def share_left(self, minutes: float) -> Floats:
        """What is left after so many minutes of one tradeVolume's move, what stays for ever left aside."""
        if self.half_life is None:
            return np.maximum(0.0, 1 - self.an_hour * minutes / 60)
        return np.asarray(np.exp2(-minutes / self.half_life))

    def found_by(self, moves: Sequence[float], minutes: float, displaced: Floats | float = 0.0) -> Iterator[Floats]:
        """What each visit finds moved against now, when they are so many minutes apart and move so much.

        `displaced` is how far now is from where the quote goes back to.
        """
        passing, stays = np.zeros_like(self.an_hour) + displaced, np.zeros_like(self.an_hour) - displaced
        for moved in moves:
            yield passing + stays
            stays = stays + self.lasting * moved
            passing = passing + (1 - self.lasting) * moved
            passing = self.gone_back(passing, minutes)


def _median(values: Floats) -> Floats:
    return np.array([np.median(values)])

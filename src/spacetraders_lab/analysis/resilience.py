"""How a listing comes back after trades, in as many draws as the data leave open: what is left of moves, and when.

Displacements are in tradeVolumes. Resilience knows no prices: what a displaced quote is, is the curve's affair.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints

WEEK = 7 * 24 * 60.0  # minutes: about half of a universe's life, and what "kept up" means here


@dataclass(frozen=True, slots=True)
class Resilience:
    """The pace at which a displacement goes back. Arrays have one entry a draw.

    It halves every `half_life` minutes but for the share `lasting`, or, where that is endless or there is none, shrinks
    by so many tradeVolumes `an_hour`.
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

    @classmethod
    def either(cls, half_life: Floats, volumes: float, lasting: Floats) -> "Resilience":
        """Every other draw halves; the rest take back half of so many tradeVolumes in that time, and go on steadily."""
        steady = np.arange(len(half_life)) % 2 == 1
        return cls(np.where(steady, np.inf, half_life), np.where(steady, 30 * volumes / half_life, 0.0), lasting)

    def of_draws(self, kept: Ints) -> "Resilience":
        """The same in some of its draws only."""
        half_life = None if self.half_life is None else self.half_life[kept]
        return Resilience(half_life, self.an_hour[kept], self.lasting[kept])

    def gone_back(self, passing: Floats, minutes: Floats | float) -> Floats:
        """What is left of displacements that do not stay after so many minutes; the last axis is that of the draws.

        Ticks take back what was moved against the trader, and nothing of what was moved in his favour.
        """
        halved = passing if self.half_life is None else passing * np.exp2(-minutes / self.half_life)
        return np.asarray(halved - np.minimum(np.maximum(halved, 0.0), self.an_hour * minutes / 60))

    def share_left(self, minutes: float) -> Floats:
        """What is left after so many minutes of one tradeVolume's move, what stays for ever left aside."""
        return self.gone_back(np.ones_like(self.an_hour), minutes)

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

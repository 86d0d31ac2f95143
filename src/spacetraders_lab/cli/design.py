"""The design of an experiment as typed: options in, a Design or one clear line out."""

from dataclasses import dataclass
from enum import StrEnum

from spacetraders_lab.core.bounds import MOST_MINUTES, within
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName

WASHOUT_MINUTES = 45.0  # of every design but the literal grid
MOST_ITERATIONS = 100  # of a batch size: more take longer than a universe lasts
MOST_ROUNDS = 20  # of all listings: the same, and their plan takes seconds
WATCH_MINUTES = 480.0  # how long a recovery is watched, with its listing left alone


class Order(StrEnum):
    """In which order the grid trades its sizes and pairs."""

    LITERAL = "literal"  # as the original experiment does: sizes ascending, goods one after the other
    SEEDED = "seeded"  # drawn from --seed, with placebo readings and guards


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignOptions:
    """What is traded for each pair, and in which order the pairs are taken.

    Parameters
    ----------
    design:
        grid: every pair in every size. ladder: each listing once. adaptive: until precise. recovery: trade, then watch.
    order:
        Order of the grid's sizes and pairs: as in the original experiment, or drawn from the seed.
    iterations_per_batch:
        How many times the grid trades each batch size.
    batch_sizes:
        The grid's batch sizes: fractions of the tradeVolume from above 0 to 1, separated by commas.
    rounds:
        How often the ladder trades each side of each listing.
    target:
        Precision the adaptive design aims for: half-width of the interval, in percent of the estimate.
    washout:
        Minutes to leave a pair's listings alone afterwards [default: literal grid 0, recovery 480, else 45].
    claim_order:
        Which pair a free ship takes: the one that has waited longest (grid default) or the one that begins nearest.
    """

    design: DesignName = DesignName.GRID
    order: Order = Order.LITERAL
    iterations_per_batch: int = 3
    batch_sizes: str = "0.1,0.25,0.5,1.0"
    rounds: int = 1
    target: str = "10%"
    washout: float | None = None
    claim_order: ClaimOrder | None = None

    def chosen(self) -> Design:
        """The design; raises UserError for what cannot be traded."""
        within("--iterations-per-batch", self.iterations_per_batch, 1, MOST_ITERATIONS)
        within("--washout", self.washout, 0, MOST_MINUTES)
        within("--rounds", self.rounds, 1, MOST_ROUNDS)
        is_grid, seeded = self.design is DesignName.GRID, self.order is Order.SEEDED
        if seeded and not is_grid:
            raise UserError(f"--order seeded is for --design grid; {self.design} is always drawn from the seed")
        return Design(
            _fractions(self.batch_sizes),
            self.iterations_per_batch,
            self.design,
            washout_seconds=60 * self._washout_minutes(is_literal=is_grid and not seeded),
            claim_order=self.claim_order or (ClaimOrder.FIFO if is_grid else ClaimOrder.NEAREST),
            seeded=seeded,
            rounds=self.rounds,
            target=_share(self.target),
        )

    def _washout_minutes(self, *, is_literal: bool) -> float:
        if self.washout is not None:
            return self.washout
        if self.design is DesignName.RECOVERY:
            return WATCH_MINUTES
        return 0.0 if is_literal else WASHOUT_MINUTES


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        raise UserError(f"--target {text!r}: give per cent, as in 10%") from None
    if not 0 < share < 1:
        raise UserError(f"--target {text!r}: must lie above 0% and below 100%")
    return share


def _fractions(text: str) -> tuple[float, ...]:
    try:
        fractions = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UserError(f"--batch-sizes {text!r}: give fractions separated by commas, as in 0.25,0.5") from None
    if not fractions or not all(0 < fraction <= 1 for fraction in fractions):
        raise UserError(f"--batch-sizes {text!r}: every fraction must lie above 0 and at most at 1")
    if len(set(fractions)) < len(fractions):
        raise UserError(f"--batch-sizes {text!r}: a fraction is named twice; use --iterations-per-batch instead")
    return fractions

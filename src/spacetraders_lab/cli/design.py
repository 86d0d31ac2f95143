"""The design of an experiment as typed: options in, a Design or one clear line out."""

from dataclasses import dataclass

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import ClaimOrder, Design


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignOptions:
    """What is traded for each pair, and in which order the pairs are taken.

    Parameters
    ----------
    iterations_per_batch:
        How many times each batch size is traded.
    batch_sizes:
        Batch sizes as fractions of the tradeVolume, in (0, 1], separated by commas.
    washout:
        Leave the listings of a pair alone for so many minutes after it.
    claim_order:
        Which free pair a ship takes: the one that waits longest, or the one that begins nearest to it.
    """

    iterations_per_batch: int = 3
    batch_sizes: str = "0.1,0.25,0.5,1.0"
    washout: float = 0.0
    claim_order: ClaimOrder = ClaimOrder.FIFO

    def design(self) -> Design:
        """The design; raises UserError for what cannot be traded."""
        if self.iterations_per_batch < 1:
            raise UserError("--iterations-per-batch must be at least 1")
        if self.washout < 0:
            raise UserError("--washout must be at least 0")
        return Design(
            _fractions(self.batch_sizes),
            self.iterations_per_batch,
            washout_seconds=60 * self.washout,
            claim_order=self.claim_order,
        )


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

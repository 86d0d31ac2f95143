"""Numbers as users type them: within bounds, or one clear line that says which. Bounds of what has no own are here.

They are far beyond what anybody needs, and within what the database can hold and the clock can count.
"""

import math
from typing import TypeVar

from spacetraders_lab.core.errors import UserError

MOST_CREDITS = 10**15
MOST_SEED = 2**62  # both databases hold it, and the seeds that count on from it
MOST_ROWS = 1_000_000  # of anything that is asked for by number
MOST_UNITS = 1_000_000  # of a good, in a hold or in an order
MOST_MINUTES = 14 * 24 * 60  # of game time: as long as a universe lasts
MOST_AGE = 366 * 24 * 60  # minutes of what was read: a year
MOST_HOURS = 100_000.0  # that a run may take; more than ten years

N = TypeVar("N", bound=float | None)


def within(what: str, value: N, least: float, most: float) -> N:
    """The number (or None, where none was given), if it lies between the two; raises UserError."""
    if value is None:
        return value
    _check_that_it_is_one(what, value)
    if value < least:
        raise UserError(f"{what} must be at least {least:,}")
    return _at_most(what, value, most)


def above_zero(what: str, value: N, most: float) -> N:
    """The number (or None, where none was given), if it lies above 0 and not above `most`; raises UserError."""
    if value is None:
        return value
    _check_that_it_is_one(what, value)
    if value <= 0:
        raise UserError(f"{what} must be above 0")
    return _at_most(what, value, most)


def _check_that_it_is_one(what: str, value: float) -> None:
    if isinstance(value, float) and math.isnan(value):  # a whole number may be too large to be asked
        raise UserError(f"{what} must be a number, not nan")


def _at_most(what: str, value: N, most: float) -> N:
    if value is not None and value > most:
        raise UserError(f"{what} must be at most {math.floor(most):,}")
    return value

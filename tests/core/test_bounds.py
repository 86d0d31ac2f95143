"""Numbers within bounds pass as they are; any other is refused in words that name the bound."""

import math

import pytest

from spacetraders_lab.core.bounds import above_zero, within
from spacetraders_lab.core.errors import UserError


@pytest.mark.parametrize("number", [None, 1, 2.5, 10])
def test_what_lies_within_passes_as_it_is(number: float | None) -> None:
    assert within("--most", number, 1, 10) is number
    assert above_zero("--most", number, 10) is number


@pytest.mark.parametrize(
    ("number", "complaint"),
    [
        (math.nan, "--most must be a number, not nan"),
        (-math.inf, "--most must be at least 1,000"),
        (999, "--most must be at least 1,000"),
        (1e300, "--most must be at most 20,160"),
        (2**63, "--most must be at most 20,160"),
        (10**400, "--most must be at most 20,160"),
        (math.inf, "--most must be at most 20,160"),
    ],
)
def test_what_does_not_is_refused(number: float, complaint: str) -> None:
    with pytest.raises(UserError, match=f"^{complaint}$"):
        within("--most", number, 1_000, 20_160)


@pytest.mark.parametrize("number", [0, -1, -0.0])
def test_nothing_is_not_above_zero(number: float) -> None:
    with pytest.raises(UserError, match=r"^--every must be above 0$"):
        above_zero("--every", number, 10)

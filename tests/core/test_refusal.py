"""What a refused trade means: the code decides. Codes by the game's own list (`GET /error-codes`)."""

import pytest

from spacetraders_lab.core.experiment import SkipReason
from spacetraders_lab.core.refusal import Refusal, judge_refusal, why_skipped


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (4217, Refusal.LOOK_AGAIN),  # the hold is fuller than we believed
        (4228, Refusal.LOOK_AGAIN),
        (4218, Refusal.LOOK_AGAIN),  # less aboard than we believed
        (4219, Refusal.LOOK_AGAIN),
        (4214, Refusal.LOOK_AGAIN),  # not where, or not docked, as we believed
        (4236, Refusal.LOOK_AGAIN),
        (4244, Refusal.LOOK_AGAIN),
        (4604, Refusal.LOOK_AGAIN),  # the tradeVolume is not what we believed
        (409, Refusal.LOOK_AGAIN),
        (4600, Refusal.NO_FUNDS),
        (4601, Refusal.PAIR),  # the good is not bought or sold here
        (4602, Refusal.PAIR),
        (4603, Refusal.PAIR),  # no market here
        (0, Refusal.PAIR),  # a code that the game's list does not have must not be tried for ever
        (9999, Refusal.PAIR),
    ],
)
def test_the_code_decides_what_to_do(code: int, meaning: Refusal) -> None:
    assert judge_refusal(code) is meaning


@pytest.mark.parametrize(
    ("code", "reason"), [(4604, SkipReason.TV_LIMIT), (4602, SkipReason.API_ERROR), (0, SkipReason.PAIR_FAILED)]
)
def test_the_code_says_why_the_rest_of_a_pair_is_skipped(code: int, reason: SkipReason) -> None:
    assert why_skipped(code) is reason

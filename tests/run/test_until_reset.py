"""A plan that the universe does not last for is refused with what would fit, unless the user wants it all the same."""

import re
from datetime import timedelta

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design
from spacetraders_lab.study.rig import Rig
from tests.run.test_designs import LADDER
from tests.run.test_recovery import RECOVERY

FORTNIGHT = timedelta(weeks=2)


def _shortly_before_the_reset(rig: Rig, **left: float) -> None:
    """Let time pass until only that much is left, as the game's status tells it."""
    _until_left(rig, **left)
    rig.scout()


def _until_left(rig: Rig, **left: float) -> None:
    ends = rig.universe.start + FORTNIGHT
    rig.clock.run(rig.clock.sleep((ends - rig.clock.now() - timedelta(**left)).total_seconds()))


def test_a_plan_that_ends_in_time_is_accepted(rig: Rig) -> None:
    rig.scout()
    assert rig.prepare(max_pairs=4).schedule.hours < FORTNIGHT.total_seconds() / 3600


def test_a_plan_that_would_end_too_late_is_refused_with_what_fits(rig: Rig) -> None:
    _shortly_before_the_reset(rig, hours=2)
    with pytest.raises(UserError, match=r"the universe is reset in [12]\.\d .*--max-pairs \d+ or .*--until-reset"):
        rig.prepare(budget=5_000_000)
    assert rig.prepare(max_pairs=4).schedule.hours < 2


@pytest.mark.parametrize("design", [Design(), LADDER, RECOVERY])
def test_what_is_named_as_fitting_is_accepted_and_one_pair_more_is_not(rig: Rig, design: Design) -> None:
    """A recovery run takes a third of a day however few its pairs are: nothing of it fits."""
    _shortly_before_the_reset(rig, hours=0.4)
    with pytest.raises(UserError) as refused:
        rig.prepare(design=design, budget=50_000_000)
    named = re.search(r"--max-pairs (\d+)", str(refused.value))
    assert (named is None) == (design is RECOVERY)
    if named is not None:
        rig.prepare(design=design, budget=50_000_000, max_pairs=int(named[1]))
        with pytest.raises(UserError, match="the universe is reset"):
            rig.prepare(design=design, budget=50_000_000, max_pairs=int(named[1]) + 1)


def test_when_nothing_fits_any_more_only_the_option_is_named(rig: Rig) -> None:
    rig.scout()
    _until_left(rig, minutes=1)
    with pytest.raises(UserError, match=r"reset in 0\.0 .* measure less with go as far") as refused:
        rig.prepare(max_pairs=4, max_age=FORTNIGHT)
    assert "--max-pairs" not in str(refused.value)


def test_who_wants_it_all_the_same_gets_it(rig: Rig) -> None:
    _shortly_before_the_reset(rig, hours=1)
    prepared = rig.prepare(until_reset=True)
    assert prepared.schedule.hours > 1

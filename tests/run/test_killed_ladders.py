"""Ladders killed, frozen and cut off at any moment: the same guarantees as for the grid, and planned = executed +
skipped, exactly.
"""

import pytest

from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName
from spacetraders_lab.run import session
from tests.guarantees.simulation import Rates, fresh_databases, tell

LADDER = Design(name=DesignName.LADDER, washout_seconds=300, claim_order=ClaimOrder.NEAREST)
OFTEN = Rates(kill=0.04, most=12)


def broken(seeds: range, rates: Rates = OFTEN) -> dict[int, list[str]]:
    with fresh_databases() as make:
        return {seed: found for seed in seeds if (found := tell(seed, make(), rates, LADDER).violations)}


@pytest.mark.parametrize("first", [0, 4])
def test_no_story_of_a_ladder_breaks_a_guarantee(first: int) -> None:
    assert broken(range(first, first + 4)) == {}


def test_skips_that_are_only_remembered_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The known-bad case: a worker that keeps its skips to itself. A hold too small for the menu makes it skip."""
    monkeypatch.setattr(session, "record_skips", lambda *_, **__: None)
    assert broken(range(2), Rates(most=0)) != {}

"""Whatever the user does to a run, and whatever befalls it meanwhile: `resume`, said once when all is well, brings it
to its end, and nothing of it is left at work, kept, locked, aboard or told wrong.
"""

import pytest

from spacetraders_lab.run import changes
from tests.guarantees.lives import tell
from tests.guarantees.simulation import fresh_databases


def broken(seeds: range) -> dict[int, list[str]]:
    with fresh_databases() as make:
        return {seed: found for seed in seeds if (found := tell(seed, make()).violations)}


@pytest.mark.parametrize("first", [0, 4])
def test_no_life_of_a_run_with_its_user_breaks_a_guarantee(first: int) -> None:
    assert broken(range(first, first + 4)) == {}


def test_ships_that_come_and_go_unseen_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The known-bad case: nobody writes down who joins and who leaves."""
    monkeypatch.setattr(changes, "_note", lambda *_, **__: None)
    assert broken(range(16, 17)) != {}

"""What is found in a run depends neither on how fast the sandbox played it nor on what other runs did since.

Nor does it on whether the database was thinned.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from spacetraders_lab.analysis.recovery_findings import Stream
from spacetraders_lab.cli.found import find
from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName
from spacetraders_lab.store import care
from spacetraders_lab.store.brackets import placebo_brackets
from spacetraders_lab.store.database import open_database
from spacetraders_lab.study.rig import Rig

RECOVERY = Design(name=DesignName.RECOVERY, washout_seconds=8 * 3600, claim_order=ClaimOrder.NEAREST)
LADDER = Design(name=DesignName.LADDER, washout_seconds=45 * 60, claim_order=ClaimOrder.NEAREST)
HALF_LIFE = 60.0  # minutes


def test_a_half_life_is_of_the_games_time(tmp_path: Path) -> None:
    """At speed 60 eight hours of revisits take eight minutes of the clock."""
    database = open_database(path=tmp_path / "lab.db", durable=False)
    rig = Rig(database, ships=2, speed=60.0, half_life_minutes=HALF_LIFE)
    rig.scout()
    run = rig.launch(rig.prepare(design=RECOVERY, budget=2_000_000, goods=("GOLD", "SILVER")))
    begun = rig.clock.elapsed
    rig.fly(run)
    assert rig.clock.elapsed - begun < 10 * 60
    found = find(database, [run.run_id], lambda: None)
    database.close()
    half_life = found.findings.recovery.returns[Stream.WITH].half_life_minutes
    assert half_life is not None
    assert half_life.low < HALF_LIFE < half_life.high
    assert 0.3 < found.ships[0].hours < 9


def test_a_later_run_on_the_same_listings_does_not_blur_what_was_found(tmp_path: Path) -> None:
    """Between two readings of the first run's, the second moves the quotes: that is neither a tick nor recovery."""
    database = open_database(path=tmp_path / "lab.db", durable=False)
    rig = Rig(database, ships=2, credits=20_000_000)
    rig.scout()
    first = rig.launch(rig.prepare(design=RECOVERY, budget=2_000_000, goods=("GOLD", "SILVER")))
    rig.fly(first)
    alone = find(database, [first.run_id], lambda: None).findings.recovery.returns[Stream.WITH]
    again = rig.prepare(design=Design((1.0,), 3), goods=("GOLD", "SILVER"), max_pairs=20, budget=9_000_000)
    second = rig.launch(again)
    rig.fly(second)
    rig.scout()
    beside = find(database, [first.run_id], lambda: None).findings.recovery.returns[Stream.WITH]
    database.close()
    assert beside.revisits == alone.revisits
    assert beside.half_life_minutes.value == pytest.approx(alone.half_life_minutes.value, rel=0.05)
    assert beside.permanent_share.value == pytest.approx(alone.permanent_share.value, abs=0.02)


def test_thinning_the_database_changes_nothing_that_is_found(tmp_path: Path) -> None:
    """The controls of placebo brackets are readings of goods that the run never trades."""
    database = open_database(path=tmp_path / "lab.db", durable=False)
    rig = Rig(database, ships=2)
    rig.scout()
    run = rig.launch(rig.prepare(design=LADDER, budget=4_000_000, goods=tuple(rig.goods()[:2])))
    rig.fly(run)
    rig.scout()

    def found() -> tuple[str, int]:
        brackets = rig.read(lambda c: placebo_brackets(c, run.run_id))
        return repr(find(database, [run.run_id], lambda: None).findings), len(brackets)

    before = found()
    with database.transaction() as connection:
        care.thin(connection, care.superfluous(connection, rig.clock.now() + timedelta(days=40)))
    assert found() == before
    database.close()

"""What is found in a run does not depend on how fast the sandbox played it."""

from pathlib import Path

from spacetraders_lab.cli.found import find
from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName
from spacetraders_lab.store.database import open_database
from spacetraders_lab.study.rig import Rig

RECOVERY = Design(name=DesignName.RECOVERY, washout_seconds=8 * 3600, claim_order=ClaimOrder.NEAREST)


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
    half_life = found.findings.recovery.half_life_minutes
    assert half_life is not None
    assert half_life.low < HALF_LIFE < half_life.high
    assert 0.3 < found.ships[0].hours < 9

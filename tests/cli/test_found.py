"""What is found in a run does not depend on how fast the sandbox played it."""

from pathlib import Path

import pytest

from spacetraders_lab.analysis.findings import RecoveryEstimate
from spacetraders_lab.cli.found import find
from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName
from spacetraders_lab.store.database import open_database
from spacetraders_lab.study.rig import Rig

RECOVERY = Design(name=DesignName.RECOVERY, washout_seconds=8 * 3600, claim_order=ClaimOrder.NEAREST)


def recovery(path: Path, speed: float) -> tuple[RecoveryEstimate, float]:
    """What a recovery run found, and how many hours its first ship was at it."""
    database = open_database(path=path, durable=False)
    rig = Rig(database, ships=2, speed=speed, half_life_minutes=60.0)
    rig.scout()
    run = rig.launch(rig.prepare(design=RECOVERY, budget=2_000_000, goods=("GOLD", "SILVER")))
    rig.fly(run)
    found = find(database, [run.run_id], lambda: None)
    database.close()
    return found.findings.recovery, found.ships[0].hours


def test_a_half_life_is_of_the_games_time(tmp_path: Path) -> None:
    (slow, slow_hours), (fast, fast_hours) = (recovery(tmp_path / f"{speed}.db", speed) for speed in (1.0, 60.0))
    assert slow.half_life_minutes is not None and fast.half_life_minutes is not None
    assert fast.half_life_minutes.value == pytest.approx(slow.half_life_minutes.value, rel=0.01)
    assert fast_hours == pytest.approx(slow_hours, rel=0.01)

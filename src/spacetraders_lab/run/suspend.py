"""What the world does to a run: it waits, with the reason on record, and no pair is blamed."""

import asyncio
import logging

from spacetraders_lab.core.errors import WorldCondition
from spacetraders_lab.core.experiment import RunStatus
from spacetraders_lab.run.app import Lab
from spacetraders_lab.store.experiments import ExperimentRepository

log = logging.getLogger(__name__)


async def suspend(lab: Lab, run_id: str, condition: WorldCondition, stop: asyncio.Event) -> None:
    """Put the run to sleep until the user resumes it, and ask its other workers to stop."""
    log.warning("run %s suspended: %s", run_id, condition)
    reason = f"{condition.reason}: {condition}"
    await lab.write(
        lambda c: ExperimentRepository(c).set_status(run_id, RunStatus.SUSPENDED, reason, now=lab.clock.now())
    )
    stop.set()

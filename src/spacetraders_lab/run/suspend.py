"""What the world does to a run: it waits, with the reason on record, and no pair is blamed."""

import logging
from datetime import datetime

from sqlalchemy import Connection

from spacetraders_lab.core.errors import GameError, Maintenance, UniverseReset, WorldCondition
from spacetraders_lab.core.experiment import ExperimentRun
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.world import World

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 60.0  # between two looks at a game under maintenance


async def suspend(lab: Lab, run_id: str, condition: WorldCondition, met_at: float) -> None:
    """Put the run to sleep with the reason; a run whose universe is gone is closed, its data kept.

    What was met (`met_at` by the steady clock) more than a lease ago, by a process that was frozen since, stops nobody:
    others have its ships by now, and the user may have seen to it.
    """
    now = lab.clock.now()

    def work(connection: Connection) -> None:
        if isinstance(condition, UniverseReset) or lab.clock.monotonic() - met_at <= lab.times.lease:
            log.warning("run %s stops: %s", run_id, condition)
            put_on_record(connection, run_id, condition, now=now)

    await lab.write(work)


def put_on_record(connection: Connection, run_id: str, condition: WorldCondition, *, now: datetime) -> None:
    """Write down what the world does to a run. What the user said meanwhile (pause, cancel) stands."""
    experiments = ExperimentRepository(connection)
    if isinstance(condition, UniverseReset):
        experiments.cancel(run_id, f"{condition.halt}: {condition}", now=now)
        ContainerRepository(connection).stop_of_run(run_id, now=now)
    else:
        experiments.suspend(run_id, condition.halt, str(condition))


async def game_is_back(lab: Lab, run: ExperimentRun) -> bool:
    """Whether the game answers again; raises UniverseReset when it came back as another universe (one request)."""
    try:
        status = await reads.get_status(lab.game.client)
    except (Maintenance, GameError):
        return False
    server = status.server(lab.game.client.base_url)
    here = await lab.write(lambda c: World(c).universe_id(server, status.reset_date))
    if here != run.universe_id:
        raise UniverseReset(f"the universe of this run was reset; the game now plays that of {status.reset_date}")
    return True


async def go_on(lab: Lab, run_id: str) -> bool:
    """Let a run go on after maintenance; False when it is not to: somebody has paused or ended it meanwhile."""
    return await lab.write(lambda c: ExperimentRepository(c).end_maintenance(run_id))

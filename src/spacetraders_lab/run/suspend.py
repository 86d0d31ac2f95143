"""What the world does to a run: it waits, with the reason on record, and no pair is blamed."""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from spacetraders_lab.core.errors import GameError, GameUnreachable, Maintenance, UniverseReset, WorldCondition
from spacetraders_lab.core.experiment import ExperimentRun
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.interrupt import Interrupted, unless_stopped
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.world import World

log = logging.getLogger(__name__)

_BROKE = 500  # HTTP
LOOK_AGAIN_SECONDS = 60.0  # between two looks at a game under maintenance


async def suspend(lab: Lab, run_id: str, condition: WorldCondition, met_at: datetime) -> None:
    """Put the run to sleep with the reason; a run whose universe is gone is closed, its data kept."""
    log.warning("run %s stops: %s", run_id, condition)
    now = lab.clock.now()
    await lab.write(lambda c: put_on_record(c, run_id, condition, met_at=met_at, now=now))


def put_on_record(
    connection: Connection, run_id: str, condition: WorldCondition, *, met_at: datetime, now: datetime
) -> None:
    """Write down what the world does to a run. What the user said meanwhile (pause, cancel) stands.

    So does a `resume` after it was met, of which a process that was frozen knows nothing; but a reset is a reset.
    """
    experiments = ExperimentRepository(connection)
    if isinstance(condition, UniverseReset):
        experiments.cancel(run_id, f"{condition.halt}: {condition}", now=now)
        ContainerRepository(connection).stop_of_run(run_id, now=now)
    else:
        experiments.suspend(run_id, condition.halt, str(condition), met_at=met_at)


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


async def broke_on_this(lab: Lab, error: GameUnreachable, ship: str, stop: asyncio.Event) -> bool:
    """Whether the game broke on the very request, maybe for good, for it tells of the ship (one request).

    Silence, a bad gateway, and a game that breaks on everything concern everybody, and pass.
    """
    if error.http_status != _BROKE:
        return False
    with suppress(GameError, WorldCondition, Interrupted):
        await unless_stopped(stop, reads.get_ship(lab.game.client, ship))
        return True
    return False


async def go_on(lab: Lab, run_id: str) -> bool:
    """Let a run go on after maintenance; False when it is not to: somebody has paused or ended it meanwhile."""
    return await lab.write(lambda c: ExperimentRepository(c).end_maintenance(run_id))

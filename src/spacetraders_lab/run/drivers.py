"""Who is flying a ship: what a run is measuring with is not moved, loaded or sold from by anybody else."""

from collections.abc import Collection

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.run.app import Lab
from spacetraders_lab.store.containers import ContainerRepository


async def refuse_ships_at_work(lab: Lab, ships: Collection[str]) -> None:
    """Raise UserError where a run is flying one of the ships at present; a run that is paused flies none."""
    now = lab.clock.now()
    flown = await lab.read(lambda c: ContainerRepository(c).driven_ships(lab.player_id, ships, now=now))
    for ship, run_id in sorted(flown.items()):
        raise UserError(
            f"{ship} flies for experiment {run_id}; take another ship, or stop that first:"
            f" spacetraders experiment pause --run-id {run_id}"
        )

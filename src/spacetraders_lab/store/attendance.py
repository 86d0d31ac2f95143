"""Until when somebody is known to fly for a run: a process that was killed says nothing, but its leases end.

Changes nothing.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from spacetraders_lab.core.container import OPEN_STATES, Container, ContainerState, WantedState
from spacetraders_lab.store.schema import daemons

_TO_START = timedelta(seconds=15)  # a command that leaves its ships to a daemon has started one by then


def attended_until(connection: Connection, containers: Iterable[Container]) -> datetime | None:
    """When the last lease ends of whoever flies these containers of a run or could take them; None for nobody."""
    wanted = [box for box in containers if box.wanted_state is WantedState.RUNNING and box.state in OPEN_STATES]
    if not wanted:
        return None
    flown = [box.lease_until for box in wanted if box.state is ContainerState.RUNNING and box.lease_until is not None]
    waiting = [box.not_before + _TO_START for box in wanted if box.state is ContainerState.PENDING]
    at_hand = select(daemons.c.lease_until).where(daemons.c.wanted_state == WantedState.RUNNING)
    return max([*flown, *waiting, *connection.execute(at_hand).scalars()], default=None)

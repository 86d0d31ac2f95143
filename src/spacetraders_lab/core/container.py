"""A container: one ship's worker under supervision, as the database remembers it. Starts and stops nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds before a worker that broke off is started again
MOST_RESTARTS = 10  # in a row, then the container is given up: about six minutes
HEALTHY_SECONDS = 600.0  # a worker that lasted so long has nothing to do with the restarts before it


class WantedState(StrEnum):
    """What the user wants of a container."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class ContainerState(StrEnum):
    """What a container is at. A container is started again from any state but RUNNING."""

    PENDING = "PENDING"  # waits for a daemon, for its run to go on, or for a restart
    RUNNING = "RUNNING"  # a daemon drives the ship, under a lease
    STOPPED = "STOPPED"  # because the user asked
    COMPLETED = "COMPLETED"  # the run has nothing left for it
    FAILED = "FAILED"  # broke off too often; exit_reason says how


OPEN_STATES = (ContainerState.PENDING, ContainerState.RUNNING)  # the others are over until somebody wants them again


@dataclass(frozen=True, slots=True)
class Container:
    """One ship's worker on one run. `owner` is the daemon that drives it, or for which it is kept, until `lease_until`.

    `command` is the worker's command as plain data; `restarts` counts those in a row.
    """

    container_id: str
    run_id: str
    player_id: int
    ship_symbol: str
    command: Mapping[str, str]
    wanted_state: WantedState
    state: ContainerState
    owner: str | None
    lease_until: datetime | None
    restarts: int
    not_before: datetime
    exit_reason: str | None
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class Restart:
    """A worker is started again after so many seconds; `number` counts those in a row."""

    number: int
    wait_seconds: float


def restart_number(restarts: int, worked_seconds: float) -> int:
    """Which restart in a row follows `restarts` others when the worker had been at it for so long."""
    return 1 if worked_seconds >= HEALTHY_SECONDS else restarts + 1


def restart_after(restarts: int, worked_seconds: float, *, most: int = MOST_RESTARTS, chance: float) -> Restart | None:
    """What follows when a worker broke off; None when it did so too often in a row.

    Waits double from FIRST_WAIT to LONGEST_WAIT; `chance` in [0, 1) spreads workers that broke off together.
    """
    number = restart_number(restarts, worked_seconds)
    if number > most:
        return None
    step = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (number - 1))
    return Restart(number, step * (1 + chance) / 2)

"""What all requests to one server share: its present universe, limits, faults, maintenance, and the request count."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from random import Random
from uuid import UUID

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.faults import FaultMenu
from spacetraders_lab.sandbox.limits import RateLimits
from spacetraders_lab.sandbox.universe import Universe


class Host:
    """The server behind an application. `requests` counts (method, route template, status)."""

    def __init__(self, universe: Universe, clock: Clock, publish: Callable[[Universe], None]) -> None:
        self.clock = clock
        self.faults = FaultMenu(universe.settings.seed, universe.settings.faults)
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.closed_until: datetime | None = None
        self._busy_ships: set[str] = set()
        self._random = Random(universe.settings.seed)
        self._publish = publish
        self._open(universe)

    def _open(self, universe: Universe) -> None:
        self.universe = universe
        self.limits = RateLimits(universe.settings)
        self._publish(universe)

    def reset(self, maintenance_seconds: float = 0.0) -> None:
        """Begin a new universe, after maintenance of so many game seconds; all agents and tokens are gone."""
        if maintenance_seconds:
            self.close(maintenance_seconds)
        begin = max(self.clock.now(), self.closed_until or self.clock.now())
        self._open(self.universe.successor(begin))

    def close(self, game_seconds: float) -> None:
        """Answer everything with maintenance for so many game seconds."""
        self.closed_until = self.clock.now() + self.universe.duration(game_seconds)

    def check_open(self, now: datetime) -> None:
        """Raises 3100 during maintenance."""
        if self.closed_until is not None:
            if now < self.closed_until:
                raise refusals.maintenance()
            self.closed_until = None

    @contextmanager
    def serving(self, ship: str) -> Iterator[None]:
        """Keep a ship to one changing request at a time; raises 409 for the second."""
        if ship in self._busy_ships:
            raise refusals.locked(ship)
        if self.universe.settings.ship_locks:
            self._busy_ships.add(ship)
        try:
            yield
        finally:
            self._busy_ships.discard(ship)

    def request_id(self) -> str:
        """The next request's id; the same sequence for the same seed."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

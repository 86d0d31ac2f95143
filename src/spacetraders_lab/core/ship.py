"""A ship as the lab knows it from the game's latest answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.core.waypoint import system_of


class NavStatus(StrEnum):
    """Where a ship is with respect to its waypoint."""

    IN_TRANSIT = "IN_TRANSIT"
    IN_ORBIT = "IN_ORBIT"
    DOCKED = "DOCKED"


@dataclass(frozen=True, slots=True)
class Ship:
    """A ship's state. While it is in transit `waypoint` is already the destination, as in the game's replies.

    `fuel_capacity` 0 means a ship that needs no fuel. `inventory` maps good to units. `arrival` is the
    end of the flight under way or of the last one (None when the ship never flew), by our clock.
    """

    symbol: str
    waypoint: str
    status: NavStatus
    flight_mode: FlightMode
    speed: int
    fuel: int
    fuel_capacity: int
    cargo_capacity: int
    inventory: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    arrival: datetime | None = None

    @property
    def system(self) -> str:
        return system_of(self.waypoint)

    @property
    def cargo_units(self) -> int:
        return sum(self.inventory.values())

    @property
    def free_space(self) -> int:
        return self.cargo_capacity - self.cargo_units

    def units_of(self, good: str) -> int:
        """Units of `good` in the hold."""
        return self.inventory.get(good, 0)

    def with_units(self, good: str, units: int) -> "Ship":
        """The same ship holding `units` of `good`."""
        rest = {symbol: n for symbol, n in self.inventory.items() if symbol != good}
        return replace(self, inventory=MappingProxyType(rest | {good: units} if units else rest))

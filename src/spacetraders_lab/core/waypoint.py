"""Places and their symbols: sector-system-waypoint, as in X1-AD75-A1."""

import re
from dataclasses import dataclass

from spacetraders_lab.core.errors import UserError

_SYSTEM = re.compile(r"[A-Z0-9]+-[A-Z0-9]+")
_WAYPOINT = re.compile(r"([A-Z0-9]+-[A-Z0-9]+)-[A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A place in a system; `x` and `y` in map units. Orbitals share the coordinates of what they orbit."""

    symbol: str
    type: str
    x: int
    y: int
    traits: frozenset[str] = frozenset()
    orbits: str | None = None
    is_under_construction: bool = False

    @property
    def has_market(self) -> bool:
        return "MARKETPLACE" in self.traits


def system_of(waypoint_symbol: str) -> str:
    """The system a waypoint belongs to; raises UserError for what is no waypoint symbol."""
    match = _WAYPOINT.fullmatch(waypoint_symbol)
    if match is None:
        raise UserError(f"{waypoint_symbol!r} is no waypoint symbol; one looks like X1-AD75-A1")
    return match.group(1)


def checked_system(symbol: str) -> str:
    """The symbol itself when it has the form of a system's; raises UserError otherwise."""
    if _SYSTEM.fullmatch(symbol) is None:
        raise UserError(f"{symbol!r} is no system symbol; one looks like X1-AD75")
    return symbol

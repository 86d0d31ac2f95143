"""Makes all systems of a universe and connects their jump gates."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.home import generate_home
from spacetraders_lab.sandbox.lab import generate_lab
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.visitors import mean_gap

PROFILES = {"home": generate_home, "lab": generate_lab}
_ACROSS = 3  # besides its neighbours in the ring, a gate reaches the system so many places on


@dataclass(frozen=True, slots=True)
class Galaxy:
    """All systems by symbol, the first being home, and the gates that each jump gate reaches."""

    systems: dict[str, System]
    gates: Mapping[str, tuple[str, ...]]

    @property
    def home(self) -> System:
        return next(iter(self.systems.values()))


def generate_galaxy(settings: SandboxSettings, random: Random) -> Galaxy:
    """As many systems as the settings say; raises UserError for an unknown profile."""
    if settings.profile not in PROFILES:
        raise UserError(f"{settings.profile!r} is no profile; there are {', '.join(PROFILES)}")
    make = PROFILES[settings.profile]
    systems: dict[str, System] = {}
    while len(systems) < settings.systems:
        system = make(settings, random)
        systems.setdefault(system.symbol, system)
    markets = [market for system in systems.values() for market in system.markets.values()]
    for market in markets:
        market.expect_visitors(mean_gap(settings, len(markets)))
    return Galaxy(systems, _connect(list(systems.values())))


def system_distance(one: System, other: System) -> int:
    """Map units between two systems, rounded."""
    return round(math.hypot(one.x - other.x, one.y - other.y))


def _connect(systems: list[System]) -> dict[str, tuple[str, ...]]:
    """A ring with chords, so that every system can be reached from every other in a few jumps."""
    gates = [next((w.symbol for w in s.waypoints.values() if w.type == "JUMP_GATE"), None) for s in systems]
    links: dict[str, set[str]] = {gate: set() for gate in gates if gate}
    for i, gate in enumerate(gates):
        for step in (1, _ACROSS):
            other = gates[(i + step) % len(gates)]
            if gate and other and gate != other:
                links[gate].add(other)
                links[other].add(gate)
    return {gate: tuple(sorted(others)) for gate, others in links.items()}

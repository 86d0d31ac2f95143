"""The best way from system to system: which jump gates to pass. It plans from what is known and asks nobody.

A jump takes no time, but it costs a unit of ANTIMATTER, and after it the ship waits before it can jump again.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from typing import NamedTuple

from spacetraders_lab.core.routing import REQUEST_SECONDS, Preference, Unreachable
from spacetraders_lab.core.waypoint import system_of

_COOLDOWN_SECONDS = 60  # and one more for every map unit between the systems. Source: the player wiki
_MOST_GATES = 50  # looked at before a system is taken to be too far


class Fact(StrEnum):
    """What can be asked of a gate, one request each."""

    CONSTRUCTION = "construction"
    POSITION = "position"
    CONNECTIONS = "connections"


@dataclass(frozen=True, slots=True)
class Gates:
    """What is known of jump gates: whether they are being built, and which gates they reach.

    `positions` of systems, in map units of the galaxy.
    """

    under_construction: dict[str, bool] = field(default_factory=dict)
    connections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    positions: dict[str, tuple[int, int]] = field(default_factory=dict)

    def forget_obstacles(self) -> None:
        """Forget what keeps ships away and may change: gates under construction, and gates that lead nowhere."""
        for gate in [gate for gate, unfinished in self.under_construction.items() if unfinished]:
            del self.under_construction[gate]
        for gate in [gate for gate, others in self.connections.items() if not others]:
            del self.connections[gate]


class Unread(NamedTuple):
    """What has to be asked before the best way can be told."""

    gate: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Jumps:
    """The gates to jump to, one after the other; `seconds` are spent waiting between the jumps, not after the last.

    Each jump takes a request and a unit of antimatter.
    """

    gates: tuple[str, ...]
    seconds: int


_Rank = Callable[[int, int], tuple[float, float]]
_RANKS: Mapping[Preference, _Rank] = {
    Preference.FASTEST: lambda seconds, jumps: (seconds + jumps * REQUEST_SECONDS, jumps),
    Preference.CHEAPEST: lambda seconds, jumps: (jumps, seconds),
    Preference.FEWEST_REQUESTS: lambda _, jumps: (jumps, 0),  # a position costs a request
}


def find_jumps(
    known: Gates, start: str, goal_system: str, preference: Preference = Preference.FASTEST
) -> Jumps | Unread:
    """The best way from the gate `start`, which works, to the gate of another system; or what to ask first.

    The flights to the first gate and from the last are the same for every way. Asks for no more than it takes to be
    sure. Raises Unreachable, which says why.
    """
    rank = _RANKS[preference]
    ways: list[tuple[tuple[float, float], bool, int, tuple[str, ...]]] = [((0, 0), True, 0, (start,))]
    seen: set[str] = set()
    unfinished: list[str] = []
    while ways and len(seen) < _MOST_GATES:
        _, on_the_way, seconds, way = heappop(ways)
        gate = way[-1]
        if gate in seen:
            continue
        if (unread := _unread(known, way, on_the_way and preference is not Preference.FEWEST_REQUESTS)) is not None:
            return unread
        seen.add(gate)
        if len(way) > 1 and known.under_construction[gate]:
            unfinished.append(gate)
            continue
        if not on_the_way:
            return Jumps(way[1:], seconds)
        if gate not in known.connections:
            return Unread(gate, Fact.CONNECTIONS)
        for other in known.connections[gate]:
            passing = system_of(other) != goal_system  # the goal comes before its equals, so that they are not read
            longer = seconds + (_cooldown(known, gate, other) if passing else 0)
            heappush(ways, (rank(longer, len(way)), passing, longer, (*way, other)))
    raise Unreachable(_why_not(start, goal_system, unfinished, gave_up=bool(ways)))


def _unread(known: Gates, way: tuple[str, ...], positions_count: bool) -> Unread | None:
    """What is missing to say what the way costs and whether it can be gone."""
    *before, gate = way
    if not before:
        return None
    if gate not in known.under_construction:
        return Unread(gate, Fact.CONSTRUCTION)
    if known.under_construction[gate] or not positions_count:
        return None
    places = (before[-1], gate)
    return next((Unread(g, Fact.POSITION) for g in places if system_of(g) not in known.positions), None)


def _cooldown(known: Gates, gate: str, other: str) -> int:
    """Seconds to wait after a jump; at least so many where a position is not known."""
    here, there = known.positions.get(system_of(gate)), known.positions.get(system_of(other))
    return _COOLDOWN_SECONDS + (round(math.dist(here, there)) if here and there else 0)


def _why_not(start: str, goal_system: str, unfinished: list[str], *, gave_up: bool) -> str:
    if gave_up:
        return f"{goal_system} is not among the {_MOST_GATES} systems next to {start}; fly there in stages"
    if unfinished:
        return f"{goal_system} is out of reach: jump gates under construction are in the way ({', '.join(unfinished)})"
    return f"{goal_system} is out of reach: no charted jump gates lead there from {start}"

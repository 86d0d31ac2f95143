"""The way from system to system: finds the jump gates to pass. Flies nothing."""

from collections import deque

from spacetraders_lab.core.errors import GameError
from spacetraders_lab.core.routing import Unreachable
from spacetraders_lab.core.waypoint import system_of
from spacetraders_lab.game import reads
from spacetraders_lab.game.game import Game

_UNCHARTED = 4001
_MOST_GATES = 50  # looked at, with two requests each, before a system is taken to be too far


async def own_gate(game: Game, system: str) -> str:
    """The jump gate of a system; raises Unreachable when there is none, or when it is still being built."""
    gate = next((w for w in await game.map(system) if w.type == "JUMP_GATE"), None)
    if gate is None:
        raise Unreachable(f"{system} has no jump gate: ships without a warp drive stay in it")
    if gate.is_under_construction:
        raise Unreachable(
            f"{gate.symbol}, the jump gate of {system}, is under construction: ships stay in the system until its "
            "materials have been delivered"
        )
    return gate.symbol


async def gates_to(game: Game, start: str, goal_system: str) -> tuple[str, ...]:
    """The gates to jump to, one after the other, from the gate `start` to that of another system: the fewest jumps.

    Every jump costs an ANTIMATTER and a cooldown. Raises Unreachable.
    """
    ways: deque[tuple[str, ...]] = deque([(start,)])
    seen, unfinished = {start}, []
    while ways and len(seen) <= _MOST_GATES:
        way = ways.popleft()
        gate = way[-1]
        if gate != start and (await reads.get_waypoint(game.client, gate)).is_under_construction:
            unfinished.append(gate)
            continue
        if system_of(gate) == goal_system:
            return way[1:]
        for other in await _connections(game, gate):
            if other not in seen:
                seen.add(other)
                # the goal before its equals, so that none of them is read in vain
                (ways.appendleft if system_of(other) == goal_system else ways.append)((*way, other))
    raise Unreachable(_why_not(start, goal_system, unfinished, gave_up=bool(ways)))


async def _connections(game: Game, gate: str) -> tuple[str, ...]:
    """The gates that can be jumped to from a gate, asked once; none where nobody has charted it."""
    if gate not in game.gates:
        try:
            game.gates[gate] = await reads.get_jump_gate(game.client, gate)
        except GameError as error:
            if error.code != _UNCHARTED:
                raise
            return ()
    return game.gates[gate]


def _why_not(start: str, goal_system: str, unfinished: list[str], *, gave_up: bool) -> str:
    if gave_up:
        return f"{goal_system} is not among the {_MOST_GATES} systems next to {start}; fly there in stages"
    if unfinished:
        return f"{goal_system} is out of reach: jump gates under construction are in the way ({', '.join(unfinished)})"
    return f"{goal_system} is out of reach: no charted jump gates lead there from {start}"

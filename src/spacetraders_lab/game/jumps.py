"""The way from system to system: asks the game what `core.jumping` wants to know. Flies nothing."""

from spacetraders_lab.core.errors import GameError
from spacetraders_lab.core.jumping import Fact, Jumps, Unread, find_jumps
from spacetraders_lab.core.routing import Unreachable
from spacetraders_lab.core.waypoint import system_of
from spacetraders_lab.game import reads
from spacetraders_lab.game.game import Game

_UNCHARTED = 4001


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


async def jumps_to(game: Game, start: str, goal_system: str) -> Jumps:
    """The best jumps from the gate `start` to another system, by the game's preference. Raises Unreachable.

    What is asked is kept, but for gates under construction or uncharted: the next time they may no longer be.
    """
    game.gates.forget_obstacles()
    while isinstance(found := find_jumps(game.gates, start, goal_system, game.preference), Unread):
        await _learn(game, found)
    return found


async def _learn(game: Game, unread: Unread) -> None:
    gate, known = unread.gate, game.gates
    match unread.fact:
        case Fact.CONSTRUCTION:
            known.under_construction[gate] = (await reads.get_waypoint(game.client, gate)).is_under_construction
        case Fact.POSITION:
            known.positions[system_of(gate)] = await reads.get_system_position(game.client, system_of(gate))
        case Fact.CONNECTIONS:
            known.connections[gate] = await _connections(game, gate)


async def _connections(game: Game, gate: str) -> tuple[str, ...]:
    """The gates that can be jumped to from a gate; none where nobody has charted it."""
    try:
        return await reads.get_jump_gate(game.client, gate)
    except GameError as error:
        if error.code != _UNCHARTED:
            raise
        return ()

"""Takes a ship to a waypoint: plans with `core.routing`, flies leg by leg, waits for arrivals, jumps where needed."""

from collections.abc import Awaitable, Callable

from spacetraders_lab.core.errors import GameError, GameUnreachable, WorldCondition
from spacetraders_lab.core.routing import Leg, route_of
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.travel import market_units
from spacetraders_lab.core.waypoint import system_of
from spacetraders_lab.game import moves
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.jumps import jumps_to, own_gate
from spacetraders_lab.game.outcome import Done

Spend = Callable[[int], Awaitable[None]]

DEAREST_FUEL = 120  # credits a market unit; the real game's markets ask 72 to 84
_NO_FUEL_SOLD = 4226


async def uncounted(_: int) -> None:
    """Counts nothing."""


async def navigate(game: Game, ship: Ship, destination: str, spend: Spend = uncounted) -> Done:
    """Bring the ship into orbit at `destination`, in this system or another; one that is there already stays as it is.

    `spend` is told what fuel costs as it is paid: the most that a stop may cost before the tank is filled, and the
    difference to the price after it. So a journey that is broken off anywhere is never counted too low.

    Raises Unreachable, GameError when the game refuses a step, GameUnreachable when it does not answer. The way is
    planned anew at every stop, so whatever happened on the last leg, the next one starts from the ship's real state.
    Another system is reached by jump gates, the best of them by the game's preference; the antimatter counts as fuel.
    """
    ship = await moves.arrive(game, ship)
    system = system_of(destination)
    if system == ship.system:
        return await _within_system(game, ship, destination, spend)
    gate = await own_gate(game, ship.system)
    jumps = await jumps_to(game, gate, system)
    done = await _within_system(game, ship, gate, spend)
    for gate in jumps.gates:
        jumped = await moves.jump(game, done.ship, gate)
        await spend(_paid(jumped))
        done = _and_then(done, Done(jumped.ship, credits=jumped.credits, fuel_credits=_paid(jumped)))
    return _and_then(done, await _within_system(game, done.ship, destination, spend))


async def _within_system(game: Game, ship: Ship, destination: str, spend: Spend) -> Done:
    fuel_credits, credits = 0, None
    while ship.waypoint != destination:
        leg = await _next_leg(game, ship, destination)
        if not leg.refuel_before:
            ship = await _fly(game, ship, leg)
            continue
        try:
            refuelling = await _refuel(game, ship, spend)
        except GameError as error:
            if error.code != _NO_FUEL_SOLD:
                raise
            game.sells_fuel[ship.waypoint] = False
            continue
        ship, credits = refuelling.ship, refuelling.credits
        fuel_credits += _paid(refuelling)
    return Done(ship, credits=credits, fuel_credits=fuel_credits)


async def _refuel(game: Game, ship: Ship, spend: Spend) -> moves.Refuelling:
    at_most = market_units(ship.fuel_capacity - ship.fuel) * DEAREST_FUEL
    await spend(at_most)
    try:
        refuelling = await moves.refuel(game, ship)
    except GameUnreachable:
        raise  # nobody knows whether it was paid
    except (GameError, WorldCondition):
        await spend(-at_most)
        raise
    if refuelling.transaction is not None:  # else it may have cost the most
        await spend(refuelling.transaction.total_price - at_most)
    return refuelling


def _paid(refuelling: moves.Refuelling) -> int:
    return refuelling.transaction.total_price if refuelling.transaction else 0


def _and_then(first: Done, second: Done) -> Done:
    """Two parts of a journey as one."""
    credits = first.credits if second.credits is None else second.credits
    return Done(second.ship, credits=credits, fuel_credits=first.fuel_credits + second.fuel_credits)


async def _fly(game: Game, ship: Ship, leg: Leg) -> Ship:
    ship = await moves.set_mode(game, ship, leg.mode)
    ship = await moves.orbit(game, ship)
    return await moves.arrive(game, await moves.set_off(game, ship, leg.destination))


async def _next_leg(game: Game, ship: Ship, destination: str) -> Leg:
    """The first leg of the best route. A stop for fuel further on counts only where fuel was seen to be sold."""
    table = await game.legs(ship.system, ship.speed)
    while True:
        stations = await game.fuel_stations(ship.system)
        end_fuel = 0 if game.sells_fuel.get(destination) else 1  # enough to drift away again
        route = route_of(ship, table, destination, stations, end_fuel=end_fuel, preference=game.preference)
        doubtful = [leg.origin for leg in route.legs[1:] if leg.refuel_before and leg.origin not in game.sells_fuel]
        if not doubtful:
            return route.legs[0]
        for market in doubtful:
            await game.make_sure_of_fuel(market)

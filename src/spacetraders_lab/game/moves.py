"""The single steps of a ship: dock, orbit, refuel, change mode, set off, arrive, jump. Where to is decided elsewhere.

Each is left out when the ship's state says that it is done already. All can be judged from the ship: when no answer
came the ship is asked what happened, and the step is made again only when it did not.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from spacetraders_lab.core.errors import GameError, GameUnreachable, WorldCondition
from spacetraders_lab.core.market import MarketTransaction, Operation
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.game.client import LATE_SECONDS, EffectUnknown
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.parse import Data, FlightReply, JumpReply, NavReply, RefuelReply
from spacetraders_lab.game.reads import get_market, get_ship
from spacetraders_lab.game.refusals import number

_TRIES = 4
_IN_TRANSIT = {4200, 4214}
_ON_COOLDOWN = 4000
_LEAST_COOLDOWN = 60.0  # game seconds after a jump; the distance comes on top
_LONGEST_WAIT = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Refuelling:
    """A ship after refuelling; `transaction` is None when the tank was full, or when nobody tells what was paid.

    `credits` is None when no reply told them.
    """

    ship: Ship
    transaction: MarketTransaction | None = None
    credits: int | None = None


async def arrive(game: Game, ship: Ship) -> Ship:
    """The ship after the flight under way, waited for by the clock; no request is made."""
    if ship.status is not NavStatus.IN_TRANSIT:
        return ship
    while ship.arrival is not None and (left := ship.arrival - game.clock.now()) > timedelta(0):
        await game.clock.sleep(left.total_seconds())
    game.client.begin_visit()
    return replace(ship, status=NavStatus.IN_ORBIT)


async def dock(game: Game, ship: Ship) -> Ship:
    """The ship, docked."""
    return await _moor(game, await arrive(game, ship), NavStatus.DOCKED, "/my/ships/{ship}/dock")


async def orbit(game: Game, ship: Ship) -> Ship:
    """The ship, in orbit."""
    return await _moor(game, await arrive(game, ship), NavStatus.IN_ORBIT, "/my/ships/{ship}/orbit")


async def _moor(game: Game, ship: Ship, status: NavStatus, template: str) -> Ship:
    async def step(ship: Ship) -> Ship:
        return (await game.client.post(Data[NavReply], template, ship=ship.symbol)).data.nav.of(ship)

    return await _until(game, ship, step, lambda ship: ship.status is status)


async def set_mode(game: Game, ship: Ship, mode: FlightMode) -> Ship:
    """The ship in a flight mode."""

    async def step(ship: Ship) -> Ship:
        body = {"flightMode": mode.value}
        reply = (await game.client.patch(Data[FlightReply], "/my/ships/{ship}/nav", json=body, ship=ship.symbol)).data
        return reply.nav.of(reply.fuel.of(ship))

    return await _until(game, ship, step, lambda ship: ship.flight_mode is mode)


async def set_off(game: Game, ship: Ship, destination: str) -> Ship:
    """The ship on its way to a waypoint in its present mode; its `arrival` is by our own clock."""

    async def step(ship: Ship) -> Ship:
        body = {"waypointSymbol": destination}
        template = "/my/ships/{ship}/navigate"
        reply = (await game.client.post(Data[FlightReply], template, json=body, ship=ship.symbol)).data
        # Both stamps of the route are the game's: their difference is right however wrong our own clock is.
        arrival = game.clock.now() + (reply.nav.route.arrival - reply.nav.route.departure_time)
        return replace(reply.nav.of(reply.fuel.of(ship)), arrival=arrival)

    return await _until(game, ship, step, lambda ship: ship.waypoint == destination)


async def jump(game: Game, ship: Ship, gate: str) -> Refuelling:
    """The ship in orbit at a connected gate, after its cooldown, and the antimatter that the jump took."""
    ship = await orbit(game, ship)
    replies: list[JumpReply] = []
    refusals = 0

    async def step(ship: Ship) -> Ship:
        nonlocal refusals
        body = {"waypointSymbol": gate}
        await _cool_down(game, ship)
        try:
            reply = await game.client.post(Data[JumpReply], "/my/ships/{ship}/jump", json=body, ship=ship.symbol)
        except GameError as refused:
            if refused.code != _ON_COOLDOWN or refusals >= _TRIES:
                raise
            _note_cooldown(game, ship, _remaining_seconds(refused, game.client.speed, refusals))
            refusals += 1
            return ship
        replies.append(reply.data)
        _note_cooldown(game, ship, reply.data.cooldown.remaining_seconds)
        return reply.data.nav.of(ship)

    while ship.waypoint != gate:  # once more after a cooldown that was not known of
        ship = await _until(game, ship, step, lambda ship: ship.waypoint == gate)
    if not replies:
        return Refuelling(ship)
    return Refuelling(ship, replies[-1].transaction.of(Operation.BUY), replies[-1].agent.credits)


async def _cool_down(game: Game, ship: Ship) -> None:
    until = game.cooldowns.get(ship.symbol)
    if until is not None and (left := until - game.clock.now()) > timedelta(0):
        await game.clock.sleep(left.total_seconds())


def _note_cooldown(game: Game, ship: Ship, seconds: float) -> None:
    game.cooldowns[ship.symbol] = game.clock.now() + timedelta(seconds=seconds)


def _remaining_seconds(refused: GameError, speed: float, refusals: int) -> float:
    """What the game says of the cooldown, in seconds of the clock, longer each time when it says nothing.

    At least a little, so that nobody asks without a pause.
    """
    cooldown = refused.data.get("cooldown")
    told = _seconds(cooldown.get("remainingSeconds")) if isinstance(cooldown, dict) else None
    return max(1.0, _LEAST_COOLDOWN * 2.0**refusals / speed if told is None else told)


def _seconds(told: Any) -> float | None:
    """A wait that the game tells of, None when it is no number; whoever waits asks again after a day."""
    seconds = number(told)
    return None if seconds is None else min(max(0.0, seconds), _LONGEST_WAIT)


async def refuel(game: Game, ship: Ship) -> Refuelling:
    """The ship docked, with a full tank, and what that cost.

    Raises GameUnreachable when nobody can tell whether it was paid.
    """
    if ship.fuel >= ship.fuel_capacity:
        return Refuelling(ship)
    ship = await dock(game, ship)
    for _ in range(_TRIES):
        try:
            reply = (await game.client.post(Data[RefuelReply], "/my/ships/{ship}/refuel", ship=ship.symbol)).data
        except EffectUnknown as unknown:
            last, ship = unknown, await _settled(game, ship, unknown)
            if ship.fuel >= ship.fuel_capacity:
                return Refuelling(ship, await _latest_refuelling(game, ship))
        else:
            return Refuelling(reply.fuel.of(ship), reply.transaction.of(Operation.BUY), reply.agent.credits)
    raise GameUnreachable(str(last), http_status=last.http_status) from last


async def _settled(game: Game, ship: Ship, unknown: EffectUnknown) -> Ship:
    """The ship once the request can take effect no more: one for fuel that came later would be paid a second time."""
    await game.clock.sleep(LATE_SECONDS)
    try:
        return await get_ship(game.client, ship.symbol)
    except (GameError, WorldCondition) as silent:
        raise GameUnreachable(f"{unknown}; nor does the game tell of the ship: {silent}") from silent


async def _latest_refuelling(game: Game, ship: Ship) -> MarketTransaction | None:
    """What the market lists as the ship's latest purchase of fuel: the one whose reply was lost. None: unlisted."""
    try:
        market = await get_market(game.client, ship.waypoint)
    except (GameError, WorldCondition):
        return None
    own = [t for t in market.transactions if (t.ship_symbol, t.trade_symbol) == (ship.symbol, "FUEL")]
    return max(own, key=lambda t: t.timestamp, default=None)


async def _until(game: Game, ship: Ship, step: Callable[[Ship], Awaitable[Ship]], done: Callable[[Ship], bool]) -> Ship:
    """The ship once `done` holds. Raises GameError when the game refuses, GameUnreachable when it does not answer."""
    tries = 0
    while not done(ship):
        tries += 1
        try:
            return await step(ship)
        except EffectUnknown as unknown:
            if tries >= _TRIES:
                raise GameUnreachable(str(unknown), http_status=unknown.http_status) from unknown
        except GameError as refused:
            # It flies, which we did not know: our clock is ahead of the game's, or a lost request took effect late.
            if refused.code not in _IN_TRANSIT or tries >= _TRIES:
                raise
            left = _seconds(refused.data.get("secondsToArrival"))
            if left is None:  # then the ship says when it arrives
                ship = await arrive(game, await get_ship(game.client, ship.symbol))
                left = 0.0
            await game.clock.sleep(left + 1 / game.client.speed)
        ship = await get_ship(game.client, ship.symbol)
    return ship

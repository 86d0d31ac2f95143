"""Every way the game says no: functions that make the GameError with the game's code, HTTP status and data.

Codes and names are the game's own (`GET /error-codes`); texts are ours, short where clients do not care.
"""

import math
from datetime import datetime
from typing import Any

from spacetraders_lab.core.errors import GameError

Issue = dict[str, Any]


def refuse(code: int, message: str, status: int = 400, **data: Any) -> GameError:
    """A refusal with its data payload."""
    return GameError(message, code=code, http_status=status, data=data)


def not_found(what: str) -> GameError:
    return refuse(404, f"{what} was not found.", status=404)


def issue(path: tuple[str, ...], message: str, code: str = "invalid_type") -> Issue:
    """One thing that is wrong with a request, as zod writes it."""
    return {"code": code, "path": list(path), "message": message}


def invalid(issues: list[Issue]) -> GameError:
    """A body or a parameter that does not fit: 422 with the list of issues."""
    return refuse(3001, "The request could not be processed due to an invalid payload.", 422, zodIssues=issues)


def invalid_input(path: tuple[str, ...], message: str, code: str = "invalid_type") -> GameError:
    """As `invalid`, with one issue."""
    return invalid([issue(path, message, code)])


def empty_json() -> GameError:
    """Seen of the game in June 2025 (the HTTP status was not)."""
    message = (
        "The request has the 'Content-Type' header 'application/json' and an empty body. Send an empty object (e.g. "
        "{}) or leave the header away."
    )
    return refuse(3001, message, 422)


def missing_token() -> GameError:
    return refuse(4103, "Missing Bearer token in request. Did you confirm sending the token as a header?", 401)


def malformed_token() -> GameError:
    return refuse(4104, "Failed to parse token. It must be a valid Bearer token.", 401)


def invalid_token() -> GameError:
    return refuse(4115, "Failed to validate token. It is not valid for this server.", 401)


def wrong_token_kind(wanted: str, got: str) -> GameError:
    return refuse(4114, f"This request needs an {wanted} token, the token given is an {got} token.", 401)


def missing_account_token() -> GameError:
    return refuse(4116, "Missing account token. Registering an agent requires the token of your account.", 401)


def token_of_another_universe(expected: str, actual: str) -> GameError:
    message = (
        "Failed to parse token. Token reset_date does not match the server. Server resets happen on a weekly to "
        f"bi-weekly frequency, and require a new token. Expected: {expected}, Actual: {actual}"
    )
    return refuse(4113, message, 401, expected=expected, actual=actual)


def in_transit(origin: str, destination: str, departure: str, arrival: str, seconds: int) -> GameError:
    message = f"Ship is currently in-transit from {origin} to {destination} and arrives in {seconds} seconds."
    return refuse(
        4214,
        message,
        departureSymbol=origin,
        destinationSymbol=destination,
        arrival=arrival,
        departureTime=departure,
        secondsToArrival=seconds,
    )


def not_docked(waypoint: str) -> GameError:
    return refuse(4244, f"Ship action failed. Ship is not currently docked at {waypoint}.", waypointSymbol=waypoint)


def not_in_orbit(waypoint: str) -> GameError:
    return refuse(4236, f"Ship action failed. Ship is not currently in orbit at {waypoint}.", waypointSymbol=waypoint)


def on_cooldown(ship: str, total: int, until: datetime, now: datetime) -> GameError:
    left = cooldown(ship, total, until, now)
    message = f"Ship action is still on cooldown for {left['remainingSeconds']} second(s)."
    return refuse(4000, message, 409, cooldown=left)


def no_market(waypoint: str) -> GameError:
    return refuse(4603, f"Market not found at {waypoint}.", 404, waypointSymbol=waypoint)


def not_bought_here(good: str, waypoint: str) -> GameError:
    message = f"Market purchase failed. Trade good {good} is not available at {waypoint}."
    return refuse(4601, message, waypointSymbol=waypoint, tradeSymbol=good)


def not_sold_here(good: str, waypoint: str) -> GameError:
    message = f"Market sell failed. Trade good {good} is not available at {waypoint}."
    return refuse(4602, message, waypointSymbol=waypoint, tradeSymbol=good)


def over_trade_volume(good: str, waypoint: str, units: int, volume: int) -> GameError:
    message = f"Market transaction failed. Trade good {good} has a limit of {volume} units per transaction."
    return refuse(4604, message, waypointSymbol=waypoint, tradeSymbol=good, units=units, tradeVolume=volume)


def no_credits_for_goods(good: str, credit: int, total: int, units: int, price: int) -> GameError:
    message = f"Market purchase failed. Agent does not have sufficient credits to purchase {units} unit(s) of {good}."
    return refuse(
        4600, message, agentCredits=credit, totalPrice=total, tradeSymbol=good, units=units, purchasePrice=price
    )


def cargo_exceeded(ship: str, capacity: int, aboard: int, units: int) -> GameError:
    message = f"Failed to update ship cargo. Adding {units} unit(s) would exceed max cargo capacity of {capacity}."
    return refuse(4217, message, shipSymbol=ship, cargoCapacity=capacity, cargoUnits=aboard, unitsToAdd=units)


def cargo_missing(ship: str, good: str, aboard: int, units: int) -> GameError:
    """None of the good aboard (4218), or fewer units than asked for (4219)."""
    code = 4219 if aboard else 4218
    message = (
        f"Failed to update ship cargo. Ship {ship} cargo does not contain {units} unit(s) of {good}. "
        f"Ship has {aboard} unit(s) of {good}."
    )
    return refuse(code, message, shipSymbol=ship, tradeSymbol=good, cargoUnits=aboard, unitsToRemove=units)


def no_fuel_here(waypoint: str) -> GameError:
    return refuse(4226, f"Ship refuel failed. {waypoint} does not sell fuel.", waypointSymbol=waypoint)


def refuel_not_docked(waypoint: str) -> GameError:
    return refuse(4225, f"Ship refuel failed. Ship is not docked at {waypoint}.", waypointSymbol=waypoint)


def not_enough_fuel(ship: str, required: int, available: int) -> GameError:
    message = f"Navigate request failed. Ship {ship} requires {required - available} more fuel for navigation."
    return refuse(4203, message, shipSymbol=ship, fuelRequired=required, fuelAvailable=available)


def already_there(ship: str, waypoint: str) -> GameError:
    message = f"Navigate request failed. Ship {ship} is currently located at the destination."
    return refuse(4204, message, shipSymbol=ship, destinationSymbol=waypoint)


def bad_destination(waypoint: str) -> GameError:
    message = f"Navigate request failed. Destination {waypoint} does not exist."
    return refuse(4201, message, destinationSymbol=waypoint)


def other_system(ship: str, waypoint: str) -> GameError:
    message = f"Navigate request failed. Destination {waypoint} is outside the system of ship {ship}."
    return refuse(4202, message, shipSymbol=ship, destinationSymbol=waypoint)


def slower_in_transit() -> GameError:
    return refuse(4269, "Flight mode change failed. A ship cannot slow down while it is in transit.")


def no_credits_for_ship(available: int, needed: int) -> GameError:
    message = "Failed to purchase ship. Agent has insufficient funds."
    return refuse(4216, message, creditsAvailable=available, creditsNeeded=needed)


def ship_not_on_offer(kind: str, waypoint: str) -> GameError:
    message = f"Ship purchase failed. {kind} is not available at {waypoint}."
    return refuse(4605, message, shipType=kind, waypointSymbol=waypoint)


def no_ship_at_yard(waypoint: str) -> GameError:
    message = f"Failed to purchase ship. You do not have a ship present at {waypoint}."
    return refuse(4245, message, waypointSymbol=waypoint)


def symbol_taken(symbol: str) -> GameError:
    return refuse(
        4111, f"Cannot register agent. Agent symbol {symbol} has already been claimed.", 409, agentSymbol=symbol
    )


def maintenance() -> GameError:
    return refuse(3100, "The universe is being reset. Please check back in a few minutes.", 503)


def unshowable() -> GameError:
    """What was asked is done, and the game cannot write down the answer."""
    return refuse(3000, "The server did not return a valid response.", 500)


def locked(ship: str) -> GameError:
    message = f"Ship {ship} is currently locked while processing another request. Please try again."
    return refuse(409, message, 409, shipSymbol=ship)


def cooldown(ship: str, total: int, until: datetime | None, now: datetime) -> dict[str, Any]:
    """A cooldown as the game shows it; without expiration when there is none."""
    if until is None or until <= now:
        return {"shipSymbol": ship, "totalSeconds": 0, "remainingSeconds": 0}
    left = math.ceil((until - now).total_seconds())
    return {
        "shipSymbol": ship,
        "totalSeconds": max(total, left),
        "remainingSeconds": left,
        "expiration": stamp(until),
    }


def stamp(moment: datetime) -> str:
    """A moment as the game writes it: ISO with milliseconds and Z."""
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z"

"""How long a flight takes and what it burns (source: the player wiki); tests hold it against real flights."""

import math
from enum import StrEnum


class FlightMode(StrEnum):
    """The game's four ways to fly."""

    CRUISE = "CRUISE"
    BURN = "BURN"
    DRIFT = "DRIFT"
    STEALTH = "STEALTH"


_SECONDS_FACTOR = {FlightMode.CRUISE: 25.0, FlightMode.BURN: 12.5, FlightMode.DRIFT: 250.0, FlightMode.STEALTH: 30.0}
_FIXED_SECONDS = 15


def distance(x1: float, y1: float, x2: float, y2: float) -> float:
    """Euclidean distance in map units."""
    return math.hypot(x2 - x1, y2 - y1)


def round_half_up(value: float) -> int:
    """Round as the game does (JavaScript's Math.round): halves go up, unlike Python's round."""
    return math.floor(value + 0.5)


def travel_seconds(dist: float, speed: int, mode: FlightMode) -> int:
    """Seconds of a flight over `dist` map units at an engine's `speed`.

    Source: SpaceTradersAPI/api-docs wiki, "Travel Fuel and Time".
    """
    return round_half_up(round_half_up(max(1.0, dist)) * _SECONDS_FACTOR[mode] / speed + _FIXED_SECONDS)


def seconds_per_unit(speed: int, mode: FlightMode) -> float:
    """What another map unit adds to a flight, in seconds, before rounding. Same source."""
    return _SECONDS_FACTOR[mode] / speed


def fuel_cost(dist: float, mode: FlightMode) -> int:
    """Units of ship fuel that a flight burns (a ship without a tank burns none; the caller knows). Same source."""
    if mode is FlightMode.DRIFT:
        return 1
    units = max(1, round_half_up(dist))
    return 2 * units if mode is FlightMode.BURN else units


FUEL_PER_MARKET_UNIT = 100  # of ship fuel in a unit bought at a market. Source: the official API document


def market_units(fuel: int) -> int:
    """Units of FUEL to buy at a market for so much ship fuel: it sells whole ones."""
    return math.ceil(fuel / FUEL_PER_MARKET_UNIT)

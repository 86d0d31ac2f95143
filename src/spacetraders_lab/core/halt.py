"""What stops the ships of a run before its end, in one word each; the error or the command that does so says more."""

from enum import StrEnum


class Halt(StrEnum):
    """Why a run is suspended."""

    MAINTENANCE = "maintenance"  # the game is closed: the ships wait, and go on by themselves
    UNIVERSE_RESET = "universe_reset"  # the universe is gone, and the run with it
    TOKEN_REFUSED = "token_refused"
    OUT_OF_CREDITS = "out_of_credits"
    CREDIT_FLOOR = "credit_floor"
    BUDGET_REACHED = "budget_reached"
    NO_SHIP_LEFT = "no_ship_left"  # the last one broke off too often, or the last with a hold has left
    PAUSED = "paused"

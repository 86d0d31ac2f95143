"""Whether a failed request is made again, and after how long: facts in, decision out. Nothing here waits or sends."""

from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    """How a request came to nothing, as far as asking again is concerned."""

    NOT_SENT = "NOT_SENT"  # it never reached the game: no connection
    NO_ANSWER = "NO_ANSWER"  # it went out and nothing usable came back: it may have been executed
    UNSHOWABLE = "UNSHOWABLE"  # it was executed, and the game cannot write down what came of it
    BAD_GATEWAY = "BAD_GATEWAY"  # the layer in front of the game answered for it: it may have been executed
    TURNED_AWAY = "TURNED_AWAY"  # that layer refused it, without a word on when to come back: not executed
    RATE_LIMITED = "RATE_LIMITED"  # the game counted too many requests: not executed
    LOCKED = "LOCKED"  # the ship is busy with another request: not executed

    @property
    def may_have_been_executed(self) -> bool:
        return self in (Failure.NO_ANSWER, Failure.UNSHOWABLE, Failure.BAD_GATEWAY)

    @property
    def concerns_everybody(self) -> bool:
        """Whether the game wants to be left alone by all, not only by the one who asked."""
        return self in (Failure.BAD_GATEWAY, Failure.TURNED_AWAY, Failure.RATE_LIMITED)


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Whether to ask again, and for how many game seconds to leave the game alone in either case."""

    again: bool
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class _Schedule:
    """Waits that double from `first` to `cap` seconds; the last of `tries` failures is final."""

    first: float
    cap: float
    tries: int


_MINUTES = _Schedule(first=60.0, cap=300.0, tries=4)  # the game's docs advise to wait for minutes
_SCHEDULES = {
    Failure.NOT_SENT: _Schedule(first=0.5, cap=15.0, tries=6),
    Failure.NO_ANSWER: _Schedule(first=0.5, cap=15.0, tries=6),
    Failure.UNSHOWABLE: _Schedule(first=0.5, cap=1.0, tries=3),  # seen to last for days, until the next reset
    Failure.BAD_GATEWAY: _MINUTES,
    Failure.TURNED_AWAY: _MINUTES,
    Failure.RATE_LIMITED: _Schedule(first=0.05, cap=60.0, tries=12),  # comes on top of what the game told us to wait
    Failure.LOCKED: _Schedule(first=0.5, cap=4.0, tries=6),
}


def decide(failure: Failure, failures: int, *, repeatable: bool, chance: float) -> RetryDecision:
    """What follows the `failures`-th failure in a row (1 is the first) of one request.

    `repeatable`: doing it twice does no harm. What is not, and may have been executed, is never made again.
    `chance` in [0, 1) spreads those who failed together: a wait lies between half of its step and the whole.
    """
    schedule = _SCHEDULES[failure]
    step = min(schedule.cap, schedule.first * 2.0 ** (failures - 1))
    may_ask = repeatable or not failure.may_have_been_executed
    return RetryDecision(again=may_ask and failures < schedule.tries, wait_seconds=step * (1 + chance) / 2)

"""What the game's refusal of a trade means for the pair. Codes decide, never the words of a message."""

from enum import Enum, auto

from spacetraders_lab.core.experiment import SkipReason


class Refusal(Enum):
    """What to do after the game said no to a trade."""

    LOOK_AGAIN = auto()  # ship or market are not as we believed: read them and plan again
    NO_FUNDS = auto()  # the purse is empty: sell what is aboard, then wait
    PAIR = auto()  # the reason lies in the pair


_ABOVE_TRADE_VOLUME = 4604
_LOOK_AGAIN = {
    4214,  # in transit
    4217,  # cargo would exceed the hold
    4218,  # none of the good aboard
    4219,  # fewer aboard than asked
    4228,  # hold full
    4236,  # not in orbit
    4244,  # not docked
    _ABOVE_TRADE_VOLUME,
    409,  # another request of this ship is under way
}
_NO_FUNDS = {4600}


def judge_refusal(code: int) -> Refusal:
    """The meaning of an error code of `purchase` or `sell`."""
    if code in _NO_FUNDS:
        return Refusal.NO_FUNDS
    return Refusal.LOOK_AGAIN if code in _LOOK_AGAIN else Refusal.PAIR


def why_skipped(code: int) -> SkipReason:
    """Why the rest of a pair is skipped that ends by the game's refusal; code 0: by something else."""
    if code == _ABOVE_TRADE_VOLUME:
        return SkipReason.TV_LIMIT
    return SkipReason.API_ERROR if code else SkipReason.PAIR_FAILED

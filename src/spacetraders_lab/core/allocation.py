"""What an adaptive run asks for, and what it is told: which pairs to measure next. Vocabulary only.

`run` is handed an `Allocate` by whoever starts it and calls it in another process, so every value here can be pickled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from spacetraders_lab.core.experiment import MarketPair, PlaceboBracket, TradeRecord
from spacetraders_lab.core.market import Listing, ListingKey, TradeGood
from spacetraders_lab.core.planning import Way


@dataclass(frozen=True, slots=True)
class AllocationPlan:
    """How the run stands when it asks.

    `listings` are the listings that may be traded, as last seen; `reference` is what they quoted when the run was
    planned, before any of its trades. `locked` tells until when a listing is left alone (at work, or washing out);
    `queued` are pairs that wait or are under way. `target` is the wanted half-width as a share of the estimate,
    `floor` the half-width (as a log move per tradeVolume) that is good enough whatever the estimate is. `hold` is the
    smallest cargo capacity of the fleet, `credits_left` what may still be lost, `may_lose` whether pairs that lose
    money may be named at all (the user has named a budget), and `wanted` how many pairs to name at most. `ways` has
    the way from every market to every other, as the ship flies that asks, `here` (None: in another system), one of so
    many `ships`. `seed` and `turn` (how many pairs it has named before) make every choice repeatable. `speed` is how
    many game seconds go by in a second of the clock, which all the times here are of. `until` ends the run, and so
    does `over`: why, in a few words for the user.
    """

    listings: tuple[Listing, ...]
    reference: Mapping[ListingKey, TradeGood]
    placebos: tuple[PlaceboBracket, ...]
    locked: Mapping[ListingKey, datetime]
    queued: tuple[MarketPair, ...]
    target: float
    floor: float
    hold: int
    credits_left: int
    may_lose: bool
    wanted: int
    ways: Mapping[tuple[str, str], Way]
    ships: int
    here: str | None
    seed: int
    turn: int
    now: datetime
    speed: float = 1.0
    until: datetime | None = None
    over: str | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """The pairs to measure next, the most wanted first.

    With `ended` (why, in a few words for the user) the run measures nothing more once its queue is empty. No pairs and
    no end means that nothing can be measured now: the run asks again when more is recorded or a lock has ended.
    """

    pairs: tuple[MarketPair, ...] = ()
    ended: str | None = None


class Allocate(Protocol):
    """Chooses from every row of the run so far, oldest first; a pure function, which may take seconds.

    A pair may be named again and again (`MarketPair.of`): the run numbers its visits and draws their sizes.
    """

    def __call__(self, rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation: ...

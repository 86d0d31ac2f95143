"""One account's rate limit among several programs: who may send when, decided from what was promised so far.

The steady pool goes round in turns, one program at a time; the burst pool is handed out request by request. All times
are seconds of one clock that everybody shares. Nothing here asks the time, waits, or remembers.
"""

import math
from dataclasses import dataclass, replace

TURN_SECONDS = 3.1  # from a turn's first request to its last: three windows, and a little for who is late
BURST_SECONDS = 10.0  # in which burst requests must leave, or be returned
BLOCK = 4  # fewer burst requests than that come with a turn, so that nobody has to ask for every single request


@dataclass(frozen=True, slots=True)
class Pools:
    """What the game allows an account: `per_second` requests in any `window`, and `burst` more in any `burst_window`.

    Windows are seconds of the clock; in a sandbox that plays faster they are shorter than the game's.
    """

    per_second: int
    window: float
    burst: int
    burst_window: float


@dataclass(frozen=True, slots=True)
class Demand:
    """What a program asks for: how many requests wait, and what it sent of late.

    `steady_sent` is when it last used its turn (None: never), `burst_sent` when it sent each burst request of the last
    `burst_window`. With nothing `waiting` it only returns what it has not used.
    """

    waiting: int
    pools: Pools
    steady_sent: float | None = None
    burst_sent: tuple[float, ...] = ()

    def shifted(self, seconds: float) -> "Demand":
        """The same by a clock that is so many seconds ahead."""
        steady = None if self.steady_sent is None else self.steady_sent + seconds
        return replace(self, steady_sent=steady, burst_sent=tuple(sent + seconds for sent in self.burst_sent))


@dataclass(frozen=True, slots=True)
class Promise:
    """So many requests may leave, none before `begins`, none after `ends`; the pool's own window holds beside that."""

    begins: float
    ends: float
    requests: float = math.inf

    def shifted(self, seconds: float) -> "Promise":
        """The same by a clock that is so many seconds ahead."""
        return replace(self, begins=self.begins + seconds, ends=self.ends + seconds)


NOTHING = Promise(math.inf, -math.inf, 0)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one program may send; it takes the place of all that it was promised before."""

    steady: Promise = NOTHING
    burst: Promise = NOTHING

    def shifted(self, seconds: float) -> "Reservation":
        """The same by a clock that is so many seconds ahead."""
        return Reservation(self.steady.shifted(seconds), self.burst.shifted(seconds))


@dataclass(frozen=True, slots=True)
class RateBudget:
    """What is promised to all: the last turn of the steady pool, and for each burst request the latest time it leaves.

    A program that dies is waited for until its turn has ended, and its burst requests count as sent.
    """

    turn_of: str = ""
    turn_begins: float = 0.0
    turn_ends: float = 0.0
    burst: tuple[tuple[str, float], ...] = ()


def reserve(
    budget: RateBudget, holder: str, demand: Demand, *, now: float, error: float = 0.0
) -> tuple[RateBudget, Reservation]:
    """Take back what the holder has, and promise it what it may send next.

    `error` is how far the holder's idea of the shared clock may be off, in seconds. However programs take turns, die
    or are late within these bounds, the game never sees more than its pools in any window of its own.
    """
    pools = demand.pools
    budget = _settled(_plausible(budget, pools, now), holder, demand, now, error)
    if demand.waiting == 0:
        return budget, Reservation()
    # The game counts a request as steady whenever it can, which may not be how it was promised: at the edge of a
    # window it may find up to one steady window's worth more in its burst pool than was handed out.
    free = max(0, pools.burst - pools.per_second - len(budget.burst))
    count = math.ceil(free / 2)  # the other half is for whoever comes next
    burst = Promise(now, now + BURST_SECONDS, count) if count else NOTHING
    budget = replace(budget, burst=budget.burst + ((holder, burst.ends),) * count)
    if count >= max(demand.waiting, BLOCK):
        return budget, Reservation(burst=_surely(burst, error))
    # behind its own turn a holder needs no distance: it keeps the pool's window by itself
    free_from = budget.turn_begins if budget.turn_of == holder else budget.turn_ends + pools.window
    begins = max(now, free_from)
    steady = Promise(begins, begins + TURN_SECONDS + 2 * error)
    budget = replace(budget, turn_of=holder, turn_begins=steady.begins, turn_ends=steady.ends)
    return budget, Reservation(_surely(steady, error), _surely(burst, error))


def _settled(budget: RateBudget, holder: str, demand: Demand, now: float, error: float) -> RateBudget:
    """The budget with what the holder really sent in the place of what it was promised."""
    pools = demand.pools
    others = tuple((name, sent) for name, sent in budget.burst if name != holder)
    own = tuple((holder, sent + error) for sent in demand.burst_sent)
    in_window = tuple(entry for entry in others + own if entry[1] + pools.burst_window > now)
    if budget.turn_of != holder:
        return replace(budget, burst=in_window)
    # an unused turn leaves things as they were before it: its first moment was free for anybody
    unused = budget.turn_begins - pools.window
    sent = unused if demand.steady_sent is None else max(unused, demand.steady_sent + error)
    return replace(budget, turn_ends=sent, burst=in_window)


def _plausible(budget: RateBudget, pools: Pools, now: float) -> RateBudget:
    """The budget without promises so far ahead that only a clock that was put right since can have made them."""
    latest = now + pools.burst_window
    burst = tuple((name, min(sent, latest)) for name, sent in budget.burst)
    return replace(budget, turn_ends=min(budget.turn_ends, latest), burst=burst)


def _surely(promise: Promise, error: float) -> Promise:
    """The promise as one may use it whose clock may be wrong by so much in either direction."""
    return replace(promise, begins=promise.begins + error, ends=promise.ends - error)

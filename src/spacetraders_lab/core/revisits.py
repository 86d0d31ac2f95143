"""When a listing that was traded is to be read again, and what of that is done: from recorded times, nothing else.

Between ticks (half an hour apart, at a time of its own for each listing) an untraded quote stands still. So readings
are dense where the first two ticks must fall, and spread evenly in the logarithm of time after that.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

AFTER_MINUTES = (1, 2, 4, 8, 15, 22, 30, 38, 45, 60, 90, 120, 180, 240, 360, 480)
STAY_MINUTES = 8  # after its last trade at a market, that the ship itself stays and reads
_LAST_WINDOW_MINUTES = 30
_LONGEST_REST = 150.0  # game seconds between two looks at what is due
_BE_THERE_BEFORE = 5.0  # game seconds to spare for docking and asking


@dataclass(frozen=True, slots=True)
class Shock:
    """A listing that the run has moved and will not trade again, and its last trade."""

    market: str
    good: str
    at: datetime


@dataclass(frozen=True, slots=True, order=True)
class Revisit:
    """A reading of a market that is wanted: from `due` on, and too late at `until`."""

    market: str
    due: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Watch:
    """How far the watching of all shocks is. Every planned reading is done, missed, or among those to come."""

    done: int
    missed: int
    to_come: tuple[Revisit, ...]

    @property
    def planned(self) -> int:
        return self.done + self.missed + len(self.to_come)


@dataclass(frozen=True, slots=True)
class Errand:
    """What a ship does next for a watch: rest for so many game seconds, or read a market when that is due.

    `revisit` is the reading that it has in mind, now or after the rest; None: there is none for it.
    """

    rest: float
    revisit: Revisit | None


def stays(last_trade: datetime, now: datetime, *, speed: float = 1.0) -> list[datetime]:
    """When the ship that has just traded a market is to read it again before it leaves."""
    stay = timedelta(minutes=STAY_MINUTES) / speed
    return [last_trade + due for due, until in _windows(speed) if due <= stay and now < last_trade + until]


def next_errand(
    to_come: Sequence[Revisit],
    at: str,
    elsewhere: Collection[str],
    seconds: Callable[[str, str], float],
    now: datetime,
    *,
    is_probe: bool,
    may_fly: bool = True,
    speed: float = 1.0,
) -> Errand:
    """What a ship `at` a market does: the revisit that it can make soonest, where no other ship looks after the market.

    `to_come` is sorted by when it is due, as `watched` gives it; `seconds` is how long a flight takes (game time). A
    probe stays where it is as long as its market is wanted, and a ship that may not fly whatever is wanted.
    """
    is_parked = not may_fly or (is_probe and any(revisit.market == at for revisit in to_come))
    best: tuple[datetime, str, Revisit] | None = None
    for revisit in to_come:
        if best is not None and revisit.due > best[0]:
            break  # they come sorted by when they are due
        then = max(revisit.due, now + timedelta(seconds=seconds(at, revisit.market)) / speed)
        is_mine = revisit.market == at if is_parked else revisit.market not in elsewhere
        if is_mine and then < revisit.until:
            found = (then, revisit.market, revisit)
            best = found if best is None else min(best, found)
    if best is None:
        return Errand(_LONGEST_REST, None)
    chosen = best[2]
    wait = (chosen.due - now).total_seconds() * speed - seconds(at, chosen.market)
    return Errand(min(wait, _LONGEST_REST) if wait > _BE_THERE_BEFORE else 0.0, chosen)


def watched(
    shocks: Iterable[Shock], readings: Mapping[str, Sequence[datetime]], now: datetime, *, speed: float = 1.0
) -> Watch:
    """What is done, missed and to come at `now`; `readings` of each market in ascending order, whoever made them.

    `speed` is how much faster than the clock the game plays. Revisits to come are sorted by when they are due.
    """
    done = missed = 0
    to_come = []
    for shock in shocks:
        for revisit in _revisits(shock, speed):
            if _is_read(readings.get(revisit.market, ()), revisit):
                done += 1
            elif revisit.until <= now:
                missed += 1
            else:
                to_come.append(revisit)
    return Watch(done, missed, tuple(sorted(to_come, key=lambda r: (r.due, r.market))))


def _revisits(shock: Shock, speed: float) -> list[Revisit]:
    return [Revisit(shock.market, shock.at + due, shock.at + until) for due, until in _windows(speed)]


@cache  # a game has one speed
def _windows(speed: float) -> tuple[tuple[timedelta, timedelta], ...]:
    """After a trade, from when on each of its readings counts, and until when."""
    ends = (*AFTER_MINUTES[1:], AFTER_MINUTES[-1] + _LAST_WINDOW_MINUTES)
    return tuple(
        (timedelta(minutes=due) / speed, timedelta(minutes=until) / speed)
        for due, until in zip(AFTER_MINUTES, ends, strict=True)
    )


def _is_read(readings: Sequence[datetime], revisit: Revisit) -> bool:
    first = bisect_left(readings, revisit.due)
    return first < len(readings) and readings[first] < revisit.until

"""When a listing that was traded is to be read again, and what of that is done: from recorded times, nothing else.

Between ticks (half an hour apart, at a time of its own for each listing) an untraded quote stands still. So readings
are dense where the first two ticks must fall, and spread evenly in the logarithm of time after that.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

AFTER_MINUTES = (1, 2, 4, 8, 15, 22, 30, 38, 45, 60, 90, 120, 180, 240, 360, 480)
_LAST_WINDOW_MINUTES = 30


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
    ends = (*AFTER_MINUTES[1:], AFTER_MINUTES[-1] + _LAST_WINDOW_MINUTES)
    return [
        Revisit(shock.market, shock.at + timedelta(minutes=due) / speed, shock.at + timedelta(minutes=until) / speed)
        for due, until in zip(AFTER_MINUTES, ends, strict=True)
    ]


def _is_read(readings: Sequence[datetime], revisit: Revisit) -> bool:
    first = bisect_left(readings, revisit.due)
    return first < len(readings) and readings[first] < revisit.until

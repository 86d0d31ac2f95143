"""How the watching of a recovery plan goes, by playing it: what can be read in time, and at what cost. Never acts."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from spacetraders_lab.core.market import ListingKey
from spacetraders_lab.core.revisits import Revisit, Shock, Watch, next_errand, watched

_START = datetime(1970, 1, 1, tzinfo=UTC)  # of the play; only differences count
_PARKED = 1.0  # seconds after which a ship whose errand is done looks again


class Watcher(Protocol):
    """A ship as the watch needs it."""

    at: str
    is_probe: bool

    def seconds(self, start: str, end: str) -> float:
        """How long it flies between two markets."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """All that is to be read again, and what of it the ships know when (seconds).

    They know of a revisit once its pair has ended, and of the `readings` (when, and of which market, ascending) of
    ships that trade once these are made.
    """

    watch: Watch
    known_from: Mapping[Revisit, float]
    readings: Sequence[tuple[float, str]]


Ship = TypeVar("Ship", bound=Watcher)


def play_watch(
    foreseen: Foreseen,
    ships: Sequence[Ship],
    free_from: Sequence[float],
    travel: Callable[[Ship, str], float],
    is_over: Callable[[float], bool] = lambda now: False,
) -> tuple[Watch, float]:
    """Let the ships read what is due until nothing is to come; returns what was had and when it was over (seconds).

    `free_from` is when each ship has nothing left to trade; `travel` makes a flight and the reading after it, and
    returns how long it took. `is_over` ends it before, at a limit.
    """
    watch, readings = foreseen.watch, deque(foreseen.readings)
    targets: dict[int, str] = {}
    events = [(at, number) for number, at in enumerate(free_from)]
    heapq.heapify(events)
    over = max(free_from)
    all_known_from = max(foreseen.known_from.values(), default=0.0)
    while events:
        now, number = heapq.heappop(events)
        ship, over = ships[number], max(over, now)
        while readings and readings[0][0] <= now:
            at, market = readings.popleft()
            watch = _read(watch, market, moment(at))
        watch = _missed(watch, moment(now))
        if not watch.to_come or is_over(now):
            continue
        elsewhere = {market for other, market in targets.items() if other != number}
        known: Sequence[Revisit] = watch.to_come
        if now < all_known_from:
            known = [revisit for revisit in known if foreseen.known_from[revisit] <= now]
        errand = next_errand(known, ship.at, elsewhere, ship.seconds, moment(now), is_probe=ship.is_probe)
        targets[number] = errand.revisit.market if errand.revisit else ship.at
        if errand.revisit is None or errand.rest:
            heapq.heappush(events, (now + errand.rest, number))
            continue
        arrived = now + travel(ship, errand.revisit.market)
        done = max(arrived, (errand.revisit.due - _START).total_seconds())
        watch = _read(watch, errand.revisit.market, moment(done))
        heapq.heappush(events, (done + _PARKED, number))
    return watch, over


def begin_watch(
    traded: Mapping[ListingKey, float], ended: Mapping[ListingKey, float], read: Iterable[tuple[str, float]]
) -> Foreseen:
    """The watch after the trades: the last one of each listing, when its pair ended, what was read when (seconds)."""
    shocks = {listing: Shock(*listing, moment(at)) for listing, at in traded.items()}
    known_from: dict[Revisit, float] = {}
    for listing, shock in shocks.items():
        for revisit in watched([shock], {}, _START).to_come:
            known_from[revisit] = min(ended[listing], known_from.get(revisit, ended[listing]))
    return Foreseen(watched(shocks.values(), {}, _START), known_from, sorted((at, market) for market, at in read))


def _missed(watch: Watch, now: datetime) -> Watch:
    left = tuple(revisit for revisit in watch.to_come if revisit.until > now)
    return Watch(watch.done, watch.missed + len(watch.to_come) - len(left), left)


def _read(watch: Watch, market: str, at: datetime) -> Watch:
    left = tuple(r for r in watch.to_come if r.market != market or not r.due <= at < r.until)
    return Watch(watch.done + len(watch.to_come) - len(left), watch.missed, left)


def moment(seconds: float) -> datetime:
    """A second of the play as a time."""
    return _START + timedelta(seconds=seconds)

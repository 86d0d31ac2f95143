"""How the watching of a recovery plan goes, by playing it: what can be read in time, and at what cost. Never acts."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from spacetraders_lab.core.revisits import Shock, Watch, next_errand, watched

_START = datetime(1970, 1, 1, tzinfo=UTC)  # of the play; only differences count
_PARKED = 1.0  # seconds after which a ship whose errand is done looks again


class Watcher(Protocol):
    """A ship as the watch needs it."""

    at: str
    is_probe: bool


Ship = TypeVar("Ship", bound=Watcher)


def play_watch(
    watch: Watch,
    ships: Sequence[Ship],
    free_from: Sequence[float],
    seconds: Callable[[str, str], float],
    travel: Callable[[Ship, str], float],
    is_over: Callable[[float], bool] = lambda now: False,
) -> tuple[Watch, float]:
    """Let the ships read what is due until nothing is to come; returns what was had and when it was over (seconds).

    `free_from` is when each ship has nothing left to trade; `seconds` is how long a flight takes, and `travel` makes
    one and the reading after it, and returns how long it took. `is_over` ends it before, at a limit.
    """
    targets: dict[int, str] = {}
    events = [(at, number) for number, at in enumerate(free_from)]
    heapq.heapify(events)
    over = max(free_from)
    while events:
        now, number = heapq.heappop(events)
        ship, over, watch = ships[number], max(over, now), _missed(watch, moment(now))
        if not watch.to_come or is_over(now):
            continue
        elsewhere = {market for other, market in targets.items() if other != number}
        errand = next_errand(watch.to_come, ship.at, elsewhere, seconds, moment(now), is_probe=ship.is_probe)
        targets[number] = errand.revisit.market if errand.revisit else ship.at
        if errand.revisit is None or errand.rest:
            heapq.heappush(events, (now + errand.rest, number))
            continue
        arrived = now + travel(ship, errand.revisit.market)
        done = max(arrived, (errand.revisit.due - _START).total_seconds())
        watch = _read(watch, errand.revisit.market, moment(done))
        heapq.heappush(events, (done + _PARKED, number))
    return watch, over


def begin_watch(traded: Mapping[tuple[str, str], float], read: Iterable[tuple[str, float]]) -> Watch:
    """The watch after the trades: the last one of each listing, and which market was read when (seconds)."""
    readings: dict[str, list[datetime]] = defaultdict(list)
    for market, at in sorted(read, key=lambda reading: reading[1]):
        readings[market].append(moment(at))
    shocks = [Shock(market, good, moment(at)) for (market, good), at in traded.items()]
    return watched(shocks, readings, _START)


def _missed(watch: Watch, now: datetime) -> Watch:
    left = tuple(revisit for revisit in watch.to_come if revisit.until > now)
    return Watch(watch.done, watch.missed + len(watch.to_come) - len(left), left)


def _read(watch: Watch, market: str, at: datetime) -> Watch:
    left = tuple(r for r in watch.to_come if r.market != market or not r.due <= at < r.until)
    return Watch(watch.done + len(watch.to_come) - len(left), watch.missed, left)


def moment(seconds: float) -> datetime:
    """A second of the play as a time."""
    return _START + timedelta(seconds=seconds)

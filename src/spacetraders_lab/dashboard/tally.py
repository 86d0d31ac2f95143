"""Running figures, kept up row by row so that none is counted twice. Pure: it asks neither clock nor database."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from spacetraders_lab.core.planning import REQUESTS_PER_FLIGHT
from spacetraders_lab.core.summary import ImpactTally
from spacetraders_lab.store.live import Trade

OVERLAP = 500  # more ids than can be given out between a transaction's first row and its commit
MOST_BUCKETS = 240
RECENT_TRADES = 400
PACE_SECONDS = 120
LONGEST_FLIGHT = 900.0  # seconds: a longer silence between two trades is a pause of the run

Row = TypeVar("Row", bound=tuple[object, ...])


class Cursor:
    """How far rows that are only added have been read, by their ids: the first column. `seen` are ids read before.

    PostgreSQL gives a row its id before it shows it, so a lower id may appear after a higher one: the last `overlap`
    ids are read again each time, and rows that were seen are passed over.
    """

    def __init__(self, end: int, overlap: int, seen: Iterable[object] = ()) -> None:
        self._overlap = overlap
        self.end = end  # read up to this id
        self._seen = set(seen)

    @property
    def after(self) -> int:
        """Read the rows above this id."""
        return self.end - self._overlap

    def fresh(self, rows: Sequence[Row], upto: int) -> list[Row]:
        """Those of the rows (all there are with after < id <= upto) that have not been seen."""
        found = [row for row in rows if row[0] not in self._seen]
        self.end = max(self.end, upto)
        after = self.after
        self._seen = {row[0] for row in rows if row[0] > after}  # type: ignore[operator]
        return found


def overlap_of(connection: Connection) -> int:
    """How many ids a cursor must read again: on SQLite none, for it has one writer at a time."""
    return 0 if connection.dialect.name == "sqlite" else OVERLAP


def epoch(moment: datetime | None) -> float | None:
    """A moment in seconds since 1970, as the page reckons; None stays None."""
    return None if moment is None else moment.timestamp()


class TimeBuckets:
    """Counts over time in at most `MOST_BUCKETS` buckets, which grow wider as the time gets longer."""

    def __init__(self) -> None:
        self.width = 4  # seconds; finer ones would show single trades and no pace
        self._counts: Counter[int] = Counter()
        self._first = self._last = 0

    def add(self, at: datetime) -> None:
        """Count one event."""
        second = int(at.timestamp())
        if not self._counts:
            self._first = self._last = second
        self._first, self._last = min(self._first, second), max(self._last, second)
        self._counts[second // self.width] += 1
        while self._last // self.width - self._first // self.width >= MOST_BUCKETS:
            self._widen()

    def series(self) -> tuple[int, list[int]]:
        """The start of the first bucket in epoch seconds, and the count of every bucket from there."""
        if not self._counts:
            return 0, []
        first, last = self._first // self.width, self._last // self.width
        return first * self.width, [self._counts[i] for i in range(first, last + 1)]

    def _widen(self) -> None:
        self.width *= 2
        merged: Counter[int] = Counter()
        for bucket, count in self._counts.items():
            merged[bucket // 2] += count
        self._counts = merged


class Pace:
    """Trades and requests in each of the last seconds.

    Requests are those that leave a trace: a trade is one, and a new visit needed a flight.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._trades: Counter[int] = Counter()
        self._requests: Counter[int] = Counter()
        self._visits: dict[str, str] = {}

    def add(self, trade: Trade) -> None:
        """Count one trade and, where its ship had to come there first, the flight."""
        second = int(trade.timestamp.timestamp())
        arrived = self._visits.get(trade.ship_symbol) != trade.visit_id
        self._visits[trade.ship_symbol] = trade.visit_id
        self._trades[second] += 1
        self._requests[second] += 1 + (REQUESTS_PER_FLIGHT if arrived else 0)
        if len(self._trades) > 2 * self._seconds:
            oldest = max(self._trades) - self._seconds
            self._trades = Counter({at: n for at, n in self._trades.items() if at >= oldest})
            self._requests = Counter({at: n for at, n in self._requests.items() if at >= oldest})

    def since(self, start: int) -> tuple[list[int], list[int]]:
        """Trades and requests second by second from `start`, a second more than was asked for."""
        seconds = range(start, start + self._seconds + 2)
        return [self._trades[at] for at in seconds], [self._requests[at] for at in seconds]


class Hold(NamedTuple):
    """Units of a good aboard a ship by the run's own trades, and what was paid for them."""

    units: int
    cost: float


class RunTally:
    """What the trades of one run add up to."""

    def __init__(self) -> None:
        self.trades = 0
        self.bought = self.sold = 0
        self.last: datetime | None = None
        self.by_ship: Counter[str] = Counter()
        self.last_of_ship: dict[str, Trade] = {}
        self.recent: deque[Trade] = deque(maxlen=RECENT_TRADES)
        self.active_seconds = 0.0  # between trades, longer pauses cut short: the pace of the work, not of the calendar
        self.over_time = TimeBuckets()
        self.pace = Pace(PACE_SECONDS)
        self.impact = ImpactTally()
        self._holds: dict[tuple[str, str], Hold] = defaultdict(lambda: Hold(0, 0.0))

    def add(self, trades: Iterable[Trade]) -> None:
        """Count trades that have not been counted before."""
        for trade in trades:
            self._count(trade)

    @property
    def aboard(self) -> float:
        """What was paid for the cargo that is still aboard: the credits that hang on its sale."""
        return sum(hold.cost for hold in self._holds.values())

    def _count(self, trade: Trade) -> None:
        self.trades += 1
        since_last = (trade.timestamp - self.last).total_seconds() if self.last else 0.0
        self.active_seconds += min(max(since_last, 0.0), LONGEST_FLIGHT)
        self.last = max(self.last or trade.timestamp, trade.timestamp)
        self.by_ship[trade.ship_symbol] += 1
        self.last_of_ship[trade.ship_symbol] = trade
        self.recent.append(trade)
        self.over_time.add(trade.timestamp)
        self.pace.add(trade)
        self.impact.add(trade)
        self._move_credits(trade)

    def _move_credits(self, trade: Trade) -> None:
        key = (trade.ship_symbol, trade.good_symbol)
        hold = self._holds[key]
        if trade.operation == "BUY":
            self.bought += trade.total_credits
            self._holds[key] = Hold(hold.units + trade.units, hold.cost + trade.total_credits)
            return
        self.sold += trade.total_credits
        left = max(0, hold.units - trade.units)
        self._holds[key] = Hold(left, hold.cost * left / hold.units if hold.units else 0.0)

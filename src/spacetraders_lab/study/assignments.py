"""What the ships of a fleet are given to measure: a queue with locks, filled once or as an allocation asks for."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from math import inf

from spacetraders_lab.core.allocation import Allocate, Allocation, AllocationPlan
from spacetraders_lab.core.analysis_plan import GOOD_ENOUGH
from spacetraders_lab.core.experiment import Design, MarketPair, Menu, PlaceboBracket, Skip, TradeRecord
from spacetraders_lab.core.limits import NO_LIMITS, Limits
from spacetraders_lab.core.market import Listing, ListingKey, TradeGood, quotes_of
from spacetraders_lab.core.menus import draw_menus, visit_menu
from spacetraders_lab.core.planning import Way
from spacetraders_lab.core.survey import numbered
from spacetraders_lab.run.feed import LONG, NOTHING_SECONDS


@dataclass(frozen=True, slots=True)
class Assignment:
    """A pair to measure; without a menu of its own it is traded as the design says, `skips` are left out at once."""

    number: int
    pair: MarketPair
    menu: Menu | None = None
    skips: tuple[Skip, ...] = ()

    @property
    def listings(self) -> tuple[ListingKey, ListingKey]:
        return self.pair.listings


@dataclass(frozen=True, slots=True)
class Director:
    """Fills the queue of an adaptive run: asks the allocation, and draws the menus of what it names.

    `reference` are the quotes before the first trade. `seconds` of game time and `budget` credits limit the run.
    """

    allocate: Allocate
    design: Design
    reference: Mapping[ListingKey, TradeGood]
    hold: int
    seed: int
    budget: int
    wanted: int
    ways: Mapping[tuple[str, str], Way]
    ships: int
    seconds: float | None = None
    may_lose: bool = True

    def ask(
        self,
        rows: Sequence[TradeRecord],
        placebos: Sequence[PlaceboBracket],
        *,
        listings: Iterable[Listing],
        locked: Mapping[ListingKey, datetime],
        queued: Sequence[MarketPair],
        spent: int,
        turn: int,
        now: datetime,
        start: datetime,
        here: str,
    ) -> Allocation:
        """What to measure next."""
        plan = AllocationPlan(
            listings=tuple(x for x in listings if x.key in self.reference),
            reference=self.reference,
            placebos=tuple(placebos),
            locked=locked,
            queued=tuple(queued),
            target=self.design.target,
            floor=GOOD_ENOUGH,
            hold=self.hold,
            credits_left=self.budget - spent,
            may_lose=self.may_lose,
            wanted=self.wanted,
            ways=self.ways,
            ships=self.ships,
            here=here,
            seed=self.seed,
            turn=turn,
            now=now,
            until=None if self.seconds is None else start + timedelta(seconds=self.seconds),
        )
        return self.allocate(rows, plan)

    def assignments(
        self, pairs: Sequence[MarketPair], first: int, latest: Mapping[ListingKey, Listing], before: Mapping[str, int]
    ) -> list[Assignment]:
        """The pairs as visits, numbered from `first` on; `before` counts how often each was measured."""
        again, quotes = numbered(pairs, before), quotes_of(latest.values())
        menus, skips = draw_menus(again, quotes, partial(visit_menu, self.design, self.seed, hold=self.hold), first)
        return [
            Assignment(number, pair, menus[pair.pair_id], skips[pair.pair_id])
            for number, pair in enumerate(again, first)
        ]


class Locks:
    """Until when each listing is somebody's, in game seconds; infinitely long while a ship is at it."""

    def __init__(self) -> None:
        self._ends: dict[ListingKey, float] = {}

    def are_free(self, listings: Iterable[ListingKey], now: float) -> bool:
        return all(self._ends.get(listing, -inf) <= now for listing in listings)

    def hold(self, listings: Iterable[ListingKey], until: float = inf) -> None:
        self._ends.update(dict.fromkeys(listings, until))

    def next_end(self, now: float) -> float:
        """When the next lock ends that has an end; infinity when none has."""
        return min((end for end in self._ends.values() if end > now), default=inf)

    def held(self, now: float) -> dict[ListingKey, float]:
        return {listing: end for listing, end in self._ends.items() if end > now}


class Queue:
    """Assignments in their order, each given out once its two listings are free."""

    def __init__(self, assignments: Iterable[Assignment] = ()) -> None:
        self._waiting = deque(assignments)
        self._under_way: dict[int, Assignment] = {}
        self._locks = Locks()
        self._opens = -inf  # nothing that waits is free before

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, assignments: Iterable[Assignment]) -> None:
        self._waiting.extend(assignments)
        self._opens = -inf

    def take(self, now: float, away: Callable[[str], float] = lambda market: 0.0) -> Assignment | None:
        """The first assignment whose two listings are free, of those that begin least far `away`; locks both."""
        if now < self._opens:
            return None
        free = (assignment for assignment in self._waiting if self._locks.are_free(assignment.listings, now))
        chosen = min(free, key=lambda assignment: away(assignment.pair.buy_market), default=None)
        if chosen is None:
            self._opens = self._locks.next_end(now)
            return None
        self._locks.hold(chosen.listings)
        self._waiting.remove(chosen)
        self._under_way[chosen.number] = chosen
        return chosen

    def end(self, assignment: Assignment, until: float) -> None:
        """The assignment is done; its listings are left alone until then."""
        del self._under_way[assignment.number]
        self._locks.hold(assignment.listings, until)
        self._opens = min(self._opens, until)

    @property
    def pairs(self) -> list[MarketPair]:
        """The pairs that wait or are under way."""
        return [assignment.pair for assignment in (*self._waiting, *self._under_way.values())]

    @property
    def locks(self) -> Locks:
        return self._locks


@dataclass(slots=True)
class Run:
    """A design being played: its queue, who fills it, and how many pairs he has named; `asks_from` is game seconds."""

    design: Design
    queue: Queue
    director: Director | None
    transactions: float
    limits: Limits = NO_LIMITS
    assigned: int = 0
    asks_from: float = -inf
    ended: str | None = None
    measured: Counter[str] = field(default_factory=Counter)

    @property
    def is_over(self) -> bool:
        return not len(self.queue) and (self.director is None or self.ended is not None)

    def note(self, answer: Allocation, latest: Mapping[ListingKey, Listing], now: float) -> None:
        """Queue what the director names; when he names nothing he is asked again once a lock ends."""
        assert self.director is not None
        self.ended = answer.ended
        self.queue.add(self.director.assignments(answer.pairs, self.assigned + 1, latest, self.measured))
        self.assigned += len(answer.pairs)
        self.measured.update(pair.pair_id for pair in answer.pairs)
        if not answer.pairs:
            self.asks_from = max(now + NOTHING_SECONDS, min(self.queue.locks.next_end(now), now + LONG))

    def end(self, task: Assignment, now: float) -> None:
        until = now + self.design.washout_seconds
        self.queue.end(task, until)

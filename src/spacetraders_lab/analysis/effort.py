"""What a pair takes of a run's time: the account's requests, and the flights of a ship from where one will be free.

Whether it is worth that is not asked here.
"""

from collections import Counter

from spacetraders_lab.analysis.candidates import Candidate
from spacetraders_lab.core.allocation import AllocationPlan
from spacetraders_lab.core.schedule import REQUESTS_PER_SECOND

_A_TRADE, _A_DOCKING = 2, 2  # requests: a trade and the reading after it; a first reading and a placebo bracket


class Effort:
    """Where ships will be free, as the pairs that are counted on leave them, and how long a pair takes from there."""

    def __init__(self, plan: AllocationPlan) -> None:
        self._ways, self._ships = plan.ways, plan.ships
        self._free = Counter(pair.sell_market for pair in plan.queued)
        if plan.here is not None:
            self._free[plan.here] += 1

    def seconds(self, visit: Candidate) -> float:
        """Seconds by which the pair makes the run longer: all ships share the requests, each flies its own flights."""
        start, market = self._nearest(visit.pair.buy_market), visit.pair.buy_market
        over = self._flight(market, visit.pair.sell_market)
        there = over if start is None else self._flight(start, market)  # as far as over, where no ship is known of
        return _A_TRADE * visit.trades / REQUESTS_PER_SECOND + there + over

    def count_on(self, visit: Candidate) -> None:
        """Take it that the nearest ship measures the pair, and is free where it sells."""
        if (start := self._nearest(visit.pair.buy_market)) is not None:
            self._free[start] -= 1
        self._free[visit.pair.sell_market] += 1

    def _nearest(self, market: str) -> str | None:
        free = (place for place, ships in self._free.items() if ships > 0)
        return min(free, key=lambda place: self._flight(place, market), default=None)

    def _flight(self, start: str, end: str) -> float:
        if start == end:
            return 0.0
        way = self._ways[start, end]
        return (way.requests + _A_DOCKING) / REQUESTS_PER_SECOND + way.seconds / self._ships

"""Whole reports of runs for the page: made outside its process, one at a time, and kept for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT = 4
AT_MOST_EVERY = timedelta(minutes=1)  # a run under way gets no newer one before

Make = Callable[[str], Awaitable[str]]  # run_id to HTML; raises UserError where there is nothing to report

# The report brings its own scripts: it lives in a sandbox where it can reach neither this page nor anything else.
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True)
class _Made:
    html: str
    trades: int
    at: datetime


class Reports:
    """The last few reports."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._made: dict[str, _Made] = {}
        self._turn = asyncio.Lock()

    async def report(self, run_id: str, trades: int, now: datetime) -> str:
        """The report of a run that has recorded so many trades; raises what making it raises."""
        async with self._turn:
            known = self._made.get(run_id)
            if known is None or (known.trades != trades and now - known.at >= AT_MOST_EVERY):
                known = _Made(await self._make(run_id), trades, now)
                self._made.pop(run_id, None)
                self._made[run_id] = known
                while len(self._made) > KEPT:
                    del self._made[next(iter(self._made))]
            return known.html

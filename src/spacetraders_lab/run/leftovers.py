"""What a ship has aboard of the run that its pair will not sell, and the markets that may take it. It sells nothing."""

from collections.abc import Sequence

from spacetraders_lab.core.experiment import ExperimentRun, TradeRecord
from spacetraders_lab.core.protocol import Leftover
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.heartbeat import Lease
from spacetraders_lab.store.intents import HoldHistory, IntentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository


class LeftoverSearch:
    """Finds the leftovers of a ship for the session of one claimed pair.

    `awaits_a_listing`: the last search found something that cannot be sold, for others are at work on its listings.
    """

    def __init__(self, lab: Lab, run: ExperimentRun, lease: Lease) -> None:
        self.awaits_a_listing = False
        self._lab, self._run, self._lease = lab, run, lease
        self._closed: set[tuple[str, str]] = set()

    async def find(self, ship: Ship, records: Sequence[TradeRecord], still_to_sell: int) -> tuple[Leftover, ...]:
        """The leftovers aboard, by good; the pair itself still sells so many units of its own good.

        Listings of other pairs' goods are locked for the claimed pair where nobody else holds them.
        """
        self.awaits_a_listing = False
        found = [await self._leftover(good, ship, records, still_to_sell) for good in sorted(ship.inventory)]
        return tuple(leftover for leftover in found if leftover is not None)

    def close(self, refused: Leftover) -> None:
        """Ask the first market of a leftover no more: it would not take it."""
        self._closed.add((refused.markets[0], refused.good_symbol))

    async def _leftover(
        self, good: str, ship: Ship, records: Sequence[TradeRecord], still_to_sell: int
    ) -> Leftover | None:
        """Units of the good that the run put aboard and that this take will not sell, with open markets for them."""
        history = await self._lab.read(lambda c: IntentRepository(c).hold_history(self._run.run_id, ship.symbol, good))
        if history is None:
            return None
        planned = still_to_sell if good == self._lease.claim.pair.good_symbol else 0
        units = ship.units_of(good) - history.units_of_others - planned
        markets = await self._open_markets(good, history) if units > 0 else ()
        parts = sum(record.cell is None and record.good_symbol == good for record in records)
        return Leftover(good, units, markets, parts) if markets else None

    async def _open_markets(self, good: str, history: HoldHistory) -> tuple[str, ...]:
        """Markets of the pair that the good was bought for, whose listings nobody else is working on."""
        own = self._lease.claim.pair
        is_own = good == own.good_symbol
        pair = own if is_own else history
        candidates = [m for m in (pair.sell_market, pair.buy_market) if (m, good) not in self._closed]
        free = [m for m in candidates if is_own or await self._lock(m, good)]
        self.awaits_a_listing |= bool(candidates) and not free
        return tuple(free)

    async def _lock(self, market: str, good: str) -> bool:
        now = self._lab.clock.now()
        return await self._lab.write(
            lambda c: WorkQueueRepository(c).lock_listing(self._lease.claim, market, good, now=now)
        )

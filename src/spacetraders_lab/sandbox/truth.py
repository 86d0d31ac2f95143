"""What only the sandbox knows: the append-only ledger of every change, and the dump of every hidden listing.

Neither is reachable over the game's API.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacetraders_lab.sandbox.universe import Universe


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One change of the world. `credits_after` is the agent's purse, `cargo_after` the units of everything aboard.

    `good`, `units` and prices are empty or 0 for what is no trade. Prices are in credits.
    """

    sequence: int
    timestamp: datetime
    agent: str
    ship_symbol: str
    kind: str
    waypoint: str
    good: str
    units: int
    price_per_unit: int
    total: int
    credits_after: int
    cargo_after: int


def truth(universe: "Universe", now: datetime) -> dict[str, Any]:
    """Every listing's hidden state at `now`, by system and market: M (`mid`), f (`factor`), stock, rest, rate, phase."""
    elapsed = universe.elapsed(now)
    systems: dict[str, Any] = {}
    for system in universe.systems.values():
        markets = systems[system.symbol] = {}
        for market in system.markets.values():
            market.advance(elapsed)
            markets[market.waypoint] = {
                good: asdict(listing)
                | {
                    "tranches": listing.tranches,
                    "supply": listing.supply,
                    "activity": market.activity(good),
                    "rate": market.rate(good),
                    "quote": market.quote(good)._asdict(),
                }
                for good, listing in market.listings.items()
            }
    settings = asdict(universe.settings)
    return {"settings": settings, "start": universe.start, "at": now, "game_seconds": elapsed, "systems": systems}

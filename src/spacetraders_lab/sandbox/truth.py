"""What only the sandbox knows: the append-only ledger of every change, and the dump of every hidden listing.

Neither is reachable over the game's API.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import msgspec

if TYPE_CHECKING:
    from spacetraders_lab.sandbox.universe import Universe


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One change of the world. `credits_after` is the agent's purse, `cargo_after` the units of everything aboard.

    Prices are in credits. Fields that a kind of change has no use for are empty or 0. Other traders' purses and
    holds are not kept: theirs are 0.
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


class Ledger(Sequence[LedgerEntry]):
    """Every change in the order in which it became known; entries are numbered from 1 and never altered."""

    def __init__(self, entries: Sequence[LedgerEntry] = ()) -> None:
        self._entries = list(entries)

    def add(
        self,
        kind: str,
        timestamp: datetime,
        *,
        agent: str,
        ship_symbol: str,
        waypoint: str,
        good: str = "",
        units: int = 0,
        price: int = 0,
        credits_after: int = 0,
        cargo_after: int = 0,
    ) -> None:
        """Write one change down; its total is units x price."""
        self._entries.append(
            LedgerEntry(
                sequence=len(self._entries) + 1,
                timestamp=timestamp,
                agent=agent,
                ship_symbol=ship_symbol,
                kind=kind,
                waypoint=waypoint,
                good=good,
                units=units,
                price_per_unit=price,
                total=units * price,
                credits_after=credits_after,
                cargo_after=cargo_after,
            )
        )

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> LedgerEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[LedgerEntry]: ...
    def __getitem__(self, index: int | slice) -> LedgerEntry | list[LedgerEntry]:
        return self._entries[index]

    def __iter__(self) -> Iterator[LedgerEntry]:
        return iter(self._entries)


def truth(universe: "Universe", now: datetime) -> dict[str, Any]:
    """Every listing's hidden state at `now` by system and market: M (`mid`), f (`factor`), stock, rest, rate, phase.

    Values are plain (numbers, texts, datetimes), ready for JSON.
    """
    systems: dict[str, Any] = {}
    for system in universe.systems.values():
        markets = systems[system.symbol] = {}
        for symbol in system.markets:
            market = universe.market(symbol, now)
            markets[symbol] = {
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
    return {
        "settings": asdict(universe.settings),
        "start": universe.start,
        "at": now,
        "game_seconds": universe.elapsed(now),
        "systems": systems,
    }


def dump_truth(universe: "Universe", now: datetime, path: Path) -> None:
    """Write the truth at `now` into a JSON file."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(truth(universe, now))) + b"\n")

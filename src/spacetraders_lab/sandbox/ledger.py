"""The append-only ledger of every change of the world; no client can see it over the game's API."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import overload


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

"""A first look at recorded trades: counts and medians. Estimates with intervals are the analysis's."""

import math
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from spacetraders_lab.core.analysis_plan import Exclusion
from spacetraders_lab.core.exclusions import marks

_FURTHEST = 700.0  # log move of a tradeVolume: of one unit that moved the quote a thousand make a number beyond all
_Key = tuple[str, str, str, str | None]  # side, listing type, supply and activity before


class Traded(Protocol):
    """What is needed of a recorded trade, by the names of its columns."""

    @property
    def operation(self) -> str: ...
    @property
    def listing_type(self) -> str: ...
    @property
    def supply_before(self) -> str: ...
    @property
    def activity_before(self) -> str | None: ...
    @property
    def trade_volume_before(self) -> int: ...
    @property
    def trade_volume_after(self) -> int | None: ...
    @property
    def units(self) -> int: ...
    @property
    def price_before(self) -> int: ...
    @property
    def price_after(self) -> int | None: ...
    @property
    def batch_size_fraction(self) -> float | None: ...
    @property
    def seconds_since_before(self) -> float: ...
    @property
    def foreign_units(self) -> int: ...
    @property
    def recovered(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """One side x type x supply x activity: how many trades, and the median move of the traded quote.

    The type must not be left out: an EXPORT moves most where it is SCARCE, an IMPORT where it is ABUNDANT.
    """

    side: str
    type: str
    supply: str
    activity: str | None
    transactions: int
    median_percent_per_volume: float


@dataclass(frozen=True, slots=True)
class ImpactSummary:
    """The rows, and how many recorded trades were left out for which reason: those that the analysis leaves out too."""

    rows: tuple[ImpactRow, ...]
    excluded: dict[str, int]


def percent_per_volume(record: Traded) -> float | None:
    """The traded quote's move in percent per full tradeVolume, compounded; None where it was not measured."""
    if record.price_after is None:
        return None
    log_move = math.log(record.price_after / record.price_before)
    return 100 * math.expm1(min(_FURTHEST, log_move * record.trade_volume_before / record.units))


class ImpactTally:
    """The summary of the trades added so far, at any time and without looking at them again."""

    def __init__(self) -> None:
        self._moves: dict[_Key, list[float]] = defaultdict(list)  # each in order of size
        self._excluded: dict[str, int] = defaultdict(int)

    def add(self, record: Traded) -> None:
        """Count one trade, or the reason why it cannot be used."""
        reason = next((reason for reason, fits in _marks(record) if fits), None)
        if reason is not None:
            self._excluded[reason.value] += 1
            return
        move = percent_per_volume(record)
        assert move is not None  # a record without a quote after is marked
        cell = (record.operation, record.listing_type, record.supply_before, record.activity_before)
        insort(self._moves[cell], move)

    def summary(self) -> ImpactSummary:
        """Median move per full tradeVolume by cell; what cannot be used is counted by reason."""
        rows = [ImpactRow(*cell, len(moves), _middle(moves)) for cell, moves in self._moves.items()]
        return ImpactSummary(tuple(sorted(rows, key=_order)), dict(self._excluded))


def summarise_impact(records: Iterable[Traded]) -> ImpactSummary:
    """The summary of all these trades."""
    tally = ImpactTally()
    for record in records:
        tally.add(record)
    return tally.summary()


def _middle(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _marks(record: Traded) -> tuple[tuple[Exclusion, bool], ...]:
    after, volume_after = record.price_after, record.trade_volume_after
    return marks(
        recovered=record.recovered,
        unread=after is None,
        leftover=record.batch_size_fraction is None,
        foreign=record.foreign_units,
        grown=volume_after is not None and volume_after != record.trade_volume_before,
        seconds=record.seconds_since_before,
        before=record.price_before,
        after=record.price_before if after is None else after,
    )


def _order(row: ImpactRow) -> tuple[str, str, int, str]:
    levels = ["SCARCE", "LIMITED", "MODERATE", "HIGH", "ABUNDANT"]
    return row.side, row.type, levels.index(row.supply), row.activity or ""

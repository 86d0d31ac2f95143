"""A first look at recorded trades: counts and medians. Estimates with intervals are the analysis's."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from spacetraders_lab.core.experiment import TradeRecord
from spacetraders_lab.core.market import Operation

Cell = tuple[Operation, str, str | None]  # side, supply and activity before


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """One side x supply x activity: how many trades, and the median move of the traded quote."""

    side: Operation
    supply: str
    activity: str | None
    transactions: int
    median_percent_per_volume: float


@dataclass(frozen=True, slots=True)
class ImpactSummary:
    """The rows, and how many recorded trades were left out for which reason."""

    rows: tuple[ImpactRow, ...]
    excluded: dict[str, int]


def percent_per_volume(record: TradeRecord) -> float | None:
    """The traded quote's move in percent per full tradeVolume, compounded; None where it was not measured."""
    if record.price_after is None:
        return None
    log_move = math.log(record.price_after / record.price_before)
    return 100 * math.expm1(log_move * record.trade_volume_before / record.units)


def summarise_impact(records: Iterable[TradeRecord]) -> ImpactSummary:
    """Median move per full tradeVolume by side, supply and activity; what cannot be used is counted by reason."""
    moves: dict[Cell, list[float]] = defaultdict(list)
    excluded: dict[str, int] = defaultdict(int)
    for record in records:
        if reason := _unusable(record):
            excluded[reason] += 1
            continue
        move = percent_per_volume(record)
        assert move is not None  # a record without a quote after is recovered
        moves[(record.operation, record.supply_before, record.activity_before)].append(move)
    rows = [ImpactRow(*cell, len(found), median(found)) for cell, found in moves.items()]
    return ImpactSummary(tuple(sorted(rows, key=_order)), dict(excluded))


def _unusable(record: TradeRecord) -> str | None:
    if record.batch_size_fraction is None:
        return "leftover"
    if record.recovered or record.price_after is None:
        return "recovered"
    return "other players traded" if record.foreign_units else None


def _order(row: ImpactRow) -> tuple[str, int, str]:
    levels = ["SCARCE", "LIMITED", "MODERATE", "HIGH", "ABUNDANT"]
    return row.side, levels.index(row.supply), row.activity or ""

"""A table, for the eye and as records for a CSV, and how figures are written. Knows nothing of markets."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacetraders_lab.analysis.estimate import Estimate

NOTHING = "–"
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: `rows` as they are read, `records` (raw values, intervals in three columns) as they are computed with.

    `name` is that of its CSV file. Headings in `right` are of numbers, those in `roomy` are left out where there is no
    room. `caption` says what is shown and what was not measured.
    """

    name: str
    title: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    records: tuple[Record, ...]
    right: frozenset[str] = frozenset()
    roomy: frozenset[str] = frozenset()

    def narrow(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Headings and rows for a terminal of 100 columns: without the `roomy` ones."""
        kept = [i for i, heading in enumerate(self.headings) if heading not in self.roomy]
        return tuple(self.headings[i] for i in kept), [tuple(row[i] for i in kept) for row in self.rows]

    def csv(self) -> str:
        """The records as CSV with a head; empty for no records."""
        return as_csv(self.records)


def as_csv(records: Sequence[Record]) -> str:
    """Records of one shape as CSV with a head; empty for no records."""
    if not records:
        return ""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if _is_nothing(value) else value for key, value in r.items()} for r in records)
    return stream.getvalue()


def number(value: float | None, places: int) -> str:
    """A number for the eye, 0 without a sign; a dash for what is not known."""
    return NOTHING if _is_nothing(value) else f"{value:z,.{places}f}"


def p_value(p: float | None) -> str:
    """A p for the eye, to three places."""
    return "< 0.001" if p is not None and p < 0.001 else number(p, 3)


def interval(estimate: Estimate | None, places: int = 1) -> str:
    """A value with its interval in brackets; a dash for what is not known."""
    if estimate is None:
        return NOTHING
    value = number(estimate.value, places)
    if math.isnan(estimate.low):
        return value
    return f"{value} [{number(estimate.low, places)}, {number(estimate.high, places)}]"


def spread_out(name: str, estimate: Estimate | None) -> Record:
    """An estimate in three columns."""
    ends = (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))

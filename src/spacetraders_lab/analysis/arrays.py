"""From columns of rows (lists, or arrays of a data frame) to arrays of codes and numbers. Knows nothing of markets."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spacetraders_lab.core.errors import UserError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Column = Sequence[Any] | NDArray[Any]
Columns = Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: every array has one entry a row; `unit` says of which listing, (market, good), the row is."""

    unit: Ints

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, rows: Bools | Ints) -> Self:
        """Only these rows, by mask or by position; what is not an array stays."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{n: column[rows] for n, column in columns.items() if isinstance(column, np.ndarray)})


def column(columns: Columns, name: str) -> Column:
    """The named column. Raises UserError where it is missing."""
    try:
        return columns[name]
    except KeyError:
        raise UserError(f"the rows lack the column {name}; export them again with this version") from None


def codes(values: Column, levels: Sequence[Hashable]) -> Ints:
    """The position of each value among the levels; -1 for a null. Raises UserError for a value that is no level."""
    index = {level: i for i, level in enumerate(levels)} | {None: -1}
    try:
        return np.fromiter((index[value] for value in _plain(values)), np.int64, len(values))
    except KeyError as unknown:
        raise UserError(f"{unknown.args[0]!r} is none of {', '.join(map(str, levels))}") from None


def named(values: Column) -> tuple[Ints, tuple[str, ...]]:
    """Codes into the sorted distinct names, so that the order of the rows does not matter, and the names."""
    plain = _plain(values)
    names = tuple(sorted({str(value) for value in set(plain)}))
    return codes(plain, names), names


def numbers(values: Column) -> Floats:
    """Floats; a null is NaN."""
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.astype(np.float64)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def seconds(values: Column) -> Floats:
    """Datetimes (aware ones, or numpy's, which are UTC) as seconds since 1970."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return values.astype("datetime64[us]").astype(np.int64) / 1e6
    read: Callable[[datetime], float] = datetime.timestamp
    return np.fromiter(map(read, values), np.float64, len(values))


def pairs(first: Ints, second: Ints, second_count: int) -> tuple[Ints, Ints, Ints]:
    """Distinct (first, second) in order: the code of each row, and what each code's first and second are."""
    keys, code = np.unique(first * second_count + second, return_inverse=True)
    return code.astype(np.int64), keys // second_count, keys % second_count


def sums(code: Ints, values: Floats, size: int) -> Floats:
    """The sum of the values by code, for codes 0 to size - 1."""
    return np.bincount(code, values, minlength=size).astype(np.float64, copy=False)


def _plain(values: Column) -> Sequence[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else values

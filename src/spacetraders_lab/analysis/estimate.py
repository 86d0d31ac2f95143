"""A value with its interval, as every finding is told. Computes nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the ends of its 95 % interval; the ends are NaN where the data do not give one."""

    value: float
    low: float
    high: float

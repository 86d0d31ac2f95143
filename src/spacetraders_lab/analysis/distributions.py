"""Quantiles and tail probabilities of Student's t and Fisher's F, from scipy's special functions (fast to import)."""

import math

from scipy import special  # type: ignore[import-untyped]

from spacetraders_lab.analysis.estimate import Estimate

_TWO_SIDED_95 = 0.975
NORMAL_REACH = float(special.ndtri(_TWO_SIDED_95))  # standard errors to either side, for many degrees of freedom


def t_reach(df: float) -> float:
    """Standard errors to either side of an estimate that make a 95 % interval; at least one degree of freedom."""
    return float(special.stdtrit(max(1.0, df), _TWO_SIDED_95))


def t_interval(value: float, error: float, df: float) -> Estimate:
    """The estimate with its 95 % t interval."""
    reach = t_reach(df) * error
    return Estimate(value, value - reach, value + reach)


def exp_interval(log: float, error: float, df: float) -> Estimate:
    """The exponential of an estimated log, with the interval carried over."""
    inner = t_interval(log, error, df)
    return Estimate(math.exp(inner.value), math.exp(inner.low), math.exp(inner.high))


def t_p(statistic: float, df: float) -> float:
    """Two-sided p of a t statistic; at least one degree of freedom."""
    return float(2 * special.stdtr(max(1.0, df), -abs(statistic)))


def f_p(statistic: float, df1: float, df2: float) -> float:
    """Upper tail of an F statistic; at least one degree of freedom below."""
    return float(special.fdtrc(df1, max(1.0, df2), statistic))

"""How a displaced quote comes back: half-life and permanent share, from reads after our trades.

A read k after visit j, t minutes after its last trade, shows

    ln P(t) - ln P(before the visit) = D_j (pi + (1 - pi) 2^(-t / h)) + error,

the error being the difference of an Ornstein-Uhlenbeck drift between the two moments, plus rounding. h, pi and the
drift are found together by penalised maximum likelihood over all visits, errors by a sandwich over listings. Never by
regressing distances from a median on time: that measures the length of the series. And never with pi left out where it
is not significant: a tenth that lasts is hard to see, and without it half-lives come out a fifth too long.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize  # type: ignore[import-untyped]

from spacetraders_lab.analysis.arrays import Floats, Ints, sums
from spacetraders_lab.analysis.distributions import exp_interval, t_interval
from spacetraders_lab.analysis.estimate import Estimate

_PRIOR_MEAN = np.array([np.log(240.0), np.log(0.03), np.log(360.0), 0.0])
_PRIOR_SD = np.array([2.0, 2.0, 1.0, 0.3])  # weak: factors of 50 in h and in the drift's deviation
_STEP = 1e-3
_VAGUE = 30  # an interval this many times as high as low tells nothing
_LONG_ENOUGH = 480.0  # minutes: that less than half comes back sooner is true of most markets, and no news
_BEYOND = 5  # times the longest read: of such a half-life an eighth of the return was seen, the rest is the prior


@dataclass(frozen=True, slots=True)
class Revisits:
    """Visits x reads, short visits padded with NaN in `minutes`.

    `minutes` is the time since the last trade, `lead` from the read before the visit to it; `shift` the log move by
    the visit (D), `moved` the log of each read over the quote before the visit; `rounding` the variance of each
    read's log, `rounding_before` that of the quote before. `unit` is the listing of each visit, `volumes` the
    tradeVolumes that it traded.
    """

    unit: Ints
    volumes: Floats
    shift: Floats
    lead: Floats
    minutes: Floats
    moved: Floats
    rounding: Floats
    rounding_before: Floats


@dataclass(frozen=True, slots=True)
class Decay:
    """Half-life in minutes of what does not last, and the share that does.

    They are None where the reads came too soon or were too few to tell them. `lasts` is the longest time read, where
    the half-life is longer than that for sure and that time is long.
    """

    half_life: Estimate | None
    permanent_share: Estimate | None
    lasts: float | None


def fit_decay(visits: Revisits) -> Decay:
    """Fit all visits together."""
    best = _maximise(visits)
    longest = float(np.nanmax(visits.minutes))
    df = len(np.unique(visits.unit)) - 1
    half_life = exp_interval(float(best[0]), _error(visits, best, 0), df)
    share = t_interval(float(best[3]), _error(visits, best, 3), df)
    # half of what? where nobody knows how much stays, a half-life says nothing of when a quote is back
    is_told = half_life.high < min(_VAGUE * half_life.low, _BEYOND * longest) and share.high - share.low < 1
    return Decay(
        half_life=half_life if is_told else None,
        permanent_share=share if share.high - share.low < 1 else None,
        lasts=longest if half_life.low > longest >= _LONG_ENOUGH and not is_told else None,
    )


def _maximise(visits: Revisits) -> Floats:
    found = optimize.minimize(
        lambda at: -_penalised(visits, at),
        _PRIOR_MEAN + np.array([0.0, 0.0, 0.0, 0.05]),  # the search takes its first steps in proportion
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-5, "maxiter": 800},
    )
    return np.asarray(found.x)


def _penalised(visits: Revisits, at: Floats) -> float:
    return float(_likelihoods(visits, at).sum() - (((at - _PRIOR_MEAN) / _PRIOR_SD) ** 2).sum() / 2)


def _likelihoods(visits: Revisits, at: Floats) -> Floats:
    """Log likelihood of each visit at (ln h, ln drift deviation, ln drift half-life, permanent share)."""
    half_life, deviation, drift_life = np.exp(np.clip(at[:3], -20, 20))
    share = at[3]
    there = np.isfinite(visits.minutes)
    minutes = np.where(there, visits.minutes, 0.0)
    left = share + (1 - share) * 2 ** (-minutes / half_life)
    error = np.where(there, visits.moved - visits.shift[:, None] * left, 0.0)
    covariance = deviation**2 * _drifted(minutes, visits.lead, drift_life) + visits.rounding_before[:, None, None]
    reads = np.arange(minutes.shape[1])
    covariance[:, reads, reads] += np.where(there, visits.rounding, 0.0)
    both = there[:, :, None] & there[:, None, :]
    covariance = np.where(both, covariance, 0.0)
    covariance[:, reads, reads] += np.where(there, 0.0, 1.0)
    lower = np.linalg.cholesky(covariance)
    white = np.linalg.solve(lower, error[:, :, None])[:, :, 0]
    likelihoods: Floats = -(white**2).sum(1) / 2 - np.log(lower[:, reads, reads]).sum(1)
    return likelihoods


def _drifted(minutes: Floats, lead: Floats, life: float) -> Floats:
    """Correlations of the drift's differences to the read before the visit: visits x reads x reads."""
    apart = 2 ** (-np.abs(minutes[:, :, None] - minutes[:, None, :]) / life)
    since = 2 ** (-(minutes + lead[:, None]) / life)
    correlations: Floats = 1 + apart - since[:, :, None] - since[:, None, :]
    return correlations


def _error(visits: Revisits, at: Floats, which: int) -> float:
    """Standard error of one parameter: a sandwich with the scores summed by listing, or the curvature's if larger.

    Where the reads tell little the scores are small and a sandwich would seem sure of what is only the prior.
    """
    moves = np.eye(len(at)) * _STEP
    scores = np.stack([(_likelihoods(visits, at + m) - _likelihoods(visits, at - m)) / (2 * _STEP) for m in moves])
    units, unit = np.unique(visits.unit, return_inverse=True)
    by_unit = np.stack([sums(unit, score, len(units)) for score in scores])
    curvature = np.array([[_second(visits, at, one, other) for one in moves] for other in moves])
    inverse = np.linalg.pinv(-curvature)
    sandwich = inverse @ (by_unit @ by_unit.T) @ inverse * len(units) / (len(units) - 1)
    return float(np.sqrt(max(sandwich[which, which], inverse[which, which])))


def _second(visits: Revisits, at: Floats, one: Floats, other: Floats) -> float:
    def value(first: int, second: int) -> float:
        return _penalised(visits, at + first * one + second * other)

    return (value(1, 1) - value(1, -1) - value(-1, 1) + value(-1, -1)) / (4 * _STEP**2)

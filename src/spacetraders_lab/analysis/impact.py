"""The hierarchical model of impact, fitted to the runs of one side. Makes no tables; see `cells.py`.

For a run r of unit u in cell c (type x supply x activity), with X tradeVolumes in T minutes:

    E[Y]   = X exp(a + type + supply + activity + delta[c] + eta[u])
    Var[Y] = phi E[Y]² / X + drift² T + rounding
    delta ~ N(0, omega²),  eta ~ N(0, tau²)

The moves themselves are modelled, never their logs, so that zero and wrong-signed moves stay in. Penalised
quasi-likelihood (Breslow and Clayton 1993, JASA 88:9) by Gauss-Newton steps on the mixed-model equations, with the
units absorbed; variances by Fellner-Schall (Wood and Fasiolo 2017, Biometrics 73:1071).
"""

from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints, sums
from spacetraders_lab.analysis.dataset import ACTIVITIES, SUPPLIES, TYPES
from spacetraders_lab.analysis.noise import match_noise
from spacetraders_lab.analysis.runs import Runs

_LEVELS = (len(TYPES), len(SUPPLIES), len(ACTIVITIES))
_FIXED_VARIANCE = 9.0  # a prior so wide that it only matters for a level whose moves are all zero
_CELL_PRIOR = 2.0  # degrees of freedom for cells that do not differ: else the noise of few runs hides in the cells
_MAX_STEPS = 80
_TOLERANCE = 1e-4
_MIN_SIGNAL = 3.0  # standard errors that the mean move must have for a log-linear model to make sense


@dataclass(frozen=True, slots=True)
class Variances:
    """The variance components: between cells, between units, of one step, and of a minute's drift."""

    omega2: float
    tau2: float
    phi: float
    drift2: float


@dataclass(frozen=True, slots=True)
class Solution:
    """One solution of the mixed-model equations, with what its covariance is made of.

    `theta` (cells) and `eta` (units) are the log slopes and the units' effects. `coefficients` and `covariance` are
    those of the fixed effects and cell effects together, mapped to cells by `design`; `unit_precision` and `pull`
    (units x coefficients) carry it on to the units: eta = (own data) - pull · coefficients.
    """

    theta: Floats
    eta: Floats
    coefficients: Floats
    covariance: Floats
    design: Floats
    unit_precision: Floats
    pull: Floats
    cell_precision: Floats


@dataclass(frozen=True, slots=True)
class ImpactModel:
    """A fitted side: its `cells` (numbers, see `cell_index`) and `units` with runs, and the trades of units x cells.

    `bias` is what the logs of each unit's slopes miss: quasi-likelihood takes logs of means, which lie below where the
    noise grows with the move, and above where it does not (half the unit's variance either way).
    """

    cells: Ints
    units: Ints
    trades: Floats
    bias: Floats
    solution: Solution
    variances: Variances
    rank: int
    runs: int
    residual_df: float
    converged: bool

    @property
    def slopes(self) -> Floats:
        """exp(theta + eta) without its bias, units x cells."""
        slopes: Floats = np.exp((self.solution.eta + self.bias)[:, None] + self.solution.theta[None, :])
        return slopes


def fit_impact(runs: Runs, drift2: float = 0.0, omega2: float | None = None) -> ImpactModel | None:
    """Fit the runs of one side; `drift2` is the variance of a quote's log move in a minute without trades.

    With `omega2` the variance between cells is not estimated but given. None where there is no impact to speak of:
    the mean move is not 3 standard errors above zero.
    """
    if not _has_signal(runs):
        return None
    cells, cell = np.unique(runs.cell, return_inverse=True)
    units, unit = np.unique(runs.unit, return_inverse=True)
    return _Fit(runs, cells, cell, units, unit, drift2, omega2).run()


def _has_signal(runs: Runs) -> bool:
    if len(runs) < 2 or len(np.unique(runs.unit)) < 2:
        return False
    slope = runs.move.sum() / runs.volumes.sum()
    noise = runs.variance + (runs.move - slope * runs.volumes) ** 2
    return bool(runs.move.sum() > _MIN_SIGNAL * np.sqrt(noise.sum()))


def fixed_design(cells: Ints) -> Floats:
    """Intercept and indicators of type, supply and activity for each cell, shape (cells, 14)."""
    parts = np.unravel_index(cells, _LEVELS)
    dummies = [np.eye(size)[part] for size, part in zip(_LEVELS, parts, strict=True)]
    return np.hstack([np.ones((len(cells), 1)), *dummies])


class _Fit:
    """The state of one fit: the runs as indices, and the current solution."""

    def __init__(
        self, runs: Runs, cells: Ints, cell: Ints, units: Ints, unit: Ints, drift2: float, omega2: float | None
    ) -> None:
        self.runs, self.cells, self.units, self.omega2 = runs, cells, units, omega2
        self.cell, self.unit = cell, unit
        self.key = unit * len(cells) + cell
        fixed = fixed_design(cells)
        self.rank = int(np.linalg.matrix_rank(fixed))
        self.fixed = fixed.shape[1]
        self.design = np.hstack([fixed, np.eye(len(cells))])
        self.drift2 = drift2
        self.noise = drift2 * runs.minutes + runs.variance

    def run(self) -> ImpactModel:
        runs = self.runs
        start = np.log(runs.move.sum() / runs.volumes.sum())
        variances = Variances(self.omega2 or 0.1, 0.1, 0.1, self.drift2)
        theta, eta = np.full(len(self.cells), start), np.zeros(len(self.units))
        converged, residual_df = False, float(len(runs))
        for step in range(_MAX_STEPS):
            solution = self.solve(theta, eta, variances, limit=1.0)
            variances_new, residual_df = self.update(solution, variances)
            moved = np.abs(solution.theta - theta).max()
            changed = max(
                _change(variances_new.omega2, variances.omega2),
                _change(variances_new.tau2, variances.tau2),
                _change(variances_new.phi, variances.phi),
            )
            theta, eta, variances = solution.theta, solution.eta, variances_new
            if step > 2 and moved < _TOLERANCE and changed < 10 * _TOLERANCE:
                converged = True
                break
        trades = self._sum(runs.trades.astype(np.float64))
        bias = self._bias(solution, variances)
        return ImpactModel(
            self.cells, self.units, trades, bias, solution, variances, self.rank, len(runs), residual_df, converged
        )

    def _bias(self, solution: Solution, variances: Variances) -> Floats:
        mean = self.runs.volumes * np.exp(solution.theta[self.cell] + solution.eta[self.unit])
        by_step = variances.phi * mean**2 / self.runs.volumes
        weight = mean**2 / (by_step + self.noise)
        growing = weight * by_step / (by_step + self.noise)
        share = sums(self.unit, growing, len(self.units)) / sums(self.unit, weight, len(self.units))
        return (share - 0.5) / solution.unit_precision

    def solve(self, theta: Floats, eta: Floats, variances: Variances, limit: float) -> Solution:
        """One Gauss-Newton step from theta and eta; no working residual larger than `limit`."""
        runs = self.runs
        linear = theta[self.cell] + eta[self.unit]
        mean = runs.volumes * np.exp(linear)
        weight = mean**2 / (variances.phi * mean**2 / runs.volumes + self.noise)
        working = linear + np.clip((runs.move - mean) / mean, -limit, 10 * limit)
        return self._equations(self._sum(weight), self._sum(weight * working), variances)

    def _sum(self, values: Floats) -> Floats:
        """Sums over the runs by unit and cell."""
        return sums(self.key, values, len(self.units) * len(self.cells)).reshape(len(self.units), -1)

    def _equations(self, weight: Floats, weighted: Floats, variances: Variances) -> Solution:
        precision = weight.sum(1) + 1 / variances.tau2
        pulled = weight / precision[:, None]
        within = np.diag(weight.sum(0)) - weight.T @ pulled
        right = weighted.sum(0) - pulled.T @ weighted.sum(1)
        penalty = np.full(self.design.shape[1], 1 / variances.omega2)
        penalty[: self.fixed] = 1 / _FIXED_VARIANCE
        penalty[0] = 0.0
        covariance = np.linalg.inv(self.design.T @ within @ self.design + np.diag(penalty))
        coefficients = covariance @ (self.design.T @ right)
        theta = self.design @ coefficients
        eta = (weighted.sum(1) - weight @ theta) / precision
        return Solution(
            theta, eta, coefficients, covariance, self.design, precision, pulled @ self.design, np.diag(within)
        )

    def update(self, solution: Solution, old: Variances) -> tuple[Variances, float]:
        """New variance components, and the residual degrees of freedom."""
        spread = np.diag(solution.covariance)
        cell_edf = len(self.cells) - spread[self.fixed :].sum() / old.omega2
        unit_trace = (1 / solution.unit_precision).sum() + ((solution.pull @ solution.covariance) * solution.pull).sum()
        unit_edf = len(self.units) - unit_trace / old.tau2
        fixed_edf = self.fixed - spread[1 : self.fixed].sum() / _FIXED_VARIANCE
        residual_df = max(1.0, len(self.runs) - fixed_edf - cell_edf - unit_edf)
        omega2 = (solution.coefficients[self.fixed :] ** 2).sum() / (max(cell_edf, 0.0) + _CELL_PRIOR)
        omega2 *= (omega2 / old.omega2) ** 0.5  # it goes to nothing slowly where the cells do not differ
        tau2 = (solution.eta**2).sum() / max(unit_edf, 1e-9)
        phi = self._match_noise(solution, old.phi, residual_df)
        return Variances(self.omega2 or _bounded(omega2), _bounded(tau2), phi, self.drift2), residual_df

    def _match_noise(self, solution: Solution, phi: float, residual_df: float) -> float:
        mean = self.runs.volumes * np.exp(solution.theta[self.cell] + solution.eta[self.unit])
        by_step, square = mean**2 / self.runs.volumes, (self.runs.move - mean) ** 2
        return match_noise(square, by_step, self.noise, residual_df, phi)


def _bounded(variance: float) -> float:
    return float(min(max(variance, 1e-5), 9.0))


def _change(new: float, old: float) -> float:
    """Relative change, nearly none where both are too small to matter."""
    return abs(new - old) / (old + 1e-2)

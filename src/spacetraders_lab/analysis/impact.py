"""The hierarchical model of impact, fitted to the metaorders of one side. Makes no tables; see `cells.py`.

For a metaorder r of unit u in cell c (type x supply x activity), with X tradeVolumes in T minutes:

    E[Y]   = X exp(a + type + supply + activity + delta[c] + eta[u])
    Var[Y] = phi E[Y]² / X + drift² T + rounding
    delta ~ N(0, omega²),  eta ~ N(0, tau²);  deltas of one supply x activity have a share of omega² in common

The moves themselves are modelled, never their logs, so that zero and wrong-signed moves stay in. Penalised
quasi-likelihood (Breslow and Clayton 1993, JASA 88:9) by Gauss-Newton steps on the mixed-model equations, with the
units absorbed; tau² by Fellner-Schall (Wood and Fasiolo 2017, Biometrics 73:1071), phi by matching the residuals.

omega and the share are not estimated but averaged over: the model is fitted for each of several values, and these are
weighted by Laplace's approximation of their likelihood (Rue, Martino and Chopin 2009, JRSS-B 71:319). One best omega
would be nothing too often, and then every interval too short; a large one would let the noise of few metaorders hide in
the cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints, sums
from spacetraders_lab.analysis.dataset import ACTIVITIES, SUPPLIES, TYPES
from spacetraders_lab.analysis.metaorders import Metaorders
from spacetraders_lab.analysis.noise import match_noise

_LEVELS = (len(TYPES), len(SUPPLIES), len(ACTIVITIES))
_FIXED_VARIANCE = 9.0  # a prior so wide that it only matters for a level whose moves are all zero
_CELL_SDS = np.array([0.02, 0.05, 0.1, 0.17, 0.3, 0.6, 1.2])  # values of omega
_COMMON = (0.0, 0.5, 0.95)  # values of the share, each as likely
_USUAL_CELL_SD = 0.2  # where the half-Cauchy prior of omega (Gelman 2006, Bayesian Analysis 1:515) has lost half
_NEGLIGIBLE = 0.01  # weight of a model
_FEWEST_DF = 1.0  # of the residuals, to tell the noise of a step by
_MAX_STEPS = 80
_TOLERANCE = 1e-3
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
    """A fitted side: its traded `cells` (numbers, see `cell_index`) and `units`, and the trades of units x cells.

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
    residual_df: float
    converged: bool

    @property
    def tells_noise(self) -> bool:
        """Whether metaorders are left over that tell the noise of a step from what listings and cells are."""
        return self.residual_df >= _FEWEST_DF

    @property
    def unexplained(self) -> float:
        """The variance of a log slope that may be noise as well as the listing's own: 0 where they are told apart.

        They do not with one metaorder a listing: then effects of listings and cells explain every metaorder, nothing is
        left over that would tell the noise of a step, and what is taken for their spread may all be noise. Where a
        level has a single metaorder its fixed effect swallows that spread as well: as much as cells usually differ is
        supposed then.
        """
        if self.tells_noise:
            return 0.0
        return max(_USUAL_CELL_SD**2, self.variances.tau2 + self.variances.omega2)

    @property
    def slopes(self) -> Floats:
        """exp(theta + eta) without its bias, units x cells."""
        slopes: Floats = np.exp((self.solution.eta + self.bias)[:, None] + self.solution.theta[None, :])
        return slopes


def fit_impact(orders: Metaorders, drift2: float = 0.0, omega2: float | None = None) -> ImpactModel | None:
    """Fit the metaorders of one side; `drift2` is the variance of a quote's log move in a minute without trades.

    With `omega2` the variance between cells is given, nothing of it common, and not averaged over. None where there is
    no impact to speak of: the mean move is not 3 standard errors above zero.
    """
    if not _has_signal(orders):
        return None
    cells, cell = np.unique(orders.cell, return_inverse=True)
    units, unit = np.unique(orders.unit, return_inverse=True)
    fit = _Fit(orders, cells, cell, units, unit, drift2)
    if omega2 is not None:
        return fit.run(omega2, 0.0)[0]
    models, likelihoods = zip(*(fit.run(sd**2, common) for sd in _CELL_SDS for common in _COMMON), strict=True)
    prior = np.log(np.repeat(np.gradient(_CELL_SDS) / (1 + (_CELL_SDS / _USUAL_CELL_SD) ** 2), len(_COMMON)))
    weight = np.exp(prior + likelihoods - (prior + likelihoods).max())
    return _average(models, weight / weight.sum())


def _has_signal(orders: Metaorders) -> bool:
    if len(orders) < 2 or len(np.unique(orders.unit)) < 2:
        return False
    slope = orders.move.sum() / orders.volumes.sum()
    noise = orders.variance + (orders.move - slope * orders.volumes) ** 2
    return bool(orders.move.sum() > _MIN_SIGNAL * np.sqrt(noise.sum()))


def _average(models: Sequence[ImpactModel], weight: Floats) -> ImpactModel:
    """The mixture of the models: means of their means, and variances that hold how far these lie apart."""

    def mean(values: Sequence[Floats] | Sequence[float]) -> Floats:
        averaged: Floats = np.tensordot(weight, np.array(values), 1)
        return averaged

    solutions, variances = [model.solution for model in models], [model.variances for model in models]
    coefficients = mean([one.coefficients for one in solutions])
    apart = [one.coefficients - coefficients for one in solutions]
    solution = Solution(
        theta=mean([one.theta for one in solutions]),
        eta=mean([one.eta for one in solutions]),
        coefficients=coefficients,
        covariance=mean([one.covariance + np.outer(d, d) for one, d in zip(solutions, apart, strict=True)]),
        design=solutions[0].design,
        unit_precision=1 / mean([1 / one.unit_precision for one in solutions]),
        pull=mean([one.pull for one in solutions]),
        cell_precision=mean([one.cell_precision for one in solutions]),
    )
    return replace(
        models[0],
        bias=mean([model.bias for model in models]),
        solution=solution,
        variances=Variances(*(float(mean([getattr(v, name) for v in variances])) for name in Variances.__slots__)),
        residual_df=float(mean([model.residual_df for model in models])),
        converged=all(model.converged for model, share in zip(models, weight, strict=True) if share > _NEGLIGIBLE),
    )


def fixed_design(cells: Ints) -> Floats:
    """Intercept and indicators of type, supply and activity for each cell, shape (cells, 14)."""
    parts = np.unravel_index(cells, _LEVELS)
    dummies = [np.eye(size)[part] for size, part in zip(_LEVELS, parts, strict=True)]
    return np.hstack([np.ones((len(cells), 1)), *dummies])


class _Fit:
    """The metaorders as indices, and how the model is fitted to them; each fit begins where the one before ended."""

    def __init__(self, orders: Metaorders, cells: Ints, cell: Ints, units: Ints, unit: Ints, drift2: float) -> None:
        self.orders, self.cells, self.units = orders, cells, units
        self.cell, self.unit = cell, unit
        self.key = unit * len(cells) + cell
        fixed = fixed_design(cells)
        self.rank = int(np.linalg.matrix_rank(fixed))
        self.fixed = fixed.shape[1]
        self.design = np.hstack([fixed, np.eye(len(cells))])
        self.noise = drift2 * orders.minutes + orders.variance
        state = cells % (len(SUPPLIES) * len(ACTIVITIES))
        self.alike = np.equal.outer(state, state)
        start = np.log(orders.move.sum() / orders.volumes.sum())
        self._stand_at(np.full(len(cells), start), np.zeros(len(units)))
        self.variances = Variances(0.1, 0.1, 0.1, drift2)
        self.between = np.eye(len(cells))  # precision of the cells' effects
        self.penalty = np.eye(self.design.shape[1]) / _FIXED_VARIANCE
        self.penalty[0, 0] = 0.0

    def _stand_at(self, theta: Floats, eta: Floats) -> None:
        """Take these effects, and with them the expected moves of the metaorders."""
        self.theta, self.eta = theta, eta
        self.linear = theta[self.cell] + eta[self.unit]
        self.mean = self.orders.volumes * np.exp(self.linear)
        self.mean2 = self.mean**2

    def run(self, omega2: float, common: float) -> tuple[ImpactModel, float]:
        """The model with this variance between cells, so much of it common, and its log likelihood."""
        self.variances = replace(self.variances, omega2=omega2)
        spread = omega2 * (common * self.alike + (1 - common) * np.eye(len(self.cells)))
        self.between = np.linalg.inv(spread).astype(np.float64)
        self.penalty[self.fixed :, self.fixed :] = self.between
        converged, residual_df = False, float(len(self.orders))
        for step in range(_MAX_STEPS):
            solution = self.solve(limit=1.0)
            moved = np.abs(solution.theta - self.theta).max()
            self._stand_at(solution.theta, solution.eta)
            variances, residual_df = self.update(solution)
            tau2, phi = self.variances.tau2, self.variances.phi
            changed = max(_change(variances.tau2, tau2), _change(variances.phi, phi))
            self.variances = variances
            if step > 0 and moved < _TOLERANCE and changed < 10 * _TOLERANCE:
                converged = True
                break
        model = ImpactModel(
            self.cells,
            self.units,
            self._sum(self.orders.trades.astype(np.float64)),
            self._bias(solution),
            solution,
            self.variances,
            self.rank,
            residual_df,
            converged,
        )
        return model, self._likelihood(solution)

    def _likelihood(self, solution: Solution) -> float:
        """Laplace's approximation of the log likelihood, coefficients and effects integrated out."""
        variances, cells = self.variances, solution.coefficients[self.fixed :]
        variance = variances.phi * self.mean2 / self.orders.volumes + self.noise
        twice = (np.log(variance) + (self.orders.move - self.mean) ** 2 / variance).sum()
        twice += (solution.eta**2).sum() / variances.tau2 + len(self.units) * np.log(variances.tau2)
        twice += cells @ self.between @ cells - np.linalg.slogdet(self.between)[1]
        twice += (solution.coefficients[1 : self.fixed] ** 2).sum() / _FIXED_VARIANCE
        twice += np.log(solution.unit_precision).sum() - np.linalg.slogdet(solution.covariance)[1]
        return float(-twice / 2)

    def _bias(self, solution: Solution) -> Floats:
        by_step = self.variances.phi * self.mean2 / self.orders.volumes
        weight = self.mean2 / (by_step + self.noise)
        growing = weight * by_step / (by_step + self.noise)
        share = sums(self.unit, growing, len(self.units)) / sums(self.unit, weight, len(self.units))
        return (share - 0.5) / solution.unit_precision

    def solve(self, limit: float) -> Solution:
        """One Gauss-Newton step from where the fit stands; no working residual larger than `limit`."""
        weight = self.mean2 / (self.variances.phi * self.mean2 / self.orders.volumes + self.noise)
        residual = (self.orders.move - self.mean) / self.mean
        working = self.linear + np.minimum(np.maximum(residual, -limit), 10 * limit)
        return self._equations(self._sum(weight), self._sum(weight * working))

    def _sum(self, values: Floats) -> Floats:
        """Sums over the metaorders by unit and cell."""
        return sums(self.key, values, len(self.units) * len(self.cells)).reshape(len(self.units), -1)

    def _equations(self, weight: Floats, weighted: Floats) -> Solution:
        precision, by_unit = weight.sum(1) + 1 / self.variances.tau2, weighted.sum(1)
        pulled = weight / precision[:, None]
        within = np.diag(weight.sum(0)) - weight.T @ pulled
        right = weighted.sum(0) - pulled.T @ by_unit
        covariance = np.linalg.inv(self.design.T @ within @ self.design + self.penalty)
        coefficients = covariance @ (self.design.T @ right)
        theta = self.design @ coefficients
        eta = (by_unit - weight @ theta) / precision
        return Solution(
            theta, eta, coefficients, covariance, self.design, precision, pulled @ self.design, np.diag(within)
        )

    def update(self, solution: Solution) -> tuple[Variances, float]:
        """New variances between units and of a step, and the residual degrees of freedom."""
        old = self.variances
        spread = np.diag(solution.covariance)
        cell_edf = len(self.cells) - (solution.covariance[self.fixed :, self.fixed :] * self.between).sum()
        unit_trace = (1 / solution.unit_precision).sum() + ((solution.pull @ solution.covariance) * solution.pull).sum()
        unit_edf = len(self.units) - unit_trace / old.tau2
        fixed_edf = self.fixed - spread[1 : self.fixed].sum() / _FIXED_VARIANCE
        residual_df = len(self.orders) - fixed_edf - cell_edf - unit_edf
        tau2 = (solution.eta**2).sum() / max(unit_edf, 1e-9)
        square = (self.orders.move - self.mean) ** 2
        phi = match_noise(square, self.mean2 / self.orders.volumes, self.noise, max(1.0, residual_df), old.phi)
        return replace(old, tau2=_bounded(tau2), phi=phi), residual_df


def _bounded(variance: float) -> float:
    return float(min(max(variance, 1e-5), 9.0))


def _change(new: float, old: float) -> float:
    """Relative change, nearly none where both are too small to matter."""
    return abs(new - old) / (old + 1e-2)

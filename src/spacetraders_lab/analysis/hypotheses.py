"""The tests that were fixed before any data: H1 supply, H2 activity, H3 size, H4 side, H5 the design's own check.

Supply and activity are not randomised, so H1 and H2 are about effect modification, not about causes. H1 to H4 are
adjusted together after Holm (1979, Scand. J. Stat. 6:65). H1t, the trend over supply, and H4 are asked of each listing
type: under the game's law they have one sign for EXPORT and the other for IMPORT, and what is pooled fits neither.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spacetraders_lab.analysis.arrays import Floats, Ints
from spacetraders_lab.analysis.asymmetry import Asymmetry, fit_asymmetry
from spacetraders_lab.analysis.dataset import ACTIVITIES, SIDES, SUPPLIES, TYPES, Dataset
from spacetraders_lab.analysis.distributions import f_p, t_interval, t_p
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import HypothesisResult, SizeLaw
from spacetraders_lab.analysis.impact import ImpactModel, fit_impact
from spacetraders_lab.analysis.metaorders import Metaorders
from spacetraders_lab.analysis.size import fit_order
from spacetraders_lab.core.market import ListingType, Operation

# That a test must rest on. With 10 of a type H1t rejected a true null at 5 % in 3 % of 600 tests, H4 in 3 % of 187.
FEWEST_LISTINGS = 10
# These compare many levels, each with few listings. Rejected at 5 % though true, in 320 tests of small ladders (480 of
# H2 with 30): H1 with 12, 18 and 24 listings 9, 7 and 4 %; H2 with 12, 18, 24 and 30 listings 11, 8, 8 and 5 %.
FEWEST_LISTINGS_FOR = {"H1": 18, "H2": 30}
UNSHRUNKEN = 2.0  # variance between cells so wide that the tests see the cells' own data
_NO_MEAN = 2.0  # degrees of freedom up to which F has no mean
_ADJUSTED = ("H1", "H2", "H3", "H4")
_ALONE = ", not adjusted for the other tests"
_DOES = {Operation.BUY: "buying", Operation.SELL: "selling"}


def judge_hypotheses(
    data: Dataset, orders: Metaorders, drift2: float, size: SizeLaw | None
) -> tuple[HypothesisResult, ...]:
    """All tests that the data allow, each with its sentence, by their codes."""
    results: list[HypothesisResult | None] = []
    for side, model in zip(SIDES, _by_side(orders, drift2), strict=True):
        if model is not None:
            results += [_if_enough(found, len(model.units)) for found in (_supply(side, model), _activity(side, model))]
    results.append(_if_enough(_size(size), size.markets if size is not None else 0))
    for kind in np.unique(orders.type):
        results += _of_type(TYPES[kind], orders.take(orders.type == kind), drift2)
    order = fit_order(data, drift2, size.exponent.value if size is not None else 1.0)
    results.append(_if_enough(_order(order), len(np.unique(data.used().unit))))
    return _holm(sorted((result for result in results if result is not None), key=lambda result: result.code))


def _by_side(orders: Metaorders, drift2: float) -> list[ImpactModel | None]:
    return [fit_impact(orders.take(orders.side == side), drift2, UNSHRUNKEN) for side in range(len(SIDES))]


def _of_type(kind: ListingType, orders: Metaorders, drift2: float) -> list[HypothesisResult | None]:
    """H1t of both sides and H4, from the metaorders of one type."""
    buying, selling = _by_side(orders, drift2)
    results = [
        _if_enough(_trend(side, kind, model), len(model.units))
        for side, model in zip(SIDES, (buying, selling), strict=True)
        if model is not None
    ]
    both = fit_asymmetry(orders, buying, selling) if buying is not None and selling is not None else None
    return [*results, _if_enough(_side(kind, both), both.listings if both is not None else 0)]


def effect(code: str, estimate: Estimate) -> str:
    """A test's estimate for the eye: the exponent for H3, of the others a percentage from the log ratio."""
    if code == "H3":
        return f"b = {estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
    value, low, high = (100 * np.expm1(log) for log in (estimate.value, estimate.low, estimate.high))
    return f"{value:+z.1f} % [{low:+z.1f}, {high:+z.1f}]"


def cell_parts(cells: Ints) -> tuple[Ints, Ints, Ints]:
    """Type, supply and activity of each cell."""
    kind, supply, activity = np.unravel_index(cells, (len(TYPES), len(SUPPLIES), len(ACTIVITIES)))
    return kind, supply, activity


def cell_covariance(model: ImpactModel) -> Floats:
    """Of the log slopes of the model's cells."""
    design = model.solution.design
    covariance: Floats = design @ model.solution.covariance @ design.T
    return covariance


def _wald(model: ImpactModel, within: Ints, levels: Ints) -> tuple[float, int, float, float] | None:
    """F, its degrees of freedom and p for no differences between the cells of a group; None without such cells.

    What listings add to a contrast is known with the degrees of freedom of the listings, what trades add with those of
    the metaorders: each contrast has a mixture of both, and F one of the contrasts' (Fai and Cornelius 1996, J. Stat.
    Comput. Simul. 54:363).
    """
    contrasts = []
    for group in np.unique(within):
        first, *others = np.flatnonzero(within == group)
        contrasts += [np.eye(len(within))[other] - np.eye(len(within))[first] for other in others]
    listings_df = float(len(model.units) - len(np.unique(levels)) - 1)
    if not contrasts or min(listings_df, model.residual_df) <= _NO_MEAN:
        return None
    matrix = np.array(contrasts)
    variance, turn = np.linalg.eigh(matrix @ cell_covariance(model) @ matrix.T)
    contrast = turn.T @ matrix
    statistic = float(((contrast @ model.solution.theta) ** 2 / variance).mean())
    between = _variance_between(model, contrast)
    df = variance**2 / (between**2 / listings_df + (variance - between) ** 2 / model.residual_df)
    expected = float((df / (df - _NO_MEAN)).sum())
    df2 = 2 * expected / (expected - len(matrix))
    return statistic, len(matrix), df2, f_p(statistic, len(matrix), df2)


def _variance_between(model: ImpactModel, contrast: Floats) -> Floats:
    """The part of the contrasts' variances that is in proportion to the variance between listings."""
    solution = model.solution
    carried = contrast @ solution.design @ solution.covariance @ solution.pull.T
    between: Floats = (carried**2).sum(1) / model.variances.tau2
    return between


def _supply(side: Operation, model: ImpactModel) -> HypothesisResult | None:
    kind, supply, activity = cell_parts(model.cells)
    found = _wald(model, kind * len(ACTIVITIES) + activity, supply)
    return _differs("H1", "supply", side, found) if found is not None else None


def _activity(side: Operation, model: ImpactModel) -> HypothesisResult | None:
    kind, supply, activity = cell_parts(model.cells)
    found = _wald(model, kind * len(SUPPLIES) + supply, activity)
    return _differs("H2", "activity", side, found) if found is not None else None


def _differs(code: str, factor: str, side: Operation, found: tuple[float, int, float, float]) -> HypothesisResult:
    statistic, df1, df2, p = found
    verdict = f"differs between {factor} levels" if p < 0.05 else f"is not shown to differ between {factor} levels"
    test = f"F({df1}, {df2:.0f}) = {statistic:.2f}"
    sentence = f"When {_DOES[side]}, impact {verdict}: {test}, {_p(p)}."
    question = f"Does impact depend on {factor} when {_DOES[side]}?"
    return HypothesisResult(code, question, side, test, None, p, None, sentence)


def _trend(side: Operation, kind: ListingType, model: ImpactModel) -> HypothesisResult | None:
    """The mean slope of a type's log impact over its supply levels, by generalised least squares over the cells."""
    _, supply, activity = cell_parts(model.cells)
    levels, group = np.unique(activity, return_inverse=True)
    design = np.hstack([np.eye(len(levels))[group], supply[:, None].astype(np.float64)])
    df = float(len(model.units) - len(np.unique(supply)) - 1)
    if np.linalg.matrix_rank(design) < design.shape[1] or df < 1:
        return None
    weighted = np.linalg.solve(cell_covariance(model), design)
    covariance = np.linalg.inv(design.T @ weighted)
    slope = float((covariance @ weighted.T @ model.solution.theta)[-1])
    error = float(np.sqrt(covariance[-1, -1]))
    p, estimate = t_p(slope / error, df), t_interval(slope, error, df)
    word = "changes" if p < 0.05 else "is not shown to change"
    sentence = (
        f"When {_DOES[side]}, {kind} impact {word} from one supply level to the next fuller one: "
        f"{effect('H1t', estimate)}, {_p(p)}{_ALONE}."
    )
    question = f"Does {kind} impact rise or fall with supply when {_DOES[side]}?"
    statistic = f"t({df:.0f}) = {slope / error:.2f}"
    return HypothesisResult(f"H1t {kind}", question, side, statistic, estimate, p, None, sentence)


def _size(size: SizeLaw | None) -> HypothesisResult:
    question = "Is impact linear in the size of a trade (b = 1)?"
    if size is None:
        return _untold("H3", question, "the trades are too alike in size, or too few")
    b = size.exponent
    word = "is not linear" if size.p < 0.05 else "is not shown to differ from linear"
    # Under the game's law small trades move a quote as far as one of their sum, yet b need not be 1: the path is bent.
    sentence = f"Over the paths that the quotes ran, impact {word} in size: {effect('H3', b)}, {_p(size.p)}."
    return HypothesisResult("H3", question, None, f"t({size.df:.0f}) = {size.t:.2f}", b, size.p, None, sentence)


def _side(kind: ListingType, found: Asymmetry | None) -> HypothesisResult:
    code, question = f"H4 {kind}", f"Does buying move an {kind} listing as much as selling?"
    if found is None:
        return _untold(code, question, "fewer than three listings were traded on both sides at one supply level")
    word = "differs" if found.p < 0.05 else "is not shown to differ"
    sentence = (
        f"Impact {word} between buying and selling the same {kind} listing: {effect('H4', found.log_ratio)} when "
        f"buying, {_p(found.p)}, {found.listings} listings."
    )
    return HypothesisResult(
        code, question, None, f"t({found.df}) = {found.t:.2f}", found.log_ratio, found.p, None, sentence
    )


def _order(found: tuple[Estimate, float, float] | None) -> HypothesisResult:
    question = "Does a trade's impact depend on the trade before it in the visit? (a check of the design)"
    if found is None:
        return _untold("H5", question, "no visit has trades of different sizes")
    estimate, t, df = found
    p = t_p(t, df)
    word = "depends" if p < 0.05 else "is not shown to depend"
    sentence = (
        f"Impact {word} on the size of the trade before: {effect('H5', estimate)} for a full one, {_p(p)}{_ALONE}."
    )
    return HypothesisResult("H5", question, None, f"t({df:.0f}) = {t:.2f}", estimate, p, None, sentence)


def _if_enough(result: HypothesisResult | None, listings: int) -> HypothesisResult | None:
    """The result; without its test where it rests on so few listings that errors clustered by them are too small.

    A wild cluster bootstrap (Cameron, Gelbach and Miller 2008, REStat 90:414) would be the other way out.
    """
    if result is None or result.p is None:
        return result
    fewest = FEWEST_LISTINGS_FOR.get(_hypothesis(result), FEWEST_LISTINGS)
    if listings >= fewest:
        return result
    sentence = f"{result.question} Not tested: it rests on {listings} listings, and p can be believed from {fewest} on."
    return replace(result, statistic="", p=None, sentence=sentence)


def _hypothesis(result: HypothesisResult) -> str:
    """The hypothesis as the plan names it: H1t and H4 are tested in each listing type."""
    return result.code.split(" ")[0]


def _untold(code: str, question: str, why: str) -> HypothesisResult:
    return HypothesisResult(code, question, None, "", None, None, None, f"{question} The data do not tell: {why}.")


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _holm(results: Sequence[HypothesisResult]) -> tuple[HypothesisResult, ...]:
    """The results with adjusted p for H1 to H4, in the order given."""
    tested = [(r.p, i) for i, r in enumerate(results) if _hypothesis(r) in _ADJUSTED and r.p is not None]
    adjusted, highest = list(results), 0.0
    for rank, (p, i) in enumerate(sorted(tested)):
        highest = max(highest, min(1.0, (len(tested) - rank) * p))
        but = ": not enough once all tests are counted" if p < 0.05 <= highest else ""
        sentence = f"{results[i].sentence[:-1]} (Holm {_p(highest).removeprefix('p ')}{but})."
        adjusted[i] = replace(results[i], p_holm=highest, sentence=sentence)
    return tuple(adjusted)

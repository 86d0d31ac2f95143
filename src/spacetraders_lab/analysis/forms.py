"""The forms that the law of impact may have: what each shares over listings, what is a listing's own, what it predicts.

A listing's own constant is in every form a ratio of two sums over its trades, so it can be had from the trades before
any moment. None of the constants is assumed; all are fitted to the steps given.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import optimize  # type: ignore[import-untyped]

from spacetraders_lab.analysis.arrays import Floats, Ints, sums
from spacetraders_lab.analysis.dataset import TYPES
from spacetraders_lab.analysis.findings import LawForm
from spacetraders_lab.analysis.steps import Steps, sums_before
from spacetraders_lab.core.market import ListingType

Common = Mapping[str, float]  # the constants that a form shares over listings, by name
Parts = tuple[Floats, Floats]
_STEEPEST = 2.0  # doublings a tradeVolume; half of it moves a price by the square root of two
_FLATTEST = 0.005
_SMALLEST_EXPONENT, _LARGEST_EXPONENT = 0.2, 2.5


@dataclass(frozen=True, slots=True)
class Form:
    """One form. `fit` finds what is common to all listings.

    `parts` gives each step's share in the two sums whose ratio is the listing's own constant, `apply` the traded quote
    after each step for given constants. `by_listing` says that both sides of a listing have the constant in common.
    """

    form: LawForm
    fit: Callable[[Steps], Common]
    parts: Callable[[Steps, Common], Parts]
    apply: Callable[[Steps, Common, Floats], Floats]
    by_listing: bool = False

    def key(self, steps: Steps) -> Ints:
        """What the constant belongs to: listings, or listings x sides."""
        return steps.unit if self.by_listing else steps.group

    def predict(self, steps: Steps, common: Common) -> Floats:
        """The traded quote after each step, from the listing's earlier steps; NaN where there are none.

        NaN as well for a type of which nothing is known in common, and for no other.
        """
        known = (np.where(np.isnan(part), 0.0, part) for part in self.parts(steps, common))
        top, bottom = sums_before(self.key(steps), *known)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return self.apply(steps, common, top / bottom)


def _exponential_parts(steps: Steps, common: Common) -> Parts:
    size = steps.x ** common.get("b", 1.0)
    return np.log(steps.next / steps.price) * size, size**2


def _exponential(steps: Steps, common: Common, slope: Floats) -> Floats:
    return np.asarray(steps.price * np.exp(slope * steps.x ** common.get("b", 1.0)))


def _fit_power(steps: Steps) -> Common:
    """b by least squares of the log moves, weighted by the squared price, each listing and side with its own slope."""
    move = steps.price * np.log(steps.next / steps.price)
    groups = int(steps.group.max()) + 1

    def misfit(b: float) -> float:
        shape = steps.price * steps.x**b
        slope = sums(steps.group, shape * move, groups) / np.maximum(sums(steps.group, shape**2, groups), 1e-12)
        return float(((move - slope[steps.group] * shape) ** 2).sum())

    b = _lowest(misfit, _SMALLEST_EXPONENT, _LARGEST_EXPONENT)
    return {"b": b if misfit(b) < 0.999 * misfit(1.0) else 1.0}  # one size alone cannot tell


def _lowest(misfit: Callable[[float], float], low: float, high: float) -> float:
    """Where a misfit is lowest between two ends: a coarse look, then Brent's method around the best."""
    grid = np.linspace(low, high, 24)
    best = int(np.argmin([misfit(float(value)) for value in grid]))
    bounds = (grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)])
    found = optimize.minimize_scalar(misfit, bounds=bounds, method="bounded", options={"xatol": 1e-5})
    return float(found.x)


def _by_type(steps: Steps, common: Common, name: str) -> Floats:
    """A constant of the types, one entry a step; NaN for a type that has none."""
    return np.array([common.get(f"{name} {kind}", np.nan) for kind in TYPES])[steps.type]


def _fit_by_type(steps: Steps, fit: Callable[[Steps, ListingType], Common]) -> Common:
    common: dict[str, float] = {}
    for number, kind in enumerate(TYPES):
        own = steps.take(steps.type == number)
        if len(own):
            common |= fit(own, kind)
    return common


def _best_k(misfit: Callable[[float], float]) -> float:
    """The doublings a tradeVolume bought, k, with the lowest misfit, upward or downward."""
    return min((_lowest(misfit, _FLATTEST, _STEEPEST), _lowest(misfit, -_STEEPEST, -_FLATTEST)), key=misfit)


def _asymptote_parts(steps: Steps, common: Common) -> Parts:
    return _level_parts(steps, _by_type(steps, common, "k"))


def _level_parts(steps: Steps, k: Floats | float) -> Parts:
    """next - price = q (price - A) with q = 2^(k x) - 1: least squares for A, each step weighted by its rounding."""
    growth = 2 ** (k * steps.signed)
    q, weight = growth - 1, 1 / (steps.grain**2 * (1 + growth**2))
    return weight * q * (q * steps.price - (steps.next - steps.price)), weight * q**2


def _asymptote(steps: Steps, common: Common, level: Floats) -> Floats:
    growth = 2 ** (_by_type(steps, common, "k") * steps.signed)
    return np.asarray(level + growth * (steps.price - level))


def _fit_asymptote(steps: Steps) -> Common:
    return _fit_by_type(steps, lambda own, kind: {f"k {kind}": _best_k(lambda k: _asymptote_misfit(own, k))})


def _asymptote_misfit(steps: Steps, k: float) -> float:
    top, bottom = (sums(steps.group, part, int(steps.group.max()) + 1) for part in _level_parts(steps, k))
    level = (top / np.maximum(bottom, 1e-12))[steps.group]
    growth = 2 ** (k * steps.signed)
    error = steps.next - level - growth * (steps.price - level)
    return float((error**2 / (steps.grain**2 * (1 + growth**2))).sum())


@dataclass(frozen=True, slots=True)
class _Quotes:
    """Both quotes before and after, as ask and bid instead of traded and other."""

    ask: Floats
    bid: Floats
    ask_next: Floats
    bid_next: Floats
    ask_grain: Floats
    bid_grain: Floats


def _quotes(steps: Steps) -> _Quotes:
    buys = steps.buys
    return _Quotes(
        ask=np.where(buys, steps.price, steps.other),
        bid=np.where(buys, steps.other, steps.price),
        ask_next=np.where(buys, steps.next, steps.other_next),
        bid_next=np.where(buys, steps.other_next, steps.next),
        ask_grain=np.where(buys, steps.grain, steps.other_grain),
        bid_grain=np.where(buys, steps.other_grain, steps.grain),
    )


def _fit_stock(steps: Steps) -> Common:
    return _fit_by_type(steps, _fit_stock_of_type)


def _fit_stock_of_type(steps: Steps, kind: ListingType) -> Common:
    """One stock behind both quotes: bid = ratio · ask + h, and the ask's asymptote is scale · h, with h the listing's.

    Within a listing the bid moves `ratio` credits for each credit of the ask; it is regressed on the size traded, so
    that rounding does not flatten it. For a given k, `scale` is linear in the moves of both quotes.
    """
    seen = _quotes(steps)
    ask_move, bid_move = seen.ask_next - seen.ask, seen.bid_next - seen.bid
    moved = float((steps.signed * ask_move).sum())
    ratio = float((steps.signed * bid_move).sum()) / moved if moved else 0.0
    if ratio <= 0:
        return {}
    top, bottom = (sums(steps.unit, part, int(steps.unit.max()) + 1) for part in _offset_parts(steps, ratio))
    offset = (top / np.maximum(bottom, 1.0))[steps.unit]

    def solve(k: float) -> tuple[float, float]:
        growth = 2 ** (k * steps.signed)
        q, rounded = growth - 1, 1 + growth**2
        target = np.concatenate([q * seen.ask - ask_move, q * (seen.bid - offset) - bid_move])
        by_scale = np.concatenate([q * offset, q * ratio * offset])
        weight = 1 / np.concatenate([seen.ask_grain**2 * rounded, seen.bid_grain**2 * rounded])
        scale = float((weight * by_scale * target).sum() / max((weight * by_scale**2).sum(), 1e-12))
        return scale, float((weight * (target - scale * by_scale) ** 2).sum())

    k = _best_k(lambda value: solve(value)[1])
    return {f"k {kind}": k, f"ratio {kind}": ratio, f"scale {kind}": solve(k)[0]}


def _offset_parts(steps: Steps, ratio: Floats | float) -> Parts:
    """Two pairs of quotes a step, before and after."""
    seen = _quotes(steps)
    return seen.bid - ratio * seen.ask + seen.bid_next - ratio * seen.ask_next, np.full(len(steps), 2.0)


def _stock_parts(steps: Steps, common: Common) -> Parts:
    return _offset_parts(steps, _by_type(steps, common, "ratio"))


def _stock(steps: Steps, common: Common, offset: Floats) -> Floats:
    seen, ratio = _quotes(steps), _by_type(steps, common, "ratio")
    asymptote = _by_type(steps, common, "scale") * offset
    by_ask, by_bid = 1 / seen.ask_grain**2, (ratio / seen.bid_grain) ** 2
    ask = (by_ask * seen.ask + by_bid * (seen.bid - offset) / ratio) / (by_ask + by_bid)  # both show one number
    then = asymptote + 2 ** (_by_type(steps, common, "k") * steps.signed) * (ask - asymptote)
    return np.where(steps.buys, then, ratio * then + offset)


FORMS = (  # the simplest first
    Form(
        LawForm.NONE,
        fit=lambda steps: {},
        parts=lambda steps, common: (np.zeros(len(steps)), np.zeros(len(steps))),
        apply=lambda steps, common, nothing: steps.price,
    ),
    Form(LawForm.CONSTANT, fit=lambda steps: {}, parts=_exponential_parts, apply=_exponential),
    Form(
        LawForm.LINEAR,
        fit=lambda steps: {},
        parts=lambda steps, common: ((steps.next - steps.price) * steps.x, steps.x**2),
        apply=lambda steps, common, slope: np.asarray(steps.price + slope * steps.x),
    ),
    Form(LawForm.POWER, fit=_fit_power, parts=_exponential_parts, apply=_exponential),
    Form(LawForm.STOCK, fit=_fit_stock, parts=_stock_parts, apply=_stock, by_listing=True),
    Form(LawForm.ASYMPTOTE, fit=_fit_asymptote, parts=_asymptote_parts, apply=_asymptote),
)

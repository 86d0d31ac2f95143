"""Which form the law of impact has: every form predicts trades it was not fitted to, and the errors decide."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, sums
from spacetraders_lab.analysis.dataset import SIDES, TYPES, Dataset
from spacetraders_lab.analysis.distributions import t_interval, t_reach
from spacetraders_lab.analysis.findings import Estimate, FormScore, LawFit, ListingLaw
from spacetraders_lab.analysis.forms import FORMS, Common, Form
from spacetraders_lab.analysis.rounding import steps_of
from spacetraders_lab.analysis.steps import Steps, sums_before, trade_steps
from spacetraders_lab.core.market import ListingType

TOLERANCE_CREDITS, TOLERANCE_SHARE = 2.0, 0.002
_FOLDS = 5
_MOST_STEPS = 20_000  # for what is common to all listings, more would only take longer
_WORST = 20.0  # tolerances that one prediction can miss by in the scores
_FINEST = 0.25  # credits; a mean error below it is rounding alone
_CLEARLY = 2.5  # standard errors by which a form must predict better than a simpler one
_RESAMPLES = 200
_MIN_LISTINGS = 3


@dataclass(frozen=True, slots=True)
class _Trial:
    """One form's predictions, for listings kept out and for the later time, with what it was fitted to be."""

    form: Form
    common: Common
    folds: tuple[Common, ...]
    by_listing: Floats
    by_time: Floats


def fit_law(data: Dataset) -> LawFit | None:
    """Compare the forms and fit the best; None where fewer than three listings and sides have three trades."""
    steps = trade_steps(data)
    ripe = sums_before(steps.group, np.ones(len(steps)))[0] >= 2
    exchange = steps.type == TYPES.index(ListingType.EXCHANGE)
    judged = ripe & ~exchange
    if len(np.unique(steps.group[judged])) < _MIN_LISTINGS:
        return None
    trials = tuple(_try(form, steps) for form in FORMS)
    best, confidence = _choose(trials, steps, judged)
    return LawFit(
        best=trials[best].form.form,
        confidence=confidence,
        scores=_scores(trials, steps, judged),
        exchange_scores=_scores(trials, steps, ripe & exchange),
        listings=_listing_laws(trials[best], steps, data),
        price_steps={kind: (float(ask), float(bid)) for kind, (ask, bid) in zip(TYPES, steps_of(data), strict=True)},
    )


def _try(form: Form, steps: Steps) -> _Trial:
    fold = steps.unit % _FOLDS
    folds = tuple(form.fit(_some(steps.take(fold != number))) for number in range(_FOLDS))
    by_listing = np.full(len(steps), np.nan)
    for number, common in enumerate(folds):
        own = fold == number
        by_listing[own] = form.predict(steps.take(own), common)
    middle = np.median(steps.time)
    first_half = form.fit(_some(steps.take(steps.time <= middle)))
    by_time = np.where(steps.time > middle, form.predict(steps, first_half), np.nan)
    return _Trial(form, form.fit(_some(steps)), folds, by_listing, by_time)


def _some(steps: Steps) -> Steps:
    """At most so many steps as are worth the time, evenly spread."""
    if len(steps) <= _MOST_STEPS:
        return steps
    return steps.take(np.linspace(0, len(steps) - 1, _MOST_STEPS).astype(np.int64))


def _choose(trials: tuple[_Trial, ...], steps: Steps, judged: Bools) -> tuple[int, float]:
    """The position of the best form and how often resampled listings choose it again."""
    losses = np.stack([_losses(trial, steps, judged) for trial in trials], axis=1)
    best = _simplest_of_the_best(losses)
    chance = np.random.default_rng(0)
    again = [_simplest_of_the_best(losses[chance.integers(0, len(losses), len(losses))]) for _ in range(_RESAMPLES)]
    return best, float(np.mean(np.array(again) == best))


def _losses(trial: _Trial, steps: Steps, judged: Bools) -> Floats:
    """Minus the log likelihood of a Laplace error with a scale for each listing and side: trades x ln(mean error)."""
    groups, group = np.unique(steps.group[judged], return_inverse=True)
    errors = np.abs(trial.by_listing - steps.next)[judged]
    errors = np.where(np.isfinite(errors), errors, steps.next[judged])
    count = sums(group, np.ones(len(errors)), len(groups))
    return count * np.log(sums(group, errors, len(groups)) / count + _FINEST)


def _simplest_of_the_best(losses: Floats) -> int:
    """The first column (the simplest form) that is not clearly worse than the best; `losses` is listings x forms."""
    best = int(np.argmin(losses.sum(0)))
    for column in range(best):
        worse = losses[:, column] - losses[:, best]
        if worse.sum() <= _CLEARLY * np.sqrt(len(worse)) * worse.std(ddof=1):
            return column
    return best


def _scores(trials: Iterable[_Trial], steps: Steps, judged: Bools) -> tuple[FormScore, ...]:
    return tuple(_score(trial, steps.take(judged), judged) for trial in trials) if judged.any() else ()


def _score(trial: _Trial, steps: Steps, judged: Bools) -> FormScore:
    tolerance = np.maximum(TOLERANCE_CREDITS, TOLERANCE_SHARE * steps.next)
    by_listing, by_time = trial.by_listing[judged], trial.by_time[judged]
    rounded = np.maximum(1.0, np.floor(by_listing + 0.5))
    missed = np.nan_to_num(np.abs(by_listing - steps.next), nan=np.inf)
    return FormScore(
        form=trial.form.form,
        parameters={name: _jackknifed(name, trial) for name in trial.common},
        by_listing=_mean_error(missed / tolerance),
        by_time=_mean_error(np.abs(by_time - steps.next) / tolerance),
        within=float((np.abs(rounded - steps.next) <= tolerance).mean()),
        error_credits=float(np.median(missed)),
        error_95=float(np.quantile(missed / tolerance, 0.95, method="higher")),
        predictions=len(steps),
    )


def _mean_error(errors: Floats) -> float:
    known = errors[np.isfinite(errors)]
    return float(np.minimum(known, _WORST).mean()) if len(known) else float("nan")


def _jackknifed(name: str, trial: _Trial) -> Estimate:
    """A common constant with an interval from leaving out one fifth of the listings at a time."""
    without = np.array([common.get(name, np.nan) for common in trial.folds])
    error = float(np.sqrt((_FOLDS - 1) / _FOLDS * ((without - without.mean()) ** 2).sum()))
    return t_interval(trial.common[name], error, _FOLDS - 1)


def _listing_laws(trial: _Trial, steps: Steps, data: Dataset) -> tuple[ListingLaw, ...]:
    """The listings' own constants, each with an interval from leaving out one of its trades at a time."""
    form = trial.form
    top, bottom = form.parts(steps, trial.common)
    keys, key = np.unique(form.key(steps), return_inverse=True)
    tops, bottoms = sums(key, top, len(keys)), sums(key, bottom, len(keys))
    counts = np.bincount(key, minlength=len(keys))
    with np.errstate(invalid="ignore", divide="ignore"):
        constant = tops / bottoms
        off = (tops[key] - top) / (bottoms[key] - bottom) - constant[key]
        errors = np.sqrt((counts - 1) / counts * sums(key, off**2, len(keys)))
    groups, first, trades = np.unique(steps.group, return_index=True, return_counts=True)
    return tuple(
        ListingLaw(
            market=data.unit_names[group // len(SIDES)][0],
            good=data.unit_names[group // len(SIDES)][1],
            side=SIDES[group % len(SIDES)],
            type=TYPES[steps.type[row]],
            trades=int(count),
            constant=_known_constant(constant[key[row]], errors[key[row]], int(counts[key[row]])),
        )
        for group, row, count in zip(groups, first, trades, strict=True)
    )


def _known_constant(value: float, error: float, trades: int) -> Estimate:
    reach = t_reach(trades - 1) * float(error) if trades > 1 else float("nan")
    return Estimate(float(value), float(value) - reach, float(value) + reach)

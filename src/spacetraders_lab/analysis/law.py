"""Which form the law of impact has: every form predicts trades it was not fitted to, and the errors decide."""

from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Floats, Ints, pairs, sums
from spacetraders_lab.analysis.dataset import SIDES, TYPES, Dataset
from spacetraders_lab.analysis.distributions import NORMAL_REACH, t_reach
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import FormScore, LawFit, ListingLaw
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
_SLIGHT = np.log(1.05)  # of mean error, which makes no form clearly worse however steady it is
_VERY_CLEARLY = 3.0  # the same over visits, which know nothing of other listings
_RESAMPLES = 200
_MIN_LISTINGS = 3
_FEW_GROUPS = 10  # listings and sides below which the spread between them hardly tells
_UNDECIDED = np.log(2.0)  # of mean error, by which a simpler form may seem worse without being so clearly
_UNSURE = 0.5  # of the resamples, in which the form chosen must be chosen again
_FINE = 0.5  # tolerances of mean error that no better form is asked for
_SURELY = 3.0  # standard errors by which trades must move quotes before "they do not" is out of the question


@dataclass(frozen=True, slots=True)
class _Trial:
    """One form's predictions, for listings kept out and for the later time, with what it was fitted to be."""

    form: Form
    common: Common
    folds: tuple[Common, ...]
    by_listing: Floats
    by_time: Floats


def fit_law(data: Dataset) -> LawFit | None:
    """Compare the forms and fit the best; None where the trades do not tell it.

    They do not where fewer than three listings and sides have three trades that every form can predict, or where the
    simplest form that is not clearly worse than the best errs by more than half a tolerance, and twice as much as the
    best or chosen in fewer than half of the resamples.
    """
    steps = trade_steps(data)
    ripe = sums_before(steps.group, np.ones(len(steps)))[0] >= 2
    exchange = steps.type == TYPES.index(ListingType.EXCHANGE)
    if _groups(steps, ripe & ~exchange) < _MIN_LISTINGS:
        return None
    trials = tuple(_try(form, steps) for form in FORMS)
    told = ripe & np.logical_and.reduce([np.isfinite(trial.by_listing) for trial in trials])
    if _groups(steps, told & ~exchange) < _MIN_LISTINGS:
        return None
    losses = _losses(trials, steps.take(told & ~exchange), told & ~exchange)
    best, confidence = _choose(losses, first=int(_moves_quotes(steps.take(~exchange))))
    scores = _scores(trials, steps, told & ~exchange)
    undecided = losses.excess(best) > _UNDECIDED or confidence < _UNSURE
    if undecided and scores[best].by_listing > _FINE:
        return None
    return LawFit(
        best=trials[best].form.form,
        confidence=confidence,
        scores=scores,
        exchange_scores=_scores(trials, steps, told & exchange),
        listings=_listing_laws(trials[best], steps, data),
        price_steps={kind: (float(ask), float(bid)) for kind, (ask, bid) in zip(TYPES, steps_of(data), strict=True)},
        shared={name: tuple(_parts(name, trials[best], steps).tolist()) for name in trials[best].common},
    )


def _groups(steps: Steps, rows: Bools) -> int:
    """How many listings and sides these rows are of."""
    return len(np.unique(steps.group[rows]))


def _try(form: Form, steps: Steps) -> _Trial:
    fold = _folds_of(steps)
    folds = tuple(form.fit(_some(steps.take(fold != number))) for number in range(_FOLDS))
    by_listing = np.full(len(steps), np.nan)
    for number, common in enumerate(folds):
        own = fold == number
        by_listing[own] = _predict(form, steps, common, steps.type[~own])[own]  # from all earlier trades there
    middle = np.median(steps.time)
    first_half = form.fit(_some(steps.take(steps.time <= middle)))
    by_time = np.where(steps.time > middle, _predict(form, steps, first_half, steps.type[steps.time <= middle]), np.nan)
    return _Trial(form, form.fit(_some(steps)), folds, by_listing, by_time)


def _predict(form: Form, steps: Steps, common: Common, types: Ints) -> Floats:
    """The form's predictions; where it fits no trade of a type that it was fitted to, it says that quotes stay."""
    found = form.predict(steps, common)
    return np.where(np.isnan(found) & np.isin(steps.type, types), steps.price, found)


def _folds_of(steps: Steps) -> Ints:
    """The part that each step is kept out with: listings of a type take turns, and visits where it has but one."""
    fold = np.zeros(len(steps), dtype=np.int64)
    for kind in range(len(TYPES)):
        own = steps.type == kind
        units, unit = np.unique(steps.unit[own], return_inverse=True)
        fold[own] = (unit if len(units) > 1 else np.unique(steps.visit[own], return_inverse=True)[1]) % _FOLDS
    return fold


def _some(steps: Steps) -> Steps:
    """At most so many steps as are worth the time, evenly spread."""
    if len(steps) <= _MOST_STEPS:
        return steps
    return steps.take(np.linspace(0, len(steps) - 1, _MOST_STEPS).astype(np.int64))


def _choose(losses: "_Losses", first: int) -> tuple[int, float]:
    """The position of the best form, from `first` on, and how often resampled listings choose it again."""
    best = _simplest_of_the_best(losses, first)
    chance = np.random.default_rng(0)
    again = [_simplest_of_the_best(losses.resampled(chance), first) for _ in range(_RESAMPLES)]
    return best, float(np.mean(np.array(again) == best))


def _moves_quotes(steps: Steps) -> bool:
    """Whether far more trades moved their quote against the trader than towards him: then NONE is not the law."""
    against = np.sign(steps.next - steps.price) * np.sign(steps.signed)
    return bool(against.sum() > _SURELY * np.sqrt(np.abs(against).sum()))


@dataclass(frozen=True, slots=True)
class _Losses:
    """What each form loses at each listing and side, shape (groups, forms), over how many trades, and how it scatters.

    The covariance over visits, shape (groups, forms, forms), is NaN where a single visit tells nothing of it.
    """

    trades: Floats
    total: Floats
    covariance: Floats

    def resampled(self, chance: np.random.Generator) -> "_Losses":
        rows = chance.integers(0, len(self.total), len(self.total))
        return _Losses(self.trades[rows], self.total[rows], self.covariance[rows])

    def excess(self, form: int) -> float:
        """How much more than the best a form loses in the mean trade: the log of how many times it errs."""
        total = self.total.sum(0)
        return float((total[form] - total.min()) / self.trades.sum())

    def is_clearly_worse(self, one: int, other: int) -> bool:
        """Over listings and sides; where these are few, over the visits to these very ones will do.

        One listing alone may be where nearly all of a large loss comes from, which makes it look like chance.
        """
        worse = self.total[:, one] - self.total[:, other]
        if worse.sum() <= _SLIGHT * self.trades.sum():
            return False
        if worse.sum() > _CLEARLY * np.sqrt(len(worse)) * worse.std(ddof=1):
            return True
        variance = self.covariance[:, one, one] + self.covariance[:, other, other] - 2 * self.covariance[:, one, other]
        known = np.isfinite(variance)
        by_visit = _VERY_CLEARLY * np.sqrt(np.maximum(0.0, variance[known].sum()))
        return bool(len(worse) < _FEW_GROUPS and known.any() and worse[known].sum() > by_visit)


def _losses(trials: tuple[_Trial, ...], steps: Steps, told: Bools) -> _Losses:
    """Minus the log likelihood of a Laplace error with a scale for each listing and side: trades x ln(mean error)."""
    errors = np.abs(np.stack([trial.by_listing[told] for trial in trials]) - steps.next)
    groups, group = np.unique(steps.group, return_inverse=True)
    count = sums(group, np.ones(len(group)), len(groups))
    mean = np.stack([sums(group, error, len(groups)) / count for error in errors], axis=1)
    pulls = ((errors.T - mean[group]) / (mean + _FINEST)[group]).T  # what each trade adds to the loss of its group
    visit, of, _ = pairs(group, steps.visit, int(steps.visit.max()) + 1)
    pull = np.stack([sums(visit, one, len(of)) for one in pulls], axis=1)
    square = np.zeros((len(groups), len(trials), len(trials)))
    np.add.at(square, of, pull[:, :, None] * pull[:, None, :])
    visits = np.bincount(of).astype(np.float64)[:, None, None]
    covariance = np.where(visits > 1, square * visits / np.maximum(1.0, visits - 1), np.nan)
    return _Losses(count, count[:, None] * np.log(mean + _FINEST), covariance)


def _simplest_of_the_best(losses: _Losses, first: int) -> int:
    """The simplest form, from `first` on, that is not clearly worse than the best."""
    best = first + int(np.argmin(losses.total.sum(0)[first:]))
    return next((form for form in range(first, best) if not losses.is_clearly_worse(form, best)), best)


def _scores(trials: tuple[_Trial, ...], steps: Steps, told: Bools) -> tuple[FormScore, ...]:
    """Every form's score on the same trades: those by listing are `told`, of later ones those that every form can."""
    if not told.any():
        return ()
    later = told & np.logical_and.reduce([np.isfinite(trial.by_time) for trial in trials])
    return tuple(_score(trial, steps, told, later) for trial in trials)


def _score(trial: _Trial, steps: Steps, told: Bools, later: Bools) -> FormScore:
    tolerance = np.maximum(TOLERANCE_CREDITS, TOLERANCE_SHARE * steps.next)
    missed = np.abs(trial.by_listing - steps.next)
    rounded = np.maximum(1.0, np.floor(trial.by_listing + 0.5))
    return FormScore(
        form=trial.form.form,
        parameters={name: _estimate(trial.common[name], _parts(name, trial, steps)) for name in trial.common},
        by_listing=_mean_error((missed / tolerance)[told]),
        by_time=_mean_error((np.abs(trial.by_time - steps.next) / tolerance)[later]),
        within=float((np.abs(rounded - steps.next) <= tolerance)[told].mean()),
        error_credits=float(np.median(missed[told])),
        error_95=float(np.quantile((missed / tolerance)[told], 0.95, method="higher")),
        predictions=int(told.sum()),
    )


def _mean_error(errors: Floats) -> float:
    return float(np.minimum(errors, _WORST).mean()) if len(errors) else float("nan")


def _estimate(value: float, parts: Floats) -> Estimate:
    reach = NORMAL_REACH * float(np.sqrt((parts**2).sum()))
    return Estimate(value, value - reach, value + reach)


def _parts(name: str, trial: _Trial, steps: Steps) -> Floats:
    """How far a common constant may be off, from leaving out one fold of its listings at a time."""
    kind = next((number for number, label in enumerate(TYPES) if name.endswith(f" {label}")), None)
    without = np.array([common.get(name, np.nan) for common in trial.folds])
    return _jackknife(without, _folds_of(steps)[steps.type == kind] if kind is not None else _folds_of(steps))


def _jackknife(without: Floats, fold: Ints) -> Floats:
    """Independent parts of an error, from a value `without` each fold (the last axis) and the folds there are.

    Few folds tell it badly, so the parts are as much larger as t reaches further than a normal does; a single one does
    not tell it at all.
    """
    folds = len(np.unique(fold))
    parts = np.zeros(without.shape) if folds > 1 else np.full(without.shape, np.nan)
    told = without[..., :folds]
    if folds > 1:
        widened = t_reach(folds - 1) / NORMAL_REACH * np.sqrt((folds - 1) / folds)
        parts[..., :folds] = widened * (told - told.mean(-1, keepdims=True))
    return parts


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
    shared = _own_parts(trial, steps, key, len(keys))
    groups, first, trades = np.unique(steps.group, return_index=True, return_counts=True)
    return tuple(
        ListingLaw(
            market=data.unit_names[group // len(SIDES)][0],
            good=data.unit_names[group // len(SIDES)][1],
            side=SIDES[group % len(SIDES)],
            type=TYPES[steps.type[row]],
            trades=int(count),
            constant=_known_constant(constant[key[row]], errors[key[row]], int(counts[key[row]])),
            shared=tuple(shared[steps.type[row]][key[row]].tolist()) if trial.common else (),
        )
        for group, row, count in zip(groups, first, trades, strict=True)
    )


def _own_parts(trial: _Trial, steps: Steps, key: Ints, count: int) -> dict[int, Floats]:
    """How the listings' own constants err with what they share, shape (constants, folds), by listing type."""
    folds = []
    for common in trial.folds:
        top, bottom = (sums(key, part, count) for part in trial.form.parts(steps, common))
        with np.errstate(invalid="ignore", divide="ignore"):
            folds.append(top / bottom)
    without, fold = np.stack(folds, axis=-1), _folds_of(steps)
    return {kind: _jackknife(without, fold[steps.type == kind]) for kind in np.unique(steps.type).tolist()}


def _known_constant(value: float, error: float, trades: int) -> Estimate:
    reach = t_reach(trades - 1) * float(error) if trades > 1 else float("nan")
    return Estimate(float(value), float(value) - reach, float(value) + reach)

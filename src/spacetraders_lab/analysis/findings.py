"""What the analysis found: values for reports, tables and advice to print. Computes nothing but percentages.

Intervals are 95 %. A slope is the log move of the traded quote against the trader for one full tradeVolume: upward
for BUY, downward for SELL, so that it is positive for both.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from spacetraders_lab.analysis.dataset import Exclusions
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.recovery_findings import RecoveryEstimate
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply


def percent_per_volume(side: Operation, slope: float) -> float:
    """A slope as the percentage by which one full tradeVolume moves the traded quote against the trader.

    NaN for the end of an interval so wide that there is no such number: the data do not give one.
    """
    try:
        return 100 * (math.expm1(slope) if side is Operation.BUY else -math.expm1(-slope))
    except OverflowError:
        return math.nan


def percent_estimate(side: Operation, slope: Estimate) -> Estimate:
    """An estimate of a slope in percent per tradeVolume."""
    return Estimate(*(percent_per_volume(side, end) for end in (slope.value, slope.low, slope.high)))


@dataclass(frozen=True, slots=True)
class PriceChecks:
    """Whether trades are made at the quote that was read before, and which of the two quotes it is.

    `posted` counts the rows that paid exactly the quote expected (ask for BUY, bid for SELL); `swapped` those that
    paid exactly the other one instead.
    """

    rows: int
    posted: int
    swapped: int

    @property
    def is_posted(self) -> bool:
        """The posted-price check: at most 1 % of the rows paid anything else."""
        return self.posted >= 0.99 * self.rows

    @property
    def is_oriented(self) -> bool:
        """The orientation check: buyers pay the ask, sellers receive the bid."""
        return self.posted >= self.swapped


class CellFlag(StrEnum):
    """How far a cell's figures can be trusted."""

    OK = "ok"
    THIN = "thin"  # fewer than three markets: the figure leans on the other cells
    NOT_OBSERVED = "not observed"  # no trade at all: the figure comes from the other cells alone


@dataclass(frozen=True, slots=True)
class CellEstimate:
    """The impact in one cell: side x type x supply x activity. Slopes as log moves per tradeVolume.

    `measured` is the transaction-weighted mean over the markets measured (where a side has but one, over its visits),
    `new_market` the mean over markets like them, `prediction` where one new market will lie; None where the data do not
    tell. `ratio` is the sum of moves over the sum of sizes, the simple cross-check, with a jackknife over markets (None
    with fewer than three). `naive_percent` is the plain mean of price_impact_percent. `shrinkage` is the weight of the
    cell's own data against the pattern of the other cells; `exponent` is that of size which the slopes suppose.
    """

    side: Operation
    type: ListingType
    supply: Supply
    activity: Activity | None
    markets: int
    transactions: int
    trade_volumes: float
    measured: Estimate | None
    new_market: Estimate | None
    prediction: Estimate | None
    ratio: Estimate | None
    naive_percent: float | None
    shrinkage: float | None
    flag: CellFlag
    exponent: float = 1.0

    @property
    def depth_one_percent(self) -> float:
        """TradeVolumes that move the quote by 1 %, (0.01 / slope)^(1 / b); infinite where no impact is known."""
        known = self.measured or self.new_market
        if known is None or known.value <= 0 or self.exponent <= 0:
            return math.inf
        try:
            return float((0.01 / known.value) ** (1 / self.exponent))
        except OverflowError:
            return math.inf


@dataclass(frozen=True, slots=True)
class ListingEstimate:
    """One listing and side as measured: its slope, shrunken towards markets like it.

    Its quotes and tradeVolume are those read after the last trade there, of whichever side.
    """

    market: str
    good: str
    side: Operation
    type: ListingType
    transactions: int
    visits: int
    trade_volumes: float
    slope: Estimate
    effect: float  # log of its slope over that of its cells
    trade_volume: int
    ask: int
    bid: int
    read_at: float  # seconds since 1970


@dataclass(frozen=True, slots=True)
class SideFit:
    """How well the model of one side fits: the spread between markets, between cells, and the noise of one step.

    `market_sd` and `cell_sd` are in logs of the slope; `step_cv` is the coefficient of variation of the move by one
    full tradeVolume; `drift_sd` the log move of a quote in a minute without trades. Of a single market there is no
    spread: NaN. `residual_df` is how many metaorders in excess of what listings and cells explain told the noise; where
    that is less than one nothing did, and `step_cv` is NaN.
    """

    side: Operation
    market_sd: float
    cell_sd: float
    step_cv: float
    drift_sd: float
    converged: bool
    residual_df: float


@dataclass(frozen=True, slots=True)
class SizeLaw:
    """The exponent b of impact in size: the move grows with (units / tradeVolume)^b; `t` and `p` are of b = 1."""

    exponent: Estimate
    t: float
    p: float
    df: float
    markets: int
    transactions: int

    @property
    def used(self) -> float:
        """The exponent the slopes are computed with: 1 unless it is rejected at 5 %."""
        return self.exponent.value if self.p < 0.05 else 1.0


class LawForm(StrEnum):
    """The shapes that the law of impact is looked for among. P is the traded quote, x = units / tradeVolume."""

    NONE = "none"  # P' = P
    CONSTANT = "constant percent"  # P' = P e^(±g x)
    LINEAR = "linear"  # P' = P ± c x, c per listing and side
    POWER = "power"  # P' = P e^(±g x^b)
    STOCK = "asymptote, one stock"  # the next one, with ask and bid from one hidden stock: A from any pair of quotes
    ASYMPTOTE = "asymptote"  # P' = A + (P - A) 2^(±k x), A per listing and side


@dataclass(frozen=True, slots=True)
class FormScore:
    """How one form predicts the next quote of a listing after two trades or more, from what came before.

    The form's `parameters` (what listings share) are fitted to other listings for `by_listing`, to the first half of
    the time for `by_time`; both are mean absolute errors in units of the tolerance, max(2 credits, 0.2 % of the quote),
    none counted as more than 20. `within` is the share of the predictions by listing, rounded to credits, within the
    tolerance; `error_credits` their median absolute error before rounding, `error_95` the error in tolerances that 95 %
    of them keep to.
    """

    form: LawForm
    parameters: Mapping[str, Estimate]
    by_listing: float
    by_time: float
    within: float
    error_credits: float
    error_95: float
    predictions: int


@dataclass(frozen=True, slots=True)
class ListingLaw:
    """What the best form says of one listing and side: its own constant.

    That is g for CONSTANT and POWER (log move of one tradeVolume, below 0 for SELL), c for LINEAR (credits), the
    asymptote A for ASYMPTOTE, the offset A / scale (the same for both sides) for STOCK; NaN for NONE. `shared` is how
    it errs with what listings share, in the parts of `LawFit.shared`.
    """

    market: str
    good: str
    side: Operation
    type: ListingType
    trades: int
    constant: Estimate
    shared: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LawFit:
    """The law of impact that predicts best, with how sure that is.

    It is the simplest form that predicts EXPORT and IMPORT listings not clearly worse than the best one, and
    `confidence` is the share of resamples of the listings in which it is chosen again. `scores` has every form, the
    simplest first; `exchange_scores` the same for EXCHANGE listings. `price_steps` are the credits that the ask and
    the bid of a listing type are rounded to. `shared` is how far the best form's parameters may be off, together: in
    parts, independent of one another, whose squares add up to the variance of each; NaN where nothing tells.
    """

    best: LawForm
    confidence: float
    scores: tuple[FormScore, ...]
    exchange_scores: tuple[FormScore, ...]
    listings: tuple[ListingLaw, ...]
    price_steps: Mapping[ListingType, tuple[float, float]]
    shared: Mapping[str, tuple[float, ...]]

    @property
    def score(self) -> FormScore:
        """The best form's."""
        return next(score for score in self.scores if score.form is self.best)


@dataclass(frozen=True, slots=True)
class HypothesisResult:
    """One pre-registered test. `p_holm` is adjusted over the tests of H1 to H4; `sentence` says it all in one line."""

    code: str
    question: str
    side: Operation | None
    statistic: str
    estimate: Estimate | None
    p: float | None
    p_holm: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class CellContrast:
    """How much steeper the second of two cells is than the first: the `ratio` of their slopes, a new market in each.

    They differ in supply or in activity alone. `q` is p after Benjamini and Hochberg: the expected share of false
    findings among all contrasts that are no less clear.
    """

    side: Operation
    type: ListingType
    supplies: tuple[Supply, Supply]
    activities: tuple[Activity | None, Activity | None]
    ratio: Estimate
    p: float
    q: float


@dataclass(frozen=True, slots=True)
class TransitionMatrix:
    """Supply labels before (rows) and after (columns) full-tradeVolume trades of a side, SCARCE to ABUNDANT.

    `kappa` is the number of labels that a tradeVolume moves; `step_probability` the chance that one full trade
    changes the label.
    """

    side: Operation
    counts: tuple[tuple[int, ...], ...]
    kappa: Estimate | None
    step_probability: float | None


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything found in one dataset; what the data cannot answer is None or empty."""

    exclusions: Exclusions
    checks: PriceChecks
    cells: tuple[CellEstimate, ...] = ()
    listings: tuple[ListingEstimate, ...] = ()
    sides: tuple[SideFit, ...] = ()
    size_law: SizeLaw | None = None
    law: LawFit | None = None
    hypotheses: tuple[HypothesisResult, ...] = ()
    contrasts: tuple[CellContrast, ...] = ()
    recovery: RecoveryEstimate | None = None
    transitions: tuple[TransitionMatrix, ...] = ()

    @property
    def exponent(self) -> float:
        """That of size which the slopes of cells and listings are computed with."""
        return self.size_law.used if self.size_law is not None else 1.0

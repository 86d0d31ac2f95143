"""What is known of one listing and side, as a curve with its grounds: from findings and the newest quote to draws.

The best grounds there are: the law with the constant of this listing, else with its two quotes, else the slope of this
listing, else markets like it. With none of them there is no curve, and no number is made up.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from spacetraders_lab.analysis.arrays import Floats
from spacetraders_lab.analysis.curve import Curve
from spacetraders_lab.analysis.dataset import SIDES
from spacetraders_lab.analysis.distributions import NORMAL_REACH
from spacetraders_lab.analysis.findings import (
    CellFlag,
    Estimate,
    Findings,
    FormScore,
    LawFit,
    LawForm,
    RecoveryEstimate,
    Stream,
    stream_of,
)
from spacetraders_lab.analysis.law import TOLERANCE_CREDITS, TOLERANCE_SHARE
from spacetraders_lab.analysis.own_constant import Ground, listing_constant
from spacetraders_lab.analysis.resilience import Resilience
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Listing, ListingType, Operation

DRAWS = 400
_ON_THE_WAY = 0.7  # of how far states differ: what a few tradeVolumes see of it, found in simulated markets
_RECOVERY = 2  # a stream of draws of its own, beside those of the curve


@dataclass(frozen=True, slots=True)
class Evidence:
    """A curve and how well-founded it is: trades of the listing (or of the markets like it), and the quote's age."""

    curve: Curve
    ground: Ground
    form: LawForm
    trades: int
    markets: int
    age_minutes: float


def evidence_of(
    findings: Findings, listing: Listing, side: Operation, *, age_minutes: float, seed: int = 0
) -> Evidence:
    """The curve of one side of a listing as it was last seen, `age_minutes` ago.

    The same seed gives the same draws. Raises UserError where nothing was measured that could tell, and where an ask
    at its floor hides from where it will rise.
    """
    if side is Operation.BUY and listing.good.purchase_price <= LOWEST_QUOTE:
        raise UserError(
            f"the ask of {listing.good.symbol} at {listing.waypoint} is at its floor of {LOWEST_QUOTE} credit, which"
            " hides how much is in stock: nothing tells after how many units it rises. Buy a transaction at a time,"
            f" and look: spacetraders market get {listing.waypoint}"
        )
    chance = np.random.default_rng(seed)
    quotes = _aged(findings, listing.good.price(side), side, age_minutes, chance)
    by_law = _by_law(findings.law, listing, side, quotes, chance)
    if by_law is not None:
        curve, ground, trades, markets = by_law
    else:
        slope, ground, trades, markets = _by_slope(findings, listing, side)
        bent = findings.size_law.used if findings.size_law is not None else 1.0
        form = LawForm.CONSTANT if bent == 1.0 else LawForm.POWER
        noise = _unsaid(findings, listing, side, slope.value, form)
        drawn = _positive(slope, chance)
        if ground is Ground.LISTING:  # where markets like it differ, the state they are in is a part of it
            drawn = drawn * np.exp(_normals(chance) * _ON_THE_WAY * _between_states(findings, listing, side))
        curve = Curve(side, form, listing.good.trade_volume, quotes, drawn, None, bent, noise=noise)
    if listing.good.price(side) <= LOWEST_QUOTE:  # sold to it stays there, and nothing else can be left unsaid
        curve = replace(curve, noise=0.0)
    return Evidence(replace(curve, seed=seed), ground, curve.form, trades, markets, age_minutes)


def resilience_of(
    recovery: RecoveryEstimate | None, listing: Listing, side: Operation, *, seed: int = 0
) -> Resilience | None:
    """How a displacement by this side goes back; None where recovery was not measured.

    Against the market's own stream a tick brings nothing back, and what is known to last is taken to last. A half-life
    is that of what does not stay, so the share that stays goes with it, clear or not.
    """
    if recovery is None:
        return None
    chance, stream = np.random.default_rng((seed, _RECOVERY)), stream_of(listing.good.type, side)
    if recovery.tick is not None:
        for rate in recovery.rates:
            if (rate.type, rate.activity) == (listing.good.type, listing.good.activity):
                an_hour = _positive(rate.rate, chance) * 3600 / recovery.tick.period_seconds
                return Resilience.steadily(an_hour if stream is Stream.WITH else np.zeros(DRAWS))
    back = recovery.returns[stream]
    if back.half_life_minutes is None:
        return None if back.lasts_minutes is None else Resilience.steadily(np.zeros(DRAWS))
    share = back.permanent_share
    lasting = np.zeros(DRAWS) if share is None else np.clip(_normal(share, chance), 0.0, 1.0)
    return Resilience.halving(_positive(back.half_life_minutes, chance), lasting)


def _aged(findings: Findings, quote: int, side: Operation, minutes: float, chance: np.random.Generator) -> Floats:
    """The quote now: as read, and as far from it as quotes drift in that time."""
    drift = next((fit.drift_sd for fit in findings.sides if fit.side is side), 0.0)
    spread = drift * math.sqrt(max(0.0, minutes)) if math.isfinite(drift) else 0.0
    drawn: Floats = quote * np.exp(_normals(chance) * spread)
    return drawn


def _by_law(
    law: LawFit | None, listing: Listing, side: Operation, quotes: Floats, chance: np.random.Generator
) -> tuple[Curve, Ground, int, int] | None:
    """The curve of the law with the listing's own constant, trades and markets it rests on; None where it is silent.

    Of EXCHANGE the law is silent: it was chosen for the others. What listings share is taken as known.
    """
    if law is None or listing.good.type is ListingType.EXCHANGE:
        return None
    constant = listing_constant(law, listing, side)
    if constant is None:
        return None
    shared = {name: estimate.value for name, estimate in law.score.parameters.items()}
    drawn, kind = _normal(constant.estimate, chance), listing.good.type
    slope, asymptote = np.abs(drawn), None
    if law.best in (LawForm.ASYMPTOTE, LawForm.STOCK):
        slope = np.full(DRAWS, shared[f"k {kind}"])
        asymptote = drawn if law.best is LawForm.ASYMPTOTE else _stock_asymptote(drawn, shared, kind, side)
    curve = Curve(
        side,
        law.best,
        listing.good.trade_volume,
        quotes,
        slope,
        asymptote,
        shared.get("b", 1.0),
        noise=_error(law.score, listing.good.price(side)),
    )
    return curve, constant.ground, sum(x.trades for x in constant.of), len({x.market for x in constant.of})


def _stock_asymptote(offset: Floats, shared: Mapping[str, float], kind: ListingType, side: Operation) -> Floats:
    """The asymptote of a quote: of the ask, scale times the listing's offset; of the bid, ratio · that + offset."""
    ask: Floats = shared[f"scale {kind}"] * offset
    return ask if side is Operation.BUY else shared[f"ratio {kind}"] * ask + offset


def _by_slope(findings: Findings, listing: Listing, side: Operation) -> tuple[Estimate, Ground, int, int]:
    """The slope of the listing, or of markets in the same cell as far as one more of them may lie."""
    good = listing.good
    for own in findings.listings:
        if (own.market, own.good, own.side) == (listing.waypoint, good.symbol, side):
            return own.slope, Ground.LISTING, own.transactions, 1
    for cell in findings.cells:
        same = (cell.side, cell.type, cell.supply, cell.activity) == (side, good.type, good.supply, good.activity)
        if same and cell.flag is not CellFlag.NOT_OBSERVED and cell.prediction is not None:
            return cell.prediction, Ground.CELL, cell.transactions, cell.markets
    alike = [cell for cell in findings.cells if (cell.side, cell.type) == (side, good.type)]
    trades = sum(cell.transactions for cell in alike)
    state = f"{good.supply} and {good.activity or 'without activity'}"
    raise UserError(
        f"nothing measured tells how {side.lower()}ing moves {good.symbol} at {listing.waypoint}: "
        + (
            f"{trades} such trades with {good.type} listings are too few, or too far from one that is {state}."
            " Three visits to it tell, or to others like it. Measure it:"
            if trades
            else f"neither it nor another {good.type} that is {state} was traded. Measure it:"
        )
        + f" spacetraders experiment liquidity --ships <SHIPS> --system <SYSTEM> --goods {good.symbol}"
    )


def _unsaid(findings: Findings, listing: Listing, side: Operation, slope: float, form: LawForm) -> float:
    """The standard deviation, in credits, of what a slope does not say of a step: its noise, its rounding, its form.

    How far the form is from the truth is known of EXCHANGE, which the law of the others was not chosen for.
    """
    quote = listing.good.price(side)
    cv = next((fit.step_cv for fit in findings.sides if fit.side is side), 0.0)
    law = findings.law
    step = 1.0 if law is None else law.price_steps[listing.good.type][SIDES.index(side)]
    noise = math.hypot(cv * slope * quote, step / math.sqrt(6))
    if law is not None and listing.good.type is ListingType.EXCHANGE:
        scores = [score for score in law.exchange_scores if score.form is form]
        noise = max([noise, *(_error(score, quote) for score in scores)])
    return noise


def _between_states(findings: Findings, listing: Listing, side: Operation) -> float:
    """How far apart (SD) the log slopes of its type are by state: a slope is of the states that its trades were in."""
    alike = [cell for cell in findings.cells if (cell.side, cell.type) == (side, listing.good.type)]
    told = [(cell.measured.value, cell.transactions) for cell in alike if cell.measured and cell.transactions]
    known = np.array([(math.log(slope), weight) for slope, weight in told if slope > 0])
    return float(np.sqrt(np.cov(known[:, 0], aweights=known[:, 1], ddof=0))) if len(known) else 0.0


def _error(score: FormScore, quote: int) -> float:
    """The standard deviation, in credits, of a form's next quotes: a normal one that 95 % of its errors keep to."""
    return score.error_95 / NORMAL_REACH * max(TOLERANCE_CREDITS, TOLERANCE_SHARE * quote)


def _positive(estimate: Estimate, chance: np.random.Generator) -> Floats:
    """Draws of something that cannot be negative: log-normal where its interval allows it."""
    if 0 < estimate.low <= estimate.high < math.inf:
        sd = math.log(estimate.high / estimate.low) / (2 * NORMAL_REACH)
        drawn: Floats = estimate.value * np.exp(_normals(chance) * sd)
        return drawn
    return np.maximum(0.0, _normal(estimate, chance))


def _normal(estimate: Estimate, chance: np.random.Generator) -> Floats:
    sd = (estimate.high - estimate.low) / (2 * NORMAL_REACH)
    drawn: Floats = estimate.value + _normals(chance) * (sd if math.isfinite(sd) else 0.0)
    return drawn


def _normals(chance: np.random.Generator) -> Floats:
    """Standard normal draws in pairs around 0, so that the median of what is drawn is the estimate itself."""
    half = chance.normal(0.0, 1.0, DRAWS // 2)
    return np.concatenate([half, -half])

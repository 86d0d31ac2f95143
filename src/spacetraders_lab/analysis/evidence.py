"""What is known of one listing and side, as a curve with its grounds: from findings and the newest quote to draws.

The best grounds there are: the law with the constant of this listing, else with its two quotes, else the slope of this
listing, else markets like it. With none of them there is no curve, and no number is made up.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spacetraders_lab.analysis.arrays import Floats
from spacetraders_lab.analysis.curve import Curve
from spacetraders_lab.analysis.displaced import NO_TRADES, OwnTrades, anything, by_whole_ticks, gone_back
from spacetraders_lab.analysis.draws import DRAWS, normal, normals, positive
from spacetraders_lab.analysis.findings import Findings, LawFit, LawForm
from spacetraders_lab.analysis.own_constant import Ground, listing_constant
from spacetraders_lab.analysis.own_slope import (
    listing_slope,
    rounding_error,
    score_error,
    spread_of_states,
    unsaid_by_slope,
)
from spacetraders_lab.analysis.pace import pace_ground, resilience_of
from spacetraders_lab.analysis.recovery_findings import RecoveryEstimate
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Listing, ListingType, Operation

_ON_THE_WAY = 0.7  # of how far states differ: what a few tradeVolumes see of it, found in simulated markets
_BENDS, _EXCHANGE_BENDS = 0.25, 0.7  # SD of how much the log of a slope may change along a tradeVolume
_WITHIN_A_STATE = 0.3  # SD of the log slopes of one state: it spans up to four tradeVolumes
_RETURN = 3  # a stream of draws of its own, beside those of the curve and of the pace


@dataclass(frozen=True, slots=True)
class Evidence:
    """A curve and how well-founded it is: trades of the listing (or of the markets like it), and the quote's age.

    `gone_back` is the tradeVolumes, in the middle, by which the quote has gone back since it was read from where own
    trades had moved it; `is_return_known` is False where nothing was measured of how fast it does, so that the draws
    hold everything from none to all of it.
    """

    curve: Curve
    ground: Ground
    form: LawForm
    trades: int
    markets: int
    age_minutes: float
    gone_back: float = 0.0
    is_return_known: bool = True


def evidence_of(
    findings: Findings,
    listing: Listing,
    side: Operation,
    *,
    age_minutes: float,
    trades: OwnTrades = NO_TRADES,
    seed: int = 0,
) -> Evidence:
    """The curve of one side of a listing that was last seen `age_minutes` ago, after these own trades.

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
    against = 1.0 if side is Operation.BUY else -1.0
    gone, left, is_known = _gone_back(findings.recovery, listing, side, trades, age_minutes, seed)
    by_law = _by_law(findings.law, listing, side, quotes, chance)
    curve, ground, count, markets = by_law or _by_slope(
        findings, listing, side, quotes, chance, against * (gone + left)
    )
    if listing.good.price(side) <= LOWEST_QUOTE:  # sold to it stays there, and nothing else can be left unsaid
        curve = replace(curve, noise=0.0)
    curve = replace(curve.after(-against * gone), seed=seed, displaced=against * left)
    return Evidence(curve, ground, curve.form, count, markets, age_minutes, float(np.median(gone)), is_known)


def _gone_back(
    recovery: RecoveryEstimate | None,
    listing: Listing,
    side: Operation,
    trades: OwnTrades,
    age_minutes: float,
    seed: int,
) -> tuple[Floats, Floats, bool]:
    """TradeVolumes bought whose move has gone back since the reading, those whose still will, whether that is known."""
    chance = np.random.default_rng((seed, _RETURN))
    since = np.full(DRAWS, max(0.0, age_minutes))
    if recovery is not None and recovery.tick is not None:
        since = by_whole_ticks(since[0], recovery.tick.period_seconds / 60, DRAWS, chance)
    unknown = anything(DRAWS, chance)
    found = {
        side: resilience_of(recovery, listing, side, seed=seed)
        if pace_ground(recovery, listing, side).is_of_its_activity
        else None
        for side in Operation
    }
    gone, left = gone_back(trades, since, *(found[side] or unknown for side in (Operation.BUY, Operation.SELL)))
    if listing.good.price(side) <= LOWEST_QUOTE:  # which hides how far below it the stock is, so it may stay there
        gone = gone * chance.permutation(np.linspace(0.0, 1.0, DRAWS))
    return gone, left, found[Operation.BUY if np.median(gone) > 0 else Operation.SELL] is not None or not gone.any()


def _aged(findings: Findings, quote: int, side: Operation, minutes: float, chance: np.random.Generator) -> Floats:
    """The quote now: as read, and as far from it as quotes drift in that time."""
    drift = next((fit.drift_sd for fit in findings.sides if fit.side is side), 0.0)
    spread = drift * math.sqrt(max(0.0, minutes)) if math.isfinite(drift) else 0.0
    drawn: Floats = quote * np.exp(normals(chance) * spread)
    return drawn


def _by_law(
    law: LawFit | None, listing: Listing, side: Operation, quotes: Floats, chance: np.random.Generator
) -> tuple[Curve, Ground, int, int] | None:
    """The curve of the law with the listing's own constant, trades and markets it rests on; None where it is silent.

    Of EXCHANGE the law is silent: it was chosen for the others; and of a listing that it has move in the trader's
    favour, which no market does. What listings share errs for all in one draw together.
    """
    if law is None or listing.good.type is ListingType.EXCHANGE:
        return None
    constant = listing_constant(law, listing, side)
    if constant is None:
        return None
    drawn, kind = normal(constant.estimate, chance), listing.good.type
    parts = np.stack([normals(chance) for _ in range(max(map(len, law.shared.values()), default=1))])
    errors = {name: _sum_of(law.shared.get(name, ()), parts) for name in law.score.parameters}
    shared = {name: estimate.value + errors[name] for name, estimate in law.score.parameters.items()}
    drawn = drawn + _sum_of(constant.shared, parts)
    slope, asymptote = np.abs(drawn), None
    if law.best in (LawForm.ASYMPTOTE, LawForm.STOCK):
        slope = shared[f"k {kind}"]
        asymptote = drawn if law.best is LawForm.ASYMPTOTE else _stock_asymptote(drawn, shared, kind, side)
    curve = Curve(
        side,
        law.best,
        listing.good.trade_volume,
        quotes,
        slope,
        asymptote,
        _exponent(law),
        noise=max(score_error(law.score, listing.good.price(side)), rounding_error(law, listing, side)),
    )
    first = curve.at(np.ones((1, 1)))[:, 0] - quotes
    if np.median(first if side is Operation.BUY else -first) < 0:
        return None
    return curve, constant.ground, sum(x.trades for x in constant.of), len({x.market for x in constant.of})


def _by_slope(
    findings: Findings,
    listing: Listing,
    side: Operation,
    quotes: Floats,
    chance: np.random.Generator,
    displaced: Floats,
) -> tuple[Curve, Ground, int, int]:
    """The curve of a constant percentage, which own trades have left `displaced` tradeVolumes against the trader.

    A slope is of where its trades were: at a listing's own ones, half a visit away from where it rests. From there it
    may change along the way, and nothing tells how.
    """
    slope, exchange = listing_slope(findings, listing, side), listing.good.type is ListingType.EXCHANGE
    noise = unsaid_by_slope(findings, listing, side, slope.estimate.value, LawForm.CONSTANT)
    drawn = positive(slope.estimate, chance)
    bend = normals(chance) * (_EXCHANGE_BENDS if exchange else _BENDS)
    if slope.ground is Ground.LISTING:  # where markets like it differ, the state they are in is a part of it
        by_state = normals(chance) * _ON_THE_WAY * spread_of_states(findings, listing, side)
        drawn = drawn * np.exp(by_state + bend * (displaced - slope.half_way))
    else:  # nothing tells where in its state it stands
        drawn = drawn * np.exp(normals(chance) * _WITHIN_A_STATE)
    curve = Curve(side, LawForm.CONSTANT, listing.good.trade_volume, quotes, drawn, bend=bend, noise=noise)
    return curve, slope.ground, slope.trades, slope.markets


def _exponent(law: LawFit) -> float:
    """The law's b where its interval leaves out 1; else 1, which is what all other forms are.

    Never the b of `size`: a quote that runs away from its asymptote moves more at each trade, and that shows there as
    b > 1, though two halves move it like one whole.
    """
    b = law.score.parameters.get("b") if law.best is LawForm.POWER else None
    return b.value if b is not None and (b.low > 1 or b.high < 1) else 1.0


def _sum_of(far: Sequence[float], parts: Floats) -> Floats:
    """Draws of an error whose independent parts reach so far."""
    summed: Floats = np.array(far) @ parts[: len(far)]
    return summed


def _stock_asymptote(offset: Floats, shared: Mapping[str, Floats], kind: ListingType, side: Operation) -> Floats:
    """The asymptote of a quote: of the ask, scale times the listing's offset; of the bid, ratio · that + offset."""
    ask: Floats = shared[f"scale {kind}"] * offset
    return ask if side is Operation.BUY else shared[f"ratio {kind}"] * ask + offset

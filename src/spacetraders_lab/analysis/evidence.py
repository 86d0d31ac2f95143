"""What is known of one listing and side, as a curve with its grounds: from findings and the newest quote to draws.

The best grounds there are: the law with the asymptote of this listing, else the slope of this listing, else markets
like it. With none of them there is no curve, and no number is made up.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from spacetraders_lab.analysis.advice import Decay
from spacetraders_lab.analysis.arrays import Floats
from spacetraders_lab.analysis.curve import Curve
from spacetraders_lab.analysis.findings import (
    CellEstimate,
    CellFlag,
    Estimate,
    Findings,
    LawForm,
    ListingEstimate,
    ListingLaw,
    RecoveryEstimate,
)
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Listing, ListingType, Operation

DRAWS = 400
_STANDARD_DEVIATIONS = 2 * 1.959964  # that a 95 % interval is wide
# Trades that the markets themselves undo: they make what they export, and use what they import.
_NATURAL = {(ListingType.EXPORT, Operation.BUY), (ListingType.IMPORT, Operation.SELL)}


class Ground(StrEnum):
    """What a curve stands on, the best first."""

    LAW = "the law of impact, with the asymptote of this very listing"
    LISTING = "trades of this very listing"
    CELL = "trades of markets like it; this one was never measured"


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

    The same seed gives the same draws. Raises UserError where nothing was measured that could tell.
    """
    chance = np.random.default_rng(seed)
    quotes = _aged(findings, listing.good.price(side), side, age_minutes, chance)
    law = _law_of(findings, listing, side)
    measured = _measured(findings, listing, side)
    if law is not None and findings.law is not None:
        curve = _law_curve(findings, law, listing, side, quotes, chance)
        return Evidence(curve, Ground.LAW, findings.law.best, law.trades, 1, age_minutes)
    form, exponent = (LawForm.POWER, findings.size_law.used) if findings.size_law else (LawForm.CONSTANT, 1.0)
    if measured is not None:
        curve = Curve(side, form, listing.good.trade_volume, quotes, _positive(measured.slope, chance), None, exponent)
        return Evidence(curve, Ground.LISTING, form, measured.transactions, 1, age_minutes)
    cell, slope = _cell(findings, listing, side)
    curve = Curve(side, form, listing.good.trade_volume, quotes, _positive(slope, chance), None, exponent)
    return Evidence(curve, Ground.CELL, form, cell.transactions, cell.markets, age_minutes)


def decay_of(recovery: RecoveryEstimate | None, listing: Listing, side: Operation) -> Decay | None:
    """How a displacement by this side goes back; None where recovery was not measured.

    Against the market's own stream (buying at an IMPORT, selling at an EXPORT) a tick brings nothing back.
    """
    if recovery is None:
        return None
    if recovery.tick is not None:
        for rate in recovery.rates:
            if (rate.type, rate.activity) == (listing.good.type, listing.good.activity):
                natural = (listing.good.type, side) in _NATURAL
                an_hour = rate.rate.value * 3600 / recovery.tick.period_seconds
                return Decay(volumes_an_hour=max(0.0, an_hour)) if natural else Decay()
    half_life = recovery.half_life_minutes
    return None if half_life is None else Decay(half_life_minutes=half_life.value)


def _aged(findings: Findings, quote: int, side: Operation, minutes: float, chance: np.random.Generator) -> Floats:
    """The quote now: as read, and as far from it as quotes drift in that time."""
    drift = next((fit.drift_sd for fit in findings.sides if fit.side is side), 0.0)
    spread = drift * math.sqrt(max(0.0, minutes)) if math.isfinite(drift) else 0.0
    drawn: Floats = quote * np.exp(chance.normal(0.0, 1.0, DRAWS) * spread)
    return drawn


def _law_of(findings: Findings, listing: Listing, side: Operation) -> ListingLaw | None:
    if findings.law is None or findings.law.best is not LawForm.ASYMPTOTE:
        return None
    key = (listing.waypoint, listing.good.symbol, side)
    return next((x for x in findings.law.listings if (x.market, x.good, x.side) == key and x.asymptote), None)


def _measured(findings: Findings, listing: Listing, side: Operation) -> ListingEstimate | None:
    key = (listing.waypoint, listing.good.symbol, side)
    return next((x for x in findings.listings if (x.market, x.good, x.side) == key), None)


def _cell(findings: Findings, listing: Listing, side: Operation) -> tuple[CellEstimate, Estimate]:
    """The cell that the listing is in now, and where the slope of one more market in it will lie."""
    good = listing.good
    key = (side, good.type, good.supply, good.activity)
    for cell in findings.cells:
        observed = cell.flag is not CellFlag.NOT_OBSERVED
        if (cell.side, cell.type, cell.supply, cell.activity) == key and observed and cell.prediction is not None:
            return cell, cell.prediction
    raise UserError(
        f"nothing measured tells how {side.lower()}ing moves {good.symbol} at {listing.waypoint}: neither it nor"
        f" another {good.type} that is {good.supply} and {good.activity or 'without activity'} was traded. Measure it:"
        f" spacetraders experiment liquidity --ships <SHIPS> --system <SYSTEM> --goods {good.symbol}"
    )


def _law_curve(
    findings: Findings, law: ListingLaw, listing: Listing, side: Operation, quotes: Floats, chance: np.random.Generator
) -> Curve:
    assert findings.law is not None and law.asymptote is not None
    (kappa,) = findings.law.scores[0].parameters.values()
    asymptote = _normal(law.asymptote, chance)
    return Curve(side, LawForm.ASYMPTOTE, listing.good.trade_volume, quotes, _positive(kappa, chance), asymptote)


def _positive(estimate: Estimate, chance: np.random.Generator) -> Floats:
    """Draws of something that cannot be negative: log-normal where its interval allows it."""
    if 0 < estimate.low <= estimate.high < math.inf:
        sd = math.log(estimate.high / estimate.low) / _STANDARD_DEVIATIONS
        drawn: Floats = estimate.value * np.exp(chance.normal(0.0, 1.0, DRAWS) * sd)
        return drawn
    return np.maximum(0.0, _normal(estimate, chance))


def _normal(estimate: Estimate, chance: np.random.Generator) -> Floats:
    sd = (estimate.high - estimate.low) / _STANDARD_DEVIATIONS
    drawn: Floats = estimate.value + chance.normal(0.0, 1.0, DRAWS) * (sd if math.isfinite(sd) else 0.0)
    return drawn

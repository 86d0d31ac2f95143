"""A listing's slope and its grounds, where the law is silent: its own or its likes', and what a slope leaves unsaid."""

import math
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from spacetraders_lab.analysis.dataset import SIDES
from spacetraders_lab.analysis.distributions import NORMAL_REACH
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import CellFlag, Findings, FormScore, LawFit, LawForm, SideFit
from spacetraders_lab.analysis.law import TOLERANCE_CREDITS, TOLERANCE_SHARE
from spacetraders_lab.analysis.own_constant import Ground
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Listing, ListingType, Operation

_VAGUE = 2.0  # a log: where one tradeVolume may multiply a quote by seven for all that is known, nothing is


@dataclass(frozen=True, slots=True)
class OwnSlope:
    """A slope, what it stands on, and how many trades and markets; `half_way` is the tradeVolumes of half a visit."""

    estimate: Estimate
    ground: Ground
    trades: int
    markets: int
    half_way: float = 0.0


def listing_slope(findings: Findings, listing: Listing, side: Operation) -> OwnSlope:
    """The slope of the listing, or of markets in the same cell as far as one more of them may lie.

    Raises UserError where neither was measured well enough to say anything.
    """
    good = listing.good
    for own in findings.listings:
        if (own.market, own.good, own.side) == (listing.waypoint, good.symbol, side) and _says_something(own.slope):
            half_way = own.trade_volumes / own.visits / 2
            return OwnSlope(own.slope, Ground.LISTING, own.transactions, 1, half_way)
    for cell in findings.cells:
        same = (cell.side, cell.type, cell.supply, cell.activity) == (side, good.type, good.supply, good.activity)
        if same and cell.flag is not CellFlag.NOT_OBSERVED and _says_something(cell.prediction):
            return OwnSlope(cell.prediction, Ground.CELL, cell.transactions, cell.markets)
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


def _says_something(slope: Estimate | None) -> TypeGuard[Estimate]:
    return slope is not None and slope.high < _VAGUE


def unsaid_by_slope(findings: Findings, listing: Listing, side: Operation, slope: float, form: LawForm) -> float:
    """The standard deviation, in credits, of what a slope does not say of a step: its noise, its rounding, its form.

    How far the form is from the truth is known of EXCHANGE, which the law of the others was not chosen for.
    """
    quote = listing.good.price(side)
    cv = next((_step_cv(fit) for fit in findings.sides if fit.side is side), 0.0)
    law = findings.law
    noise = math.hypot(cv * slope * quote, rounding_error(law, listing, side))
    if law is not None and listing.good.type is ListingType.EXCHANGE:
        scores = [score for score in law.exchange_scores if score.form is form]
        noise = max([noise, *(score_error(score, quote) for score in scores)])
    return noise


def rounding_error(law: LawFit | None, listing: Listing, side: Operation) -> float:
    """The standard deviation, in credits, of a step between two rounded quotes."""
    step = 1.0 if law is None else law.price_steps[listing.good.type][SIDES.index(side)]
    return step / math.sqrt(6)


def _step_cv(fit: SideFit) -> float:
    """The noise of a step; where nothing tells it, all that listings and cells differ may be noise."""
    return math.hypot(fit.market_sd, fit.cell_sd) if math.isnan(fit.step_cv) else fit.step_cv


def spread_of_states(findings: Findings, listing: Listing, side: Operation) -> float:
    """How far apart (SD) the log slopes of its type are by state: a slope is of the states that its trades were in."""
    alike = [cell for cell in findings.cells if (cell.side, cell.type) == (side, listing.good.type)]
    told = [(cell.measured.value, cell.transactions) for cell in alike if cell.measured and cell.transactions]
    known = np.array([(math.log(slope), weight) for slope, weight in told if slope > 0])
    return float(np.sqrt(np.cov(known[:, 0], aweights=known[:, 1], ddof=0))) if len(known) else 0.0


def score_error(score: FormScore, quote: int) -> float:
    """The standard deviation, in credits, of a form's next quotes: a normal one that 95 % of its errors keep to."""
    return score.error_95 / NORMAL_REACH * max(TOLERANCE_CREDITS, TOLERANCE_SHARE * quote)

"""Findings made up for the tests of what is shown: small, with something in every table."""

from dataclasses import replace
from typing import Any

from spacetraders_lab.analysis.dataset import Exclusions
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import (
    CellContrast,
    CellEstimate,
    CellFlag,
    Findings,
    FormScore,
    HypothesisResult,
    LawFit,
    LawForm,
    ListingEstimate,
    ListingLaw,
    PriceChecks,
    SideFit,
    TransitionMatrix,
)
from spacetraders_lab.analysis.recovery_findings import RecoveryEstimate, ReturnEstimate, Stream, Tick, TickRate
from spacetraders_lab.core.analysis_plan import Exclusion
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from tests.factories import BUY_MARKET, GOOD, NOON

BUY, SELL = Operation.BUY, Operation.SELL
HOSTILE = "<script>alert('x')</script>&\"{{ 7 * 7 }}</script>"


def estimate(value: float, margin: float = 0.1) -> Estimate:
    return Estimate(value, value * (1 - margin), value * (1 + margin))


CELL = CellEstimate(
    side=BUY,
    type=ListingType.EXPORT,
    supply=Supply.MODERATE,
    activity=Activity.WEAK,
    markets=4,
    transactions=40,
    trade_volumes=22.5,
    measured=estimate(0.05),
    new_market=estimate(0.05, 0.3),
    prediction=estimate(0.05, 0.6),
    ratio=estimate(0.052, 0.2),
    naive_percent=2.5,
    shrinkage=0.9,
    flag=CellFlag.OK,
)
CONTRAST = CellContrast(
    BUY,
    ListingType.EXPORT,
    (Supply.MODERATE, Supply.HIGH),
    (Activity.WEAK, Activity.WEAK),
    ratio=estimate(0.7),
    p=0.002,
    q=0.03,
)
LISTING = ListingEstimate(
    market=BUY_MARKET,
    good=GOOD,
    side=BUY,
    type=ListingType.EXPORT,
    transactions=12,
    visits=3,
    trade_volumes=6.0,
    slope=estimate(0.05, 0.2),
    effect=0.1,
    trade_volume=60,
    ask=50,
    bid=24,
    read_at=NOON.timestamp(),
)
LAW = LawFit(
    best=LawForm.ASYMPTOTE,
    confidence=0.97,
    scores=(
        FormScore(LawForm.CONSTANT, {}, 4.0, 3.0, 0.3, 7.0, 9.0, 40),
        FormScore(LawForm.ASYMPTOTE, {"k EXPORT": estimate(0.3)}, 0.4, 0.3, 0.98, 0.5, 0.8, 40),
    ),
    exchange_scores=(),
    listings=(ListingLaw(BUY_MARKET, GOOD, BUY, ListingType.EXPORT, 12, Estimate(30.0, 29.0, 31.0), ()),),
    price_steps=dict.fromkeys(ListingType, (1.0, 1.0)),
    shared={},
)
RECOVERY = RecoveryEstimate(
    tick=Tick(1800.0, {(BUY_MARKET, GOOD): 60.0}, {(BUY_MARKET, GOOD): 30.0}, changes=20, explained=19),
    rates=(TickRate(ListingType.EXPORT, Activity.WEAK, estimate(0.3), estimate(0.3), 3, 18),),
    returns={
        Stream.WITH: ReturnEstimate(estimate(300.0), None, None, revisits=20, listings=3),
        Stream.AGAINST: ReturnEstimate(None, None, None, revisits=4, listings=3),
        Stream.NONE: ReturnEstimate(None, None, None, revisits=0, listings=0),
    },
)


def recovery(stream: Stream = Stream.WITH, *, tick: Tick | None = RECOVERY.tick, **fields: Any) -> RecoveryEstimate:
    """RECOVERY with other fields for one stream."""
    returns = {**RECOVERY.returns, stream: replace(RECOVERY.returns[stream], **fields)}
    return replace(RECOVERY, tick=tick, rates=RECOVERY.rates if tick else (), returns=returns)


def make_findings(**fields: Any) -> Findings:
    """Findings with one of everything."""
    usual = Findings(
        exclusions=Exclusions(50, {Exclusion.FOREIGN: 3}),
        checks=PriceChecks(50, 50, 0),
        cells=(CELL, replace(CELL, supply=Supply.SCARCE, flag=CellFlag.NOT_OBSERVED, measured=None, transactions=0)),
        listings=(LISTING, replace(LISTING, side=SELL, slope=estimate(0.03, 0.2))),
        sides=(SideFit(BUY, 0.2, 0.1, 0.05, 0.001, True, 20.0),),
        law=LAW,
        hypotheses=(
            HypothesisResult("H3", "Is impact linear in size?", None, "t(5) = 0.2", estimate(1.0), 0.8, 1.0, "b = 1."),
        ),
        contrasts=(CONTRAST, replace(CONTRAST, supplies=(Supply.HIGH, Supply.ABUNDANT), q=0.4)),
        recovery=RECOVERY,
        transitions=(TransitionMatrix(BUY, tuple((0,) * i + (7,) + (0,) * (4 - i) for i in range(5)), None, 0.2),),
    )
    return replace(usual, **fields)

"""A small run as a report is given it: played straight against the sandbox's markets, and analysed for real."""

from functools import cache

from spacetraders_lab.analysis.analyse import analyse
from spacetraders_lab.analysis.crossmarket import pair_accounts, ship_accounts
from spacetraders_lab.analysis.precision import precision_trace
from spacetraders_lab.report.sections import Subject
from tests.analysis.test_crossmarket import LOAD, columns
from tests.analysis.trading import Trading, lab_markets, mixed_steps, trade_at_random


@cache
def trading() -> Trading:
    """Eighty visits of four trades, each listing read again now and then."""
    played = trade_at_random(lab_markets(), 80, menu=mixed_steps, gap=300.0)
    for _ in range(4):
        played.now += 1200
        played.look()
    return played


@cache
def subject() -> Subject:
    """The report's view of it."""
    data, seen = trading().dataset(), trading().observations()
    findings = analyse(data, seen)
    return Subject(
        title="Liquidity of X1-NA24",
        subtitle="Run run-1",
        card=(("state", "COMPLETED"), ("seed", "7")),
        data=data,
        observations=seen,
        findings=findings,
        pairs=pair_accounts(columns(LOAD)),
        ships=ship_accounts(columns(LOAD)),
        trace=precision_trace(data, findings, steps=2),
        planned=(("made", len(data)), ("left out: guard", 3)),
        deviations=(("goods", "GOLD was nowhere on sale"),),
    )

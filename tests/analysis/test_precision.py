"""Precision against transactions: it grows with the rows, and the forecast says what is still missing."""

import math
from dataclasses import replace

import pytest

from spacetraders_lab.analysis.analyse import analyse, used_part
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import CellEstimate, CellFlag
from spacetraders_lab.analysis.precision import is_within_target, precision_trace, transactions_to_go
from spacetraders_lab.core.market import Supply
from tests.analysis.trading import lab_markets, mixed_steps, trade_at_random
from tests.report.findings import CELL
from tests.report.subject import subject


def cell(margin: float, supply: Supply = Supply.MODERATE, transactions: int = 40, value: float = 0.05) -> CellEstimate:
    """A cell whose interval is so wide, either way, as a share of its estimate."""
    measured = Estimate(value, value * (1 - margin), value * (1 + margin))
    return replace(CELL, supply=supply, measured=measured, transactions=transactions)


@pytest.mark.parametrize(
    ("margin", "value", "known"),
    [(0.08, 0.05, True), (0.2, 0.05, False), (0.2, 0.005, True)],  # 20 % of half a percent is 0.1 points
)
def test_the_target_is_relative_or_absolute_whichever_is_wider(margin: float, value: float, known: bool) -> None:
    assert is_within_target(cell(margin, value=value)) is known


def test_a_cell_without_an_estimate_is_not_known() -> None:
    assert not is_within_target(replace(CELL, measured=None, flag=CellFlag.NOT_OBSERVED))


def test_the_trace_ends_with_the_whole_run() -> None:
    played = subject()
    trace = precision_trace(played.data, played.findings, steps=4)
    assert [point.transactions for point in trace] == [80, 160, 240, 320]
    observed = [c for c in played.findings.cells if c.transactions]
    assert {point.cells for point in trace} == {len(observed)}
    assert trace[0].within < trace[-1].within == sum(map(is_within_target, observed))


def test_the_trace_and_the_depth_follow_the_exponent_and_the_drift_found() -> None:
    """Where moves grow like x^0.7 and quotes drift."""
    world = {"economy": "power", "exponent": 0.7, "impact": 0.05, "heterogeneity": 0.3, "noise": 0.05, "drift": 0.05}
    trading = trade_at_random(lab_markets(seed=3, **world), 120, seed=3, menu=mixed_steps)
    for _ in range(3):
        trading.now += 900
        trading.look()
    data = trading.dataset()
    findings = analyse(data, trading.observations())
    assert findings.exponent == pytest.approx(0.7, abs=0.1) and findings.sides[0].drift_sd > 0
    data = used_part(data, findings)
    observed = [c for c in findings.cells if c.transactions]
    (end,) = precision_trace(data, findings, steps=1)
    assert (end.within, end.cells) == (sum(map(is_within_target, observed)), len(observed))
    for known in observed:
        if known.measured is not None:
            assert known.measured.value * known.depth_one_percent**findings.exponent == pytest.approx(0.01)


def test_what_is_missing_goes_with_the_square_of_the_width() -> None:
    """The next cell's interval, in percent, is this much too wide: that squared as many transactions would mend it."""
    near, far = cell(0.12), cell(0.9, Supply.HIGH)
    too_wide = (math.expm1(0.05 * 1.12) - math.expm1(0.05 * 0.88)) / 2 / (0.1 * math.expm1(0.05))
    assert transactions_to_go((near, far), share=0.5) == math.ceil(80 * (too_wide**2 - 1)) == 42
    assert transactions_to_go((cell(0.05),)) == 0


def test_there_is_no_forecast_where_nothing_narrows() -> None:
    assert transactions_to_go(()) is None
    assert transactions_to_go((replace(CELL, measured=None),)) is None

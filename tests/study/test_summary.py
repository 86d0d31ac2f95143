"""The scoring arithmetic: bias, error and coverage of estimates whose quality is known."""

import math
from random import Random

import msgspec
import pytest

from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from spacetraders_lab.study.score import CellScore, Score, naive_interval, naive_truth
from spacetraders_lab.study.summary import (
    clustered_rate,
    measured,
    naive,
    new_market,
    performance,
    rejections,
    share_of_precise_cells,
)
from spacetraders_lab.study.traces import Trace, needed_for_the_same, needed_on_average

TRUTH = 0.05


def cell(
    value: float, half: float, *, supply: Supply = Supply.HIGH, markets: int = 3, eligible: bool = True
) -> CellScore:
    found = (value, value - half, value + half)
    return CellScore(
        Operation.BUY,
        ListingType.EXPORT,
        supply,
        Activity.WEAK,
        markets=markets,
        transactions=10,
        is_eligible=eligible,
        measured=found,
        new=found,
        ratio=None,
        naive=(5.0, 4.0, 6.0),
        true_measured=TRUTH,
        true_new=TRUTH * 2,
    )


def scored(*cells: CellScore, unseen: int = 0, seed: int = 1, **tests: float) -> Score:
    return Score(seed, cells, unseen, 100, 300, 1.0, 1000, 10, 0, tests, None, None)


def test_bias_error_and_coverage_are_those_of_the_estimates():
    found = performance([scored(cell(0.06, 0.005)), scored(cell(0.05, 0.001)), scored(cell(0.04, 0.02))], measured)
    assert found.bias == pytest.approx(0)
    assert found.rmse == pytest.approx(math.sqrt((0.2**2 + 0 + 0.2**2) / 3))
    assert found.coverage.value == pytest.approx(2 / 3)
    assert performance([scored(cell(0.06, 0.005))], new_market).bias == pytest.approx(-0.4)


def test_an_honest_interval_is_seen_to_cover_and_a_bold_one_not_to():
    random = Random(1)

    def runs(width: float) -> list[Score]:
        return [
            scored(*(cell(TRUTH + random.gauss(0, 0.01), width * 0.01) for _ in range(10)), seed=seed)
            for seed in range(400)
        ]

    honest, bold = (performance(runs(width), measured).coverage for width in (1.96, 1.0))
    assert honest.value == pytest.approx(0.95, abs=0.01)
    assert bold.value == pytest.approx(0.683, abs=0.02)
    assert honest.error == pytest.approx(math.sqrt(0.95 * 0.05 / 4000), rel=0.15)


def test_the_error_of_a_rate_counts_replications_and_not_what_is_in_them():
    alike = [[True] * 50, [False] * 50] * 10
    assert clustered_rate(alike).value == 0.5
    assert clustered_rate(alike).error == pytest.approx(0.5 / math.sqrt(20), rel=0.05)
    assert math.isnan(clustered_rate([]).value) and math.isnan(clustered_rate([[True]]).error)


def test_thin_cells_count_for_coverage_only_and_rare_ones_not_by_themselves():
    thin = cell(0.5, 0.001, markets=2)
    found = performance([scored(cell(TRUTH, 0.01), thin)] * 200, measured)
    assert found.bias == 0 and found.coverage.value == 0.5
    assert found.worst == 1 and found.tenth is None
    assert performance([scored(cell(TRUTH, 0.01))] * 20, measured).worst is None


def test_an_estimator_that_never_answered_has_no_performance():
    assert performance([scored()], measured) is None
    assert performance([scored(msgspec.structs.replace(cell(1, 1), measured=None))], measured) is None


def test_the_share_of_precise_cells_counts_what_was_never_seen():
    near, far, tiny = cell(0.05, 0.0049), cell(0.05, 0.0051), cell(0.001, 0.0019)
    found = scored(near, far, tiny, cell(0.05, 0.001, eligible=False), unseen=1)
    assert share_of_precise_cells(found, 0.10) == pytest.approx(2 / 4)


def test_rejections_are_counted_among_the_tests_that_could_be_made():
    runs = [scored(H3=0.01), scored(H3=0.2), scored(H3=0.049), scored()]
    assert rejections(runs, "H3").value == pytest.approx(2 / 3)
    assert rejections(runs, "H9").count == 0


def test_the_naive_answer_is_a_plain_mean_in_per_cent_a_trade_volume():
    value, low, high = naive_interval([1.0, 2.0, 3.0])
    assert value == 2 and high - value == pytest.approx(1.96 / math.sqrt(3)) == value - low
    assert naive_interval([1.0]) is None
    assert naive_truth(cell(0, 0)) == pytest.approx(100 * math.expm1(TRUTH))
    assert performance([scored(cell(0, 0))], naive).bias == pytest.approx(5.0 / (100 * math.expm1(TRUTH)) - 1)


def test_what_a_design_needs_is_where_the_share_stays_reached():
    trace = Trace(1, 10, (60, 120, 180, 240), (0.1, 0.5, 0.4, 0.6))
    assert trace.needed(0.45) == 240
    assert trace.needed(0.1) == 60
    assert trace.needed(0.7) is None
    grid = [Trace(seed, 10, (8000,), (0.4,)) for seed in (1, 2, 3)]
    others = [msgspec.structs.replace(trace, seed=seed) for seed in (1, 2, 3)]
    assert needed_for_the_same(grid, others) == (8000, 120)
    assert needed_for_the_same([msgspec.structs.replace(one, shares=(0.9,)) for one in grid], others) is None
    assert needed_on_average([trace, Trace(2, 10, (60,), (0.9,))], 0.7) == 120
    assert needed_on_average([trace], 0.9) is None

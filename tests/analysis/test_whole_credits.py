"""Markets that keep whole credits are found by their moves alone, and the trades that they spoil are left out."""

from random import Random

import numpy as np
import pytest

from spacetraders_lab.analysis.analyse import analyse, used_part
from spacetraders_lab.analysis.metaorders import metaorders_of
from spacetraders_lab.analysis.observations import observations_of
from spacetraders_lab.analysis.whole_credits import lost_to_rounding
from spacetraders_lab.core.analysis_plan import Exclusion
from tests.analysis.trading import lab_markets, trade_at_random

SLOPE = 0.006  # a move of less than a credit at most listings
SMALL = {"economy": "constant-percent", "impact": SLOPE, "noise": 0.2, "drift": 0.05, "half_life_minutes": 520.0}


def four_steps(_: Random) -> tuple[float, ...]:
    return (1.0,) * 4


def traded(seed: int, **changed):
    return trade_at_random(lab_markets(seed=seed, **SMALL | changed), 400, seed=seed, menu=four_steps).dataset()


def slope(data) -> float:
    orders = metaorders_of(data)
    return float(orders.move.sum() / orders.volumes.sum())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_rounding_replaced_is_left_out_and_the_rest_is_unbiased(seed):
    data = traded(seed, state_rounding=True)
    kept = data.exclude(lost_to_rounding(data), Exclusion.WHOLE)
    assert slope(data) < 0.9 * SLOPE
    assert slope(kept) == pytest.approx(SLOPE, rel=0.06)
    first = data.sequence == 1
    assert np.array_equal(kept.usable[first], data.usable[first]), "every listing is still heard"


def test_the_analysis_leaves_them_out_and_counts_them():
    data = traded(2, state_rounding=True)
    findings = analyse(data, observations_of([]))
    lost = int(lost_to_rounding(data).sum())
    assert findings.exclusions.by_reason[Exclusion.WHOLE] == lost > 0
    assert data.usable.sum() - used_part(data, findings).usable.sum() == lost, "what else is asked of the rows as well"


@pytest.mark.parametrize(
    "changed", [{}, {"noise": 0.0}, {"impact": 0.0}, {"economy": "game"}], ids=["small", "exact", "no move", "law"]
)
def test_hidden_fractions_lose_nothing(changed):
    assert not lost_to_rounding(traded(1, **changed)).any()


def test_large_moves_of_whole_credits_lose_nothing():
    data = traded(1, state_rounding=True, impact=0.2)
    assert lost_to_rounding(data).mean() < 0.02


def test_no_rows_are_no_evidence():
    data = traded(1)
    assert len(lost_to_rounding(data.take(np.zeros(len(data), dtype=bool)))) == 0

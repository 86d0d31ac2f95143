"""Exploratory contrasts between neighbouring cells: they point where cells differ, and at little where none do."""

import pytest
from scipy import stats

from spacetraders_lab.analysis.contrasts import cell_contrasts, false_discovery
from spacetraders_lab.analysis.findings import CellContrast
from spacetraders_lab.analysis.metaorders import combine_quotes, metaorders_of
from spacetraders_lab.core.market import ListingType, Operation, Supply
from tests.analysis.trading import lab_markets, trade_at_random

WORLD = {"economy": "by-cell", "heterogeneity": 0.3, "noise": 0.2}


def contrasts_of(seed: int, **settings) -> tuple[CellContrast, ...]:
    trading = trade_at_random(lab_markets(seed=seed, **WORLD | settings), 300, seed=seed)
    return cell_contrasts(combine_quotes(metaorders_of(trading.dataset())))


def test_p_is_adjusted_as_benjamini_and_hochberg_do():
    p = [0.01, 0.8, 0.02, 0.021, 0.5]
    assert false_discovery(p) == pytest.approx(stats.false_discovery_control(p))
    assert false_discovery([]) == []


def test_each_contrast_is_between_neighbours_that_differ_in_one_thing():
    found = contrasts_of(1)
    assert len(found) > 20
    for contrast in found:
        assert (len(set(contrast.supplies)), len(set(contrast.activities))) in ((2, 1), (1, 2))
        low, high = (list(Supply).index(supply) for supply in contrast.supplies)
        assert low <= high and contrast.p <= contrast.q


def test_selling_into_fuller_markets_is_seen_to_move_quotes_more():
    """By the economy's law a HIGH one gives way 1.75 times as far as a MODERATE one."""
    both = (Supply.MODERATE, Supply.HIGH)
    found = [
        contrast
        for seed in range(4)
        for contrast in contrasts_of(seed)
        if (contrast.side, contrast.supplies) == (Operation.SELL, both) and contrast.type is not ListingType.EXCHANGE
    ]
    assert len(found) > 10
    inside = [contrast.ratio.low <= 1.75 <= contrast.ratio.high for contrast in found]
    assert sum(inside) / len(inside) > 0.8 and min(contrast.q for contrast in found) < 0.1


def test_about_a_tenth_of_what_is_kept_is_false():
    """Without a supply effect every contrast between supply levels is false; those between activities are true."""
    kept = [c for seed in range(12) for c in contrasts_of(seed, absent_effect="supply") if c.q <= 0.1]
    false = [contrast for contrast in kept if contrast.supplies[0] is not contrast.supplies[1]]
    assert len(kept) > 20 and len(false) <= 0.15 * len(kept)

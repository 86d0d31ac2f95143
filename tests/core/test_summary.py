"""The first look at what was recorded: moves per full tradeVolume, medians by cell, and what is left out and why."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.analysis.dataset import count_exclusions, dataset_of
from spacetraders_lab.core.analysis_plan import Exclusion
from spacetraders_lab.core.experiment import TradeRecord
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from spacetraders_lab.core.summary import ImpactRow, percent_per_volume, summarise_impact
from tests.factories import make_record


def moved(before: int, after: int | None, units: int = 60, **fields: object) -> TradeRecord:
    """A trade at a tradeVolume of 60 that moved its quote so."""
    return make_record(units=units, price_before=before, price_after=after, trade_volume_before=60, **fields)


def test_a_trade_of_a_whole_trade_volume_moved_the_quote_by_its_own_impact() -> None:
    assert percent_per_volume(moved(100, 108)) == pytest.approx(8)
    assert percent_per_volume(moved(100, 93)) == pytest.approx(-7)
    assert percent_per_volume(moved(100, 100, units=6)) == 0


def test_a_part_of_a_trade_volume_is_compounded_to_the_whole() -> None:
    """Half a tradeVolume that adds ten per cent: two of them add twenty-one."""
    assert percent_per_volume(moved(100, 110, units=30)) == pytest.approx(21)
    assert percent_per_volume(moved(100, 81, units=30)) == pytest.approx(-34.39)


@given(st.floats(-0.3, 0.3), st.integers(1, 60))
def test_every_batch_size_of_a_proportional_law_gives_the_same_figure(log_move: float, units: int) -> None:
    before, scale = 1_000_000_000, 2.718281828459045
    record = moved(before, round(before * scale ** (log_move * units / 60)), units)
    assert percent_per_volume(record) == pytest.approx(100 * (scale**log_move - 1), abs=1e-4)


def test_a_move_that_nobody_saw_is_no_figure() -> None:
    assert percent_per_volume(moved(100, None)) is None


def test_medians_by_side_type_supply_and_activity_in_the_order_of_the_levels() -> None:
    exchange = {"supply_before": Supply.MODERATE, "activity_before": None, "listing_type": ListingType.EXCHANGE}
    rows = [
        moved(100, 101, listing_type=ListingType.IMPORT, supply_before=Supply.SCARCE),
        *(moved(100, after, supply_before=Supply.HIGH) for after in (104, 106, 130)),
        moved(100, 114, supply_before=Supply.SCARCE),
        moved(100, 108),
        moved(100, 101, **exchange),
        moved(100, 93, operation=Operation.SELL, activity_before=Activity.STRONG),
        moved(100, 91, operation=Operation.SELL, activity_before=Activity.STRONG),
    ]
    summary = summarise_impact(rows)
    assert summary.rows == (
        ImpactRow(Operation.BUY, "EXCHANGE", "MODERATE", None, 1, pytest.approx(1)),
        ImpactRow(Operation.BUY, "EXPORT", "SCARCE", "WEAK", 1, pytest.approx(14)),
        ImpactRow(Operation.BUY, "EXPORT", "MODERATE", "WEAK", 1, pytest.approx(8)),
        ImpactRow(Operation.BUY, "EXPORT", "HIGH", "WEAK", 3, pytest.approx(6)),
        ImpactRow(Operation.BUY, "IMPORT", "SCARCE", "WEAK", 1, pytest.approx(1)),
        ImpactRow(Operation.SELL, "IMPORT", "MODERATE", "STRONG", 2, pytest.approx(-8)),
    )
    assert summary.excluded == {}


def test_what_cannot_be_used_is_counted_by_its_reason() -> None:
    rows = [
        moved(100, 150, fraction=None, iteration=0),
        moved(100, None, recovered=True),
        moved(100, 150, recovered=True),
        moved(100, None),
        moved(100, 150, foreign_units=5),
        moved(100, 108),
    ]
    summary = summarise_impact(rows)
    assert summary.excluded == {
        Exclusion.LEFTOVER: 1, Exclusion.RECOVERED: 2, Exclusion.NOT_READ_AFTER: 1, Exclusion.FOREIGN: 1,
    }  # fmt: skip
    assert [(row.transactions, row.median_percent_per_volume) for row in summary.rows] == [(1, pytest.approx(8))]


FAULTS: list[dict[str, Any]] = [
    {}, {}, {"recovered": True}, {"batch_size_fraction": None, "iteration": 0}, {"foreign_units": 5},
    {"trade_volume_after": 61}, {"seconds_since_before": 61.0}, {"seconds_since_before": 60.0},
    {"purchase_price_after": None, "sell_price_after": None, "price_after": None},
    {"purchase_price_before": 9, "price_before": 9}, {"purchase_price_after": 1, "price_after": 1},
    {"purchase_price_before": 1, "price_before": 1, "foreign_units": 1},
]  # fmt: skip


@given(st.lists(st.lists(st.sampled_from(FAULTS), max_size=3), max_size=8))
def test_the_page_leaves_out_what_the_analysis_leaves_out(faults: list[list[dict[str, Any]]]) -> None:
    """Each record by itself; what it takes a whole run to see is the analysis's alone."""
    for own in faults:
        own.sort(key=lambda fault: None in fault.values())  # what was not read has no quote, whatever else there is
    records = [make_record(**dict(pair for fault in own for pair in fault.items())) for own in faults]
    if records:
        by_reason = count_exclusions(dataset_of(records)).by_reason
        assert summarise_impact(records).excluded == {reason.value: n for reason, n in by_reason.items()}


def test_a_unit_that_doubles_a_quote_is_a_number_too() -> None:
    record = make_record(units=1, price_before=10, price_after=40, trade_volume_before=1000, trade_volume_after=1000)
    assert math.isfinite(summarise_impact([record]).rows[0].median_percent_per_volume)


def test_nothing_recorded_nothing_said() -> None:
    assert summarise_impact([]).rows == ()

"""Running figures: nothing is counted twice or lost, whatever the order in which rows are found."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.summary import summarise_impact
from spacetraders_lab.dashboard.tally import (
    LONGEST_FLIGHT,
    MOST_BUCKETS,
    Cursor,
    Pace,
    RunTally,
    TimeBuckets,
)
from spacetraders_lab.store.live import Trade
from tests.factories import NOON, make_record


def make_trade(number: int = 1, **fields: Any) -> Trade:
    record = make_record(**fields)
    values = {name: getattr(record, name) for name in Trade._fields if hasattr(record, name)}
    return Trade(**values | {"experiment_id": number, "timestamp": NOON + timedelta(seconds=number)})


@given(st.lists(st.integers(1, 60), unique=True), st.integers(0, 20), st.data())
def test_rows_that_appear_late_are_read_once_and_none_is_lost(
    commits: list[int], lateness: int, data: st.DataObject
) -> None:
    """Rows become visible in any order, but never more than `lateness` ids behind the newest."""
    order = sorted(commits, key=lambda i: i + data.draw(st.integers(0, lateness)))
    cursor, visible, found = Cursor(0, overlap=lateness + 1), [], []  # the newest row is one of them
    for row in order:
        visible.append(row)
        newest = max(visible)
        rows = [(i,) for i in sorted(visible) if i > cursor.after]
        found += cursor.fresh(rows, newest)
    assert sorted(found) == [(i,) for i in sorted(commits)]


@pytest.mark.parametrize(("overlap", "found"), [(2, [(1,)]), (0, [])])
def test_only_an_overlap_finds_the_row_that_appears_late(overlap: int, found: list[tuple[int]]) -> None:
    cursor = Cursor(0, overlap)
    assert cursor.fresh([(2,)], 2) == [(2,)]
    rows = [(i,) for i in (1, 2) if i > cursor.after]
    assert cursor.fresh(rows, 2) == found


@given(st.lists(st.integers(0, 10**6), min_size=1))
def test_buckets_keep_every_event_and_never_grow_in_number(seconds: list[int]) -> None:
    buckets = TimeBuckets()
    for second in seconds:
        buckets.add(NOON + timedelta(seconds=second))
    start, counts = buckets.series()
    assert sum(counts) == len(seconds)
    assert 0 < len(counts) <= MOST_BUCKETS
    first = NOON.timestamp() + min(seconds)
    assert start <= first < start + buckets.width
    assert counts[0] > 0 and counts[-1] > 0


def test_no_events_make_no_buckets() -> None:
    assert TimeBuckets().series() == (0, [])


def test_credits_and_cargo_of_a_run() -> None:
    tally = RunTally()
    tally.add([make_trade(1, units=10, total_credits=500), make_trade(2, units=10, total_credits=600)])
    assert (tally.bought, tally.sold, tally.aboard) == (1100, 0, 1100)
    sale = make_record().operation.__class__.SELL
    tally.add([make_trade(3, operation=sale, units=5, total_credits=120)])
    assert (tally.bought, tally.sold, tally.aboard) == (1100, 120, 825)
    tally.add([make_trade(4, operation=sale, units=20, total_credits=400)])  # more than the run ever bought
    assert tally.aboard == 0


def test_a_pause_of_the_run_does_not_slow_its_pace() -> None:
    tally = RunTally()
    tally.add([make_trade(0), make_trade(10), make_trade(86_400)])
    assert tally.active_seconds == 10 + LONGEST_FLIGHT
    assert tally.last == NOON + timedelta(days=1)


def test_the_impact_so_far_is_that_of_the_trades_so_far() -> None:
    trades = [make_trade(n, price_after=50 + n, foreign_units=n % 3) for n in range(1, 12)]
    tally = RunTally()
    for number, trade in enumerate(trades, 1):
        tally.add([trade])
        assert tally.impact.summary() == summarise_impact(trades[:number])


def test_requests_are_trades_and_the_flight_to_each_visit() -> None:
    pace = Pace(120)
    for number, visit in enumerate(["a", "a", "b"]):
        pace.add(make_trade(number, visit_id=visit))
    trades, requests = pace.since(int(NOON.timestamp()))
    assert trades[:4] == [1, 1, 1, 0]
    assert requests[:4] == [4, 1, 4, 0]


def test_the_pace_forgets_what_is_long_past() -> None:
    pace = Pace(120)
    for second in range(600):
        pace.add(make_trade(second, visit_id="a"))
    noon = int(NOON.timestamp())
    assert sum(pace.since(noon + 480)[0]) == 120
    assert sum(pace.since(noon)[0]) == 0


@pytest.mark.parametrize("operation", ["BUY", "SELL"])
def test_a_trade_knows_its_market(operation: str) -> None:
    trade = make_trade()._replace(operation=operation)
    assert trade.market == (trade.buy_market if operation == "BUY" else trade.sell_market)

"""Rows to arrays: what is kept, what is left out and why, and the two price checks."""

from dataclasses import asdict, replace
from datetime import timedelta
from random import Random

import numpy as np
import pytest

from spacetraders_lab.analysis.analyse import analyse
from spacetraders_lab.analysis.dataset import (
    ACTIVITIES,
    SIDES,
    SUPPLIES,
    TYPES,
    Exclusion,
    count_exclusions,
    dataset_from_columns,
    dataset_of,
)
from spacetraders_lab.analysis.observations import observations_of
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import PlaceboBracket
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from tests.analysis.trading import lab_markets, trade_at_random
from tests.factories import BUY_MARKET, GOOD, NOON, SELL_MARKET, SHIP, make_good, make_listing, make_record

NOTHING_SEEN = observations_of([])
UNREAD = {"price_after": None, "purchase_price_after": None, "sell_price_after": None, "supply_after": None}


def columns(records):
    return {name: [asdict(r)[name] for r in records] for name in asdict(records[0])}


def test_a_row_keeps_what_was_recorded():
    data = dataset_of([make_record(Operation.SELL, fraction=0.5, units=30, activity_before=None)])
    assert SIDES[data.side[0]] is Operation.SELL and TYPES[data.type[0]] is ListingType.IMPORT
    assert SUPPLIES[data.supply[0]] is Supply.MODERATE and ACTIVITIES[data.activity[0]] is None
    assert data.unit_names == ((SELL_MARKET, GOOD),)
    assert (data.x[0], data.sign[0], data.fraction[0]) == (0.5, -1, 0.5)
    assert (data.before[0], data.after[0], data.ask_before[0], data.bid_before[0]) == (48, 47, 100, 48)
    assert data.time[0] == NOON.timestamp()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"recovered": True, **UNREAD}, Exclusion.RECOVERED),
        (UNREAD, Exclusion.NOT_READ_AFTER),
        ({"batch_size_fraction": None, "iteration": 0}, Exclusion.LEFTOVER),
        ({"foreign_units": 3}, Exclusion.FOREIGN),
        ({"trade_volume_after": 66}, Exclusion.TICK),
        ({"seconds_since_before": 90.0}, Exclusion.LATE),
        ({"purchase_price_before": 1, "price_per_unit": 1}, Exclusion.SATURATED),
        ({"purchase_price_before": 9, "purchase_price_after": 10}, Exclusion.THIN),
    ],
)
def test_every_exclusion_is_counted_and_named(fields, reason):
    data = dataset_of([make_record(), replace(make_record(iteration=2), **fields)])
    counted = count_exclusions(data)
    assert (counted.rows, counted.used, counted.by_reason) == (2, 1, {reason: 1})
    assert len(data.used()) == 1


def test_a_row_with_two_reasons_counts_once():
    counted = count_exclusions(dataset_of([make_record(batch_size_fraction=None, foreign_units=5)]))
    assert counted.used == 0 and sum(counted.by_reason.values()) == 1


def test_the_order_of_the_rows_does_not_matter():
    records = [make_record(iteration=i, sequence_in_visit=i, timestamp=NOON.replace(minute=i)) for i in range(1, 9)]
    shuffled = Random(1).sample(records, len(records))
    one, other = dataset_of(records), dataset_of(shuffled)
    assert np.array_equal(one.sequence, other.sequence) and np.array_equal(one.time, other.time)


def test_numpy_columns_give_the_same_as_records():
    records = [make_record(), make_record(Operation.SELL), make_record(iteration=2, recovered=True, **UNREAD)]
    plain = columns(records)
    arrays = {name: np.array(values) for name, values in plain.items()}
    arrays["timestamp"] = np.array([t.replace(tzinfo=None) for t in plain["timestamp"]], dtype="datetime64[us]")
    one, other = dataset_of(records), dataset_from_columns(arrays)
    for name in ("unit", "side", "supply", "supply_after", "activity", "ask_after", "time", "reason"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True), name


def test_a_missing_column_and_an_unknown_label_are_named():
    rows = columns([make_record()])
    with pytest.raises(UserError, match="lack the column units"):
        dataset_from_columns({name: values for name, values in rows.items() if name != "units"})
    with pytest.raises(UserError, match="'BOOMING' is none of WEAK"):
        dataset_from_columns(rows | {"activity_before": ["BOOMING"]})


def test_no_rows_are_a_dataset_too():
    found = analyse(dataset_of([]), NOTHING_SEEN)
    assert found.exclusions.rows == 0 and found.checks.rows == 0


def test_the_sandbox_sells_at_the_posted_ask_and_buys_at_the_posted_bid():
    trading = trade_at_random(lab_markets(), visits=100)
    checks = analyse(trading.dataset(), trading.observations()).checks
    assert checks.rows > 200
    assert checks.posted == checks.rows and checks.is_posted and checks.is_oriented


def test_prices_that_are_not_the_posted_ones_are_seen():
    records = [make_record(iteration=i) for i in range(1, 201)]
    dearer = [replace(r, price_per_unit=r.price_per_unit + 1) for r in records[:3]]
    checks = analyse(dataset_of(dearer + records[3:]), NOTHING_SEEN).checks
    assert not checks.is_posted and checks.is_oriented
    swapped = [replace(r, price_per_unit=r.sell_price_before) for r in records]
    checks = analyse(dataset_of(swapped), NOTHING_SEEN).checks
    assert checks.swapped == 200 and not checks.is_oriented


@pytest.mark.parametrize("kept", ["trades", "seen", "placebos"])
def test_a_quote_of_nothing_says_no_more_than_one_at_the_floor(kept: str):
    """The plan knows no lower quote than 1; should the game show one, all else that a run found is still told."""

    def found(lowest: int):
        played = trade_at_random(lab_markets(), 40)
        low = {"purchase_price": lowest, "sell_price": lowest}
        if kept == "trades":
            played.trades[-1] |= {f"{name}_after": quote for name, quote in low.items()}
        if kept == "seen":
            played.seen += [row | low | {"observed_at": row["observed_at"] + timedelta(days=1)} for row in played.seen]
        before, after = make_good(purchase_price=200), make_good(**low)
        fallen = PlaceboBracket("run-1", SHIP, BUY_MARKET, before, NOON, after, NOON + timedelta(minutes=1))
        return repr(analyse(played.dataset(), played.observations(), [fallen] if kept == "placebos" else []))

    assert found(0) == found(1)


def test_observations_come_in_order_of_listing_and_time():
    later = make_listing(observed_at=NOON.replace(hour=14), purchase_price=52)
    other = make_listing("X1-GZ7-A0", type=ListingType.EXCHANGE, activity=None)
    seen = observations_of([later, other, make_listing(activity=Activity.STRONG)])
    assert seen.unit_names == (("X1-GZ7-A0", GOOD), (BUY_MARKET, GOOD))
    assert seen.unit.tolist() == [0, 1, 1] and seen.ask.tolist() == [50, 50, 52]
    assert [ACTIVITIES[a] for a in seen.activity] == [None, Activity.STRONG, Activity.WEAK]

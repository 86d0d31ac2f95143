"""The precision to expect: the published sample sizes, and what rounding does to cheap goods."""

import math
from typing import Any

import pytest

from spacetraders_lab.core.expected_precision import ExpectedPrecision, expected_precision
from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.core.market import Activity, ListingKey, ListingType, Operation, Supply, TradeGood
from spacetraders_lab.core.planning import Load, PairPlan
from tests.factories import GOOD, make_good


def source(**fields: Any) -> TradeGood:
    fields = {"purchase_price": 100_000, "sell_price": 40_000, "trade_volume": 10} | fields
    return make_good(type=ListingType.EXPORT, supply=Supply.HIGH, **fields)


TARGET = make_good(type=ListingType.IMPORT, purchase_price=400_000, sell_price=180_000, trade_volume=10)


def cells(*sources: TradeGood, volumes: int = 1) -> list[ExpectedPrecision]:
    """What is expected of purchases of so many tradeVolumes at each source, all sold at one target."""
    quotes: dict[ListingKey, TradeGood] = {(f"X1-GZ7-S{i}", GOOD): good for i, good in enumerate(sources)}
    load = Load((10,) * volumes, (10,) * volumes)
    plans = [PairPlan(MarketPair.of(GOOD, market, "X1-GZ7-T1"), (load,), ((1.0, 1.0),)) for market, _ in quotes]
    found = expected_precision(plans, quotes | {("X1-GZ7-T1", GOOD): TARGET})
    assert [cell.side for cell in found[:-1]] == [Operation.BUY] * (len(found) - 1)
    return found


def test_fifteen_volumes_of_a_step_that_is_twenty_per_cent_noise_make_ten_per_cent() -> None:
    buying, selling = cells(source(), volumes=15)
    assert buying.measured == pytest.approx(0.10, abs=0.003)
    assert (buying.type, buying.supply, buying.activity) == (ListingType.EXPORT, Supply.HIGH, Activity.WEAK)
    assert (buying.listings, buying.volumes) == (1, 15)
    assert selling.measured == pytest.approx(buying.measured, abs=0.001)


def test_thirty_five_listings_make_ten_per_cent_for_a_new_one_whatever_is_traded() -> None:
    buying, _ = cells(*[source()] * 35, volumes=100)
    assert buying.listings == 35
    assert buying.new == pytest.approx(0.10, abs=0.003)
    assert buying.measured < 0.01


def test_levels_are_kept_apart() -> None:
    found = cells(source(), source(activity=Activity.STRONG))
    assert [(cell.side, cell.activity, cell.listings) for cell in found] == [
        (Operation.BUY, Activity.STRONG, 1),
        (Operation.BUY, Activity.WEAK, 1),
        (Operation.SELL, Activity.WEAK, 1),
    ]


def test_rounding_costs_cheap_goods_most_and_what_cannot_move_tells_nothing() -> None:
    dear, cheap, flat = (
        cells(source(purchase_price=ask, sell_price=bid))[0].measured for ask, bid in ((5000, 2000), (50, 20), (40, 20))
    )
    assert dear < cheap < flat == math.inf

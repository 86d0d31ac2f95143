"""The price law against numbers worked out by hand, against its own algebra, and against what the real game showed."""

import csv
import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.market import Activity, ListingType, Supply
from spacetraders_lab.sandbox.economy import (
    Quote,
    game_prices,
    grown_volume,
    is_restricted,
    ladder,
    rounded,
    shrunk_volume,
    supply_label,
)
from spacetraders_lab.sandbox.goods import GOODS

EXPORT, IMPORT, EXCHANGE = ListingType.EXPORT, ListingType.IMPORT, ListingType.EXCHANGE
REAL_DATA = Path(__file__).parents[2].parent / "shared" / "real-data"

stocks = st.floats(-4, 22)
mids = st.floats(100, 30_000)
export_factors = st.sampled_from([0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75])
import_factors = st.sampled_from([1.3, 1.35, 1.4, 1.45, 1.5, 1.55, 1.6, 1.65])


def quote(kind: ListingType, mid: float, factor: float, stock: float) -> Quote:
    return rounded(kind, *game_prices(kind, mid, factor, stock))


@pytest.mark.parametrize(
    ("kind", "mid", "factor", "stock", "ask", "bid"),
    [
        # EXPORT: 1000·(0.6 + 0.4·2^(0.3(4−s))) and 500·(0.6 + 0.4·2^(0.3(3−s)))
        (EXPORT, 1000, 0.6, 4, 1000, 462),
        (EXPORT, 1000, 0.6, 10, 715, 347),
        (EXPORT, 1000, 0.6, 0, 1519, 673),
        (EXPORT, 5600, 0.5, 21.7, 2871, 1429),
        # IMPORT: 2000·(1.4 − 0.4·2^(0.3(s−7))) to the next even number, 1000·(1.4 − 0.4·2^(0.3(s−6)))
        (IMPORT, 1000, 1.4, 0, 2614, 1285),
        (IMPORT, 1000, 1.4, 7, 2000, 908),
        (IMPORT, 1000, 1.4, 10, 1308, 481),
        (IMPORT, 1000, 1.4, 12.5, 290, 1),
        (IMPORT, 1000, 1.4, 30, 1, 1),
        # EXCHANGE: M·(1 + (0.066·x)³), x = 6−s and 4−s, then 1 % or 2 credits apart
        (EXCHANGE, 70, 1, 5, 72, 68),
        (EXCHANGE, 1000, 1, 5, 1010, 990),
        (EXCHANGE, 1000, 1, -5, 1396, 1197),
    ],
)
def test_quotes_worked_out_by_hand(kind, mid, factor, stock, ask, bid):
    assert quote(kind, mid, factor, stock) == (ask, bid)


@given(mid=mids, factor=export_factors, stock=stocks, share=st.floats(0.01, 1))
def test_buying_at_an_export_moves_the_ask_away_from_its_asymptote(mid, factor, stock, share):
    before, _ = game_prices(EXPORT, mid, factor, stock)
    after, _ = game_prices(EXPORT, mid, factor, stock - share)
    floor = factor * mid
    assert after == pytest.approx(floor + (before - floor) * 2 ** (0.3 * share))


@given(mid=mids, factor=import_factors, stock=stocks, share=st.floats(0.01, 1))
def test_selling_at_an_import_moves_the_bid_away_from_its_asymptote(mid, factor, stock, share):
    _, before = game_prices(IMPORT, mid, factor, stock)
    _, after = game_prices(IMPORT, mid, factor, stock + share)
    ceiling = factor * mid
    assert after == pytest.approx(ceiling - (ceiling - before) * 2 ** (0.3 * share))


@given(kind=st.sampled_from(ListingType), mid=mids, factor=st.floats(0.45, 1.65), stock=stocks)
def test_nobody_earns_by_buying_and_selling_back_at_one_quote(kind, mid, factor, stock):
    factor = {EXPORT: min(factor, 0.75), IMPORT: max(factor, 1.3), EXCHANGE: 1.0}[kind]
    ask, bid = quote(kind, mid, factor, stock)
    assert ask >= bid >= 1


@given(mid=mids, factor=import_factors, stock=stocks)
def test_the_ask_of_an_import_is_even_or_the_floor(mid, factor, stock):
    ask = quote(IMPORT, mid, factor, stock).ask
    assert ask % 2 == 0 or ask == 1


@pytest.mark.parametrize(
    ("kind", "stock", "label"),
    [
        (EXPORT, 0.99, Supply.SCARCE),
        (EXPORT, 1, Supply.LIMITED),
        (EXPORT, 3, Supply.LIMITED),
        (IMPORT, 3, Supply.MODERATE),
        (EXPORT, 7, Supply.MODERATE),
        (IMPORT, 7, Supply.HIGH),
        (EXPORT, 7.01, Supply.HIGH),
        (EXPORT, 9, Supply.HIGH),
        (EXPORT, 9.01, Supply.ABUNDANT),
        (EXCHANGE, 5, Supply.MODERATE),
    ],
)
def test_supply_labels_at_their_borders(kind, stock, label):
    assert supply_label(kind, stock) is label


def test_an_export_is_restricted_by_one_scarce_input():
    assert is_restricted(EXPORT, [Supply.HIGH, Supply.SCARCE])
    assert not is_restricted(EXPORT, [Supply.LIMITED, Supply.ABUNDANT])
    assert not is_restricted(EXPORT, [])


def test_an_import_is_restricted_when_all_its_products_are_abundant():
    assert is_restricted(IMPORT, [Supply.ABUNDANT, Supply.ABUNDANT])
    assert not is_restricted(IMPORT, [Supply.ABUNDANT, Supply.HIGH])
    assert not is_restricted(IMPORT, [])
    assert not is_restricted(EXCHANGE, [Supply.ABUNDANT])


def test_the_ladder_of_activity():
    steps = [ladder(busy, growing_after=2, strong_after=4) for busy in range(6)]
    weak, growing, strong = Activity.WEAK, Activity.GROWING, Activity.STRONG
    assert steps == [weak, weak, growing, growing, strong, strong]


@pytest.mark.parametrize(
    "sequence",
    [
        (20, 22, 25, 28, 31, 35, 39, 43, 48, 53),
        (60, 66, 73, 81, 90, 100, 111, 123, 136),
    ],
)
def test_trade_volumes_grow_in_the_steps_seen(sequence):
    for smaller, larger in pairwise(sequence):
        assert grown_volume(smaller) == larger
        assert shrunk_volume(larger) == smaller


def real_listings() -> list[dict[str, str]]:
    rows = []
    for system in ("system_X1-AD75", "system_X1-VF23"):
        with (REAL_DATA / system / "markets.csv").open() as file:
            rows += [row for row in csv.DictReader(file) if row["type"] != "EXCHANGE"]
    return [row for row in rows if GOODS[row["trade_symbol"]].mid >= 1000 and int(row["trade_volume"]) > 6]


needs_real_data = pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the published market snapshots are not here")


@needs_real_data
def test_sale_prices_and_labels_of_real_markets_follow_from_their_purchase_prices():
    rows = real_listings()
    assert len(rows) > 80
    for row in rows:
        kind, ask, bid = ListingType(row["type"]), int(row["purchase_price"]), int(row["sell_price"])
        mid = GOODS[row["trade_symbol"]].mid
        fits = [(f, s) for f in factors(kind) if (s := stock_for(kind, mid, f, ask)) is not None]
        near = [(f, s) for f, s in fits if abs(quote(kind, mid, f, s).bid - bid) <= 2]
        assert near, row
        assert any(
            row["supply"] in (supply_label(kind, s - 0.12), supply_label(kind, s), supply_label(kind, s + 0.12))
            for _, s in near
        ), row


@needs_real_data
def test_mid_prices_are_those_derived_from_the_real_game():
    with (REAL_DATA / "goods_price_levels.csv").open() as file:
        known = {row["trade_symbol"]: row["mid_price_M"] for row in csv.DictReader(file)}
    assert {good for good in known if good not in GOODS} == set()
    assert {good: GOODS[good].mid for good, mid in known.items() if mid} == {
        good: int(float(mid)) for good, mid in known.items() if mid
    }


def factors(kind: ListingType) -> list[float]:
    low, high = (9, 15) if kind is EXPORT else (26, 33)
    return [step / 20 for step in range(low, high + 1)]


def stock_for(kind: ListingType, mid: float, factor: float, ask: int) -> float | None:
    """The stock at which an ask is quoted, None where the factor does not allow the ask."""
    share = (ask / mid - factor) / (1 - factor) if kind is EXPORT else (factor - ask / mid / 2) / (factor - 1)
    if share <= 0:
        return None
    return 4 - math.log2(share) / 0.3 if kind is EXPORT else 7 + math.log2(share) / 0.3

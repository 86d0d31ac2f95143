"""The price law before any measurement, held against factors worked out by hand from the published formulas.

Source: EXPORT ask M (f + (1-f) 2^(0.3(4-s))), bid half of M (f + (1-f) 2^(0.3(3-s))); IMPORT ask 2M (f - (f-1)
2^(0.3(s-7))), bid M (f - (f-1) 2^(0.3(s-6))); s is the stock in trade volumes, a purchase of u units takes u/tv off it.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.market import ListingType, TradeGood
from spacetraders_lab.core.prior import ExpectedListing, expected_listing
from tests.factories import make_good

TV = 20
# Quotes in whole credits: at this level of M rounding moves a factor by less than a millionth.
M = 10_000_000


def export_quotes(f: float, s: float, m: float = M) -> tuple[float, float]:
    """Ask and bid of an EXPORT by the formulas above."""
    return m * (f + (1 - f) * 2 ** (0.3 * (4 - s))), 0.5 * m * (f + (1 - f) * 2 ** (0.3 * (3 - s)))


def import_quotes(f: float, s: float, m: float = M) -> tuple[float, float]:
    """Ask and bid of an IMPORT by the formulas above."""
    return 2 * m * (f - (f - 1) * 2 ** (0.3 * (s - 7))), m * (f - (f - 1) * 2 ** (0.3 * (s - 6)))


def quoted(kind: ListingType, ask: float, bid: float, trade_volume: int = TV) -> TradeGood:
    return make_good(type=kind, trade_volume=trade_volume, purchase_price=round(ask), sell_price=round(bid))


# (s, f, factor of the ask, factor of the bid) when one trade volume is bought
EXPORT_BUY = [
    (0, 0.6, 1.1398, 1.1282),
    (5, 0.6, 1.0812, 1.0706),
    (10, 0.6, 1.0371, 1.0311),
]
# (s, f, factor of the ask, factor of the bid) when one trade volume is sold
IMPORT_SELL = [
    (0, 1.4, 0.9835, 0.9793),
    (5, 1.4, 0.9463, 0.9301),
    (10, 1.4, 0.7360, 0.5584),
]


@pytest.mark.parametrize(("s", "f", "ask_factor", "bid_factor"), EXPORT_BUY)
def test_buying_a_trade_volume_of_an_export(s: float, f: float, ask_factor: float, bid_factor: float) -> None:
    listing = expected_listing(quoted(ListingType.EXPORT, *export_quotes(f, s)))
    after = listing.after_trade(TV)
    assert after.ask / listing.ask == pytest.approx(ask_factor, abs=6e-5)
    assert after.bid / listing.bid == pytest.approx(bid_factor, abs=6e-5)


@pytest.mark.parametrize(("s", "f", "ask_factor", "bid_factor"), IMPORT_SELL)
def test_selling_a_trade_volume_to_an_import(s: float, f: float, ask_factor: float, bid_factor: float) -> None:
    listing = expected_listing(quoted(ListingType.IMPORT, *import_quotes(f, s)))
    after = listing.after_trade(-TV)
    assert after.ask / listing.ask == pytest.approx(ask_factor, abs=6e-5)
    assert after.bid / listing.bid == pytest.approx(bid_factor, abs=6e-5)


@given(
    st.sampled_from([ListingType.EXPORT, ListingType.IMPORT]),
    st.integers(0, 6).map(lambda n: n * 0.05),
    st.floats(-4, 10),
    st.floats(-3, 3),
)
def test_two_quotes_place_a_listing_on_the_law(kind: ListingType, more: float, s: float, volumes: float) -> None:
    """Whatever f and s are, the quotes after a trade are those of the formulas at the new s: neither was needed."""
    f, quotes = (0.45 + more, export_quotes) if kind is ListingType.EXPORT else (1.3 + more, import_quotes)
    after = expected_listing(quoted(kind, *quotes(f, s))).after_trade(volumes * TV)
    ask, bid = quotes(f, s - volumes)
    assert after.ask == pytest.approx(max(1, ask), rel=1e-4, abs=20)
    assert after.bid == pytest.approx(max(1, bid), rel=1e-4, abs=20)


def test_an_exchange_moves_by_a_per_cent_a_trade_volume() -> None:
    listing = expected_listing(quoted(ListingType.EXCHANGE, 1000, 980))
    assert (listing.after_trade(TV).ask, listing.after_trade(TV).bid) == pytest.approx((1010, 989.8))
    assert listing.after_trade(-2 * TV).bid == pytest.approx(980 / 1.01**2)


# What holds of every listing

listings = st.builds(
    lambda kind, volume, bid, spread: expected_listing(quoted(kind, bid * spread, bid, volume)),
    st.sampled_from(ListingType),
    st.integers(1, 200),
    st.integers(1, 100_000),
    st.floats(1, 3.5),
)
units = st.floats(-500, 500)


def agree(a: ExpectedListing, b: ExpectedListing) -> None:
    assert (a.ask, a.bid) == pytest.approx((b.ask, b.bid), rel=1e-6, abs=1e-6)


@given(listings)
def test_the_quotes_seen_are_the_quotes_expected(listing: ExpectedListing) -> None:
    agree(listing.after_trade(0), listing)


@given(st.sampled_from(ListingType), st.integers(1, 100_000), st.integers(1, 100_000))
def test_a_listing_begins_at_what_was_quoted_even_where_the_quotes_do_not_fit_the_law(
    kind: ListingType, ask: int, bid: int
) -> None:
    listing = expected_listing(quoted(kind, ask, bid))
    assert (listing.ask, listing.bid) == pytest.approx((ask, bid))


@given(listings, st.floats(-50, 50), st.floats(0, 1))
def test_parts_of_a_trade_do_what_the_whole_does(listing: ExpectedListing, volumes: float, share: float) -> None:
    traded = volumes * listing.trade_volume
    agree(listing.after_trade(traded * share).after_trade(traded * (1 - share)), listing.after_trade(traded))


@given(listings, st.floats(-50, 50))
def test_buying_and_selling_back_leaves_the_quotes_where_they_were(listing: ExpectedListing, volumes: float) -> None:
    traded = volumes * listing.trade_volume
    agree(listing.after_trade(traded).after_trade(-traded), listing)


@given(listings, st.floats(-50, 50))
def test_no_quote_is_ever_below_one_credit(listing: ExpectedListing, volumes: float) -> None:
    after = listing.after_trade(volumes * listing.trade_volume)
    assert after.ask >= 1
    assert after.bid >= 1


@given(listings, st.floats(0, 50), st.floats(0, 50))
def test_buying_never_lowers_a_quote_and_selling_never_raises_one(
    listing: ExpectedListing, bought: float, sold: float
) -> None:
    dearer = listing.after_trade(bought * listing.trade_volume)
    cheaper = listing.after_trade(-sold * listing.trade_volume)
    assert cheaper.ask <= listing.ask * (1 + 1e-12) <= dearer.ask * (1 + 1e-9)
    assert cheaper.bid <= listing.bid * (1 + 1e-12) <= dearer.bid * (1 + 1e-9)


@given(st.integers(1, 200), st.floats(0.1, 5))
def test_only_the_share_of_the_trade_volume_counts(trade_volume: int, volumes: float) -> None:
    """The same number of trade volumes moves a large market as it moves a small one."""
    quotes = export_quotes(0.6, 5)
    large = expected_listing(quoted(ListingType.EXPORT, *quotes, trade_volume)).after_trade(volumes * trade_volume)
    small = expected_listing(quoted(ListingType.EXPORT, *quotes, 1)).after_trade(volumes)
    agree(large, small)


def test_an_export_does_not_fall_below_its_asymptote_nor_an_import_rise_above_its_own() -> None:
    export = expected_listing(quoted(ListingType.EXPORT, *export_quotes(0.6, 5))).after_trade(-40 * TV)
    assert (export.ask, export.bid) == pytest.approx((0.6 * M, 0.3 * M), rel=1e-3)
    imported = expected_listing(quoted(ListingType.IMPORT, *import_quotes(1.4, 5))).after_trade(40 * TV)
    assert (imported.ask, imported.bid) == pytest.approx((2.8 * M, 1.4 * M), rel=1e-3)

"""Markets in time: ticks, coupling, activity and growth, other traders; and that it never matters who looked when."""

import itertools
import math
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from spacetraders_lab.sandbox.economies import ECONOMIES
from spacetraders_lab.sandbox.listing import Listing
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from spacetraders_lab.sandbox.visitors import mean_gap
from tests.sandbox.player import START

EXPORT, IMPORT, EXCHANGE = ListingType.EXPORT, ListingType.IMPORT, ListingType.EXCHANGE
TICK = 1800.0
HOUR = 3600.0


def listing(good: str, kind: ListingType, stock: float, rest: float, phase: float = 600.0, **fields) -> Listing:
    """A listing of trade volume 20 with a WEAK rate of 0.3 and a GROWING one of 0.7; stock and rest in tranches."""
    fields = {"mid": 1000, "factor": 0.6 if kind is EXPORT else 1.4, "trade_volume": 20, "impact": 0.05} | fields
    return Listing(
        good=good,
        kind=kind,
        first_volume=fields["trade_volume"],
        stock=round(stock * fields["trade_volume"]),
        rest=rest,
        phase=phase,
        rate_weak=0.3,
        rate_growing=0.7,
        **fields,
    )


def market(*listings: Listing, **fields) -> Market:
    return Market("X1-AA11-A1", {x.good: x for x in listings}, SandboxSettings(**fields))


def stock_after(place: Market, good: str, seconds: float) -> int:
    place.advance(seconds)
    return place.listings[good].stock


def test_nothing_moves_between_ticks_and_each_listing_ticks_at_its_own_phase():
    place = market(listing("IRON", EXPORT, 5, 9, phase=600), listing("GOLD", EXPORT, 5, 9, phase=1000))
    for seconds, iron, gold in [
        (0, 100, 100),
        (599.9, 100, 100),
        (600, 106, 100),
        (999.9, 106, 100),
        (1000, 106, 106),
        (2399.9, 106, 106),
        (2400, 112, 106),
        (2800, 112, 112),
    ]:
        place.advance(seconds)
        assert (place.listings["IRON"].stock, place.listings["GOLD"].stock) == (iron, gold), seconds


def test_an_export_fills_up_to_its_rest_and_an_import_runs_down_to_its_own():
    place = market(listing("IRON", EXPORT, 8.5, 9.1), listing("DRUGS", IMPORT, 2, 0.9))
    place.advance(100 * HOUR)
    assert place.listings["IRON"].stock == 182
    assert place.listings["DRUGS"].stock == 18


def test_an_overfilled_export_and_an_emptied_import_stay_as_they_are():
    place = market(listing("IRON", EXPORT, 12, 9), listing("DRUGS", IMPORT, -3, 1))
    place.advance(100 * HOUR)
    assert (place.listings["IRON"].tranches, place.listings["DRUGS"].tranches) == (12, -3)


def test_exchanges_stand_still_unless_told_otherwise():
    assert stock_after(market(listing("FUEL", EXCHANGE, 2, 5)), "FUEL", 100 * HOUR) == 40
    for stock in (2, 8):
        place = market(listing("FUEL", EXCHANGE, stock, 5), exchange_rate=0.1)
        assert stock_after(place, "FUEL", HOUR) == stock * 20 + (4 if stock < 5 else -4)
        assert stock_after(place, "FUEL", 100 * HOUR) == 100


@pytest.mark.parametrize(
    ("ore", "activity", "made"), [(0.9, Activity.RESTRICTED, 4), (1.0, Activity.WEAK, 6), (6, Activity.WEAK, 6)]
)
def test_an_export_is_slow_while_an_input_is_scarce(ore, activity, made):
    place = market(listing("IRON", EXPORT, 5, 9), listing("IRON_ORE", IMPORT, ore, ore, phase=1700))
    assert place.activity("IRON") is activity
    assert stock_after(place, "IRON", TICK) == 100 + made


def test_an_import_is_slow_while_all_its_products_are_abundant():
    ore = listing("COPPER", IMPORT, 5, 0)
    place = market(ore, listing("ELECTRONICS", EXPORT, 9.5, 9.5), listing("MICROPROCESSORS", EXPORT, 9.5, 9.5))
    assert place.activity("COPPER") is Activity.RESTRICTED
    place.move("ELECTRONICS", Operation.BUY, 20)
    assert place.activity("COPPER") is Activity.WEAK


def test_goods_that_meet_at_no_recipe_or_as_exchange_are_not_coupled():
    place = market(
        listing("IRON", EXPORT, 5, 9), listing("GOLD_ORE", IMPORT, 0, 0), listing("IRON_ORE", EXCHANGE, 0, 5)
    )
    assert [place.activity(good) for good in place.listings] == [Activity.WEAK, Activity.WEAK, None]


def test_coupling_is_judged_tick_by_tick_within_a_gap():
    # The ore falls from 1.3 to 1.0 at 700 s (LIMITED still) and below 1 at 2500 s; the iron ticks at 600, 2400, 4200.
    place = market(listing("IRON", EXPORT, 5, 9, 600), listing("IRON_ORE", IMPORT, 1.3, 0, 700))
    assert stock_after(place, "IRON", 4200) == 100 + 6 + 6 + 4


def test_buying_empties_and_selling_fills():
    place = market(listing("IRON", EXPORT, 5, 9))
    before = place.quote("IRON")
    place.move("IRON", Operation.BUY, 7)
    assert place.listings["IRON"].stock == 93
    assert place.quote("IRON").ask > before.ask
    assert place.quote("IRON").bid > before.bid
    place.move("IRON", Operation.SELL, 7)
    assert place.quote("IRON") == before


def test_who_feeds_a_listing_makes_it_grow_and_rest_makes_it_weak_again():
    place = market(listing("DRUGS", IMPORT, 2, 0), growing_after=2, strong_after=4, volume_grows=False)
    seen = []
    for tick in range(10):
        if tick < 4:
            place.move("DRUGS", Operation.SELL, 20)
        place.advance(tick * TICK + 600)
        seen.append(place.activity("DRUGS"))
    weak, growing, strong = Activity.WEAK, Activity.GROWING, Activity.STRONG
    assert seen == [weak, growing, growing, strong, growing, growing, weak, weak, weak, weak]


def test_trading_against_the_grain_is_no_feeding():
    place = market(listing("DRUGS", IMPORT, 2, 0), growing_after=1)
    place.move("DRUGS", Operation.BUY, 20)
    place.advance(TICK)
    assert place.activity("DRUGS") is Activity.WEAK


def test_a_strong_listing_that_is_fed_on_grows_its_trade_volume_and_draws_its_factor_again():
    place = market(listing("DRUGS", IMPORT, 2, 0), strong_after=3, volume_cap=1.4)
    drugs, volumes = place.listings["DRUGS"], []
    for tick in range(9):
        place.move("DRUGS", Operation.SELL, drugs.trade_volume)
        stock = drugs.stock
        place.advance(tick * TICK + 600)
        volumes.append(drugs.trade_volume)
        assert drugs.stock <= stock
    assert volumes == [20, 20, 22, 25, 28, 28, 28, 28, 28]
    assert 1.3 <= drugs.factor <= 1.65
    assert drugs.factor * 20 == pytest.approx(round(drugs.factor * 20))


def test_a_grown_trade_volume_goes_back_in_steps_where_the_settings_say_so():
    place = market(listing("DRUGS", IMPORT, 2, 0), strong_after=1, volume_shrinks_after=3)
    drugs = place.listings["DRUGS"]
    for tick in range(3):
        place.move("DRUGS", Operation.SELL, drugs.trade_volume)
        place.advance(tick * TICK + 600)
    assert drugs.trade_volume == 28
    volumes = []
    for tick in range(3, 16):
        place.advance(tick * TICK + 600)
        volumes.append(drugs.trade_volume)
    assert volumes == [28, 28, 28, 25, 25, 25, 22, 22, 22, 20, 20, 20, 20]
    place.advance(10_000 * TICK)
    assert drugs.trade_volume == 20


def test_making_uses_up_inputs_where_the_settings_say_so():
    place = market(listing("IRON", EXPORT, 5, 9), listing("IRON_ORE", IMPORT, 6, 6, phase=1700), inputs_per_unit=0.5)
    place.advance(600)
    assert (place.listings["IRON"].stock, place.listings["IRON_ORE"].stock) == (106, 117)


def test_labels_follow_the_stock_at_once():
    place = market(listing("IRON", EXPORT, 7.5, 9))
    place.move("IRON", Operation.BUY, 20)
    assert place.listings["IRON"].supply is Supply.MODERATE


def test_a_market_left_alone_for_an_age_is_brought_up_to_date_in_a_moment():
    """Tick by tick this would take longer than any test may."""
    place = market(*(listing(good, EXPORT, 0, 9) for good in ("IRON", "GOLD", "FOOD")))
    place.advance(100_000 * 365 * 24 * HOUR)
    assert {x.stock for x in place.listings.values()} == {180}


changes = st.lists(
    st.tuples(
        st.floats(0, 40 * HOUR, allow_subnormal=False),
        st.sampled_from(["IRON", "IRON_ORE", "FUEL", "MACHINERY"]),
        st.sampled_from(Operation),
        st.integers(1, 20),
    ),
    max_size=6,
)


@settings(max_examples=150)
@given(
    looks=st.lists(st.floats(0, 60 * HOUR), max_size=12),
    trades=changes,
    economy=st.sampled_from(ECONOMIES),
    fields=st.fixed_dictionaries(
        {
            "seed": st.integers(0, 50),
            "drift": st.sampled_from([0.0, 0.05]),
            "noise": st.sampled_from([0.0, 0.2]),
            "npc_traders": st.sampled_from([0, 3]),
            "strong_after": st.sampled_from([1, 6]),
        }
    ),
)
def test_it_never_matters_when_somebody_looks(looks, trades, economy, fields):
    def run(moments: list[float]) -> dict[str, Listing]:
        place = market(
            listing("IRON", EXPORT, 4, 8, 300),
            listing("IRON_ORE", IMPORT, 2, -1, 900),
            listing("FUEL", EXCHANGE, 5, 5, 100),
            listing("MACHINERY", EXPORT, 9.4, 9.4, 1300),
            economy=economy,
            **fields,
        )
        place.expect_visitors(mean_gap(place.settings, 1))
        events = [(moment, ()) for moment in moments] + [(at, trade) for at, *trade in trades]
        for at, trade in sorted(events, key=lambda event: event[0]):
            place.advance(at)
            if trade:
                place.move(*trade)
        place.advance(61 * HOUR)
        return place.listings

    assert run(looks) == run([])


@pytest.mark.parametrize("speed", [1, 7, 100, 9_999.5, 10_000])
def test_ticks_do_not_drift_at_any_speed(speed):
    universe = Universe.create(SandboxSettings(speed=speed), START)
    place = next(iter(universe.home.markets.values()))
    x = next(x for x in place.listings.values() if x.kind is EXPORT or x.kind is IMPORT)
    x.kind, x.rest, x.stock = EXPORT, math.inf, 0
    for number in itertools.chain(range(3), [2_000]):
        x.rest = 10**9  # it never rests, so every tick shows
        moment = universe.moment(x.phase + number * TICK)
        universe.market(place.waypoint, moment - timedelta(microseconds=2))
        before = x.stock
        universe.market(place.waypoint, moment)
        assert x.stock > before, (speed, number)


def test_other_traders_come_as_often_as_told_and_show_in_the_list_and_the_ledger():
    universe = Universe.create(SandboxSettings(npc_traders=20, npc_trade_minutes=30), START)
    day = START + timedelta(days=1)
    for symbol in universe.home.markets:
        universe.market(symbol, day)
    entries = list(universe.ledger)
    assert 0.5 * 20 * 48 < len(entries) < 1.2 * 20 * 48  # some find nothing worth trading
    assert {entry.kind for entry in entries} == {"PURCHASE", "SELL"}
    assert {entry.agent for entry in entries} <= {f"NPC-{n:X}" for n in range(1, 21)}
    assert all(START <= entry.timestamp <= day for entry in entries)
    shown = [t for place in universe.home.markets.values() for t in place.transactions]
    assert len(shown) == len(entries)
    assert all(t["totalPrice"] == t["units"] * t["pricePerUnit"] for t in shown)
    for place in universe.home.markets.values():
        stamps = [t["timestamp"] for t in place.transactions]
        assert stamps == sorted(stamps)


def test_other_traders_never_empty_a_universe():
    universe = Universe.create(SandboxSettings(npc_traders=200), START)
    for symbol in universe.home.markets:
        place = universe.market(symbol, START + timedelta(days=1))
        for x in place.listings.values():
            assert x.tranches >= 2.9 if x.kind is EXPORT else x.tranches <= 10


def test_the_list_of_transactions_is_bounded():
    universe = Universe.create(SandboxSettings(npc_traders=50, transactions_kept=7), START)
    place = universe.market(universe.home.headquarters, START + timedelta(days=30))
    assert len(place.transactions) == 7

"""What advice stands on: the best grounds there are, as wide as they are, and none at all rather than a guess."""

import math
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from spacetraders_lab.analysis.advice import best_slice, quote
from spacetraders_lab.analysis.analyse import analyse
from spacetraders_lab.analysis.displaced import OwnTrades, own_trades
from spacetraders_lab.analysis.draws import DRAWS
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.evidence import evidence_of
from spacetraders_lab.analysis.findings import CellFlag, LawFit, LawForm, SizeLaw
from spacetraders_lab.analysis.law import fit_law
from spacetraders_lab.analysis.own_constant import Ground, listing_constant
from spacetraders_lab.analysis.pace import PaceGround, pace_ground, resilience_of
from spacetraders_lab.analysis.recovery_findings import ListingRate, Stream
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from spacetraders_lab.sandbox.home import generate_home
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.settings import SandboxSettings
from tests.analysis.paths import predict_quotes
from tests.analysis.trading import Trading, as_listing, lab_markets, mixed_steps, trade_at_random
from tests.factories import make_listing
from tests.report.findings import CELL, LAW, RECOVERY, estimate, make_findings, recovery

BUY, SELL = Operation.BUY, Operation.SELL
EXPORT = ListingType.EXPORT
HERE = make_listing()
ELSEWHERE = make_listing("X1-GZ7-Z9")
FINDINGS = make_findings()
NO_TICK = recovery(tick=None)


def exactly(value: float) -> Estimate:
    return Estimate(value, value, value)


LAWS = {
    LawForm.NONE: ({}, math.nan),
    LawForm.CONSTANT: ({}, 0.08),
    LawForm.POWER: ({"b": exactly(0.8)}, 0.08),
    LawForm.LINEAR: ({}, 4.0),
    LawForm.ASYMPTOTE: ({"k EXPORT": exactly(0.3)}, 15.0),
    LawForm.STOCK: ({"k EXPORT": exactly(0.3), "ratio EXPORT": exactly(0.4), "scale EXPORT": exactly(7.5)}, 4.0),
}


def law_of(form: LawForm, side: Operation = BUY) -> LawFit:
    """A law of this form with the constants above, measured at the listing."""
    parameters, constant = LAWS[form]
    known = replace(
        LAW.listings[0], side=side, constant=exactly(-constant if side is SELL and constant < 1 else constant)
    )
    score = replace(LAW.score, form=form, parameters=parameters, error_95=0.0)
    return replace(LAW, best=form, scores=(score,), listings=(known,))


POWER = replace(law_of(LawForm.POWER), scores=(replace(law_of(LawForm.POWER).score, parameters={"b": exactly(1.2)}),))


@pytest.mark.parametrize("form", LAWS)
@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_curve_goes_where_the_law_predicts(form: LawForm, side: Operation) -> None:
    """Full transactions and smaller ones, against the prediction that the law itself makes."""
    law = law_of(form, side)
    if form is LawForm.LINEAR and side is SELL:
        law = replace(law, listings=(replace(law.listings[0], constant=exactly(-4.0)),))
    found = evidence_of(make_findings(law=law), HERE, side, age_minutes=0)
    assert (found.ground, found.form, found.trades) == (Ground.LAW, form, 12)
    for units in (60, 45):
        path = predict_quotes(law, HERE, side, [units] * 3)
        prices = found.curve.central().unit_prices(3 * units, transaction=units)[0, ::units]
        assert prices == pytest.approx(path[:3])


def test_ranges_are_as_wide_as_the_law_is_uncertain() -> None:
    """The listing's constant may be 4 off, and each of two transactions may miss by the law's 95 % error."""
    known = replace(LAW.listings[0], constant=Estimate(30.0, 26.0, 34.0))
    law = replace(LAW, listings=(known,))
    curve = evidence_of(make_findings(law=law), HERE, BUY, age_minutes=0).curve
    ends = [
        predict_quotes(replace(law, listings=(replace(known, constant=exactly(at)),)), HERE, BUY, [60, 60])[2]
        for at in (26.0, 34.0)
    ]
    missed = 2 * LAW.score.error_95 * 2 * math.sqrt(2)
    low, high = np.quantile(curve.unit_prices(121)[:, 120], (0.025, 0.975))
    assert high - low == pytest.approx(math.hypot(ends[0] - ends[1], missed), rel=0.15)


def test_a_listing_never_traded_is_placed_by_its_two_quotes() -> None:
    found = evidence_of(make_findings(law=law_of(LawForm.STOCK)), ELSEWHERE, BUY, age_minutes=0)
    assert (found.ground, found.trades, found.markets) == (Ground.QUOTES, 12, 1)


@pytest.mark.parametrize("missing", ["k EXPORT", "ratio EXPORT", "scale EXPORT"])
def test_the_law_is_silent_of_a_type_of_which_nothing_is_known_in_common(missing: str) -> None:
    """The only trade of the type moved nothing, so that it told of no stock."""
    law = law_of(LawForm.STOCK)
    score = replace(law.score, parameters={n: e for n, e in law.score.parameters.items() if n != missing})
    found = evidence_of(make_findings(law=replace(law, scores=(score,))), HERE, BUY, age_minutes=0)
    assert found.ground is Ground.LISTING


def test_the_law_is_silent_of_a_listing_whose_own_constant_its_trades_do_not_give() -> None:
    law = law_of(LawForm.ASYMPTOTE)
    law = replace(law, listings=(replace(law.listings[0], constant=Estimate(math.nan, math.nan, math.nan)),))
    assert evidence_of(make_findings(law=law), HERE, BUY, age_minutes=0).ground is Ground.LISTING


def test_the_law_is_silent_of_a_listing_whose_quotes_contradict_it() -> None:
    """An ask below an asymptote that it should run away from upwards would fall with every purchase, to nothing."""
    law = law_of(LawForm.ASYMPTOTE)
    wrong = replace(law, listings=(replace(law.listings[0], constant=exactly(HERE.good.purchase_price + 10)),))
    assert evidence_of(make_findings(law=wrong), HERE, BUY, age_minutes=0).ground is Ground.LISTING
    assert evidence_of(make_findings(law=law), HERE, BUY, age_minutes=0).ground is Ground.LAW


def test_a_side_never_traded_is_not_said_to_be_measured() -> None:
    """A constant percentage has nothing in common: of a listing without trades, markets like it tell, and no law."""
    law = law_of(LawForm.CONSTANT, SELL)
    findings = make_findings(law=replace(law, listings=(replace(law.listings[0], side=BUY),)), listings=())
    sold = replace(CELL, side=SELL)
    found = evidence_of(replace(findings, cells=(sold,)), HERE, SELL, age_minutes=0)
    assert (found.ground, found.trades, found.markets) == (Ground.CELL, sold.transactions, sold.markets)


def test_what_listings_share_errs_with_the_listings_own_constant() -> None:
    """A ratio that is off tilts the offset of a pair of quotes by as much of its ask; rates err by themselves."""
    shared = {"k EXPORT": (0.02, 0.0), "ratio EXPORT": (0.0, 0.01), "scale EXPORT": (0.0, 0.0)}
    law = replace(law_of(LawForm.STOCK), shared=shared)
    curve = evidence_of(make_findings(law=law), ELSEWHERE, BUY, age_minutes=0).curve
    assert np.std(curve.slope) == pytest.approx(0.02, rel=0.1) and np.mean(curve.slope) == pytest.approx(0.3)
    rounding = math.hypot(1, 0.4) / math.sqrt(12)
    tilt = 0.01 * ELSEWHERE.good.purchase_price
    assert curve.asymptote is not None
    assert np.std(curve.asymptote) == pytest.approx(7.5 * math.hypot(rounding, tilt), rel=0.1)


@pytest.mark.parametrize("end", ["low", "high"])
def test_the_law_is_silent_where_the_sign_of_what_is_shared_is_not_known(end: str) -> None:
    law = law_of(LawForm.STOCK)
    for name in ("k EXPORT", "ratio EXPORT", "scale EXPORT"):
        wide = {"low": Estimate(1.0, -0.1, 2.1), "high": Estimate(-1.0, -2.1, 0.1)}[end]
        score = replace(law.score, parameters=dict(law.score.parameters) | {name: wide})
        found = evidence_of(make_findings(law=replace(law, scores=(score,))), HERE, BUY, age_minutes=0)
        assert found.ground is Ground.LISTING


def test_no_quote_is_predicted_more_closely_than_two_roundings_allow() -> None:
    """The law's trades were of goods so dear that rounding hardly showed in them."""
    law = law_of(LawForm.CONSTANT)
    steps = dict.fromkeys(ListingType, (2.0, 1.0))
    curve = evidence_of(make_findings(law=replace(law, price_steps=steps)), HERE, BUY, age_minutes=0).curve
    assert curve.noise == pytest.approx(2 / math.sqrt(6))


@pytest.mark.parametrize("steps", [3, 6])
def test_ranges_from_slopes_hold_what_trades_bring_where_the_law_bends(steps: int) -> None:
    """No law was told, yet by the game's own each sale to an IMPORT moves its quote more than the one before."""
    held = []
    for seed in range(5):
        markets = generate_home(SandboxSettings(seed=seed), Random(seed)).markets
        trading = Trading(markets)
        listings = ((m, g) for m, p in markets.items() for g, x in p.listings.items() if x.kind is ListingType.IMPORT)
        chosen = Random(seed).sample(sorted(listings), 8)
        for market, good in chosen:
            trading.visit(market, good, SELL, (1.0, 1.0, 1.0))
        data = trading.dataset()
        findings = replace(analyse(data, trading.observations()), law=None)
        for market, good in chosen:
            seen, place, brought = trading.listing(market, good), markets[market], 0
            trades = own_trades(data, (market, good), seen.observed_at.timestamp())
            for _ in range(steps):
                brought += seen.good.trade_volume * place.quote(good).bid
                place.move(good, SELL, seen.good.trade_volume)
            found = evidence_of(findings, seen, SELL, age_minutes=0, trades=trades)
            told = quote(found.curve, steps * seen.good.trade_volume).total
            held.append(told.low - 1 <= brought <= told.high + 1)
    assert np.mean(held) >= 0.85


@pytest.mark.parametrize("form", [LawForm.CONSTANT, LawForm.STOCK])
def test_a_single_trade_borrows_the_spread_of_its_likes(form: LawForm) -> None:
    law = law_of(form)
    value = law.listings[0].constant.value
    here = replace(law.listings[0], trades=1, constant=Estimate(value, math.nan, math.nan))
    like = replace(here, market="X1-GZ7-B2", trades=4, constant=estimate(3 * value, 0.1))
    constant = listing_constant(replace(law, listings=(here, like)), HERE, BUY)
    assert constant is not None and constant.ground is Ground.LAW
    assert constant.estimate.high - value == pytest.approx(0.2 * value) == value - constant.estimate.low


def test_of_exchange_the_law_is_silent() -> None:
    here = make_listing(type=ListingType.EXCHANGE)
    assert evidence_of(FINDINGS, here, BUY, age_minutes=0).ground is Ground.LISTING


def test_without_a_law_the_slope_of_the_listing_counts() -> None:
    found = evidence_of(make_findings(law=None), HERE, BUY, age_minutes=0)
    assert (found.ground, found.form) == (Ground.LISTING, LawForm.CONSTANT)
    drawn = np.quantile(found.curve.slope, (0.025, 0.5, 0.975))
    far = math.exp(1.96 * math.hypot(math.log(1.2) / 1.96, 0.25))  # its visits had two tradeVolumes, one from the rest
    assert drawn == pytest.approx([0.05 / far, 0.05, 0.05 * far], rel=0.06)


def test_a_slopes_ranges_hold_the_noise_of_each_step_and_its_rounding() -> None:
    """A step of 5 % of 50 credits misses by a twentieth of itself, and two roundings to whole credits."""
    curve = evidence_of(make_findings(law=None), HERE, BUY, age_minutes=0).curve
    assert curve.noise == pytest.approx(math.hypot(0.05 * 0.05 * 50, 1 / math.sqrt(6)))
    assert curve.central().noise == 0


def test_noise_that_no_second_visit_tells_may_be_all_that_listings_differ_by() -> None:
    (known,) = FINDINGS.sides
    unknown = make_findings(law=None, sides=(replace(known, step_cv=math.nan, residual_df=0.0),))
    curve = evidence_of(unknown, HERE, BUY, age_minutes=0).curve
    assert curve.noise == pytest.approx(math.hypot(math.hypot(0.2, 0.1) * 0.05 * 50, 1 / math.sqrt(6)))


def test_a_slopes_ranges_hold_how_far_a_constant_percentage_missed_exchange_listings() -> None:
    here = make_listing(type=ListingType.EXCHANGE)
    law = replace(LAW, exchange_scores=(replace(LAW.scores[0], error_95=7.0),))
    curve = evidence_of(make_findings(law=law), here, BUY, age_minutes=0).curve
    assert curve.noise == pytest.approx(7.0 * 2 / 1.96, rel=1e-3)


def test_a_slopes_ranges_hold_the_states_that_trades_lead_through() -> None:
    """Slopes of 5 and 10 % when MODERATE and SCARCE: a listing that was traded in both may have either."""
    steeper = replace(CELL, supply=Supply.SCARCE, measured=estimate(0.1))
    one, two = (
        evidence_of(make_findings(law=None, cells=c), HERE, BUY, age_minutes=0) for c in ((CELL,), (CELL, steeper))
    )
    narrow, wide = (np.std(np.log(found.curve.slope)) for found in (one, two))
    assert wide == pytest.approx(math.hypot(narrow, 0.7 * math.log(2) / 2), rel=0.1)


def test_an_exchange_may_give_way_more_where_its_own_trades_have_led() -> None:
    """Its quotes run away from their middle as a cube does, so slopes of first trades held 63 % of the next three."""
    held = []
    for seed in range(5):
        markets = lab_markets(seed=seed)
        trading = trade_at_random(markets, 40, seed=seed)
        findings = analyse(trading.dataset(), trading.observations())
        for own in findings.listings:
            if own.type is not ListingType.EXCHANGE:
                continue
            seen, place = trading.listing(own.market, own.good), deepcopy(markets[own.market])
            volume, cost = seen.good.trade_volume, 0
            for _ in range(3):
                shown = place.quote(own.good)
                cost += volume * (shown.ask if own.side is BUY else shown.bid)
                place.move(own.good, own.side, volume)
            told = quote(evidence_of(findings, seen, own.side, age_minutes=0).curve, 3 * volume).total
            held.append(told.low - 1 <= cost <= told.high + 1)
    assert len(held) > 15 and np.mean(held) >= 0.9


@pytest.mark.parametrize("kind", [ListingType.EXCHANGE, ListingType.IMPORT])
def test_ranges_from_slopes_hold_what_the_next_three_trades_cost(kind: ListingType) -> None:
    """In markets of the game's law, of which a constant percentage is not true."""
    trading = trade_at_random(lab_markets(), 150, menu=mixed_steps)
    findings = replace(analyse(trading.dataset(), trading.observations()), law=None)
    if kind is ListingType.EXCHANGE:
        findings = replace(findings, law=fit_law(trading.dataset()))
    held = []
    for market, place in trading.markets.items():
        for good, truth in place.listings.items():
            if truth.kind is not kind or min(place.quote(good)) < 10:
                continue
            units = truth.trade_volume
            found = evidence_of(findings, trading.listing(market, good), SELL, age_minutes=0)
            if found.ground is not Ground.LISTING:
                continue
            total = quote(found.curve, 3 * units).total
            paid = 0
            for _ in range(3):
                paid += units * place.quote(good).bid
                place.move(good, SELL, units)
            held.append(total.low <= paid <= total.high)
    assert len(held) >= 10 and np.mean(held) >= 0.8


def test_then_markets_like_it_as_far_as_one_more_of_them_may_lie() -> None:
    found = evidence_of(FINDINGS, ELSEWHERE, BUY, age_minutes=0)
    assert (found.ground, found.trades, found.markets) == (Ground.CELL, 40, 4)
    low, high = np.quantile(found.curve.slope, (0.05, 0.95))
    assert high / low > 2


@pytest.mark.parametrize(
    "unknown",
    [
        make_findings(cells=(), listings=(), law=None),
        make_findings(cells=(replace(CELL, flag=CellFlag.NOT_OBSERVED),), law=None),
        make_findings(cells=(replace(CELL, activity=Activity.STRONG),), law=None),
        make_findings(cells=(replace(CELL, side=SELL),), law=None),
        make_findings(cells=(replace(CELL, prediction=None),), law=None),
    ],
)
def test_without_grounds_there_is_no_number_but_what_to_do(unknown: object) -> None:
    with pytest.raises(UserError, match=r"buying moves IRON_ORE at X1-GZ7-Z9.*experiment liquidity"):
        evidence_of(unknown, ELSEWHERE, BUY, age_minutes=0)  # type: ignore[arg-type]


def test_what_was_traded_is_not_denied() -> None:
    """Twelve purchases of EXPORTs in other states, and none of them tell of this one."""
    elsewhere = replace(CELL, supply=Supply.ABUNDANT, transactions=12)
    with pytest.raises(UserError, match=r"12 such trades with EXPORT listings are too few.*experiment liquidity"):
        evidence_of(make_findings(cells=(elsewhere,), listings=(), law=None), HERE, BUY, age_minutes=0)


def visits_to_one(number: int, visits: int) -> tuple[Trading, tuple[str, str]]:
    """The lab's dear EXPORTs in turn, one of them visited alone: four purchases an hour apart each time."""
    trading = Trading(lab_markets(noise=0.2))
    dearest = sorted(
        (-x.mid, m, g) for m, p in trading.markets.items() for g, x in p.listings.items() if x.kind is EXPORT
    )
    _, market, good = dearest[number]
    for _ in range(visits):
        trading.visit(market, good, BUY, (1.0, 0.5, 0.25, 0.5))
        trading.now += 3600
    return trading, (market, good)


def test_one_listing_visited_again_and_again_tells_of_itself() -> None:
    """Nothing is like it, so its visits are what its slope is told from, and the next trades stay in its ranges."""
    held = []
    for number in range(10):
        trading, (market, good) = visits_to_one(number, 4)
        findings = analyse(trading.dataset(), trading.observations())
        assert [(x.market, x.good, x.transactions) for x in findings.listings] == [(market, good, 16)]
        found = evidence_of(findings, trading.listing(market, good), BUY, age_minutes=0)
        assert (found.ground, found.trades, found.markets) == (Ground.LISTING, 16, 1)
        units, place = found.curve.trade_volume, trading.markets[market]
        total, paid = quote(found.curve, 3 * units).total, 0
        for _ in range(3):
            paid += units * place.quote(good).ask
            place.move(good, BUY, units)
        held.append(total.low <= paid <= total.high)
    assert np.mean(held) >= 0.7


def test_two_visits_to_one_listing_do_not_tell() -> None:
    trading, (market, good) = visits_to_one(0, 2)
    findings = analyse(trading.dataset(), trading.observations())
    assert not findings.listings
    with pytest.raises(UserError, match=r"8 such trades with EXPORT listings.*Three visits to it tell"):
        evidence_of(findings, trading.listing(market, good), BUY, age_minutes=0)


def test_an_ask_at_its_floor_does_not_show_when_it_will_rise() -> None:
    floored = make_listing(purchase_price=1, sell_price=1)
    with pytest.raises(UserError, match=r"floor of 1 credit.*market get X1-GZ7"):
        evidence_of(FINDINGS, floored, BUY, age_minutes=0)
    sold = evidence_of(FINDINGS, floored, SELL, age_minutes=0).curve
    assert set(sold.unit_prices(180).flat) == {1.0}


def trade_from_rest(known: bool, markets: dict[str, Market]) -> Trading:
    """Each of 30 listings is traded the way that its market undoes; `known`: others were watched coming back before."""
    trading, listings = Trading(markets), sorted((m, g) for m, place in markets.items() for g in place.listings)
    undone = {EXPORT: BUY, ListingType.IMPORT: SELL}
    moving = [(m, g, undone[kind]) for m, g in listings if (kind := markets[m].listings[g].kind) in undone]
    for market, good, side in moving[30:42] if known else ():
        trading.visit(market, good, side, (1.0, 1.0, 1.0))
        for _ in range(16):
            trading.now += 900
            trading.read(market, good)
    trading.now += 36 * 3600
    for market, good, side in moving[:30]:
        trading.visit(market, good, side, (1.0, 1.0, 1.0))
    return trading


@pytest.mark.parametrize(("known", "least"), [(True, 0.9), (False, 0.85)])
def test_an_old_quote_has_gone_back_from_where_own_trades_moved_it(known: bool, least: float) -> None:
    """What three tradeVolumes come to some hours after a run; the ranges held 0 to 68 % when the quote stayed put."""
    markets = lab_markets(seed=3)
    trading = trade_from_rest(known, markets)
    data = trading.dataset()
    findings, ended, held = analyse(data, trading.observations()), trading.now, []
    last = {(row["waypoint_symbol"], row["good_symbol"]): as_listing(row) for row in trading.seen}
    for hours in (0.5, 2.0, 12.0):
        trading.markets, trading.now = deepcopy(markets), ended + 3600 * hours
        for row in trading.trades[-90::3]:
            listing, side = (row["buy_market"], row["good_symbol"]), row["operation"]
            if (seen := last[listing]).good.purchase_price < 50:
                continue
            trades = own_trades(data, listing, seen.observed_at.timestamp())
            curve = evidence_of(findings, seen, side, age_minutes=60 * hours, trades=trades).curve
            total = quote(curve, 3 * seen.good.trade_volume).total
            held.append(total.low <= cost_of_three(trading, listing, side) <= total.high)
    assert len(held) > 60
    assert np.mean(held) >= least


def cost_of_three(trading: Trading, listing: tuple[str, str], side: Operation) -> float:
    """What three full transactions really come to."""
    total = 0.0
    for _ in range(3):
        seen = trading.read(*listing)
        total += seen["trade_volume"] * seen["purchase_price" if side is BUY else "sell_price"]
        trading.markets[listing[0]].move(listing[1], side, seen["trade_volume"])
    return total


def test_what_a_sale_undid_of_a_purchase_has_nothing_to_go_back() -> None:
    once = OwnTrades(np.array([10.0]), np.array([3.0]))
    undone = OwnTrades(np.array([10.0, 0.0]), np.array([3.0, -2.0]))
    old, older = (
        evidence_of(make_findings(recovery=NO_TICK), HERE, BUY, age_minutes=300, trades=trades)
        for trades in (once, undone)
    )
    left = 2 ** (-10 / 300)
    assert old.gone_back == pytest.approx(3 * left / 2, rel=0.05) and old.is_return_known
    assert older.gone_back == pytest.approx((3 * left - 2) / 2, rel=0.05)
    assert np.median(old.curve.quote) < np.median(older.curve.quote) < 50


def test_of_the_move_of_a_single_purchase_the_ask_and_the_bid_go_back_together() -> None:
    trades = OwnTrades(np.array([0.0]), np.array([3.0]))
    for side in (BUY, SELL):
        found = evidence_of(make_findings(recovery=NO_TICK), HERE, side, age_minutes=300, trades=trades)
        assert np.median(found.curve.quote) < HERE.good.price(side)


def test_where_no_recovery_was_measured_the_quote_may_be_back_or_where_it_was() -> None:
    trades = OwnTrades(np.array([0.0]), np.array([3.0]))
    fresh, old = (
        evidence_of(make_findings(recovery=None, sides=()), HERE, BUY, age_minutes=minutes, trades=trades)
        for minutes in (0.0, 180.0)
    )
    assert set(fresh.curve.quote) == {50.0} and fresh.is_return_known
    low, high = np.quantile(old.curve.quote, (0.05, 0.95))
    back = old.curve.asymptote[0] + (50 - old.curve.asymptote[0]) * 2**-0.9 if old.curve.asymptote is not None else 0
    assert low < back + 1 and high > 49 and not old.is_return_known


def test_a_pace_of_another_activity_is_not_that_of_the_listing() -> None:
    trades, strong = OwnTrades(np.array([0.0]), np.array([3.0])), make_listing(activity=Activity.STRONG)
    known, other = (evidence_of(FINDINGS, x, BUY, age_minutes=120, trades=trades) for x in (HERE, strong))
    assert known.is_return_known and not other.is_return_known
    assert np.ptp(other.curve.quote) > np.ptp(known.curve.quote)


def test_a_floor_hides_how_much_must_go_back_before_a_bid_rises() -> None:
    floored = make_listing(type=ListingType.IMPORT, sell_price=1)
    trades = OwnTrades(np.array([0.0]), np.array([-3.0]))
    found = evidence_of(make_findings(law=None, recovery=NO_TICK), floored, SELL, age_minutes=600, trades=trades)
    assert np.quantile(found.curve.quote, 0.05) < 1.01 < np.quantile(found.curve.quote, 0.95)


def test_an_old_quote_is_less_certain() -> None:
    fresh, old = (evidence_of(FINDINGS, HERE, BUY, age_minutes=minutes) for minutes in (0.0, 400.0))
    assert set(fresh.curve.quote) == {50.0}
    assert np.std(np.log(old.curve.quote)) == pytest.approx(0.001 * 20, rel=0.1)
    assert old.age_minutes == 400


@pytest.mark.parametrize("kind", ListingType)
@pytest.mark.parametrize("law", [None, LAW, POWER])
@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_size_of_a_transaction_matters_only_where_a_power_is_the_law(
    kind: ListingType, law: LawFit | None, side: Operation
) -> None:
    """Moves of an asymptote grow as trades go on: that seems an exponent above 1, and smaller trades gain nothing."""
    bent = SizeLaw(estimate(1.08, 0.02), 8.0, 0.001, 8.0, 5, 100)
    curve = evidence_of(make_findings(law=law, size_law=bent), make_listing(type=kind), side, age_minutes=0).curve
    is_power = law is POWER and (kind, side) == (EXPORT, BUY)
    assert curve.exponent == (1.2 if is_power else 1)
    assert best_slice(curve, 1200) == (0.1 if is_power else 1)


def test_an_exponent_that_may_be_one_is_one() -> None:
    score = replace(POWER.score, parameters={"b": Estimate(1.2, 0.97, 1.43)})
    curve = evidence_of(make_findings(law=replace(POWER, scores=(score,))), HERE, BUY, age_minutes=0).curve
    assert curve.exponent == 1 == best_slice(curve, 1200)


def test_the_same_seed_gives_the_same_draws() -> None:
    one, other, third = (evidence_of(FINDINGS, HERE, BUY, age_minutes=9, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(one.curve.slope, other.curve.slope)
    assert one.curve.asymptote is not None and third.curve.asymptote is not None
    assert not np.array_equal(one.curve.asymptote, third.curve.asymptote)
    assert one.curve.draws == DRAWS


class TestRecovery:
    def test_a_tick_brings_back_what_was_bought_of_an_export(self) -> None:
        found = resilience_of(RECOVERY, HERE, BUY)
        assert found is not None and found.half_life is None
        assert np.median(found.an_hour) == pytest.approx(0.6)
        assert np.quantile(found.an_hour, (0.025, 0.975)) == pytest.approx([0.54, 0.66], rel=0.02)

    def test_a_tick_brings_nothing_back_against_its_stream(self) -> None:
        found = resilience_of(RECOVERY, HERE, SELL)
        assert found is not None and set(found.an_hour) == {0.0}

    def test_a_rate_that_its_type_does_not_tell_is_that_of_its_activity(self) -> None:
        """A tick brings back steps, so a half-life of other markets would say too much of it, and too surely."""
        slow = replace(RECOVERY.rates[0], activity=Activity.RESTRICTED, rate=Estimate(0.1, 0.09, 0.11))
        both = replace(RECOVERY, rates=(*RECOVERY.rates, slow))
        imported = make_listing(type=ListingType.IMPORT, activity=Activity.RESTRICTED)
        found = resilience_of(both, imported, SELL)
        assert found is not None and found.half_life is None
        assert np.median(found.an_hour) == pytest.approx(0.2)

    def test_an_activity_that_nothing_tells_of_may_be_like_any(self) -> None:
        slow = replace(RECOVERY.rates[0], activity=Activity.RESTRICTED, rate=Estimate(0.1, 0.09, 0.11))
        strong = make_listing(activity=Activity.STRONG)
        found = resilience_of(replace(RECOVERY, rates=(*RECOVERY.rates, slow)), strong, BUY)
        assert found is not None
        assert np.quantile(found.an_hour, (0.25, 0.75)) == pytest.approx([0.2, 0.6], rel=0.02)

    def test_a_listing_that_was_seen_to_come_back_tells_of_itself(self) -> None:
        own = ListingRate(HERE.waypoint, HERE.good.symbol, EXPORT, Activity.WEAK, 0.41, 0.43, ticks=12)
        known = replace(RECOVERY, listing_rates=(own, replace(own, activity=Activity.STRONG, low=1.0, high=1.0)))
        found = resilience_of(known, HERE, BUY)
        assert found is not None and found.an_hour.min() > 0.82 and found.an_hour.max() < 0.86
        assert pace_ground(known, HERE, BUY) is PaceGround.LISTING
        vague = replace(RECOVERY, listing_rates=(replace(own, low=0.0, high=2.0),))
        assert pace_ground(vague, HERE, BUY) is PaceGround.KIND

    def test_a_stock_goes_by_whole_units(self) -> None:
        """A tradeVolume of six takes one or two at a tick of which others bring back 0.3 tradeVolumes."""
        rare = make_listing(trade_volume=6)
        found = resilience_of(RECOVERY, rare, BUY)
        assert found is not None and set((found.an_hour * 3).round(6)) <= {1.0, 2.0, 3.0}

    @pytest.mark.parametrize(
        ("fields", "ground"),
        [
            ({}, PaceGround.KIND),
            ({"type": ListingType.IMPORT}, PaceGround.ACTIVITY),
            ({"activity": Activity.STRONG}, PaceGround.OTHERS),
            ({"type": ListingType.EXCHANGE, "activity": None}, PaceGround.NOTHING),
        ],
    )
    def test_it_is_told_where_a_pace_comes_from(self, fields: dict[str, Any], ground: PaceGround) -> None:
        assert pace_ground(RECOVERY, make_listing(**fields), BUY) is ground
        assert pace_ground(recovery(tick=None), HERE, BUY) is PaceGround.HALF_LIFE

    def test_at_an_exchange_the_half_life_stands(self) -> None:
        halving = recovery(Stream.NONE, half_life_minutes=estimate(300.0))
        found = resilience_of(halving, make_listing(type=ListingType.EXCHANGE, activity=None), SELL)
        assert found is not None and found.half_life is not None
        assert np.median(found.half_life) == pytest.approx(300, abs=0.001)
        assert np.std(np.log(found.half_life)) == pytest.approx(math.hypot(0.5, math.log(1.2) / 1.96), rel=0.15)
        assert set(found.lasting) == {0.0}

    def test_what_halves_after_small_moves_may_come_back_steadily_and_takes_longer_after_large_ones(self) -> None:
        """Half of three tradeVolumes in 300 minutes: of six, half is back in 300 as well, or in 600."""
        found = resilience_of(recovery(tick=None, half_life_minutes=exactly(300.0), volumes=3.0), HERE, BUY)
        assert found is not None
        for moved, halving, steady in ((3.0, 1.5, 1.5), (6.0, 3.0, 4.5)):
            left = found.gone_back(np.full(DRAWS, moved), 300.0)
            assert np.median(left[::2]) == pytest.approx(halving, rel=0.1)
            assert np.median(left[1::2]) == pytest.approx(steady, rel=0.1)

    @pytest.mark.parametrize(
        ("share", "lasts"),
        [(Estimate(0.3, 0.2, 0.4), 0.3), (Estimate(0.1, -0.2, 0.4), 0.1), (Estimate(2.2, 1.5, 2.8), 1)],
    )
    def test_the_share_that_stays_goes_with_the_half_life_that_was_found_with_it(
        self, share: Estimate, lasts: float
    ) -> None:
        found = resilience_of(recovery(tick=None, permanent_share=share), HERE, BUY)
        assert found is not None
        assert np.median(found.lasting) == pytest.approx(lasts)

    def test_what_was_not_measured_is_not_known(self) -> None:
        assert resilience_of(None, HERE, BUY) is None
        assert resilience_of(recovery(tick=None, half_life_minutes=None), HERE, BUY) is None

    def test_a_half_life_is_of_its_own_stream(self) -> None:
        assert resilience_of(recovery(tick=None), HERE, SELL) is None
        lasts = resilience_of(recovery(Stream.AGAINST, tick=None, lasts_minutes=240.0), HERE, SELL)
        assert lasts is not None and lasts.half_life is None and set(lasts.an_hour) == {0.0}

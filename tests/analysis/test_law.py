"""The law of impact is found, not assumed: the right form in every economy, its constants, and what it predicts."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.analysis.dataset import TYPES
from spacetraders_lab.analysis.evidence import evidence_of
from spacetraders_lab.analysis.findings import LawForm
from spacetraders_lab.analysis.forms import FORMS
from spacetraders_lab.analysis.law import fit_law
from spacetraders_lab.analysis.own_constant import Ground, listing_constant
from spacetraders_lab.analysis.steps import sums_before, trade_steps
from spacetraders_lab.core.market import Listing, ListingType, Operation, TradeGood
from spacetraders_lab.sandbox.home import generate_home
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.settings import SandboxSettings
from tests.analysis.paths import predict_quotes
from tests.analysis.trading import EPOCH, Trading, dear, lab_markets, mixed_steps, trade_at_random
from tests.report.findings import make_findings

BUY, SELL = Operation.BUY, Operation.SELL
EXPORT, IMPORT = ListingType.EXPORT, ListingType.IMPORT


def law_of(economy: str, seed: int = 1, visits: int = 300, **settings):
    return fit_law(
        trade_at_random(
            lab_markets(seed=seed, economy=economy, **settings), visits, seed=seed, menu=mixed_steps
        ).dataset()
    )


@pytest.mark.parametrize(
    ("economy", "settings", "form"),
    [
        ("game", {}, LawForm.STOCK),
        ("constant-percent", {}, LawForm.CONSTANT),
        ("constant-percent", {"heterogeneity": 0.3}, LawForm.CONSTANT),
        ("linear", {}, LawForm.LINEAR),
        ("power", {"exponent": 0.8}, LawForm.POWER),
        ("null", {}, LawForm.NONE),
    ],
)
def test_the_right_form_wins_in_every_economy(economy, settings, form):
    laws = [law_of(economy, seed, **settings) for seed in range(3)]
    assert [law.best for law in laws] == [form] * 3
    assert all(law.confidence > 0.5 for law in laws)


@pytest.fixture(scope="module")
def game():
    """The game's law after 1,200 trades of mixed sizes: what was traded, and the fit."""
    trading = trade_at_random(lab_markets(), 300, menu=mixed_steps)
    return trading, fit_law(trading.dataset())


def test_the_next_quote_is_predicted_within_two_credits_or_a_fifth_of_a_percent(game):
    _, law = game
    assert law.score.predictions > 400
    assert law.score.within >= 0.99
    assert law.score.by_time < 0.5 and law.score.error_95 <= 1
    others = {score.form: score.within for score in law.scores}
    assert others[LawForm.CONSTANT] < 0.85 and others[LawForm.LINEAR] < 0.85 and others[LawForm.NONE] < 0.6


def test_a_home_systems_dear_goods_are_predicted_as_closely():
    """Quotes of tens to tens of thousands of credits, tradeVolumes of 6 to 60, full steps alone."""
    settings = SandboxSettings(volume_grows=False)
    law = fit_law(trade_at_random(generate_home(settings, Random(1)).markets, 200).dataset())
    assert law.best is LawForm.STOCK and law.score.within >= 0.99


def test_the_constants_of_the_game_are_found(game):
    """The sandbox has 0.3 doublings a tradeVolume; deviations of bid and ask stand as 2^-0.3 / 2 and 2^0.3 / 2."""
    found = {name: estimate.value for name, estimate in game[1].score.parameters.items()}
    assert found["k EXPORT"] == pytest.approx(0.3, abs=0.01) and found["k IMPORT"] == pytest.approx(-0.3, abs=0.01)
    assert found["ratio EXPORT"] == pytest.approx(2**-0.3 / 2, abs=0.01)
    assert found["ratio IMPORT"] == pytest.approx(2**0.3 / 2, abs=0.01)


def test_the_asymptote_of_a_listing_is_the_goods_level_times_the_markets_factor(game):
    trading, law = game
    scale = law.score.parameters["scale EXPORT"].value
    for known in law.listings:
        truth = trading.markets[known.market].listings[known.good]
        if known.type is EXPORT and truth.mid >= 100 and known.trades >= 8:
            assert scale * known.constant.value == pytest.approx(truth.mid * truth.factor, rel=0.1)


def test_an_imports_ask_is_known_to_come_in_steps_of_two(game):
    assert game[1].price_steps[IMPORT] == (2, 1) and game[1].price_steps[EXPORT] == (1, 1)


def test_quotes_at_their_floor_neither_bend_the_law_nor_hide_its_steps():
    """Three IMPORTs are sold to until they bid 1 credit, and bought from there."""
    trading = trade_at_random(lab_markets(), 100, menu=mixed_steps)
    imports = [(m, g) for m, place in trading.markets.items() for g, x in place.listings.items() if x.kind is IMPORT]
    for listing in imports[:3]:
        while trading.read(*listing)["sell_price"] > 1:
            trading.visit(*listing, SELL, (1.0,))
        trading.visit(*listing, BUY, (1.0, 1.0))
        trading.visit(*listing, BUY, (1.0, 1.0))
    assert sum(row["sell_price_before"] == 1 for row in trading.trades if row["operation"] is BUY) >= 3
    odd = [row | {"purchase_price_before": 7} for row in trading.trades if row["sell_price_before"] == 1]
    trading.trades.extend(odd)  # at their floor an IMPORT's asks may be odd
    law = fit_law(trading.dataset())
    assert law.best is LawForm.STOCK and law.price_steps[IMPORT] == (2, 1)
    assert law.score.parameters["k IMPORT"].value == pytest.approx(-0.3, abs=0.01)
    assert law.score.parameters["ratio IMPORT"].value == pytest.approx(2**0.3 / 2, abs=0.01)


def test_a_type_whose_quotes_never_move_does_not_hide_the_law_of_the_others():
    """Small trades at an EXCHANGE often move nothing, so that nothing is known of its stock."""
    trading = trade_at_random(lab_markets(), 150, menu=mixed_steps)
    for row in trading.trades:
        if row["listing_type"] is ListingType.EXCHANGE:
            row |= {f"{quote}_after": row[f"{quote}_before"] for quote in ("purchase_price", "sell_price")}
    law = fit_law(trading.dataset())
    assert "k EXCHANGE" not in law.score.parameters
    assert law.best is LawForm.STOCK and law.score.within >= 0.99


def visit_dear_goods(seed: int, turns: int, most: int, fractions: tuple[float, ...], economy: str = "game") -> Trading:
    """A home system: what its first dear EXPORTs have is bought and sold to its first dear IMPORTs, in turns."""
    trading = Trading(generate_home(SandboxSettings(volume_grows=False, economy=economy), Random(seed)).markets)
    places = [(m, g, listing) for m, place in sorted(trading.markets.items()) for g, listing in place.listings.items()]
    for _ in range(turns):
        for kind, side in ((EXPORT, BUY), (IMPORT, SELL)):
            for market, good, _ in [place for place in places if place[2].kind is kind and place[2].mid > 300][:most]:
                trading.visit(market, good, side, fractions)
                trading.visit(market, good, SELL if side is BUY else BUY, fractions[::2])
        trading.now += 3600
    return trading


@pytest.mark.parametrize(("economy", "form"), [("game", LawForm.STOCK), ("constant-percent", LawForm.CONSTANT)])
def test_a_type_with_a_single_listing_is_predicted_from_its_other_visits(economy, form):
    """Nothing of an EXPORT is known from other listings, which is no error of the forms that would need it.

    And all forms know the listing's earlier visits, the kept out ones too, for what is its own.
    """
    laws = [fit_law(visit_dear_goods(seed, 5, 1, (1.0, 0.5, 1.0, 0.25), economy).dataset()) for seed in (1, 2, 4)]
    assert [law.best for law in laws] == [form] * 3
    for law in laws:
        assert len({score.predictions for score in law.scores}) == 1
        assert all(np.isfinite(score.error_95) for score in law.scores)


def test_no_law_is_told_where_a_simpler_form_errs_twice_as_much_but_may_do_so_by_chance():
    """Four trades of growing sizes at each of four listings: the sizes look as if they were what bends the moves."""
    trading = visit_dear_goods(2, 1, 2, (0.25, 0.25, 0.5, 1.0))
    trading.trades[:] = [row for row in trading.trades if (row["operation"] is BUY) == (row["listing_type"] is EXPORT)]
    assert len(trading.trades) == 16
    assert fit_law(trading.dataset()) is None


def test_quotes_that_trades_clearly_move_are_not_said_to_stay():
    """Tenths of a tradeVolume seldom move a cheap good's quote by a credit, so that no move predicts nearly all."""
    law = fit_law(trade_at_random(lab_markets(seed=4), 40, seed=4, menu=lambda _: (0.1,) * 4).dataset())
    assert law.scores[0].within > 0.85
    assert law.best is not LawForm.NONE


def test_exchange_listings_are_scored_apart(game):
    _, law = game
    assert [score.form for score in law.exchange_scores] == [form.form for form in FORMS]
    assert all(score.predictions for score in law.exchange_scores)
    assert not any(score.predictions == law.score.predictions for score in law.exchange_scores)


def test_one_look_at_a_market_never_traded_gives_its_whole_curve(game):
    """The law of another universe, with other factors and stocks, is enough."""
    _, law = game
    elsewhere = Trading(lab_markets(seed=77))
    inside = []
    for market, place in elsewhere.markets.items():
        for good, truth in place.listings.items():
            side = BUY if truth.kind is EXPORT else SELL
            listing = elsewhere.listing(market, good)
            if truth.kind is ListingType.EXCHANGE or min(place.quote(good)) < 20:
                continue
            found = evidence_of(make_findings(law=law), listing, side, age_minutes=0)
            assert found.ground is Ground.QUOTES
            prices = found.curve.unit_prices(4 * truth.trade_volume)[:, :: truth.trade_volume]
            for low, high in np.quantile(prices, (0.025, 0.975), axis=0).T[1:]:
                place.move(good, side, truth.trade_volume)
                ask, bid = place.quote(good)
                inside.append(low - 0.5 <= (ask if side is BUY else bid) <= high + 0.5)
    assert len(inside) > 80 and np.mean(inside) >= 0.95


def test_a_measured_listing_is_predicted_closely(game):
    trading, law = game
    off = []
    for known in law.listings:
        place = trading.markets[known.market]
        if known.type is ListingType.EXCHANGE or min(place.quote(known.good)) < 10:
            continue
        units = place.listings[known.good].trade_volume // 2
        path = predict_quotes(law, trading.listing(known.market, known.good), known.side, [units, units])
        for predicted in path[1:]:
            place.move(known.good, known.side, units)
            quote = place.quote(known.good)
            actual = quote.ask if known.side is BUY else quote.bid
            off.append(abs(predicted - actual) / max(2, 0.002 * actual))
    assert np.mean(np.array(off) <= 1) > 0.95


@pytest.mark.parametrize("economy", ["constant-percent", "linear", "power", "null"])
def test_paths_follow_the_other_laws_too(economy):
    trading = trade_at_random(lab_markets(economy=economy, half_life_minutes=1e9), 300, menu=mixed_steps)
    law = fit_law(trading.dataset())
    known = max(law.listings, key=lambda x: trading.read(x.market, x.good)["sell_price"])
    place = trading.markets[known.market]
    units = place.listings[known.good].trade_volume // 2
    path = predict_quotes(law, trading.listing(known.market, known.good), known.side, [units] * 3)
    for predicted in path[1:]:
        place.move(known.good, known.side, units)
        quote = place.quote(known.good)
        assert predicted == pytest.approx(quote.ask if known.side is BUY else quote.bid, rel=0.01)


def test_a_listing_that_was_never_traded_is_left_open():
    good = TradeGood("MEAT", EXPORT, 10, "MODERATE", "WEAK", 100, 50)
    unknown = Listing("X1-NO-WHERE", good, EPOCH)
    assert listing_constant(law_of("constant-percent"), unknown, BUY) is None
    assert listing_constant(law_of("linear"), unknown, BUY) is None
    floored = Listing("X1-NO-WHERE", replace(good, sell_price=1), EPOCH)
    assert listing_constant(law_of("game"), floored, BUY) is None  # nobody knows how far below it would be
    assert predict_quotes(law_of("null"), unknown, BUY, [10]) == [100, 100]


def test_what_is_common_is_fitted_to_the_listings_that_are_not_predicted():
    """One good is so dear that it alone decides the exponent, 2 there and 1 elsewhere: kept out, it takes b along."""
    bent = next(iter(dear(lab_markets(economy="power", exponent=2.0)).values()))
    good, listing = next(iter(bent.listings.items()))
    markets = lab_markets(seed=2, economy="power", exponent=1.0)
    markets[bent.waypoint] = Market(bent.waypoint, {good: listing}, bent.settings)
    law = fit_law(trade_at_random(markets, 200, menu=mixed_steps).dataset())
    b = next(score for score in law.scores if score.form is LawForm.POWER).parameters["b"]
    assert b.value == pytest.approx(2, abs=0.05) and b.low < 1 < 3 < b.high


def test_no_prediction_looks_ahead(game):
    """Every quote of the second half altered: the predictions of the first half stay what they were."""
    steps = trade_steps(game[0].dataset())
    late = np.arange(len(steps)) >= len(steps) // 2
    altered = replace(steps, **{n: np.where(late, 3 * getattr(steps, n), getattr(steps, n)) for n in ("price", "next")})
    for form in FORMS:
        common = form.fit(steps)
        one, other = form.predict(steps, common)[~late], form.predict(altered, common)[~late]
        assert np.allclose(one, other, rtol=1e-9, equal_nan=True), form.form


def test_too_few_trades_show_no_law():
    assert fit_law(trade_at_random(lab_markets(), 2).dataset()) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-9, 9)), min_size=1, max_size=30))
def test_sums_before_are_the_sums_of_earlier_rows_of_the_same_code(rows):
    code, value = np.array([c for c, _ in rows]), np.array([float(v) for _, v in rows])
    expected = [sum(v for c, v in rows[:i] if c == rows[i][0]) for i in range(len(rows))]
    assert sums_before(code, value)[0].tolist() == expected


def test_all_types_are_fitted_apart(game):
    names = game[1].score.parameters
    assert {f"k {kind}" for kind in TYPES} <= set(names)

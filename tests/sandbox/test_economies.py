"""The alternative economies: each moves prices by its own law and nothing else, so that estimators can be checked."""

import math
import statistics

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import ListingType, Operation
from spacetraders_lab.sandbox.economies import ECONOMIES, economy_of
from spacetraders_lab.sandbox.listing import Listing
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from tests.sandbox.player import START

BUY, SELL = Operation.BUY, Operation.SELL
EXPORT = ListingType.EXPORT
TICK = 1800.0


def market(economy: str, **settings) -> Market:
    """One EXPORT at rest in the middle, so dear that rounding does not show: ask 10 million, bid about half of it."""
    settings = {"impact": 0.05, "half_life_minutes": 120.0, "volume_grows": False} | settings
    listing = Listing("IRON", EXPORT, 10_000_000, 0.6, 20, 20, 80, 4.0, 600.0, 0.3, 0.7, impact=settings["impact"])
    return Market("X1-AA11-A1", {"IRON": listing}, SandboxSettings(economy=economy, **settings))


def moved(place: Market, *trades: tuple[Operation, int]) -> float:
    """The ask after some trades in shares of the ask at rest."""
    before = place.quote("IRON").ask
    for operation, units in trades:
        place.move("IRON", operation, units)
    return place.quote("IRON").ask / before


def about(value: float) -> object:
    return pytest.approx(value, rel=1e-6)


def test_all_begin_at_the_same_quotes():
    assert len({market(economy).quote("IRON") for economy in ECONOMIES}) == 1


def test_constant_percent_multiplies_by_the_same_factor_for_every_trade_volume():
    assert moved(market("constant-percent"), (BUY, 20)) == about(math.exp(0.05))
    assert moved(market("constant-percent"), (BUY, 20), (BUY, 20)) == about(math.exp(0.1))
    assert moved(market("constant-percent"), (BUY, 10), (BUY, 10)) == about(math.exp(0.05))
    assert moved(market("constant-percent"), (BUY, 20), (SELL, 20)) == about(1)


def test_linear_adds_the_same_credits_for_every_trade_volume():
    assert moved(market("linear"), (BUY, 20)) == about(1.05)
    assert moved(market("linear"), (BUY, 20), (BUY, 20)) == about(1.1)
    assert moved(market("linear"), (SELL, 20), (SELL, 20), (SELL, 20)) == about(0.85)


def test_power_makes_small_trades_dear_or_cheap_by_its_exponent():
    for exponent in (0.7, 1.0, 1.3):
        assert moved(market("power", exponent=exponent), (BUY, 20)) == about(math.exp(0.05))
        assert moved(market("power", exponent=exponent), (BUY, 5)) == about(math.exp(0.05 * 0.25**exponent))


def test_null_never_moves():
    place = market("null")
    assert moved(place, (BUY, 20), (BUY, 20), (SELL, 3)) == 1
    place.advance(100 * TICK)
    assert moved(place) == 1


@pytest.mark.parametrize("economy", ["constant-percent", "power"])
def test_a_move_halves_in_the_half_life_but_for_its_lasting_share(economy):
    for share in (0.0, 0.25):
        place = market(economy, permanent_share=share)
        before = place.quote("IRON").ask
        place.move("IRON", BUY, 20)
        place.advance(600 + 3 * TICK)  # four ticks of half an hour: one half-life of two hours
        left = math.log(place.quote("IRON").ask / before)
        assert left == pytest.approx(0.05 * (share + (1 - share) / 2), rel=1e-4)
        place.advance(1000 * TICK)
        assert math.log(place.quote("IRON").ask / before) == pytest.approx(0.05 * share, abs=1e-6)


@pytest.mark.parametrize("economy", ECONOMIES)
def test_stocks_move_alike_in_all_of_them(economy):
    place = market(economy)
    place.move("IRON", BUY, 15)
    assert place.listings["IRON"].stock == 65
    place.advance(600)
    assert place.listings["IRON"].stock == 71


@pytest.mark.parametrize("economy", ["constant-percent", "linear", "power"])
def test_prices_stay_within_reason_whatever_is_traded(economy):
    place = market(economy, impact=0.5)
    for operation in (BUY, SELL):
        for _ in range(100):
            place.move("IRON", operation, 20)
        ask, bid = place.quote("IRON")
        assert 1 <= bid <= ask < 10_000_000 * 200


def test_noise_spreads_the_effect_of_trades_around_the_law():
    place = market("constant-percent", noise=0.2)
    steps = []
    for _ in range(1000):
        before = place.listings["IRON"].shift
        place.move("IRON", BUY, 20)
        steps.append(place.listings["IRON"].shift - before)
        place.listings["IRON"].shift = 0.0
    assert statistics.mean(steps) == pytest.approx(0.05, rel=0.03)
    assert statistics.stdev(steps) / statistics.mean(steps) == pytest.approx(0.2, rel=0.1)


def test_noise_in_the_games_law_is_an_error_of_the_stock():
    place = market("game", noise=0.2)
    moved_units = []
    for _ in range(300):
        before = place.listings["IRON"].stock
        place.move("IRON", BUY, 20)
        moved_units.append(before - place.listings["IRON"].stock)
    assert statistics.mean(moved_units) == pytest.approx(20, rel=0.05)
    assert 2 < statistics.stdev(moved_units) < 6


@pytest.mark.parametrize("economy", ["game", "null"])
def test_drift_wanders_with_its_deviation_and_keeps_its_mean(economy):
    place = market(economy, drift=0.06, drift_half_life_minutes=60.0)
    levels = []
    for number in range(4000):
        place.advance(600 + number * TICK)
        levels.append(place.listings["IRON"].wander)
    assert statistics.mean(levels) == pytest.approx(0, abs=0.01)
    assert statistics.stdev(levels) == pytest.approx(0.06, rel=0.15)
    kept = statistics.correlation(levels[:-2], levels[2:])
    assert kept == pytest.approx(0.5, abs=0.1)


def test_heterogeneity_spreads_the_impact_of_listings():
    def impacts(tau: float) -> list[float]:
        universe = Universe.create(SandboxSettings(economy="power", systems=3, heterogeneity=tau), START)
        places = [place for system in universe.systems.values() for place in system.markets.values()]
        return [math.log(x.impact) for place in places for x in place.listings.values()]

    assert set(impacts(0)) == {math.log(0.05)}
    assert statistics.stdev(impacts(0.3)) == pytest.approx(0.3, rel=0.15)
    assert statistics.mean(impacts(0.3)) == pytest.approx(math.log(0.05), abs=0.05)


def test_what_is_uncertain_in_the_games_formulas_is_a_setting():
    plain, moved_by, steep = market("game"), market("game", stock_offset=0.5), market("game", exchange_steepness=0.2)
    moved_by.listings["IRON"].stock -= 10
    assert moved_by.quote("IRON") == plain.quote("IRON") == steep.quote("IRON")
    for place in (plain, steep):
        place.listings["IRON"].kind = ListingType.EXCHANGE
    assert steep.quote("IRON").ask > plain.quote("IRON").ask


def test_an_unknown_economy_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="constant-percent, linear, power, null"):
        economy_of(SandboxSettings(economy="barter"))

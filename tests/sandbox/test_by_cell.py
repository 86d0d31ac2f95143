"""The economy by cell: every number that an estimator is held against is where the truth says it is."""

import itertools
import math
import statistics

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from spacetraders_lab.sandbox.by_cell import ASK_FOLLOWS, population_impact
from spacetraders_lab.sandbox.listing import Listing
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.truth import truth
from spacetraders_lab.sandbox.universe import Universe
from tests.sandbox.player import START

BUY, SELL = Operation.BUY, Operation.SELL
IMPORT = ListingType.IMPORT
STOCKS = dict(zip(Supply, (0.5, 2.0, 5.0, 8.0, 9.5), strict=True))
CELLS = list(itertools.product(Operation, Supply, (*Activity, None)))


def world(**settings) -> SandboxSettings:
    return SandboxSettings(economy="by-cell", volume_grows=False, **{"exponent": 1.0} | settings)


def market(
    kind: ListingType = IMPORT, stock: float = 5.0, activity: Activity = Activity.WEAK, good: str = "IRON", **settings
) -> Market:
    """One listing, so dear that rounding does not show, unless `mid` says otherwise."""
    mid = settings.pop("mid", 10**9)
    listing = Listing(good, kind, mid, 1.4, 20, 20, round(20 * stock), 5.0, 600.0, 0.3, 0.7, base_activity=activity)
    return Market("X1-AA11-A1", {good: listing}, world(**settings))


def moved(place: Market, operation: Operation, units: int = 20) -> float:
    """The log move of the traded quote by a trade, positive where it goes against the trader."""
    (good,) = place.listings
    side, sign = (0, 1) if operation is BUY else (1, -1)
    before = place.quote(good)[side]
    place.move(good, operation, units)
    return sign * math.log(place.quote(good)[side] / before)


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("activity", [Activity.WEAK, Activity.STRONG])
def test_the_traded_quote_moves_by_the_impact_of_its_cell(operation, activity):
    for supply, stock in STOCKS.items():
        expected = population_impact(world(), operation, supply, activity)
        assert moved(market(stock=stock, activity=activity), operation) == pytest.approx(expected, rel=1e-6)


def test_impact_grows_with_scarcity_for_buyers_and_with_abundance_for_sellers():
    buys = [population_impact(world(), BUY, supply, Activity.WEAK) for supply in Supply]
    sells = [population_impact(world(), SELL, supply, Activity.WEAK) for supply in Supply]
    assert buys == sorted(buys, reverse=True)
    assert sells == sorted(sells)


@pytest.mark.parametrize("kind", ListingType)
def test_the_other_quote_follows_by_the_elasticity_of_the_type(kind):
    for operation in Operation:
        place = market(kind)
        before = place.quote("IRON")
        place.move("IRON", operation, 20)
        ask, bid = (math.log(after / b) for after, b in zip(place.quote("IRON"), before, strict=True))
        assert ask / bid == pytest.approx(ASK_FOLLOWS[kind], rel=1e-4)


def test_the_exponent_makes_parts_of_a_trade_volume_dear_or_cheap():
    for exponent in (0.7, 1.0, 1.3):
        whole, part = moved(market(exponent=exponent), BUY), moved(market(exponent=exponent), BUY, 5)
        assert part / whole == pytest.approx(0.25**exponent, rel=1e-4)


@pytest.mark.parametrize(
    ("effect", "same"),
    [
        ("supply", lambda side, supply, activity: (side, activity)),
        ("activity", lambda side, supply, activity: (side, supply)),
        ("side", lambda side, supply, activity: (supply, activity)),
    ],
)
def test_an_absent_effect_is_none_and_the_others_stay(effect, same):
    def levels(absent: str) -> dict[object, set[float]]:
        groups: dict[object, set[float]] = {}
        for cell in CELLS:
            impact = population_impact(world(absent_effect=absent), *cell)
            groups.setdefault(same(*cell), set()).add(round(impact, 12))
        return groups

    assert all(len(group) == 1 for group in levels(effect).values())
    assert len(set().union(*levels(effect).values())) > 1
    assert all(len(group) > 1 for group in levels("").values())


def test_an_effect_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match="supply, activity and side"):
        world(absent_effect="weather")


def test_interaction_scatters_the_cells_by_its_deviation():
    scatter = [
        math.log(
            population_impact(world(seed=seed, interaction=0.2), *cell) / population_impact(world(seed=seed), *cell)
        )
        for seed in range(20)
        for cell in CELLS
    ]
    assert statistics.mean(scatter) == pytest.approx(0, abs=0.02)
    assert statistics.stdev(scatter) == pytest.approx(0.2, rel=0.05)


def test_listings_scatter_around_the_cell_and_their_mean_is_the_population_s():
    goods = [f"GOOD_{n}" for n in range(3000)]
    for operation in Operation:
        moves = [abs(market(good=good, heterogeneity=0.3).expected_move(good, operation, 20)) for good in goods]
        assert statistics.stdev(map(math.log, moves)) == pytest.approx(0.3, rel=0.05)
        population = population_impact(world(heterogeneity=0.3), operation, Supply.MODERATE, Activity.WEAK)
        assert statistics.mean(moves) == pytest.approx(population, rel=0.02)


def test_the_smooth_world_runs_through_the_cells_and_between_them():
    stocks = [0.05 * n for n in range(201)]
    moves = [market(stock=stock, smooth=True).expected_move("IRON", BUY, 20) for stock in stocks]
    assert moves == sorted(moves, reverse=True)
    assert max(a / b for a, b in itertools.pairwise(moves)) < 1.02
    for supply, stock in STOCKS.items():
        at_centre = market(stock=stock, smooth=True).expected_move("IRON", BUY, 20)
        assert at_centre == pytest.approx(population_impact(world(), BUY, supply, Activity.WEAK))


def test_noise_of_a_full_trade_volume_is_the_setting_and_of_a_quarter_twice_that():
    for units, expected in ((20, 0.2), (5, 0.4)):
        steps = [moved(market(good=f"GOOD_{n}", noise=0.2), BUY, units) for n in range(2000)]
        assert statistics.stdev(steps) / statistics.mean(steps) == pytest.approx(expected, rel=0.07)


def test_prices_give_way_up_to_the_saturation_and_no_further():
    place = market(saturation=0.3)
    for _ in range(30):
        place.move("IRON", SELL, 20)
    assert place.listings["IRON"].shift == pytest.approx(-0.3)
    assert moved(place, SELL) == pytest.approx(0, abs=1e-9)


def test_state_rounding_lets_a_price_forget_what_it_does_not_show():
    """At 55 credits a tenth of a trade volume (0.3 credits) never gets anywhere; kept exactly, it adds up."""
    kept, forgotten = market(mid=20), market(mid=20, state_rounding=True)
    for place in (kept, forgotten):
        before = place.quote("IRON").ask
        for _ in range(10):
            place.move("IRON", BUY, 2)
        assert (place.quote("IRON").ask > before) is (place is kept)


def test_the_truth_says_what_a_trade_would_move():
    universe = Universe.create(world(profile="lab", heterogeneity=0.3), START)
    for markets in truth(universe, START)["systems"].values():
        for waypoint, listings in markets.items():
            for good, shown in listings.items():
                place = universe.home.markets[waypoint]
                volume = place.listings[good].trade_volume
                assert shown["moves"] == {side: place.expected_move(good, side, volume) for side in Operation}
                assert shown["moves"][BUY] > 0 > shown["moves"][SELL]


def test_the_expected_move_of_the_games_law_is_what_a_trade_does():
    for operation in Operation:
        listing = Listing("IRON", IMPORT, 10**9, 1.4, 20, 20, 100, 5.0, 600.0, 0.3, 0.7)
        place = Market("X1-AA11-A1", {"IRON": listing}, SandboxSettings())
        expected = place.expected_move("IRON", operation, 13)
        assert moved(place, operation, 13) == pytest.approx(abs(expected), rel=1e-6)

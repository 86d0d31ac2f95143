"""What the generators make: systems of the real ones' shape, quotes and labels as at rest, what the lab promises."""

import collections
import itertools
import math
import re
import statistics

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Activity, ListingType, Supply
from spacetraders_lab.core.travel import FlightMode, distance, travel_seconds
from spacetraders_lab.sandbox.galaxy import generate_galaxy, system_distance
from spacetraders_lab.sandbox.goods import FUEL, GOODS, RECIPES, TRADE_SYMBOLS
from spacetraders_lab.sandbox.hulls import HULLS
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.symbols import WAYPOINT_TRAITS, WAYPOINT_TYPES, ShipType
from spacetraders_lab.sandbox.truth import truth
from spacetraders_lab.sandbox.universe import Universe
from tests.counting import calls_of
from tests.sandbox.player import START

EXPORT, IMPORT, EXCHANGE = ListingType.EXPORT, ListingType.IMPORT, ListingType.EXCHANGE
SEEDS = range(12)


def universe(seed: int = 1, **fields) -> Universe:
    return Universe.create(SandboxSettings(seed=seed, **fields), START)


def markets_of_goods(made: Universe) -> collections.Counter[str]:
    return collections.Counter(good for place in made.home.markets.values() for good in place.listings if good != FUEL)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_home_system_has_the_shape_of_the_real_ones(seed):
    home = universe(seed).home
    assert 80 <= len(home.waypoints) <= 90
    assert 25 <= len(home.markets) <= 30
    goods = markets_of_goods(universe(seed))
    assert 2.3 <= statistics.mean(goods.values()) <= 2.7
    assert {w.symbol for w in home.waypoints.values() if w.has_market} == set(home.markets)
    assert {w.symbol for w in home.waypoints.values() if "SHIPYARD" in w.traits} == set(home.shipyards)
    assert len(home.shipyards) == 3
    assert all(FUEL in place.listings for place in home.markets.values())
    types = collections.Counter(w.type for w in home.waypoints.values())
    assert types["JUMP_GATE"] == types["GAS_GIANT"] == types["ENGINEERED_ASTEROID"] == 1
    assert next(w for w in home.waypoints.values() if w.type == "JUMP_GATE").is_under_construction
    kinds = collections.Counter(x.kind for place in home.markets.values() for x in place.listings.values())
    assert 33 <= kinds[EXPORT] <= 42
    assert 60 <= kinds[IMPORT] <= 80
    assert 40 <= kinds[EXCHANGE] <= 50


@pytest.mark.parametrize("seed", SEEDS)
def test_symbols_are_the_games_and_orbitals_lie_where_their_parent_lies(seed):
    home = universe(seed).home
    assert re.fullmatch(r"X1-[A-Z]{2}\d{2}", home.symbol)
    for symbol, place in home.waypoints.items():
        assert symbol == place.symbol
        assert symbol.startswith(f"{home.symbol}-")
        assert place.type in WAYPOINT_TYPES
        assert place.traits <= WAYPOINT_TRAITS
        if place.orbits:
            parent = home.waypoints[place.orbits]
            assert parent.orbits is None
            assert (place.x, place.y) == (parent.x, parent.y)
            assert symbol in home.orbitals[parent.symbol]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_market_makes_can_be_made_there(seed):
    for place in universe(seed).home.markets.values():
        for good, x in place.listings.items():
            if x.kind is EXPORT:
                assert set(RECIPES[good]) <= set(place.listings), (place.waypoint, good)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_frigate_can_reach_every_market(seed):
    """With a tank of 400 from fuel to fuel: every market is within 400 of another one, in one connected whole."""
    places = [universe(seed).home.waypoints[symbol] for symbol in universe(seed).home.markets]
    reached, frontier = {places[0].symbol}, [places[0]]
    while frontier:
        here = frontier.pop()
        for place in places:
            if place.symbol not in reached and distance(here.x, here.y, place.x, place.y) <= 400:
                reached.add(place.symbol)
                frontier.append(place)
    assert len(reached) == len(places)


def test_spreads_at_rest_are_those_of_the_real_snapshots():
    """Medians of ask/bid by type and supply in two published snapshots of real systems (308 listings, bid >= 20)."""
    real = {
        (EXPORT, Supply.ABUNDANT): 2.053,
        (EXPORT, Supply.HIGH): 2.087,
        (IMPORT, Supply.SCARCE): 2.019,
        (IMPORT, Supply.LIMITED): 2.047,
        (IMPORT, Supply.MODERATE): 2.083,
        (EXCHANGE, Supply.MODERATE): 1.059,
    }
    spreads = collections.defaultdict(list)
    for seed in SEEDS:
        for place in universe(seed).home.markets.values():
            for good, x in place.listings.items():
                quote = place.quote(good)
                if quote.bid >= 20:
                    spreads[x.kind, x.supply].append(quote.ask / quote.bid)
    assert set(spreads) == set(real)
    for group, median in real.items():
        assert statistics.median(spreads[group]) == pytest.approx(median, abs=0.02), group


def test_a_universe_at_rest_stays_at_rest():
    made = universe()
    quotes = {s: [place.quote(good) for good in place.listings] for s, place in made.home.markets.items()}
    for symbol in made.home.markets:
        place = made.market(symbol, START.replace(year=START.year + 1))
        assert [place.quote(good) for good in place.listings] == quotes[symbol]


def test_labels_activities_volumes_and_factors_at_rest():
    seen = collections.Counter()
    for seed in SEEDS:
        for place in universe(seed).home.markets.values():
            for good, x in place.listings.items():
                activity = place.activity(good)
                seen[x.kind, activity] += 1
                assert activity is None if x.kind is EXCHANGE else activity in (Activity.WEAK, Activity.RESTRICTED)
                assert x.kind is not IMPORT or place.quote(good).ask % 2 == 0
                assert x.trade_volume in ((18, 180) if x.kind is EXCHANGE else (6, 20, 60))
                if x.kind is not EXCHANGE:
                    low, high = (0.45, 0.75) if x.kind is EXPORT else (1.3, 1.65)
                    assert low <= x.factor <= high
                    assert x.factor * 20 == pytest.approx(round(x.factor * 20))
    for kind in (EXPORT, IMPORT):
        assert (
            0.1 < seen[kind, Activity.RESTRICTED] / (seen[kind, Activity.WEAK] + seen[kind, Activity.RESTRICTED]) < 0.9
        )


@pytest.mark.parametrize("profile", ["home", "lab"])
def test_the_same_seed_makes_the_same_universe_and_another_seed_another_one(profile):
    first, again, other = (truth(universe(seed, profile=profile), START) for seed in (5, 5, 6))
    assert first == again
    assert first["systems"] != other["systems"]


def test_the_truth_does_not_depend_on_when_the_universe_began():
    later = Universe.create(SandboxSettings(seed=1), START.replace(year=2031))
    assert truth(later, later.start)["systems"] == truth(universe(), START)["systems"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_lab_has_twelve_goods_at_six_markets_each_and_fuel_everywhere(seed):
    made = universe(seed, profile="lab")
    goods = markets_of_goods(made)
    assert len(goods) == 12
    assert set(goods.values()) == {6}
    assert all(FUEL in place.listings for place in made.home.markets.values())


def test_a_lab_of_72_goods_has_24_markets_with_18_of_them_each_and_stays_cheap():
    made = universe(3, profile="lab", goods=72)
    goods = markets_of_goods(made)
    assert (len(goods), set(goods.values())) == (72, {6})
    assert {len(place.listings) - 1 for place in made.home.markets.values()} == {18}
    assert len(made.home.waypoints) == 24
    quotes = [p.quote(good).ask for p in made.home.markets.values() for good in p.listings if good != FUEL]
    assert max(quotes) <= 900


def test_goods_that_the_game_does_not_have_are_refused():
    with pytest.raises(UserError, match=r"at most \d+ goods, not 1000"):
        universe(profile="lab", goods=1000)
    with pytest.raises(UserError, match="goods of a sandbox must be at least 1"):
        universe(profile="lab", goods=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_lab_is_varied_cheap_and_close(seed):
    made = universe(seed, profile="lab")
    seen, activities = set(), set()
    for place in made.home.markets.values():
        for good, x in place.listings.items():
            if good != FUEL:
                seen.add((x.kind, x.supply))
                activities.add(place.activity(good))
                assert x.trade_volume <= 20
                assert place.quote(good).ask <= 900
    assert seen == set(itertools.product(ListingType, Supply))
    assert {Activity.WEAK, Activity.GROWING, Activity.STRONG, None} <= activities
    speed = HULLS["SHIP_COMMAND_FRIGATE"].speed
    for a, b in itertools.combinations(made.home.waypoints.values(), 2):
        assert 30 <= travel_seconds(distance(a.x, a.y, b.x, b.y), speed, FlightMode.CRUISE) <= 120


def test_every_good_of_the_lab_is_both_made_and_wanted_somewhere():
    made = universe(3, profile="lab")
    kinds = collections.defaultdict(set)
    for place in made.home.markets.values():
        for good, x in place.listings.items():
            kinds[good].add(x.kind)
    assert all({EXPORT, IMPORT} <= kinds[good] for good in markets_of_goods(made))


def test_an_unknown_profile_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="home, lab"):
        universe(profile="moon")


def test_four_times_the_systems_take_four_times_as_long_to_make():
    five, twenty = (calls_of(lambda count=count: universe(systems=count)) for count in (5, 20))
    assert twenty < 4.5 * five < 150_000


def test_every_one_of_twenty_systems_can_be_reached():
    made = universe(systems=20)
    assert len(made.systems) == 20
    assert 1600 <= sum(len(system.waypoints) for system in made.systems.values()) <= 1800
    gates = made.galaxy.gates
    assert len(gates) == 20
    assert all(gate in gates[other] for gate, others in gates.items() for other in others)
    reached, frontier = set(), [next(iter(gates))]
    while frontier:
        gate = frontier.pop()
        if gate not in reached:
            reached.add(gate)
            frontier += gates[gate]
    assert reached == set(gates)
    for system in made.systems.values():
        gate = next(w for w in system.waypoints.values() if w.type == "JUMP_GATE")
        assert not gate.is_under_construction
        assert "ANTIMATTER" in system.markets[gate.symbol].listings


def test_systems_lie_apart():
    one, other = list(universe(systems=2).systems.values())
    assert 0 < system_distance(one, other) == round(math.hypot(one.x - other.x, one.y - other.y))


def test_tables_name_only_what_the_game_knows():
    assert len(TRADE_SYMBOLS) == 145
    assert len(WAYPOINT_TRAITS) == 69
    assert len(WAYPOINT_TYPES) == 14
    assert set(GOODS) <= TRADE_SYMBOLS
    assert all({product, *inputs} <= TRADE_SYMBOLS for product, inputs in RECIPES.items())
    assert set(HULLS) <= {kind.value for kind in ShipType}


def test_a_galaxy_of_one_has_a_gate_that_leads_nowhere():
    from random import Random

    galaxy = generate_galaxy(SandboxSettings(), Random(1))
    assert list(galaxy.gates.values()) == [()]

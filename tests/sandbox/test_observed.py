"""A system made from observations: it looks like what was seen, and trades move it as they would move the original."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Listing as Seen
from spacetraders_lab.core.market import ListingType, Operation, TradeGood
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.observed import observed_system
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from tests.sandbox.player import START


def seen(waypoint: str, market: Market) -> list[Seen]:
    found = []
    for good, listing in market.listings.items():
        ask, bid = market.quote(good)
        shown = TradeGood(good, listing.kind, listing.trade_volume, listing.supply, market.activity(good), ask, bid)
        found.append(Seen(waypoint, shown, START))
    return found


def original(profile: str, seed: int) -> tuple[Universe, list[Seen]]:
    universe = Universe.create(SandboxSettings(profile=profile, seed=seed), START)
    return universe, [sight for symbol, market in universe.home.markets.items() for sight in seen(symbol, market)]


def rebuilt(universe: Universe, sights: list[Seen], **settings):
    places = tuple(universe.home.waypoints.values())
    return observed_system(universe.home.symbol, places, sights, SandboxSettings(**settings))


@pytest.mark.parametrize("profile", ["lab", "home"])
@pytest.mark.parametrize("seed", range(1, 6))
def test_it_shows_what_was_seen(profile, seed):
    universe, sights = original(profile, seed)
    copy = rebuilt(universe, sights)
    assert copy.waypoints == universe.home.waypoints
    for sight in sights:
        (again,) = [s for s in seen(sight.waypoint, copy.markets[sight.waypoint]) if s.good.symbol == sight.good.symbol]
        assert again.good.type is sight.good.type
        assert again.good.trade_volume == sight.good.trade_volume
        assert again.good.supply is sight.good.supply
        if sight.good.type is not ListingType.EXCHANGE:
            assert abs(again.good.purchase_price - sight.good.purchase_price) <= 2
            assert abs(again.good.sell_price - sight.good.sell_price) <= 1


def test_trades_move_it_as_they_move_the_original():
    """The quotes tell the law only as well as their rounding lets them, so dear goods are held against each other."""
    universe, sights = original("home", 2)
    copy = rebuilt(universe, sights)
    compared = 0
    for sight in sights:
        good, waypoint = sight.good, sight.waypoint
        if good.type is ListingType.EXCHANGE or good.sell_price < 1000:
            continue
        for operation in Operation:
            moves = [
                place.expected_move(good.symbol, operation, good.trade_volume)
                for place in (universe.home.markets[waypoint], copy.markets[waypoint])
            ]
            assert moves[1] == pytest.approx(moves[0], rel=0.1, abs=0.002)
            compared += 1
    assert compared > 20


def test_unknown_goods_and_quotes_that_no_law_explains_are_taken_as_they_come():
    universe, sights = original("lab", 1)
    good = next(sight.good for sight in sights if sight.good.type is ListingType.EXPORT)
    odd = replace(good, symbol="MYSTERY_MEAT", purchase_price=500, sell_price=499)
    place = next(iter(universe.home.markets))
    system = rebuilt(universe, [Seen(place, odd, START)])
    ask, bid = system.markets[place].quote("MYSTERY_MEAT")
    assert ask > bid >= 1
    for kind in ListingType:
        system = rebuilt(universe, [Seen(place, replace(odd, type=kind, sell_price=1), START)])
        system.markets[place].move("MYSTERY_MEAT", Operation.BUY, good.trade_volume)
        system.markets[place].advance(timedelta(days=1).total_seconds())
        assert min(system.markets[place].quote("MYSTERY_MEAT")) >= 1


def test_it_can_play_another_economy_and_the_seed_draws_what_cannot_be_seen():
    universe, sights = original("lab", 1)
    first, same, other = (rebuilt(universe, sights, economy="by-cell", seed=seed) for seed in (1, 1, 2))
    listings = [{name: place.listings for name, place in x.markets.items()} for x in (first, same, other)]
    assert listings[0] == listings[1] != listings[2]
    assert all(FUEL in market.listings for market in first.markets.values())


def test_a_system_that_nobody_has_seen_is_refused():
    universe, _ = original("lab", 1)
    with pytest.raises(UserError, match="market scout"):
        rebuilt(universe, [])

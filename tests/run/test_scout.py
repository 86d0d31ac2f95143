"""Scouting: every market once, by whoever is nearest, and every listing it quoted kept."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from spacetraders_lab.core.errors import ShipUnfit, UserError
from spacetraders_lab.run.scout import ScoutingPlan, follow, plan_scouting, scout
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.world import World
from spacetraders_lab.study.rig import FRIGATE, PROBE, Rig

MakeRig = Callable[..., Rig]


def _reads(rig: Rig) -> Counter[str]:
    """How often each market was read."""
    return Counter(x.path.split("/")[-2] for x in rig.wire.log if x.fits("GET", "/market") and x.status == 200)


@pytest.mark.parametrize("ships", [1, 2, 5])
def test_every_market_is_read_exactly_once(make_rig: MakeRig, ships: int) -> None:
    rig = make_rig(ships=ships)
    assert rig.scout() == len(rig.universe.home.markets)
    assert _reads(rig) == dict.fromkeys(rig.universe.home.markets, 1)


def test_every_listing_is_kept_as_quoted(rig: Rig) -> None:
    rig.scout()
    known = rig.read(lambda c: World(c).latest_listings(rig.universe_id(), rig.system))
    quoted = {(market.waypoint, good) for market in rig.universe.home.markets.values() for good in market.listings}
    assert {(listing.waypoint, listing.good.symbol) for listing in known} == quoted
    for listing in known:
        market = rig.universe.market(listing.waypoint, rig.clock.now())
        quote = market.quote(listing.good.symbol)
        assert (listing.good.purchase_price, listing.good.sell_price) == (quote.ask, quote.bid)
        assert listing.good.type is market.listings[listing.good.symbol].kind


def test_observations_say_what_they_were_made_for(rig: Rig) -> None:
    rig.scout()
    assert rig.rows("SELECT DISTINCT source FROM market_observations") == [{"source": "scout"}]


def test_the_ships_share_the_work(make_rig: MakeRig) -> None:
    alone, together = make_rig(ships=1, agent="ONE"), make_rig(ships=4, agent="FOUR")
    alone.scout()
    together.scout()
    assert together.clock.elapsed < alone.clock.elapsed
    assert len({entry.ship_symbol for entry in together.ledger("NAVIGATE")}) == 4


def test_a_probe_scouts_without_fuel(make_rig: MakeRig) -> None:
    rig = make_rig(ships=(FRIGATE, PROBE))
    rig.scout(rig.fleet[1])
    assert rig.ledger("REFUEL") == []
    assert _reads(rig) == dict.fromkeys(rig.universe.home.markets, 1)


def test_a_real_home_system_is_scouted_whole(make_rig: MakeRig) -> None:
    rig = make_rig(profile="home", ships=(FRIGATE, PROBE))
    assert rig.scout() == len(rig.universe.home.markets) >= 20
    looks = "SELECT waypoint_symbol, COUNT(DISTINCT observed_at) AS n FROM market_observations GROUP BY waypoint_symbol"
    assert {row["waypoint_symbol"]: row["n"] for row in rig.rows(looks)} == dict.fromkeys(rig.universe.home.markets, 1)


def test_progress_is_told_market_by_market(rig: Rig) -> None:
    told: list[tuple[int, int]] = []
    rig.play(lambda lab: scout(lab, rig.system, rig.fleet, visited=lambda _, done, total: told.append((done, total))))
    markets = len(rig.universe.home.markets)
    assert len(told) == markets
    assert told[-1] == (markets, markets)
    assert {total for _, total in told} == {markets}


def test_nothing_is_traded(rig: Rig) -> None:
    rig.scout()
    assert rig.ledger("PURCHASE", "SELL") == []


def test_an_unknown_ship_is_refused_with_the_ships_there_are(rig: Rig) -> None:
    with pytest.raises(UserError, match="no such ship: LAB-9; you have LAB-1, LAB-2"):
        rig.scout("LAB-1", "LAB-9")
    assert rig.ledger("NAVIGATE") == []


def test_a_ship_that_the_game_cannot_show_is_not_called_unknown(rig: Rig) -> None:
    rig.ship(2).hold["ICE_WATER"] = -4
    with pytest.raises(ShipUnfit, match=r"the game cannot show LAB-2 \(HTTP 500, code 3000\): use other ships"):
        rig.scout("LAB-1", "LAB-2")


def test_a_ship_of_another_system_is_refused(rig: Rig) -> None:
    with pytest.raises(UserError, match="LAB-1: not in X1-ELSE"):
        rig.play(lambda lab: scout(lab, "X1-ELSE", ["LAB-1"]))
    assert rig.ledger("NAVIGATE") == []


def test_a_ship_that_flies_for_a_run_is_left_alone(rig: Rig) -> None:
    rig.scout()
    flown = len(rig.ledger("NAVIGATE"))
    run = rig.queue(rig.pairs(1))

    with rig.database.transaction() as connection:
        repository = ContainerRepository(connection)
        repository.start(run, [rig.fleet[1]], now=rig.clock.now())
        repository.adopt("daemon_1", [run.player_id], now=rig.clock.now(), lease_seconds=30)
    with pytest.raises(UserError, match=f"{rig.fleet[1]} flies for experiment run-1; .*pause --run-id run-1"):
        rig.scout(*rig.fleet)
    assert len(rig.ledger("NAVIGATE")) == flown
    rig.scout(rig.fleet[0])
    rig.clock.run(rig.clock.sleep(31))  # nobody has heard of that daemon since
    rig.scout(*rig.fleet)


# --- going on, and knowing beforehand ------------------------------------------------------------------------------


def _plan(rig: Rig, minutes: int = 0, *ships: str) -> ScoutingPlan:
    max_age = timedelta(minutes=minutes)
    return rig.play(lambda lab: plan_scouting(lab, rig.system, ships or rig.fleet, max_age=max_age))


def test_a_scouting_that_was_broken_off_goes_on_where_it_stopped(rig: Rig) -> None:
    class Enough(Exception):
        pass

    def stop_after_three(_: str, done: int, __: int) -> None:
        if done == 3:
            raise Enough

    with pytest.raises(Enough):  # itself, though several ships were flying
        rig.play(lambda lab: scout(lab, rig.system, rig.fleet, visited=stop_after_three))
    read = set(_reads(rig))
    plan = _plan(rig, 60)
    assert plan.fresh == read
    assert plan.markets == len(rig.universe.home.markets) - len(read)
    assert rig.play(lambda lab: follow(lab, plan)) == plan.markets
    assert _reads(rig) == dict.fromkeys(rig.universe.home.markets, 1)


def test_what_was_read_too_long_ago_is_read_again(rig: Rig) -> None:
    rig.scout()
    rig.clock.run(rig.clock.sleep(3601))
    assert _plan(rig, 60).markets == len(rig.universe.home.markets)


def test_the_plan_says_of_which_markets_the_goods_are_known(rig: Rig) -> None:
    assert _plan(rig).listed == frozenset()
    rig.scout()
    assert _plan(rig).listed == frozenset(rig.universe.home.markets)


@pytest.mark.parametrize("ships", [(FRIGATE,), (PROBE,), (FRIGATE, PROBE)])
def test_the_planned_time_is_about_the_time_it_takes(make_rig: MakeRig, ships: tuple[str, ...]) -> None:
    rig = make_rig(profile="home", ships=ships)
    planned, began = _plan(rig).seconds, rig.clock.elapsed
    rig.scout()
    assert rig.clock.elapsed - began == pytest.approx(planned, rel=0.2)


def test_planning_moves_nothing(rig: Rig) -> None:
    before = len(rig.universe.ledger)
    _plan(rig)
    assert len(rig.universe.ledger) == before
    assert not [x for x in rig.wire.log if x.method != "GET" and not x.fits("POST", "/register")]


def test_who_names_no_ships_has_the_fleet_read_once(rig: Rig) -> None:
    assert [ship.symbol for ship in rig.play(lambda lab: plan_scouting(lab, rig.system)).ships] == list(rig.fleet)
    assert len([x for x in rig.wire.log if x.fits("GET", "/my/ships")]) == 1


def test_waypoints_that_nobody_has_charted_are_counted(rig: Rig) -> None:
    hidden = list(rig.universe.home.markets)[:3]
    for symbol in hidden:
        known = rig.universe.home.waypoints[symbol]
        rig.universe.home.waypoints[symbol] = replace(known, traits=frozenset({"UNCHARTED"}))
    planned = _plan(rig)
    assert (planned.uncharted, planned.markets) == (3, len(rig.universe.home.markets) - 3)

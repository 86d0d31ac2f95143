"""Somebody else flies a ship of the lab, as a player's other bot may: the lab sees it and goes on from where it is."""

from collections.abc import Callable
from datetime import datetime

import httpx2
import pytest

from spacetraders_lab.sandbox import flight
from spacetraders_lab.sandbox.universe import Agent, Universe
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig

MakeRig = Callable[..., Rig]


@pytest.fixture
def alone(make_rig: MakeRig) -> Rig:
    """A laboratory with one frigate."""
    return make_rig(ships=1)


def _send_away(rig: Rig) -> None:
    """Somebody sends the ship to another market."""
    ship, now = rig.ship(), rig.clock.now()
    ship.fuel = ship.hull.fuel
    elsewhere = next(market for market in reversed(rig.universe.home.markets) if market != ship.waypoint)
    flight.orbit(rig.universe, ship, now)
    flight.navigate(rig.universe, ship, elsewhere, now)


def _send_away_after(rig: Rig, method: str, ending: str, number: int) -> None:
    """The same just after the n-th request of a kind."""
    seen = 0

    def send_away(exchange: Exchange) -> None:
        nonlocal seen
        seen += exchange.fits(method, ending)
        if seen == number:
            rig.wire.after = lambda _: None
            _send_away(rig)

    rig.wire.after = send_away


@pytest.mark.parametrize(
    ("method", "ending", "number"),
    [
        ("POST", "/dock", 1),
        ("POST", "/dock", 2),
        ("POST", "/purchase", 1),
        ("POST", "/purchase", 4),
        ("POST", "/sell", 1),
        ("POST", "/sell", 4),
        ("GET", "/market", 1),
        ("GET", "/market", 5),
        ("GET", "/market", 6),
    ],
)
def test_a_ship_that_is_sent_away_comes_back_and_no_pair_fails(
    alone: Rig, method: str, ending: str, number: int
) -> None:
    _send_away_after(alone, method, ending, number)
    run = alone.queue(alone.pairs(2), FOUR_CELLS)
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 2}
    assert alone.ship().hold == {}
    assert len(alone.records(run)) == len(alone.ledger("PURCHASE", "SELL"))


def test_a_market_that_never_shows_its_prices_fails_the_pair_with_the_reason(
    alone: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair, other = alone.pairs(20)[0], alone.pairs(20)[-1]
    assert pair.buy_market not in (other.buy_market, other.sell_market)
    _hide_prices(monkeypatch, pair.buy_market)
    run = alone.queue([pair, other])
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 1, "FAILED": 1}
    (reason,) = alone.errors(run).values()
    assert reason.startswith(f"refused 4 times in a row: {pair.buy_market} shows no prices: as the game sees it, LAB-1")


def test_a_scout_that_is_sent_away_comes_back_for_the_market(alone: Rig) -> None:
    def send_away(request: httpx2.Request) -> None:
        if request.url.path.endswith("/market"):
            alone.wire.before = lambda _: None
            _send_away(alone)

    alone.wire.before = send_away
    alone.scout()
    read = alone.rows("SELECT DISTINCT waypoint_symbol FROM market_observations")
    assert len(read) == len(alone.universe.home.markets)


def test_a_scout_that_is_sent_away_as_it_sets_off_plans_its_way_anew(alone: Rig) -> None:
    far = [*alone.universe.home.markets][-1]  # where `_send_away` sends it

    def send_away(request: httpx2.Request) -> None:
        leads_elsewhere = far not in alone.ship().waypoint + request.content.decode()
        if request.url.path.endswith("/navigate") and leads_elsewhere:
            alone.wire.before = lambda _: None
            _send_away(alone)
            alone.ship().fuel = 1

    alone.wire.before = send_away
    alone.scout()
    read = alone.rows("SELECT DISTINCT waypoint_symbol FROM market_observations")
    assert len(read) == len(alone.universe.home.markets)


def test_a_market_that_never_shows_its_prices_is_left_out_of_the_scouting(
    alone: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hidden, *others = alone.universe.home.markets
    _hide_prices(monkeypatch, hidden)
    alone.scout()
    read = {row["market"] for row in alone.rows("SELECT DISTINCT waypoint_symbol AS market FROM market_observations")}
    assert read == set(others)
    assert f"{hidden} shows no prices" in caplog.text


@pytest.mark.parametrize("requests", [1, 2, 3, 5, 12])
def test_a_ship_that_is_sold_leaves_and_fails_no_pair(make_rig: MakeRig, requests: int) -> None:
    rig = make_rig(ships=2)
    fleet, seen = rig.fleet, 0

    def scrap(exchange: Exchange) -> None:
        nonlocal seen
        seen += "LAB-1" in exchange.path or exchange.path.endswith("/market")
        if seen == requests:
            rig.wire.after = lambda _: None
            del rig.universe.ships["LAB-1"], rig.universe.fleets["LAB"]["LAB-1"]

    rig.wire.after = scrap
    run = rig.queue(rig.pairs(6), FOUR_CELLS)
    gone, other = rig.fly(run, *fleet)
    assert gone.error == "Ship not found. Ship LAB-1 does not exist or does not belong to the agent."
    assert (other.error, rig.counts(run)) == (None, {"COMPLETED": 6})


def _hide_prices(monkeypatch: pytest.MonkeyPatch, market: str) -> None:
    """The game takes no ship for being at the market."""
    is_watched = Universe.is_watched

    def is_seen(universe: Universe, agent: Agent | None, waypoint: str, now: datetime) -> bool:
        return waypoint != market and is_watched(universe, agent, waypoint, now)

    monkeypatch.setattr(Universe, "is_watched", is_seen)

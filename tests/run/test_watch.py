"""Watching: prices are kept fresh for as long as it is wanted, within the requests that were allowed."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.watch import FRESH_SECONDS, watch
from spacetraders_lab.study.rig import FRIGATE, PROBE, Rig

MakeRig = Callable[..., Rig]


def keep(rig: Rig, *ships: str, hours: float = 0, readings: int = 0, per_minute: float = 60) -> list[str]:
    """Watch for so many hours, or readings; returns the markets in the order of their reading."""
    seen: list[str] = []

    async def go(lab: Lab) -> int:
        stop = asyncio.Event()

        def visited(market: str, count: int) -> None:
            seen.append(market)
            if count == readings:
                stop.set()

        async def ring() -> None:
            await lab.clock.sleep(3600 * hours)
            stop.set()

        bell = asyncio.ensure_future(ring() if hours else stop.wait())
        count = await watch(lab, rig.system, ships or rig.fleet, stop, requests_per_minute=per_minute, visited=visited)
        bell.cancel()
        return count

    assert rig.play(go) == len(seen)
    return seen


def test_every_market_is_read_again_and_again(rig: Rig) -> None:
    counts = Counter(keep(rig, hours=4))
    assert counts.keys() == rig.universe.home.markets.keys()
    assert min(counts.values()) >= 4


def test_what_was_never_read_comes_first(rig: Rig) -> None:
    markets = set(rig.universe.home.markets)
    assert set(keep(rig, readings=len(markets) + 1)) == markets  # one is read twice while the last is flown to


def test_a_parked_probe_makes_one_request_a_reading_and_none_between(make_rig: MakeRig) -> None:
    rig = make_rig(ships=(PROBE,))
    here = rig.universe.ships[rig.fleet[0]].waypoint
    for market in list(rig.universe.home.markets):
        if market != here:
            place = rig.universe.home.waypoints[market]
            rig.universe.home.waypoints[market] = type(place)(place.symbol, place.type, place.x, place.y)
    rig.play(lambda lab: lab.game.map(rig.system))
    before = len(rig.wire.log)
    seen = keep(rig, hours=2)
    assert set(seen) == {here}
    assert len(seen) == pytest.approx(7200 / FRESH_SECONDS, rel=0.15)
    overhead = 5  # status, agent, ships, and the pages of the map
    assert len(rig.wire.log) - before <= len(seen) + overhead
    assert rig.ledger("NAVIGATE", "DOCK", "ORBIT") == []


@pytest.mark.parametrize("per_minute", [2, 6])
def test_the_budget_of_requests_is_kept(make_rig: MakeRig, per_minute: float) -> None:
    rig = make_rig(ships=(FRIGATE, FRIGATE, FRIGATE))
    before = len(rig.wire.log)
    keep(rig, hours=2, per_minute=per_minute)
    one_visit = 5  # a visit that has begun is finished, by each ship
    assert len(rig.wire.log) - before <= 120 * per_minute + 3 * one_visit


def test_nothing_is_traded(rig: Rig) -> None:
    keep(rig, hours=1)
    assert rig.ledger("PURCHASE", "SELL") == []


def test_a_stop_ends_it_even_while_everybody_flies(rig: Rig) -> None:
    began = rig.clock.elapsed
    keep(rig, hours=0.01)
    assert rig.clock.elapsed - began < 40


def test_ships_that_are_not_there_are_refused(rig: Rig) -> None:
    with pytest.raises(UserError, match="no such ship"):
        keep(rig, "LAB-9", hours=1)

"""A laboratory whose clock is wrong measures what one with a right clock does, and waits for nothing longer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TypeVar

import pytest

from spacetraders_lab.core.allocation import Allocation
from spacetraders_lab.core.experiment import Design, DesignName, ExperimentRun, TradeRecord
from spacetraders_lab.core.limits import Limits
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab, open_game, open_lab
from spacetraders_lab.run.coordinator import launch
from spacetraders_lab.run.feed import feed
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.run.prepare import prepare
from spacetraders_lab.run.scout import scout
from spacetraders_lab.study.rig import BASE_URL, FOUR_CELLS, ONE_CELL, Exchange, Rig
from tests.game.test_arrival import SkewedClock

MakeRig = Callable[..., Rig]
T = TypeVar("T")

OFF = pytest.mark.parametrize("off", [-3600.0, -60.0, 60.0, 3600.0])  # seconds, of the lab's clock


def play(rig: Rig, off: float, work: Callable[[Lab], Awaitable[T]]) -> T:
    """As `Rig.play`, on a machine whose clock is so far off."""
    clock = SkewedClock(rig.clock, timedelta(seconds=off))

    async def whole() -> T:
        async with (
            open_game(BASE_URL, rig.token, clock, transport=rig.wire, chance=Random(2)) as game,
            open_lab(game, rig.database, rig.times) as lab,
        ):
            return await work(replace(lab, chance=Random(1)))

    return rig.clock.run(whole())


def fly(rig: Rig, run: ExperimentRun, off: float, stop: asyncio.Event | None = None) -> None:
    play(rig, off, lambda lab: run_workers(lab, run, rig.fleet, stop or asyncio.Event()))


def flown_among_others(rig: Rig, off: float) -> list[TradeRecord]:
    """A run in a market where others trade as well."""
    rig.clock.run(rig.clock.sleep(1800))
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    fly(rig, run, off)
    return rig.records(run)


@OFF
def test_the_rows_are_those_of_a_right_clock(make_rig: MakeRig, off: float) -> None:
    rig = make_rig(ships=1, npc_traders=6, npc_trade_minutes=1.0)
    rows = flown_among_others(rig, off)
    assert len(rows) >= 4 * 8
    traded = {(e.waypoint, e.good) for e in rig.universe.ledger if e.agent != rig.agent.symbol}
    assert traded, "nobody else has traded"
    assert all(-0.1 <= row.seconds_since_before <= 5.0 for row in rows)
    assert not any(row.foreign_units for row in rows), "nobody trades within the moment between two requests"
    seen = rig.rows("SELECT max(observed_at) AS latest FROM market_observations")[0]["latest"]
    assert seen[:18] == rig.clock.now().isoformat()[:18]


def in_flight(rig: Rig, off: float) -> ExperimentRun:
    """A run whose only ship has been left in the middle of a flight."""
    run, stop = rig.queue(rig.pairs(2), ONE_CELL), asyncio.Event()

    def leave(exchange: Exchange) -> None:
        if exchange.fits("POST", "/navigate"):
            stop.set()

    rig.wire.after = leave
    fly(rig, run, off, stop)
    rig.wire.after = lambda _: None
    return run


@OFF
def test_a_ship_found_in_flight_is_waited_for_as_long_as_it_flies(make_rig: MakeRig, off: float) -> None:
    rig = make_rig(ships=1, profile="home")
    run = in_flight(rig, off)
    arrival, asked = rig.ship().flight.arrival, len(rig.wire.log)
    fly(rig, run, off)
    docked = next(x.at for x in rig.wire.log[asked:] if x.fits("POST", "/dock"))
    assert timedelta(0) <= docked - arrival <= timedelta(seconds=2)
    assert rig.counts(run) == {"COMPLETED": 2}


@OFF
def test_scouting_reads_no_market_before_the_ship_is_there(make_rig: MakeRig, off: float) -> None:
    rig = make_rig(ships=1, profile="home")
    in_flight(rig, off)
    begun = rig.clock.elapsed
    read = play(rig, off, lambda lab: scout(lab, rig.system, rig.fleet))
    seen = {row["waypoint_symbol"] for row in rig.rows("SELECT DISTINCT waypoint_symbol FROM market_observations")}
    assert len(seen) == read == len(rig.universe.home.markets)
    assert rig.clock.elapsed - begun < 3600


@OFF
def test_a_run_with_nothing_to_measure_asks_again_when_its_time_is_up(make_rig: MakeRig, off: float) -> None:
    rig = make_rig(ships=1)
    rig.scout()
    wishes = {"design": Design(name=DesignName.ADAPTIVE), "budget": 3_000_000, "limits": Limits(max_hours=0.1)}

    async def ask(lab: Lab) -> float:
        run = (await launch(lab, await prepare(lab, rig.command(goods=tuple(rig.goods()[:2]), **wishes)))).run
        ship = await reads.get_ship(lab.game.client, rig.fleet[0])
        return await feed(replace(lab, allocate=lambda rows, plan: Allocation()), run, ship, asyncio.Event())

    assert play(rig, off, ask) == pytest.approx(360, abs=5)

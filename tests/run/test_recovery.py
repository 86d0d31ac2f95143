"""Recovery runs: shock a few listings, leave them alone, read them again for eight hours; on through interruptions."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName, ExperimentRun, RunStatus
from spacetraders_lab.core.revisits import AFTER_MINUTES, Watch
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.changes import add_ships, reopen
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.run.revisit import how_far
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.revisits import shocks
from spacetraders_lab.study.rig import FRIGATE, PROBE, Rig
from tests.guarantees.judge import violations

RECOVERY = Design(name=DesignName.RECOVERY, washout_seconds=8 * 3600, claim_order=ClaimOrder.NEAREST)
SHIPS = (FRIGATE, FRIGATE, PROBE)


def begin(rig: Rig, pairs: int) -> ExperimentRun:
    rig.scout(*rig.fleet[:2])
    return rig.launch(rig.prepare(design=RECOVERY, budget=2_000_000, max_pairs=pairs, seed=2))


def progress(rig: Rig, run: ExperimentRun) -> Watch:
    return rig.play(lambda lab: how_far(lab, run))


@dataclass(frozen=True)
class Played:
    rig: Rig
    run: ExperimentRun
    requests: int

    def readings(self, source: str) -> list[tuple[str, datetime]]:
        rows = self.rig.rows(
            "SELECT DISTINCT waypoint_symbol, observed_at FROM market_observations WHERE source = :source "
            "ORDER BY observed_at",
            source=source,
        )
        return [(row["waypoint_symbol"], datetime.fromisoformat(row["observed_at"])) for row in rows]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('recovery') / 'lab.db'}", durable=False)
    rig = Rig(database, ships=SHIPS)
    run = begin(rig, 2)
    before = len(rig.wire.log)
    rig.fly(run)
    yield Played(rig, run, len(rig.wire.log) - before)
    database.close()


def test_it_ends_when_every_reading_is_done_or_missed(played: Played) -> None:
    watch = progress(played.rig, played.run)
    assert watch.planned == 4 * len(AFTER_MINUTES)
    assert watch.to_come == ()
    assert watch.done > 0.8 * watch.planned
    assert played.rig.run(played.run).status is RunStatus.COMPLETED
    ended = played.rig.read(lambda c: ExperimentRepository(c).ended_because(played.run.run_id))
    assert ended == "every listing was watched to the end"
    assert violations(played.rig, played.run) == []


def test_what_was_shocked_is_left_alone_and_each_listing_was_shocked_once(played: Played) -> None:
    sides = defaultdict(set)
    for entry in played.rig.ledger("PURCHASE", "SELL"):
        sides[entry.waypoint, entry.good].add(entry.kind)
    assert len(sides) == 4
    assert all(len(kinds) == 1 for kinds in sides.values())
    last = max(entry.timestamp for entry in played.rig.ledger("PURCHASE", "SELL"))
    assert played.rig.clock.now() - last >= timedelta(hours=8)


def test_readings_are_spread_over_eight_hours_and_made_when_they_are_due(played: Played) -> None:
    moved = {shock.market: shock.at for shock in played.rig.read(lambda c: shocks(c, played.run.run_id))}
    by_market = defaultdict(list)
    for market, at in played.readings("recovery"):
        by_market[market].append((at - moved[market]).total_seconds() / 60)
    assert by_market.keys() == moved.keys()
    for minutes in by_market.values():
        assert minutes[-1] >= 480
        assert len(minutes) >= 12
        assert all(b > a for a, b in pairwise(minutes))


def test_untouched_listings_are_read_with_it(played: Played) -> None:
    moved = {(shock.market, shock.good) for shock in played.rig.read(lambda c: shocks(c, played.run.run_id))}
    rows = played.rig.rows(
        "SELECT DISTINCT waypoint_symbol, good_symbol FROM market_observations WHERE source = 'recovery'"
    )
    seen = {(row["waypoint_symbol"], row["good_symbol"]) for row in rows}
    assert moved < seen
    assert len(seen) > 5 * len(moved)


def test_the_probe_watches_too_and_nobody_asks_without_need(played: Played) -> None:
    assert not [e for e in played.rig.ledger("PURCHASE", "SELL") if e.ship_symbol == "LAB-3"]
    assert played.requests < 6 * 4 * len(AFTER_MINUTES)


def test_stopped_in_the_night_it_goes_on_where_it_was(make_rig: Callable[..., Rig]) -> None:
    """An hour of watching, six hours in which nobody is there, and the rest: what was missed says so."""
    rig = make_rig(ships=(FRIGATE,))
    run = begin(rig, 1)
    stop = asyncio.Event()

    async def until_bedtime(lab: Lab) -> None:
        asyncio.get_running_loop().call_later(1.5 * 3600, stop.set)
        await run_workers(lab, run, rig.fleet, stop)

    rig.play(until_bedtime)
    first = progress(rig, run)
    assert first.done > 0
    assert first.to_come
    assert rig.run(run).status is RunStatus.RUNNING
    rig.clock.run(rig.clock.sleep(5 * 3600))
    rig.play(lambda lab: reopen(lab, run.run_id))
    rig.fly(run)
    last = progress(rig, run)
    assert (last.planned, last.to_come) == (first.planned, ())
    assert last.done > first.done
    assert last.missed >= first.missed + 2
    assert rig.run(run).status is RunStatus.COMPLETED
    with pytest.raises(UserError, match="has ended"):
        rig.play(lambda lab: reopen(lab, run.run_id))


def test_a_probe_alone_may_watch_what_others_have_shocked(make_rig: Callable[..., Rig]) -> None:
    """Named or not; while there is something to trade it needs another beside it, unless it only joins."""
    rig = make_rig(ships=(FRIGATE, PROBE))
    run, (frigate, probe) = begin(rig, 1), rig.fleet
    with pytest.raises(UserError, match="LAB-2 has no hold, and there is something to trade"):
        rig.play(lambda lab: reopen(lab, run.run_id, [probe]))
    rig.play(lambda lab: add_ships(lab, run.run_id, [probe]))
    stop = asyncio.Event()

    async def until_shocked(lab: Lab) -> None:
        asyncio.get_running_loop().call_later(3600, stop.set)
        await run_workers(lab, run, [frigate], stop)

    rig.play(until_shocked)
    assert rig.counts(run) == {"COMPLETED": 1}
    before = progress(rig, run)
    assert before.to_come
    assert rig.play(lambda lab: reopen(lab, run.run_id, [probe])).run.ships == (probe,)
    rig.play(lambda lab: run_workers(lab, run, [probe], asyncio.Event()))
    after = progress(rig, run)
    assert (after.to_come, after.done > before.done) == ((), True)
    assert rig.run(run).status is RunStatus.COMPLETED


def test_a_fleet_of_probes_alone_cannot_shock_anything(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(ships=SHIPS)
    rig.scout("LAB-1")
    with pytest.raises(UserError, match="LAB-3 has no hold"):
        rig.prepare(design=RECOVERY, ship_symbols=("LAB-3",))
    assert rig.prepare(design=RECOVERY, max_pairs=1, budget=500_000).run.ships == rig.fleet

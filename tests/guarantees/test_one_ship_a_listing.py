"""Two ships never trade the same listing at the same time, whatever run they belong to."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import groupby, pairwise

import pytest

from spacetraders_lab.core.experiment import ExperimentRun, MarketPair, TradeRecord
from spacetraders_lab.core.market import Operation
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.store import listing_locks
from spacetraders_lab.study.rig import FOUR_CELLS, Rig


@pytest.fixture
def trio(make_rig: Callable[..., Rig]) -> Rig:
    """A laboratory with three frigates."""
    return make_rig(ships=3)


def _ring(rig: Rig) -> list[MarketPair]:
    """Four pairs of one good among three markets: each shares a listing with every other."""
    good = rig.goods()[0]
    a, b, c, *_ = rig.markets_of(good)
    return [MarketPair.of(good, *markets) for markets in ((a, b), (b, c), (c, a), (b, a))]


def _fly_together(rig: Rig, *crews: tuple[ExperimentRun, str]) -> None:
    """Let each ship work on a run of its own, all at once."""

    async def fly(lab: Lab) -> None:
        await asyncio.gather(*(run_workers(lab, run, [ship], asyncio.Event()) for run, ship in crews))

    rig.play(fly)


def test_pairs_that_share_a_listing_are_flown_one_after_the_other(trio: Rig) -> None:
    run = trio.queue(_ring(trio), FOUR_CELLS)
    trio.fly(run)
    assert trio.counts(run) == {"COMPLETED": 4}
    assert not _at_once(trio.records(run))


def test_also_when_they_belong_to_different_runs(trio: Rig) -> None:
    runs = [trio.queue([pair], FOUR_CELLS, run_id=pair.pair_id) for pair in _ring(trio)[:3]]
    _fly_together(trio, *zip(runs, trio.fleet, strict=True))
    records = [record for run in runs for record in trio.records(run)]
    assert {record.ship_symbol for record in records} == set(trio.fleet)
    assert not _at_once(records)


def test_a_washout_keeps_the_listing_closed_for_its_time(trio: Rig) -> None:
    first, second, *_ = _ring(trio)
    run = trio.queue([first, second], replace(FOUR_CELLS, washout_seconds=45 * 60))
    trio.fly(run)
    shared = (first.sell_market, first.good_symbol)
    moments = sorted(record.timestamp for record in trio.records(run) if _listing(record) == shared)
    assert max(later - earlier for earlier, later in pairwise(moments)) >= timedelta(minutes=45)


def test_without_the_locks_ships_get_in_each_others_way(trio: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The known-bad case: a claim that locks its row of the queue alone."""
    monkeypatch.setattr(listing_locks, "take", lambda *_, **__: True)
    run = trio.queue(_ring(trio), FOUR_CELLS)
    trio.fly(run)
    assert _at_once(trio.records(run))


def _listing(record: TradeRecord) -> tuple[str, str]:
    market = record.buy_market if record.operation is Operation.BUY else record.sell_market
    return market, record.good_symbol


def _at_once(records: list[TradeRecord]) -> set[tuple[str, str]]:
    """Listings at which the trades of one pair were made between those of another."""
    found = set()
    for listing in {_listing(record) for record in records}:
        here = sorted((r for r in records if _listing(r) == listing), key=lambda r: r.timestamp)
        visits = [pair for pair, _ in groupby(here, key=lambda r: (r.run_id, r.pair_id))]
        if len(visits) > len(set(visits)):
            found.add(listing)
    return found

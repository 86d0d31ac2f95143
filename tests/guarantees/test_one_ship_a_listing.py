"""Two ships never trade the same listing at the same time, whatever run they belong to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.sandbox.ledger import LedgerEntry
from tests.rig import FOUR_CELLS, Rig


def test_pairs_that_share_a_listing_are_flown_one_after_the_other(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(ships=3)
    good = rig.goods()[0]
    a, b, c, *_ = rig.markets_of(good)
    run = rig.queue([MarketPair.of(good, *markets) for markets in ((a, b), (b, c), (c, a), (b, a))], FOUR_CELLS)
    rig.fly(run)
    assert rig.counts(run) == {"COMPLETED": 4}
    assert not _shared_visits(rig)


def test_also_when_they_belong_to_two_runs(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(ships=2)
    pair = rig.pair()
    there = rig.queue([pair], FOUR_CELLS, run_id="there")
    back = rig.queue([MarketPair.of(pair.good_symbol, pair.sell_market, pair.buy_market)], FOUR_CELLS, run_id="back")
    rig.fly_together((there, "LAB-1"), (back, "LAB-2"))
    assert rig.counts(there) == rig.counts(back) == {"COMPLETED": 1}
    assert {e.ship_symbol for e in rig.ledger("PURCHASE")} == {"LAB-1", "LAB-2"}
    assert not _shared_visits(rig)


def test_a_washout_keeps_the_listing_closed_for_its_time(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(ships=2)
    good = rig.goods()[0]
    a, b, c, *_ = rig.markets_of(good)
    design = rig.with_washout(FOUR_CELLS, minutes=45)
    rig.fly(rig.queue([MarketPair.of(good, a, b), MarketPair.of(good, b, c)], design))
    at_b = [e.timestamp for e in rig.ledger("PURCHASE", "SELL") if e.waypoint == b]
    assert _longest_gap(at_b) >= timedelta(minutes=45)


def _shared_visits(rig: Rig) -> list[tuple[LedgerEntry, LedgerEntry]]:
    """Trades of two ships at one listing that alternate: A, B, A means that both were at it at once."""
    found = []
    trades = rig.ledger("PURCHASE", "SELL")
    for listing in {(e.waypoint, e.good) for e in trades}:
        here = [e for e in trades if (e.waypoint, e.good) == listing]
        finished: set[tuple[str, str]] = set()
        for before, after in pairwise(here):
            if before.ship_symbol != after.ship_symbol:
                finished.add((before.ship_symbol, before.kind))
                if (after.ship_symbol, after.kind) in finished:
                    found.append((before, after))
    return found


def _longest_gap(moments: list[datetime]) -> timedelta:
    return max(after - before for before, after in pairwise(sorted(moments)))

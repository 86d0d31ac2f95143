"""Credits: a purse that runs dry and a budget that is reached stop the run, blame no pair, and nothing is overspent."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design, DesignName, MarketPair, RunStatus
from spacetraders_lab.core.market import ListingType, Operation
from spacetraders_lab.game import reads
from spacetraders_lab.game.navigate import DEAREST_FUEL, navigate
from spacetraders_lab.run import changes
from spacetraders_lab.run.app import Lab
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.study.rig import FOUR_CELLS, ONE_CELL, Rig
from tests.run.yard import Yard

MakeRig = Callable[..., Rig]
FULL_TANK = 480  # credits for 400 units of fuel at the dearest


def _most_away(rig: Rig, since: int, purse: int) -> int:
    """The most credits that were out of the purse at once, by the game's own ledger."""
    return purse - min((entry.credits_after for entry in rig.ledger(since=since)), default=purse)


def _pair_between(rig: Rig, buy_at: ListingType, sell_at: ListingType) -> MarketPair:
    """The first pair of such markets."""
    for good in rig.goods():
        first, second = rig.markets_of(good, buy_at), rig.markets_of(good, sell_at)
        if first and second:
            return MarketPair.of(good, first[0], second[0])
    raise LookupError("no good is both made and used here")


def _losing_pair(rig: Rig) -> MarketPair:
    """Buy where the good is used and sell where it is made: half of the money is lost."""
    return _pair_between(rig, ListingType.IMPORT, ListingType.EXPORT)


# --- fuel -------------------------------------------------------------------------------------------------------------


def test_no_way_takes_more_fuel_than_is_kept_for_it(make_rig: MakeRig) -> None:
    """A ship flies the longest ways with as little in its tank as it may begin with, and pays for a tank and stops."""
    rig = make_rig(profile="home", ships=1)
    ways = rig.ways()
    tank = rig.ship().hull.fuel // 100
    taken = set()
    for pair in sorted(rig.pairs(4_000), key=lambda pair: -ways(pair.buy_market, pair.sell_market).fuel)[:40:4]:
        start, end = pair.buy_market, pair.sell_market
        rig.play(partial(_fly, ship=rig.fleet[0], market=start))
        rig.ship().fuel, since = 0, len(rig.ledger())
        rig.play(partial(_fly, ship=rig.fleet[0], market=end))
        bought = sum(entry.units for entry in rig.ledger("REFUEL", since=since))
        assert bought <= tank + ways(start, end).bought
        taken.add(bought)
    assert max(taken) > 2 * tank


async def _fly(lab: Lab, ship: str, market: str) -> None:
    await navigate(lab.game, await reads.get_ship(lab.game.client, ship), market)


@pytest.mark.parametrize("design", [Design(iterations=1), Design(name=DesignName.ADAPTIVE)])
def test_a_plan_keeps_what_its_longest_way_takes_for_every_ship_and_so_do_those_that_join(
    make_rig: MakeRig, design: Design
) -> None:
    rig = make_rig(profile="home", ships=3)
    rig.scout()
    ways = rig.ways()
    prepared = rig.prepare(design=design, ship_symbols=rig.fleet[:2], budget=10**8)
    run = rig.launch(prepared)
    longest = max(ways(pair.buy_market, pair.sell_market).bought for pair in prepared.proposal.pairs)
    tank, on_the_way = rig.ship().hull.fuel // 100, prepared.document["fuel_on_the_way"]
    assert on_the_way >= longest > tank
    assert (on_the_way == longest) == (design.name is DesignName.GRID), "an adaptive run may take any way"
    assert run.kept_for_fuel == 2 * (tank + on_the_way) * DEAREST_FUEL
    rig.play(lambda lab: changes.add_ships(lab, run.run_id, rig.fleet[2:]))
    assert rig.run(run).kept_for_fuel == 3 * (tank + on_the_way) * DEAREST_FUEL


def test_near_pairs_keep_two_tanks_a_ship(rig: Rig) -> None:
    rig.scout()
    assert rig.prepare(max_pairs=4).run.kept_for_fuel == 2 * 2 * FULL_TANK


# --- the purse --------------------------------------------------------------------------------------------------------


def test_an_empty_purse_suspends_the_run_and_fails_no_pair(rig: Rig) -> None:
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    rig.agent.credits = 5
    rig.fly(run)
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert str(rig.run(run).status_reason).startswith("out_of_credits: ")
    assert rig.counts(run) == {"PENDING": 4}
    assert rig.ledger("PURCHASE") == []


def test_a_purse_that_cannot_pay_for_fuel_suspends_the_run_and_fails_no_pair(make_rig: MakeRig) -> None:
    rig = make_rig(ships=1)
    pairs = [pair for pair in rig.pairs(12) if pair.buy_market != rig.ship().waypoint]
    run = rig.queue(pairs, FOUR_CELLS)
    rig.ship().fuel = 2
    rig.agent.credits = 5
    rig.fly(run)
    assert str(rig.run(run).status_reason).startswith("out_of_credits: the purse cannot pay for fuel")
    assert rig.counts(run) == {"PENDING": len(pairs)}


def test_a_purse_that_runs_dry_sells_what_is_aboard_before_it_waits(make_rig: MakeRig) -> None:
    """The purse is enough for the first cell and fuel, and what the first cell brings is less than it cost."""
    rig = make_rig(ships=1)
    pair = _losing_pair(rig)
    market = rig.universe.market(pair.buy_market, rig.clock.now())
    units = market.listings[pair.good_symbol].trade_volume // 2
    rig.agent.credits = market.quote(pair.good_symbol).ask * units + 400
    run = rig.queue([pair], FOUR_CELLS)
    rig.fly(run)
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert [record.operation for record in rig.records(run)] == [Operation.BUY, Operation.SELL]
    assert rig.ship().hold == {}
    assert rig.counts(run) == {"PENDING": 1}


def test_what_a_sale_brings_buys_the_rest_of_the_pair(make_rig: MakeRig) -> None:
    """The purse is enough for one cell at a time, and each brings more than it cost."""
    rig = make_rig(ships=1)
    pair = _pair_between(rig, ListingType.EXPORT, ListingType.IMPORT)
    market = rig.universe.market(pair.buy_market, rig.clock.now())
    volume, ask = market.listings[pair.good_symbol].trade_volume, market.quote(pair.good_symbol).ask
    assert 2 * volume <= rig.ship().capacity
    rig.agent.credits = round(1.5 * ask * volume) + FULL_TANK
    run = rig.queue([pair], Design(fractions=(1.0,), iterations=2))
    rig.fly(run)
    assert [entry.kind for entry in rig.ledger("PURCHASE", "SELL")] == ["PURCHASE", "SELL"] * 2
    assert rig.counts(run) == {"COMPLETED": 1}


def test_a_run_goes_on_where_it_stopped_once_the_purse_is_filled(rig: Rig) -> None:
    pairs = rig.pairs(4)
    run = rig.queue(pairs, FOUR_CELLS)
    rig.agent.credits = 900
    rig.fly(run)
    before = rig.records(run)
    assert rig.run(run).status is RunStatus.SUSPENDED
    rig.agent.credits = 1_000_000
    rig.resume(run)
    assert rig.run(run).status is RunStatus.COMPLETED
    assert rig.run(run).status_reason is None
    assert rig.counts(run) == {"COMPLETED": 4}
    assert rig.records(run)[: len(before)] == before
    for pair in pairs:
        cells = {(r.batch_size_fraction, r.iteration) for r in rig.records(run) if r.pair_id == pair.pair_id}
        assert cells >= set(FOUR_CELLS.cells)


def test_resuming_with_a_purse_that_is_still_empty_suspends_again(rig: Rig) -> None:
    run = rig.queue(rig.pairs(2))
    rig.agent.credits = 5
    rig.fly(run)
    rig.resume(run)
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert rig.counts(run) == {"PENDING": 2}


# --- the budget -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [3_000, 12_000, 40_000])
def test_never_more_than_the_budget_is_away(rig: Rig, budget: int) -> None:
    run = rig.queue(rig.pairs(8), Design(fractions=(0.25, 0.5, 1.0), iterations=2), budget=budget)
    since, purse = len(rig.universe.ledger), rig.agent.credits
    rig.fly(run)
    assert _most_away(rig, since, purse) <= budget
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert str(rig.run(run).status_reason).startswith("budget_reached: ")
    assert "FAILED" not in rig.counts(run)
    assert all(rig.universe.ships[ship].hold == {} for ship in rig.fleet)


def test_the_budget_is_used_up_before_the_run_waits(rig: Rig) -> None:
    run = rig.queue(rig.pairs(8), FOUR_CELLS, budget=12_000)
    since, purse = len(rig.universe.ledger), rig.agent.credits
    rig.fly(run)
    assert rig.records(run) != []
    assert _most_away(rig, since, purse) > 6_000


def test_what_the_budget_counts_is_what_the_purse_lacks(rig: Rig) -> None:
    run = rig.queue(rig.pairs(3), FOUR_CELLS)
    purse = rig.agent.credits
    rig.fly(run)
    counted = rig.read(lambda c: (Budget(c, run.run_id).outlay(), Budget(c, run.run_id).net_spent()))
    assert counted == (purse - rig.agent.credits, purse - rig.agent.credits)


def test_a_run_of_no_budget_buys_nothing(rig: Rig) -> None:
    run = rig.queue(rig.pairs(2), budget=0)
    rig.fly(run)
    assert rig.ledger("PURCHASE") == []
    assert rig.run(run).status is RunStatus.SUSPENDED


def test_credits_earned_by_the_player_meanwhile_do_not_widen_the_budget(rig: Rig) -> None:
    run = rig.queue(rig.pairs(8), FOUR_CELLS, budget=12_000)
    since, start = len(rig.universe.ledger), rig.agent.credits

    def gift(_: object) -> None:
        rig.agent.credits += 1_000

    rig.wire.after = gift
    rig.fly(run)
    rig.wire.after = lambda _: None
    paid = sum(entry.total for entry in rig.ledger("PURCHASE", "REFUEL", since=since))
    earned = sum(entry.total for entry in rig.ledger("SELL", since=since))
    assert rig.agent.credits > start
    assert paid - earned <= 12_000
    assert rig.run(run).status is RunStatus.SUSPENDED


def test_a_budget_that_is_reached_is_raised_by_who_resumes(rig: Rig) -> None:
    run = rig.queue(rig.pairs(4), FOUR_CELLS, budget=8 * FULL_TANK + 500)
    rig.fly(run)
    assert rig.run(run).status is RunStatus.SUSPENDED
    with pytest.raises(UserError, match="can only raise it"):
        rig.play(lambda lab: changes.reopen(lab, run.run_id, budget=run.budget))
    assert rig.run(run).status is RunStatus.SUSPENDED
    again = rig.play(lambda lab: changes.reopen(lab, run.run_id, budget=2_000_000)).run
    rig.fly(again)
    assert rig.counts(run) == {"COMPLETED": 4}
    (noted,) = rig.rows("SELECT what FROM experiment_deviations")
    assert noted["what"] == f"raised from {run.budget:,} to 2,000,000 credits"


# --- the floor --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ships", [1, 2])
def test_no_purchase_leaves_less_than_the_credit_floor(make_rig: MakeRig, ships: int) -> None:
    """The purse holds a few cells more than the floor: they are traded, and then the run waits."""
    rig = make_rig(ships=ships)
    rig.agent.credits = 50_000
    run = rig.write_run(rig.pairs(8), FOUR_CELLS, now=rig.clock.now(), credit_floor=47_000)
    rig.fly(run)
    bought = rig.ledger("PURCHASE")
    assert bought != []
    assert all(entry.credits_after >= 47_000 for entry in bought)
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert str(rig.run(run).status_reason).startswith("credit_floor: ")
    assert "FAILED" not in rig.counts(run)


@pytest.mark.parametrize(("over", "purchases"), [(0, 1), (1, 0)])
def test_a_purchase_may_leave_just_the_credit_floor(make_rig: MakeRig, over: int, purchases: int) -> None:
    rig = make_rig(ships=1)
    pair = next(pair for pair in rig.pairs(1000) if pair.buy_market == rig.ship().waypoint)
    market = rig.universe.market(pair.buy_market, rig.clock.now())
    cost = market.listings[pair.good_symbol].trade_volume * market.quote(pair.good_symbol).ask
    run = rig.write_run([pair], ONE_CELL, now=rig.clock.now(), credit_floor=rig.agent.credits - cost + over)
    rig.fly(run)
    assert len(rig.ledger("PURCHASE")) == purchases


def test_a_purse_that_was_filled_meanwhile_is_seen_by_the_daemon_that_found_it_empty(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    yard = Yard(make_rig(ships=1, credits=50_000), tmp_path)
    rig = yard.rig
    run = rig.write_run(rig.pairs(2), FOUR_CELLS, now=rig.clock.now(), credit_floor=49_000)
    yard.write(lambda c: ContainerRepository(c).start(run, rig.fleet, now=rig.clock.now()))

    async def story() -> None:
        stop = asyncio.Event()
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: rig.run(run).status is RunStatus.SUSPENDED)
        rig.agent.credits = 3_000_000
        await asyncio.sleep(60)
        yard.write(lambda c: changes.resume(c, run.run_id, now=rig.clock.now()))
        await yard.until(lambda: yard.is_over(run))
        stop.set()
        await serving

    yard.play(story)
    assert rig.counts(run) == {"COMPLETED": 2}

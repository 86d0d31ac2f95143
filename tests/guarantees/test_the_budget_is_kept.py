"""A run never spends beyond the budget that the user accepted."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from typing import TypeVar

import httpx2
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from spacetraders_lab.core.experiment import Design, ExperimentRun, MarketPair, RunStatus
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.run.fleet import open_fleet, run_workers
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.database import Database
from spacetraders_lab.study.rig import Exchange, Rig
from tests.guarantees.simulation import fresh_databases

T = TypeVar("T")

FULL_TANK = 480  # credits for 400 units of fuel at the dearest
FOUR = Design(fractions=(0.25, 1.0), iterations=2)


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture(scope="module")
def make_database() -> Iterator[Callable[[], Database]]:
    with fresh_databases() as make:
        yield make


def _most_away(rig: Rig, since: int, purse: int) -> int:
    """The most credits that were out of the purse at any instant, fuel included, by the game's own ledger."""
    return purse - min((entry.credits_after for entry in rig.ledger(since=since)), default=purse)


def _accounts(rig: Rig, run: ExperimentRun) -> tuple[int, int]:
    """The outlay as it was summed up trade by trade, and as the rows give it."""
    return rig.read(lambda c: (Budget(c, run.run_id).outlay(), Budget(c, run.run_id).net_spent()))


def test_processes_that_share_a_run_keep_the_fuel_of_each_others_ships(make_database: Callable[[], Database]) -> None:
    """Six ships, a process each, with little money: fuel is bought by all of them, goods by who may."""
    rig = Rig(make_database(), seed=3, ships=6, profile="home", credits=50_000_000)
    run = rig.queue(rig.pairs(12), FOUR, budget=10_000)
    since, purse = len(rig.ledger()), rig.agent.credits

    async def fly(lab: Lab, ship: str) -> None:
        await run_workers(lab, run, [ship], asyncio.Event())

    async def all_of_them() -> None:
        await asyncio.gather(*(rig.process(partial(fly, ship=ship)) for ship in rig.fleet))

    rig.clock.run(all_of_them())
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert _most_away(rig, since, purse) <= run.budget


def test_loaded_ships_on_the_longest_ways_keep_to_the_budget(make_database: Callable[[], Database]) -> None:
    """Six ships with little money, all on ways of several stops, each of which takes fuel after goods are bought."""
    rig = Rig(make_database(), seed=1, ships=6, profile="home", credits=50_000_000)
    ways = rig.ways()
    pairs = sorted(rig.pairs(4_000), key=lambda pair: -ways(pair.buy_market, pair.sell_market).fuel)[:30]
    longest = max(ways(pair.buy_market, pair.sell_market).bought for pair in pairs)
    run = rig.queue(pairs, FOUR, budget=60_000, fuel_on_the_way=longest)
    since, purse = len(rig.ledger()), rig.agent.credits
    rig.fly(run)
    assert rig.ledger("PURCHASE", since=since) and rig.ledger("SELL", since=since)
    assert _most_away(rig, since, purse) <= run.budget


def test_ships_of_another_run_take_nothing_from_a_budget(make_database: Callable[[], Database]) -> None:
    rig = Rig(make_database(), ships=4)
    one, *rest = rig.pairs(7)
    own = rig.queue([one], budget=4 * FULL_TANK * 2 + 3_000, run_id="own")
    other = rig.queue(rest, FOUR, run_id="other")

    async def both(lab: Lab) -> None:
        await asyncio.gather(run_workers(lab, other, rig.fleet[1:], asyncio.Event()), later(lab))

    async def later(lab: Lab) -> None:
        await asyncio.sleep(30)
        await run_workers(lab, own, rig.fleet[:1], asyncio.Event())

    rig.play(both)
    assert rig.counts(own) == {"COMPLETED": 1}


@settings(max_examples=15, phases=[Phase.explicit, Phase.generate])
@given(
    budget=st.integers(0, 60_000),
    seed=st.integers(0, 4),
    pairs=st.sets(st.integers(0, 19), min_size=4, max_size=8),
    stops=st.lists(st.integers(1, 60), max_size=3),
)
def test_no_budget_is_ever_exceeded(
    make_database: Callable[[], Database], budget: int, seed: int, pairs: set[int], stops: list[int]
) -> None:
    """Three ships, interrupted now and then."""
    database = make_database()
    rig = Rig(database, ships=3, rate_limit=False, seed=seed)
    candidates = rig.pairs(20)
    run = rig.queue([candidates[i] for i in sorted(pairs)], FOUR, budget=budget)
    since, purse = len(rig.universe.ledger), rig.agent.credits
    for nth in stops:
        rig.fly(run, stop=_stop_after(rig, nth))
    rig.wire.after = lambda _: None
    rig.fly(run)
    assert _most_away(rig, since, purse) <= budget
    counted, summed = _accounts(rig, run)
    assert counted == summed
    broken_off = len(stops) * len(rig.fleet)  # in the middle of refuelling, each counted as at most a full tank
    assert 0 <= counted - (purse - rig.agent.credits) <= broken_off * FULL_TANK
    assert rig.run(run).status is (RunStatus.SUSPENDED if "PENDING" in rig.counts(run) else RunStatus.COMPLETED)
    assert all(rig.universe.ships[ship].hold == {} for ship in rig.fleet)
    database.close()


@dataclass(frozen=True)
class Pensive(Lab):
    """A lab in which whoever has seen which ships may still sell is slow to act on it."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def read(self, work: Callable[[Connection], T]) -> T:
        result = await Lab.read(self, work)
        if isinstance(result, set) and self.meanwhile is not None:
            await self.meanwhile()
        return result


def test_nobody_is_halted_with_cargo_aboard(rig: Rig) -> None:
    """One ship finds the money out and nobody at work; before it says so, another comes that could still buy."""

    def cost(pair: MarketPair) -> int:
        market = rig.universe.market(pair.buy_market, rig.clock.now())
        return min(40, market.listings[pair.good_symbol].trade_volume) * market.quote(pair.good_symbol).ask

    first, second = rig.fleet
    cheap, *_, dear = sorted(rig.pairs(12), key=cost)
    assert cost(cheap) < cost(dear) - 4_000
    run = rig.queue([dear, cheap], Design(fractions=(1.0,), iterations=1), budget=cost(dear) - 1)

    async def go(lab: Lab) -> None:
        late: list[asyncio.Task[object]] = []

        async def another_comes() -> None:
            late.append(asyncio.create_task(fleet.work(second, asyncio.Event())))
            for _ in range(100):  # less than a lease lasts
                if not rig.ledger("PURCHASE"):
                    await asyncio.sleep(0.5)

        pensive = Pensive(**{f.name: getattr(lab, f.name) for f in fields(Lab)}, meanwhile=another_comes)
        async with open_fleet(pensive, run) as fleet:
            await fleet.work(first, asyncio.Event())
            await asyncio.gather(*late)
            assert late

    rig.play(go)
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert all(rig.universe.ships[ship].hold == {} for ship in rig.fleet)


def _stop_after(rig: Rig, nth: int) -> asyncio.Event:
    stop, answered = asyncio.Event(), 0

    def count(_: Exchange) -> None:
        nonlocal answered
        answered += 1
        if answered == nth:
            stop.set()

    rig.wire.after = count
    return stop


@pytest.mark.parametrize("point", [Point.INTENDED, Point.ANSWERED])
def test_a_purchase_whose_outcome_nobody_knows_is_counted(rig: Rig, point: Point) -> None:
    """The worker dies with an open intent: until it is known to have failed, its money is spent."""
    run = rig.queue(rig.pairs(2), FOUR)

    async def die(passed: Point) -> None:
        if passed is point:
            raise Killed

    rig.pass_by = die
    with pytest.raises(Killed):
        rig.fly(run)
    limits = rig.rows("SELECT SUM(units * price_limit) AS away FROM experiment_intents WHERE state = 'OPEN'")
    assert _accounts(rig, run) == (limits[0]["away"],) * 2


def test_fuel_is_counted_before_it_is_paid(rig: Rig) -> None:
    """The worker dies on the way, having refuelled: nothing that left the purse is missing in the account."""
    run = rig.queue(rig.pairs(4), FOUR)
    purse = rig.agent.credits

    def die(exchange: Exchange) -> None:
        if exchange.fits("POST", "/refuel"):
            raise Killed

    rig.wire.after = die
    with pytest.raises(Killed):
        rig.fly(run)
    assert rig.ledger("REFUEL")
    assert _accounts(rig, run)[0] >= purse - rig.agent.credits


def test_without_money_nobody_flies_about(rig: Rig) -> None:
    """Two ships, a budget that fits nothing: not even fuel is bought, and the run waits within minutes."""
    run = rig.queue(rig.pairs(8), FOUR, budget=100)
    rig.fly(run)
    assert rig.ledger("PURCHASE", "REFUEL", "NAVIGATE") == []
    assert rig.run(run).status is RunStatus.SUSPENDED
    assert rig.clock.elapsed < 600


def _counted_and_paid(rig: Rig, run: ExperimentRun) -> tuple[int, int]:
    """What the run has counted for fuel, and what fuel has cost by the game's ledger."""
    (counted,) = rig.rows("SELECT fuel_credits FROM experiment_runs WHERE run_id = :run", run=run.run_id)
    return counted["fuel_credits"], sum(entry.total for entry in rig.ledger("REFUEL"))


def test_fuel_of_which_no_answer_came_is_counted_though_the_game_closes_at_once(rig: Rig) -> None:
    """The tank was filled, the answer is lost, and then nobody may ask: what it may have cost stays counted."""
    run = rig.queue(rig.pairs(4), FOUR)
    closed_until = 0.0

    def lose(exchange: Exchange) -> None:
        nonlocal closed_until
        if exchange.fits("POST", "/refuel") and not closed_until:
            closed_until = rig.clock.elapsed + 90
            raise httpx2.ReadTimeout("lost")

    def close(_: httpx2.Request) -> httpx2.Response | None:
        if rig.clock.elapsed >= closed_until:
            return None
        return httpx2.Response(503, json={"error": {"message": "maintenance", "code": 3100}})

    rig.wire.after, rig.wire.before = lose, close
    rig.fly(run)
    assert closed_until and rig.counts(run) == {"COMPLETED": 4}
    counted, paid = _counted_and_paid(rig, run)
    assert counted >= paid > 0


def test_fuel_that_no_market_lists_any_more_is_counted_at_the_most_it_may_have_cost(rig: Rig) -> None:
    """The answer was lost, and so many have traded since that the market's list has forgotten it."""
    run = rig.queue(rig.pairs(4), FOUR)
    lost = 0

    def lose(exchange: Exchange) -> None:
        nonlocal lost
        if exchange.fits("POST", "/refuel"):
            lost += 1
            for market in rig.universe.home.markets.values():
                market.transactions.clear()
            raise httpx2.ReadTimeout("lost")

    rig.wire.after = lose
    rig.fly(run)
    assert lost and rig.counts(run) == {"COMPLETED": 4}
    counted, paid = _counted_and_paid(rig, run)
    assert counted >= paid > 0

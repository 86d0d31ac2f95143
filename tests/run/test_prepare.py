"""Preparing an experiment: what is chosen, what it will cost, and each way of being refused with nothing done."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design, DesignName, RunStatus
from spacetraders_lab.run.effects import read_market
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.study.rig import FRIGATE, PROBE, Rig
from tests.run.test_adaptive import ADAPTIVE
from tests.run.test_designs import LADDER

MakeRig = Callable[..., Rig]


@pytest.fixture
def scouted(rig: Rig) -> Rig:
    rig.scout()
    return rig


def _refuses(rig: Rig, *words: str, **wishes: Any) -> str:
    """The complaint of a command that must be refused: with these words in it, and with nothing written or traded."""
    with pytest.raises(UserError) as refusal:
        rig.prepare(**wishes)
    for word in words:
        assert word in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert rig.is_empty()
    assert rig.ledger("PURCHASE", "SELL") == []
    return str(refusal.value)


# --- what is prepared -------------------------------------------------------------------------------------------------


def test_every_good_but_fuel_is_paired_between_four_to_eight_markets(scouted: Rig) -> None:
    prepared = scouted.prepare()
    assert sorted(prepared.markets) == scouted.goods()
    assert "FUEL" not in prepared.markets
    assert all(4 <= count <= 8 for count in prepared.markets.values())
    assert len(prepared.pairs) == sum(count * (count - 1) for count in prepared.markets.values())
    assert len({pair.pair_id for pair in prepared.pairs}) == len(prepared.pairs)


def test_of_the_game_only_the_agent_and_the_ships_are_asked(scouted: Rig) -> None:
    """Where it lies is known from the scouting."""
    before = len(scouted.wire.log)
    scouted.prepare()
    assert [asked.path for asked in scouted.wire.log[before:]] == ["/v2/", "/v2/my/agent", "/v2/my/ships"]


def test_fuel_is_measured_when_it_is_asked_for(scouted: Rig) -> None:
    assert set(scouted.prepare(goods=("FUEL",), max_pairs=3).markets) == {"FUEL"}


def test_only_the_goods_asked_for_are_measured(scouted: Rig) -> None:
    wanted = tuple(scouted.goods()[:2])
    assert {pair.good_symbol for pair in scouted.prepare(goods=wanted).pairs} == set(wanted)


@pytest.mark.parametrize("quote", ["purchase_price", "sell_price"])
@pytest.mark.parametrize("design", [Design(), LADDER, ADAPTIVE])
def test_a_quote_of_nothing_is_left_alone(scouted: Rig, design: Design, quote: str) -> None:
    """Nobody has seen one; the API allows it, and a move from 0 has no ratio."""
    worthless = scouted.goods()[0]
    with scouted.database.transaction() as connection:
        connection.execute(
            text(f"UPDATE market_observations SET {quote} = 0 WHERE good_symbol = :good"), {"good": worthless}
        )
    prepared = scouted.prepare(design=design, budget=50_000_000)
    assert sorted(prepared.markets) == scouted.goods()[1:]


def test_a_purse_that_pays_for_nothing_is_said_to_be_too_small(make_rig: MakeRig) -> None:
    """Some pairs lose money as well: that is not what stands in the way."""
    rig = make_rig(credits=3_000)
    rig.scout()
    with pytest.raises(UserError, match=r"not one pair fits the purse of [\d,]+ beside .*; choose cheaper --goods"):
        rig.prepare(design=LADDER)
    with pytest.raises(UserError, match=r"not one pair fits the budget of 500 beside .*; allow more with --budget"):
        rig.prepare(design=LADDER, budget=500)


def test_max_pairs_takes_goods_in_turn(scouted: Rig) -> None:
    few, all_of_them = scouted.prepare(max_pairs=5).pairs, scouted.prepare().pairs
    assert len({pair.good_symbol for pair in few}) == 5
    assert set(few) < set(all_of_them)


def test_pairs_are_queued_good_by_good_each_where_the_last_one_ended(scouted: Rig) -> None:
    pairs = scouted.prepare().pairs
    changes = [(a, b) for a, b in pairwise(pairs) if a.sell_market != b.buy_market]
    assert all(a.good_symbol != b.good_symbol for a, b in changes)
    assert len(changes) < len({pair.good_symbol for pair in pairs})


def test_the_budget_is_the_purse_unless_it_is_named(scouted: Rig) -> None:
    assert scouted.prepare(max_pairs=2).run.budget == scouted.agent.credits
    assert scouted.prepare(max_pairs=2, budget=900_000).run.budget == 900_000


def test_a_ship_named_twice_works_once(scouted: Rig) -> None:
    prepared = scouted.prepare(ship_symbols=("LAB-1", "LAB-1"), max_pairs=2)
    assert prepared.run.ships == ("LAB-1",)
    assert prepared.plan.ships == 1


def test_preparing_writes_nothing_and_moves_no_ship(scouted: Rig) -> None:
    before = len(scouted.universe.ledger)
    scouted.prepare()
    assert scouted.is_empty()
    assert len(scouted.universe.ledger) == before


def test_launching_writes_run_plan_and_queue(scouted: Rig) -> None:
    prepared = scouted.prepare(max_pairs=7, seed=11)
    run = scouted.launch(prepared)
    assert scouted.run(run) == prepared.run
    assert scouted.run(run).status is RunStatus.RUNNING
    assert scouted.run(run).seed == 11
    assert scouted.counts(run) == {"PENDING": 7}
    plan = scouted.read(lambda c: ExperimentRepository(c).get_plan(run.run_id))
    assert plan["transactions"] == prepared.plan.transactions
    assert plan["worst_case"] == pytest.approx(prepared.plan.worst_case)
    queued = scouted.rows("SELECT pair_id FROM experiment_work_queue ORDER BY position")
    assert [row["pair_id"] for row in queued] == [pair.pair_id for pair in prepared.pairs]


def test_two_runs_have_ids_of_their_own(scouted: Rig) -> None:
    assert scouted.prepare(max_pairs=1).run.run_id != scouted.prepare(max_pairs=1).run.run_id


# --- ships ------------------------------------------------------------------------------------------------------------


def test_an_unknown_ship_is_refused(scouted: Rig) -> None:
    _refuses(scouted, "no such ship: LAB-9", "you have LAB-1, LAB-2", ship_symbols=("LAB-1", "LAB-9"))


def test_a_ship_of_another_system_is_refused(make_rig: MakeRig) -> None:
    rig = make_rig(systems=2)
    rig.scout()
    abroad = next(system for system in rig.universe.systems.values() if system.symbol != rig.system)
    place = next(iter(abroad.waypoints.values()))
    ship = rig.universe.add_ship(rig.agent, FRIGATE, place, rig.clock.now())
    _refuses(rig, f"{ship.symbol} is in {abroad.symbol}, not in {rig.system}", ship_symbols=("LAB-1", ship.symbol))


def test_a_ship_without_a_hold_is_refused(make_rig: MakeRig) -> None:
    rig = make_rig(ships=(FRIGATE, PROBE))
    rig.scout("LAB-1")
    _refuses(rig, "LAB-2 has no hold", "market scout", ship_symbols=("LAB-2",))


# --- prices -----------------------------------------------------------------------------------------------------------


def test_without_market_data_the_command_that_gets_them_is_named(rig: Rig) -> None:
    _refuses(rig, "no market data", f"spacetraders market scout --system {rig.system} --ships LAB-1,LAB-2")


def test_old_prices_are_refused_with_the_command_that_refreshes_them(scouted: Rig) -> None:
    scouted.clock.run(scouted.clock.sleep(3 * 3600))
    said = _refuses(scouted, "older than 60 minutes", "--max-age")
    assert f"spacetraders market scout --system {scouted.system} --ships LAB-1,LAB-2" in said


def test_a_few_old_prices_are_as_bad_as_all_of_them(scouted: Rig) -> None:
    """One market seen again an hour later does not make the others fresh."""
    scouted.clock.run(scouted.clock.sleep(3 * 3600))
    listings = len(scouted.rows("SELECT DISTINCT waypoint_symbol, good_symbol FROM market_observations"))
    _look_again(scouted)
    said = _refuses(scouted, f"of {listings} prices")
    assert not said.startswith(f"{listings} of")


def test_older_prices_are_taken_when_the_user_says_so(scouted: Rig) -> None:
    scouted.clock.run(scouted.clock.sleep(3 * 3600))
    assert scouted.prepare(max_age=timedelta(hours=6), max_pairs=2).pairs != []


def test_prices_age_in_game_time(make_rig: MakeRig) -> None:
    """At sixty-fold speed ten minutes of the clock are ten hours of the game."""
    rig = make_rig(speed=60.0)
    rig.scout()
    rig.clock.run(rig.clock.sleep(600))
    _refuses(rig, "older than 60 minutes")


# --- goods ------------------------------------------------------------------------------------------------------------


def test_a_good_that_nobody_trades_here_is_refused(scouted: Rig) -> None:
    _refuses(scouted, "MOON_CHEESE", "not traded", goods=("MOON_CHEESE",))


def test_a_good_that_one_market_alone_trades_cannot_be_paired(make_rig: MakeRig) -> None:
    rig = make_rig(profile="home")
    lonely = next(good for good in rig.goods() if len(rig.markets_of(good)) == 1)
    rig.scout()
    _refuses(rig, "two markets", goods=(lonely,))


# --- money ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [40_000, 90_000, 140_000, 190_000])
def test_a_plan_beyond_the_budget_is_refused_with_what_would_fit(scouted: Rig, budget: int) -> None:
    wishes = {"design": Design(), "max_pairs": 40}
    worst = scouted.prepare(**wishes).plan.worst_case
    said = _refuses(scouted, "worst case", f"{worst:,.0f}", "--max-pairs", "--budget", budget=budget, **wishes)
    pairs = int(said.split("--max-pairs ")[1].split()[0])
    assert scouted.prepare(design=Design(), max_pairs=pairs, budget=budget).plan.worst_case <= budget
    _refuses(scouted, design=Design(), max_pairs=pairs + 1, budget=budget)
    enough = int(said.split("--budget ")[1].split()[0])
    assert scouted.prepare(budget=enough, **wishes).run.budget == enough
    assert said.endswith(" or --design adaptive")
    assert scouted.prepare(design=Design(name=DesignName.ADAPTIVE), budget=budget).plan.worst_case <= budget


def test_a_purse_that_does_not_cover_the_plan_is_no_reason_to_offer_a_larger_budget(scouted: Rig) -> None:
    scouted.agent.credits = 50_000
    said = _refuses(scouted, "budget of 50,000", design=Design(), max_pairs=20)
    assert "--budget" not in said


def test_a_budget_for_not_even_one_pair_asks_for_fewer_or_cheaper_goods(scouted: Rig) -> None:
    _refuses(scouted, "--goods", design=Design(), max_pairs=20, budget=10)


def _look_again(rig: Rig) -> None:
    """Read the market where the first ship is."""
    rig.play(lambda lab: read_market(lab, rig.ship().waypoint, "manual"))


def test_fewer_ships_are_a_remedy_where_there_are_several(scouted: Rig) -> None:
    """Two full tanks are kept for each: the budget is enough for a pair beside those of one ship."""
    wishes: dict[str, Any] = {"design": Design(name=DesignName.LADDER), "budget": 4_200}
    assert "send fewer --ships" in _refuses(scouted, "not one pair fits", **wishes)
    one = scouted.prepare(ship_symbols=scouted.fleet[:1], **wishes)
    assert one.pairs
    assert "--ships" not in _refuses(
        scouted, "not one pair fits", ship_symbols=scouted.fleet[:1], **wishes | {"budget": 900}
    )

"""An adaptive run with the allocation that users have, in its own process: it ends by itself, at its target."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

from spacetraders_lab.analysis.needs import cell_estimates, is_precise
from spacetraders_lab.cli.calculator import calculator
from spacetraders_lab.cli.context import equipped
from spacetraders_lab.core.analysis_plan import FEWEST_VOLUMES, GOOD_ENOUGH
from spacetraders_lab.core.canonical import plan_hash
from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName, ExperimentRun, RunStatus
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.coordinator import Prepared
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.store.attrition import attrition
from spacetraders_lab.store.brackets import placebo_brackets
from spacetraders_lab.store.world import World
from spacetraders_lab.study.rig import Rig
from tests.guarantees.judge import violations

TARGET = 0.7
DESIGN = Design(name=DesignName.ADAPTIVE, washout_seconds=60, claim_order=ClaimOrder.NEAREST, target=TARGET)


def prepare(rig: Rig, seed: int = 5) -> Prepared:
    return rig.prepare(design=DESIGN, budget=5_000_000, goods=("IRON_ORE",), seed=seed)


def test_an_adaptive_run_ends_at_its_target_with_an_exact_ledger_and_one_ship_at_a_listing(
    make_rig: Callable[..., Rig],
) -> None:
    """One test, for the run takes some seconds to play."""
    rig = make_rig(ships=2, credits=20_000_000)
    rig.scout()
    prepared = prepare(rig)
    run = rig.launch(prepared)
    with calculator() as pool:

        async def go(lab: Lab) -> None:
            await run_workers(equipped(lab, pool), run, rig.fleet, asyncio.Event())

        rig.play(go)
    assert_every_cell_within_reach_is_at_its_target(rig, run, prepared)
    assert_the_ledger_is_exact(rig, run)
    assert_no_listing_was_traded_by_two_ships_at_once(rig)


def assert_every_cell_within_reach_is_at_its_target(rig: Rig, run: ExperimentRun, prepared: Prepared) -> None:
    """Estimated anew from what is recorded: the cells that the listings are in at the end."""
    assert rig.run(run).status is RunStatus.COMPLETED
    assert rig.run(run).status_reason == "every cell within reach is known as well as was asked for"
    estimates = cell_estimates(rig.records(run), rig.read(lambda c: placebo_brackets(c, run.run_id)))
    seen = rig.read(lambda c: World(c).latest_listings(run.universe_id, run.system_symbol))
    now = [x.good for x in seen if (x.waypoint, x.good.symbol) in prepared.proposal.quotes]
    reached = [cell for cell in estimates.values() if cell.transactions]
    for good in now:
        for side in ("BUY", "SELL"):
            (cell,) = (
                cell
                for (of_side, *state), cell in estimates.items()
                if of_side == side and tuple(state) == (good.type, good.supply, good.activity)
            )
            assert is_precise(cell.measured, TARGET, GOOD_ENOUGH)
            assert cell.trade_volumes >= FEWEST_VOLUMES
    assert len(reached) > 4


def assert_the_ledger_is_exact(rig: Rig, run: ExperimentRun) -> None:
    assert violations(rig, run) == []
    found = rig.read(lambda c: attrition(c, run.run_id))
    assert found.planned == found.executed + sum(found.skipped.values())


def assert_no_listing_was_traded_by_two_ships_at_once(rig: Rig) -> None:
    """In the game's own ledger: another ship comes after the washout at the earliest."""
    by_listing = defaultdict(list)
    for entry in rig.ledger("PURCHASE", "SELL"):
        by_listing[entry.waypoint, entry.good].append(entry)
    changes = [pair for entries in by_listing.values() for pair in pairwise(entries)]
    changes = [(one, other) for one, other in changes if one.ship_symbol != other.ship_symbol]
    assert changes
    assert all((other.timestamp - one.timestamp).total_seconds() >= DESIGN.washout_seconds for one, other in changes)


def test_the_same_seed_gives_the_same_plan(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(credits=20_000_000)
    rig.scout()
    one, same, other = (prepare(rig, seed).document for seed in (5, 5, 6))
    assert plan_hash(one) == plan_hash(same) != plan_hash(other)

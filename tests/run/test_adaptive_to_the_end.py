"""An adaptive run with the allocation that users have, in its own process: it ends by itself, at its target."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from spacetraders_lab.analysis.needs import cell_estimates, is_precise
from spacetraders_lab.cli.calculator import calculator
from spacetraders_lab.cli.context import equipped
from spacetraders_lab.core.analysis_plan import FEWEST_VOLUMES, GOOD_ENOUGH, plan_hash
from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName, ExperimentRun, RunStatus
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.coordinator import Prepared
from spacetraders_lab.run.fleet import run_workers
from spacetraders_lab.store.attrition import attrition
from spacetraders_lab.store.brackets import placebo_brackets
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.world import World
from spacetraders_lab.study.rig import Rig
from tests.guarantees.judge import violations

TARGET = 0.5
DESIGN = Design(name=DesignName.ADAPTIVE, washout_seconds=60, claim_order=ClaimOrder.NEAREST, target=TARGET)


def prepare(rig: Rig, seed: int = 5) -> Prepared:
    return rig.prepare(design=DESIGN, budget=5_000_000, goods=("IRON_ORE",), seed=seed)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, ExperimentRun, Prepared]]:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('adaptive') / 'lab.db'}", durable=False)
    rig = Rig(database, ships=2, credits=20_000_000)
    rig.scout()
    prepared = prepare(rig)
    run = rig.launch(prepared)
    with calculator() as pool:

        async def go(lab: Lab) -> None:
            await run_workers(equipped(lab, pool), run, rig.fleet, asyncio.Event())

        rig.play(go)
    yield rig, run, prepared
    database.close()


def test_it_ends_by_itself_with_every_cell_within_reach_at_its_target(
    played: tuple[Rig, ExperimentRun, Prepared],
) -> None:
    """Estimated anew from what is recorded: the cells that the listings are in at the end."""
    rig, run, prepared = played
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


def test_the_ledger_is_exact(played: tuple[Rig, ExperimentRun, Prepared]) -> None:
    rig, run, _ = played
    assert violations(rig, run) == []
    found = rig.read(lambda c: attrition(c, run.run_id))
    assert found.planned == found.executed + sum(found.skipped.values())


def test_no_listing_is_traded_by_two_ships_at_once(played: tuple[Rig, ExperimentRun, Prepared]) -> None:
    """In the game's own ledger: another ship comes after the washout at the earliest."""
    rig, _, _ = played
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

"""The check on the fast path: the same designs in the same worlds through client, server, database and workers."""

import tempfile
from collections import defaultdict
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from spacetraders_lab.core.experiment import Design, DesignName, TradeRecord
from spacetraders_lab.core.market import Listing
from spacetraders_lab.sandbox.by_cell import listing_impact
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.schema import market_observations
from spacetraders_lab.store.world import trade_good
from spacetraders_lab.study.fleet import Played
from spacetraders_lab.study.rig import Rig
from spacetraders_lab.study.score import Score, score
from spacetraders_lab.study.worlds import World

SURVEY = Design(name=DesignName.LADDER, rounds=2, washout_seconds=600)
_RIG_S = ("ships", "credits", "open_registration", "hold")  # settings that the rig is told otherwise


@dataclass(frozen=True, slots=True)
class WholeRun:
    """One run through the whole stack: its score, and what must be nothing.

    `shared` counts trades between whose readings another own ship traded the listing; `unaccounted` the planned trades
    that were neither executed nor skipped. Hours and requests as the plan had them.
    """

    score: Score
    shared: int
    unaccounted: int
    planned_hours: float
    planned_requests: int


def run_whole_stack(world: World, seed: int, *, goods: tuple[str, ...] = (), design: Design = SURVEY) -> WholeRun:
    """Scout, plan, launch and fly the design for the goods (all, unless some are named) in virtual time."""
    settings = world.settings_of(seed)
    given = {name: value for name, value in asdict(settings).items() if name not in _RIG_S}
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_database(path=Path(folder) / "lab.db", durable=False)) as database,
    ):
        rig = Rig(database, ships=world.ships, credits=world.credits, hold=world.hold, **given)
        rig.clock.run(rig.clock.sleep(3600 * world.age_hours))
        rig.scout()
        prepared = rig.prepare(design=design, seed=seed, budget=world.credits, goods=goods)
        run = rig.launch(prepared)
        begun, purse, requests = rig.clock.now(), rig.agent.credits, rig.requests().total()
        rig.fly(run)
        rows = rig.records(run)
        played = Played(
            rows=rows,
            slopes=[_slope(settings, row) for row in rows],
            sightings=_sightings(rig),
            requests=rig.requests().total() - requests,
            seconds=(rig.clock.now() - begun).total_seconds(),
            spent=purse - rig.agent.credits,
            completed=rig.counts(run).get("COMPLETED", 0),
            failed=rig.errors(run),
        )
        menus = (prepared.proposal.menus.get(pair.pair_id, design.menu) for pair in prepared.pairs)
        skipped = rig.rows("SELECT count(*) AS n FROM experiment_skips")[0]["n"]
        planned = sum(len(menu.planned) for menu in menus)
    return WholeRun(
        score(played, settings),
        shared_brackets(rows),
        planned - executed(rows) - skipped,
        prepared.schedule.hours,
        prepared.schedule.requests,
    )


def executed(rows: list[TradeRecord]) -> int:
    """Planned trades that took place, however many transactions each took."""
    cells = {(x.pair_id, x.operation, x.batch_size_fraction, x.iteration) for x in rows}
    return sum(fraction is not None for _, _, fraction, _ in cells)


def shared_brackets(rows: list[TradeRecord]) -> int:
    """Trades between whose reading before and own moment another own ship traded the same listing."""
    by_listing: dict[tuple[str, str], list[TradeRecord]] = defaultdict(list)
    for row in rows:
        by_listing[row.market, row.good_symbol].append(row)
    count = 0
    for own in by_listing.values():
        for before, after in pairwise(sorted(own, key=lambda row: row.timestamp)):
            gap = (after.timestamp - before.timestamp).total_seconds()
            count += before.ship_symbol != after.ship_symbol and gap < after.seconds_since_before
    return count


def _slope(settings: SandboxSettings, row: TradeRecord) -> float:
    return listing_impact(settings, row.market, row.good_symbol, row.operation, row.supply_before, row.activity_before)


def _sightings(rig: Rig) -> list[Listing]:
    """Every listing of every market reply, oldest first."""
    statement = select(market_observations).order_by(market_observations.c.observation_id)
    rows = rig.read(lambda connection: connection.execute(statement).all())
    return [Listing(row.waypoint_symbol, trade_good(row), row.observed_at) for row in rows]

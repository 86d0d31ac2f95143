"""Feeds an adaptive run: asks which pairs to measure next, and puts them into its queue with their menus.

Which pairs these are is decided by the function that the lab was given, in another thread or process: `run` estimates
nothing. All that it is told is read from the database, so any worker may ask, and a killed one is asked for again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from spacetraders_lab.core.allocation import Allocation, AllocationPlan
from spacetraders_lab.core.analysis_plan import GOOD_ENOUGH, stored_quotes
from spacetraders_lab.core.errors import LabError, UserError
from spacetraders_lab.core.experiment import ExperimentRun, TradeRecord
from spacetraders_lab.core.market import quotes_of
from spacetraders_lab.core.menus import draw_menus, visit_menu
from spacetraders_lab.core.planning import Way
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.survey import numbered
from spacetraders_lab.game.ways import find_ways
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.interrupt import unless_stopped
from spacetraders_lab.store import listing_locks
from spacetraders_lab.store.attrition import is_cancelled, record_planned_skips
from spacetraders_lab.store.brackets import placebo_brackets
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.store.world import World

log = logging.getLogger(__name__)

WAITING_SECONDS = 15.0  # game time between two looks at pairs whose listings are not free
NOTHING_SECONDS = 60.0  # ... and between two questions that find nothing to measure: a fit takes seconds
LONG = 600.0  # game seconds after which it is worth asking again whatever has happened
PAIRS_A_SHIP = 3  # that are asked for at once: so that some begin where a ship is, and a new answer still knows more


async def feed(lab: Lab, run: ExperimentRun, ship: Ship, stop: asyncio.Event) -> float:
    """Ask for more pairs and queue them, unless some are waiting; returns in how many game seconds to look again.

    What flights cost is told as `ship` flies. Where the run has reached a limit, it is marked as asking for no more,
    with how far it has come. Raises UserError where nobody is there to be asked, and Interrupted at a stop.
    """
    async with _in_turn(lab, stop):
        waiting, has_ended = await lab.read(
            lambda c: (
                WorkQueueRepository(c).get_queue_status(run.run_id)["PENDING"],
                ExperimentRepository(c).ended_because(run.run_id) is not None,
            )
        )
        if has_ended or waiting:
            return WAITING_SECONDS
        rows, plan = await lab.read(lambda c: _question(c, lab, run))
        here = {ship.waypoint} if ship.system == run.system_symbol else set()
        places = here | {listing.waypoint for listing in plan.listings}
        ways = await unless_stopped(stop, _ways(lab, run, ship, places))
        plan = replace(plan, ways=ways, here=next(iter(here), None))
        answer = await unless_stopped(stop, _ask(lab, rows, plan))
        return await lab.write(lambda c: _act(c, lab, run, plan, answer))


async def end(lab: Lab, run: ExperimentRun, over: str, stop: asyncio.Event) -> None:
    """Mark the run as asking for no more because it is `over` (why), with how far it has come.

    Raises Interrupted at a stop; it is over all the same, and whoever goes on with it finds that out again.
    """
    async with _in_turn(lab, stop):
        if await lab.read(lambda c: ExperimentRepository(c).ended_because(run.run_id)) is None:
            rows, plan = await lab.read(lambda c: _question(c, lab, run))
            plan = replace(plan, over=over)
            answer = await unless_stopped(stop, _ask(lab, rows, plan))
            await lab.write(lambda c: _act(c, lab, run, plan, answer))


@asynccontextmanager
async def _in_turn(lab: Lab, stop: asyncio.Event) -> AsyncIterator[None]:
    """One ship asks at a time; a ship that is to leave does not wait for another's answer."""
    await unless_stopped(stop, lab.asking.acquire())
    try:
        yield
    finally:
        lab.asking.release()


async def _ways(lab: Lab, run: ExperimentRun, ship: Ship, places: Collection[str]) -> dict[tuple[str, str], Way]:
    """The way from every place to every other; finding them for the first time may take a second."""
    way = await find_ways(lab.game, run.system_symbol, [ship])
    found: dict[tuple[str, str], Way] = {}
    for start in places:
        found |= {(start, end): way(start, end) for end in places if end != start}
        await asyncio.sleep(0)  # whoever must renew a lease meanwhile can
    return found


async def _ask(lab: Lab, rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
    if lab.allocate is None:
        raise UserError("this run chooses its pairs as it goes on: go on with `spacetraders experiment resume`")
    asked = partial(asyncio.get_running_loop().run_in_executor, lab.calculator, lab.allocate, rows, plan)
    try:
        return await asked()
    except BrokenExecutor:
        log.warning("the process that chooses the pairs has died; another is asked")
    try:
        return await asked()
    except BrokenExecutor as error:
        raise LabError("the process that chooses the pairs has died twice; see that there is memory enough") from error


def _question(connection: Connection, lab: Lab, run: ExperimentRun) -> tuple[list[TradeRecord], AllocationPlan]:
    """Every row of the run so far, and how it stands; the database does not know where the ship is."""
    experiments, queue = ExperimentRepository(connection), WorkQueueRepository(connection)
    document = experiments.get_plan(run.run_id)
    reference = stored_quotes(document)
    now, games = lab.clock.now(), lab.game.client.skew.games
    latest = World(connection).latest_listings(run.universe_id, run.system_symbol)
    plan = AllocationPlan(
        listings=tuple(x for x in latest if x.key in reference and x.good.is_priced),
        reference=reference,
        placebos=tuple(placebo_brackets(connection, run.run_id)),
        locked={key: games(end) for key, end in listing_locks.held(connection, run.universe_id, now).items()},
        queued=tuple(queue.open_pairs(run.run_id)),
        target=run.design.target,
        floor=GOOD_ENOUGH,
        hold=document["hold"],
        credits_left=Budget(connection, run.run_id).left(),
        may_lose=document["may_lose"],
        wanted=PAIRS_A_SHIP * len(run.ships),
        ways={},
        ships=len(run.ships),
        here=None,
        seed=run.seed,
        turn=queue.enqueued(run.run_id).total(),
        now=games(now),
        speed=lab.game.client.speed,
        until=lab.resets_at,
        over=run.limits.reached(hours=run.hours(now, lab.game.client.speed), requests=experiments.requests(run.run_id)),
    )
    return list(experiments.records(run.run_id)), plan


def _act(connection: Connection, lab: Lab, run: ExperimentRun, plan: AllocationPlan, answer: Allocation) -> float:
    """Queue what was answered, unless somebody has queued something or cancelled the run since it was asked."""
    if is_cancelled(connection, run.run_id):
        return WAITING_SECONDS
    queue = WorkQueueRepository(connection)
    before = queue.enqueued(run.run_id)
    if before.total() != plan.turn:
        return 0.0
    if (ended := answer.ended or plan.over) is not None:
        ExperimentRepository(connection).nothing_more(run.run_id, ended)
    pairs = [] if plan.over is not None else numbered(answer.pairs, before)
    menus, skips = draw_menus(
        pairs,
        quotes_of(plan.listings),
        partial(visit_menu, run.design, run.seed, hold=plan.hold),
        plan.turn,
    )
    now = lab.clock.now()
    queue.enqueue_pairs(run.run_id, run.player_id, pairs, now=now, menus=menus)
    record_planned_skips(connection, run.run_id, skips, now=now)
    if pairs:
        return 0.0
    return WAITING_SECONDS if ended is not None else _rest(lab, run, plan)


def _rest(lab: Lab, run: ExperimentRun, plan: AllocationPlan) -> float:
    """Game seconds until a listing is free again or the run's time is up; nothing can be answered before."""
    speed = lab.game.client.speed
    ends = [(end - plan.now).total_seconds() * speed for end in plan.locked.values()]
    if run.limits.max_hours is not None:
        ends.append(3600 * (run.limits.max_hours - run.hours(lab.clock.now(), speed)))
    return max(NOTHING_SECONDS, min([LONG, *ends]))

"""From a request to a run: choose goods, markets and pairs, price them, write the run.

Nothing is bought here. Whether a plan fits is judged in `run.prepare`, before anything is written.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from spacetraders_lab import __version__
from spacetraders_lab.core.analysis_plan import analysis_plan
from spacetraders_lab.core.container import Container
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.expected_precision import ExpectedPrecision, expected_precision
from spacetraders_lab.core.experiment import DesignName, ExperimentRun, MarketPair, RunStatus
from spacetraders_lab.core.market import Listing, quotes_of
from spacetraders_lab.core.planning import Plan
from spacetraders_lab.core.proposal import Proposal
from spacetraders_lab.core.schedule import Schedule
from spacetraders_lab.game.ways import find_ways
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.choice import Choice, MarketLiquidityExperimentCommand, Situation, choose, schedule_with
from spacetraders_lab.run.roster import check_room, checked_ships
from spacetraders_lab.store.attrition import record_planned_skips
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.store.world import World


@dataclass(frozen=True, slots=True)
class Prepared:
    """A priced experiment, not yet begun.

    `schedules` says how long it takes with one ship, two, and so on up to the fleet; `document` is the analysis plan
    as it will be stored, hashed and compared with.
    """

    known: Situation
    run: ExperimentRun
    proposal: Proposal
    plan: Plan
    schedules: tuple[Schedule, ...]
    precision: tuple[ExpectedPrecision, ...]
    document: Mapping[str, Any]

    @property
    def command(self) -> MarketLiquidityExperimentCommand:
        """What was asked for."""
        return self.known.command

    @property
    def purse(self) -> int:
        """Credits of the agent."""
        return self.known.purse

    @property
    def pairs(self) -> list[MarketPair]:
        """The pairs that the run begins with; an adaptive one chooses all of them as it goes on."""
        return [] if self.run.design.name is DesignName.ADAPTIVE else list(self.proposal.pairs)

    @property
    def needed(self) -> float:
        """The most credits that can be away at once, with the fuel that is kept."""
        return self.plan.worst_case + self.run.kept_for_fuel

    @property
    def markets(self) -> Mapping[str, int]:
        """How many markets of each good are used."""
        return self.proposal.markets

    @property
    def schedule(self) -> Schedule:
        """How long it takes with the whole fleet."""
        return self.schedules[-1]


async def estimate(lab: Lab, command: MarketLiquidityExperimentCommand) -> Prepared:
    """Choose and price an experiment, whether it fits or not; raises UserError where there is nothing to measure."""
    known = await _situation(lab, command)
    choice = choose(known)
    with_fewer = [schedule_with(known, choice.plan, ships) for ships in range(1, len(known.ships))]
    run = _new_run(lab, command, known.purse if command.budget is None else command.budget, choice.kept_for_fuel)
    return Prepared(
        known,
        run,
        choice.proposal,
        choice.plan,
        (*with_fewer, choice.schedule),
        tuple(expected_precision(choice.plan.pairs, known.quotes)),
        _document(known, run, choice, lab.game.client.speed),
    )


async def _situation(lab: Lab, command: MarketLiquidityExperimentCommand) -> Situation:
    probes_too = command.design.name is DesignName.RECOVERY
    fleet = await checked_ships(lab, command.ship_symbols, command.system_symbol, probes_too=probes_too)
    ships = [ship for ship in fleet if ship.cargo_capacity]
    check_room(ships)
    listings = await _known_market(lab, command)
    wanted = {good: listings[good] for good in _goods(command, listings)}
    quotes = quotes_of(chain.from_iterable(wanted.values()))
    fuel_price = _fuel_price(listings) if any(ship.fuel_capacity for ship in ships) else 0.0
    probes = [ship for ship in fleet if not ship.cargo_capacity]
    await _recall_map(lab, command.system_symbol)
    ways = await find_ways(lab.game, command.system_symbol, ships)
    probe_ways = await find_ways(lab.game, command.system_symbol, probes) if probes else ways
    assert lab.purse.credits is not None  # the game told them when the lab was opened
    return Situation(command, fleet, wanted, quotes, ways, probe_ways, fuel_price, lab.purse.credits)


async def _recall_map(lab: Lab, system: str) -> None:
    """Put in the waypoints as the last scouting wrote them down: to read them takes a request for every twenty."""
    places = await lab.read(lambda c: World(c).waypoints(lab.universe_id, system))
    if places:
        lab.game.waypoints.setdefault(system, places)


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that is under way, and the containers that fly for it."""

    run: ExperimentRun
    containers: list[Container]


async def launch(lab: Lab, prepared: Prepared, *, keep_for: str | None = None) -> Begun:
    """Write the run, its plan, its queue and its containers in one transaction.

    `keep_for` is the supervisor that will drive them; without it any daemon may.
    """
    run, proposal = prepared.run, prepared.proposal

    def work(connection: Connection) -> Begun:
        ExperimentRepository(connection).create_run(run, prepared.document)
        WorkQueueRepository(connection).enqueue_pairs(
            run.run_id, run.player_id, prepared.pairs, now=run.created_at, menus=proposal.menus
        )
        record_planned_skips(connection, run.run_id, proposal.skips, now=run.created_at)
        started = ContainerRepository(connection).start(
            run, run.ships, now=lab.clock.now(), keep_for=keep_for, keep_seconds=lab.times.lease
        )
        return Begun(run, started)

    return await lab.write(work)


async def _known_market(lab: Lab, command: MarketLiquidityExperimentCommand) -> dict[str, list[Listing]]:
    """Fresh listings by good; raises UserError naming the command that refreshes them."""
    system = command.system_symbol
    # the sandbox may play faster than the wall clock; max_age is meant in game time
    newer_than = lab.game.now() - command.max_age / lab.game.client.speed
    known, fresh = await lab.read(
        lambda c: (
            World(c).latest_listings(lab.universe_id, system),
            World(c).latest_listings(lab.universe_id, system, newer_than=newer_than),
        )
    )
    refresh = f"spacetraders market scout --system {system} --ships {','.join(command.ship_symbols)}"
    if not known:
        raise UserError(f"no market data for {system}; scout it first: {refresh}")
    if len(fresh) < len(known):
        minutes = int(command.max_age.total_seconds() // 60)
        raise UserError(
            f"{len(known) - len(fresh)} of {len(known)} prices of {system} are older than {minutes} minutes; "
            f"refresh them: {refresh}, or accept older ones with --max-age"
        )
    by_good: dict[str, list[Listing]] = {}
    for listing in fresh:
        if listing.good.is_priced:
            by_good.setdefault(listing.good.symbol, []).append(listing)
    return by_good


def _goods(command: MarketLiquidityExperimentCommand, listings: Mapping[str, list[Listing]]) -> list[str]:
    unknown = [good for good in command.goods if good not in listings]
    if unknown:
        raise UserError(f"{', '.join(unknown)}: not traded in {command.system_symbol}")
    wanted = command.goods or [good for good in listings if good != "FUEL"]
    return sorted(good for good in set(wanted) if len(listings[good]) > 1)


def _fuel_price(listings: Mapping[str, list[Listing]]) -> float:
    """The dearest that a market of the system asks for fuel."""
    return max((listing.good.purchase_price for listing in listings.get("FUEL", [])), default=0.0)


def _document(known: Situation, run: ExperimentRun, choice: Choice, speed: float) -> dict[str, Any]:
    proposal, plan, schedule = choice.proposal, choice.plan, choice.schedule
    return analysis_plan(
        version=__version__,
        system=run.system_symbol,
        ships=run.ships,
        design=run.design,
        seed=run.seed,
        budget=run.budget,
        credit_floor=run.credit_floor,
        limits=run.limits,
        may_lose=known.command.budget is not None,
        hold=known.hold,
        speed=speed,
        pairs=proposal.pairs,
        menus=proposal.menus,
        quotes=known.quotes,
        figures={
            "transactions": plan.transactions,
            "requests": schedule.requests,
            "hours": schedule.hours,
            "expected_loss": plan.expected_loss,
            "peak_outlay": plan.peak_outlay,
            "worst_case": plan.worst_case,
            "readings": schedule.readings,
            "fuel_on_the_way": choice.fuel_on_the_way,
        },
    )


def _new_run(lab: Lab, command: MarketLiquidityExperimentCommand, budget: int, kept_for_fuel: int) -> ExperimentRun:
    return ExperimentRun(
        run_id=str(uuid.uuid4()),
        player_id=lab.player_id,
        universe_id=lab.universe_id,
        system_symbol=command.system_symbol,
        design=command.design,
        ships=tuple(dict.fromkeys(command.ship_symbols)),
        seed=command.seed,
        budget=budget,
        status=RunStatus.RUNNING,
        status_reason=None,
        created_at=lab.clock.now(),
        credit_floor=command.credit_floor,
        kept_for_fuel=kept_for_fuel,
        limits=command.limits,
    )

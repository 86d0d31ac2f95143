"""From a request to a run: choose goods, markets and pairs, price them, write the run.

Nothing is bought here. Whether a plan fits is judged in `run.prepare`, before anything is written.
"""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from typing import Any

from sqlalchemy import Connection

from spacetraders_lab import __version__
from spacetraders_lab.core.analysis_plan import analysis_plan
from spacetraders_lab.core.container import Container
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design, DesignName, ExperimentRun, MarketPair, Menu, RunStatus
from spacetraders_lab.core.limits import NO_LIMITS, Limits
from spacetraders_lab.core.market import Listing, TradeGood
from spacetraders_lab.core.planning import WORST_CASE, ListingKey, Plan, Ways, make_plan
from spacetraders_lab.core.precision import ExpectedPrecision, expected_precision
from spacetraders_lab.core.proposal import LeftOut, Proposal, propose
from spacetraders_lab.core.schedule import Schedule, make_schedule
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game import reads
from spacetraders_lab.game.ways import find_ways
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.purse import fuel_money
from spacetraders_lab.run.roster import check_room, checked_ships
from spacetraders_lab.store.attrition import record_planned_skips
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.store.world import World


@dataclass(frozen=True, slots=True)
class MarketLiquidityExperimentCommand:
    """What the user asks for. `goods` empty means all but FUEL; `budget` None means the purse as it is now.

    `until_reset`: a plan that the universe does not last for is begun all the same.
    """

    ship_symbols: tuple[str, ...]
    system_symbol: str
    design: Design = field(default_factory=Design)
    goods: tuple[str, ...] = ()
    max_pairs: int | None = None
    budget: int | None = None
    credit_floor: int = 0
    max_age: timedelta = timedelta(minutes=60)
    seed: int = 0
    until_reset: bool = False
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Prepared:
    """A priced experiment, not yet begun.

    `schedules` says how long it takes with one ship, two, and so on up to the fleet; `document` is the analysis plan
    as it will be stored, hashed and compared with.
    """

    command: MarketLiquidityExperimentCommand
    run: ExperimentRun
    proposal: Proposal
    plan: Plan
    schedules: tuple[Schedule, ...]
    precision: tuple[ExpectedPrecision, ...]
    document: Mapping[str, Any]
    purse: int

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


@dataclass(frozen=True, slots=True)
class _Situation:
    """What is known when an experiment is planned: the fleet, the goods wanted with their listings, ways and money."""

    command: MarketLiquidityExperimentCommand
    fleet: Sequence[Ship]
    wanted: Mapping[str, Sequence[Listing]]
    quotes: Mapping[ListingKey, TradeGood]
    ways: Ways
    fuel_price: float
    purse: int

    @property
    def ships(self) -> list[Ship]:
        """Those that can trade."""
        return [ship for ship in self.fleet if ship.cargo_capacity]

    @property
    def hold(self) -> int:
        return min(ship.free_space for ship in self.ships)

    @property
    def in_purse(self) -> int:
        return self.purse - self.command.credit_floor

    @property
    def available(self) -> int:
        """The most credits that may be away at once."""
        return self.in_purse if self.command.budget is None else min(self.command.budget, self.in_purse)

    def fuel_on_the_way(self, pairs: Sequence[MarketPair]) -> int:
        """FUEL bought on the longest way that is flown loaded, in market units; an adaptive run may take any way."""
        ends = {(pair.buy_market, pair.sell_market) for pair in pairs}
        if self.command.design.name is DesignName.ADAPTIVE:
            ends = {(one.waypoint, other.waypoint) for at in self.wanted.values() for one, other in permutations(at, 2)}
        return max((self.ways(*way).bought for way in ends), default=0)

    def price(self, pairs: Sequence[MarketPair], menus: Mapping[str, Menu]) -> Plan:
        return make_plan(
            pairs,
            self.quotes,
            menus or self.command.design.menu,
            self.ways,
            ships=len(self.ships),
            hold=self.hold,
            fuel_price=self.fuel_price,
            washout_hours=self.command.design.washout_seconds / 3600,
        )


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is to be measured, how it goes, and what must be kept for fuel then."""

    proposal: Proposal
    plan: Plan
    schedules: tuple[Schedule, ...]
    fuel_on_the_way: int
    kept_for_fuel: int


async def estimate(lab: Lab, command: MarketLiquidityExperimentCommand) -> Prepared:
    """Choose and price an experiment, whether it fits or not; raises UserError where there is nothing to measure."""
    known = await _situation(lab, command)
    choice = _choose(known)
    run = _new_run(lab, command, known.purse if command.budget is None else command.budget, choice.kept_for_fuel)
    return Prepared(
        command,
        run,
        choice.proposal,
        choice.plan,
        choice.schedules,
        tuple(expected_precision(choice.plan.pairs, known.quotes)),
        _document(known, run, choice, lab.game.client.speed),
        known.purse,
    )


async def _situation(lab: Lab, command: MarketLiquidityExperimentCommand) -> _Situation:
    probes_too = command.design.name is DesignName.RECOVERY
    fleet = await checked_ships(lab, command.ship_symbols, command.system_symbol, probes_too=probes_too)
    ships = [ship for ship in fleet if ship.cargo_capacity]
    check_room(ships)
    listings = await _known_market(lab, command)
    wanted = {good: listings[good] for good in _goods(command, listings)}
    quotes = {(x.waypoint, good): x.good for good, found in wanted.items() for x in found}
    fuel_price = _fuel_price(listings) if any(ship.fuel_capacity for ship in ships) else 0.0
    ways = await find_ways(lab.game, command.system_symbol, ships)
    purse = (await reads.get_agent(lab.game.client)).credits
    return _Situation(command, fleet, wanted, quotes, ways, fuel_price, purse)


def _choose(known: _Situation) -> _Choice:
    """What fits beside the money for fuel.

    Long ways to where something is sold take more of it, as do the readings of a recovery run, each choice another
    amount: it is made again until that is left.
    """
    left_for_fuel = fuel_money(ship.fuel_capacity for ship in known.ships)
    choice = _beside(known, left_for_fuel)
    while left_for_fuel < choice.kept_for_fuel > known.available - choice.plan.worst_case:
        left_for_fuel = choice.kept_for_fuel
        choice = _beside(known, left_for_fuel)
    return choice


def _beside(known: _Situation, left_for_fuel: int) -> _Choice:
    """What fits beside so much that is left for fuel; raises UserError when nothing does."""
    command = known.command
    proposal = propose(
        command.design,
        known.wanted,
        known.price,
        ways=known.ways,
        seed=command.seed,
        hold=known.hold,
        ships=len(known.ships),
        max_pairs=command.max_pairs,
        budget=None if command.budget is None else known.available - left_for_fuel,
        purse=known.in_purse - left_for_fuel,
    )
    if not proposal.pairs:
        raise UserError(_why_nothing(command, proposal))
    plan = known.price(proposal.pairs, proposal.to_trade)
    schedules = _schedules(command, plan, known.ways, known.fleet)
    on_the_way = known.fuel_on_the_way(proposal.pairs)
    for_ways = fuel_money((ship.fuel_capacity for ship in known.ships), on_the_way)
    for_readings = math.ceil(schedules[-1].watch_fuel * known.fuel_price * WORST_CASE)
    return _Choice(proposal, plan, schedules, on_the_way, for_ways + for_readings)


def _schedules(
    command: MarketLiquidityExperimentCommand, plan: Plan, ways: Ways, fleet: Sequence[Ship]
) -> tuple[Schedule, ...]:
    """How the plan would go with the first ship, the first two, and so on."""
    ships = [ship for ship in fleet if ship.cargo_capacity]
    return tuple(
        make_schedule(
            plan.pairs,
            command.design,
            ways,
            [ship.waypoint for ship in ships[:count]],
            fuel_capacity=min(ship.fuel_capacity for ship in ships),
            probes=[ship.waypoint for ship in fleet if not ship.cargo_capacity],
            limits=command.limits,
        )
        for count in range(1, len(ships) + 1)
    )


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


def _why_nothing(command: MarketLiquidityExperimentCommand, proposal: Proposal) -> str:
    reasons = {omission.reason for omission in proposal.omissions}
    if LeftOut.UNPROFITABLE in reasons:
        return (
            "every pair loses money at the quotes as they stand; name the most that may be lost with --budget, "
            "or scout again later"
        )
    if LeftOut.BUDGET in reasons:
        fewer = ", send fewer --ships (fuel is kept for each)" if len(command.ship_symbols) > 1 else ""
        return f"not one pair fits the budget and the purse; allow more with --budget{fewer}, or choose cheaper --goods"
    return f"no good is traded at two markets of {command.system_symbol}: nothing can be bought and sold"


def _document(known: _Situation, run: ExperimentRun, choice: _Choice, speed: float) -> dict[str, Any]:
    proposal, plan, schedule = choice.proposal, choice.plan, choice.schedules[-1]
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

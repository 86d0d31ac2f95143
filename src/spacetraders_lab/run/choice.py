"""What of a design fits the money, and what must be kept for fuel then.

Chooses and prices by what is known; asks the game nothing, buys and writes nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design, DesignName, MarketPair, Menu
from spacetraders_lab.core.limits import NO_LIMITS, Limits
from spacetraders_lab.core.market import Listing, ListingKey, TradeGood
from spacetraders_lab.core.planning import WORST_CASE, Plan, Ways, make_plan
from spacetraders_lab.core.proposal import LeftOut, Proposal, propose
from spacetraders_lab.core.schedule import Schedule, make_schedule
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.run.purse import fuel_money

_TRIES = 7  # then what is left for fuel is within a sixtieth of the most from the least that fits


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
class Situation:
    """What is known when an experiment is planned: the fleet, the goods wanted with their listings, ways and money."""

    command: MarketLiquidityExperimentCommand
    fleet: Sequence[Ship]
    wanted: Mapping[str, Sequence[Listing]]
    quotes: Mapping[ListingKey, TradeGood]
    ways: Ways
    probe_ways: Ways
    fuel_price: float
    purse: int

    @property
    def ships(self) -> list[Ship]:
        """Those that can trade."""
        return [ship for ship in self.fleet if ship.cargo_capacity]

    @property
    def probes(self) -> list[Ship]:
        """Those that can only look."""
        return [ship for ship in self.fleet if not ship.cargo_capacity]

    @property
    def hold(self) -> int:
        """The smallest that is free, in units."""
        return min(ship.free_space for ship in self.ships)

    @property
    def in_purse(self) -> int:
        """Credits above the floor."""
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

    def price(self, pairs: Sequence[MarketPair], menus: Mapping[str, Menu], within: float = math.inf) -> Plan:
        """Price the pairs that fit within so many credits, in order, by these menus or, if none, the design's."""
        return make_plan(
            pairs,
            self.quotes,
            menus or self.command.design.menu,
            self.ways,
            ships=len(self.ships),
            hold=self.hold,
            fuel_price=self.fuel_price,
            washout_hours=self.command.design.washout_seconds / 3600,
            within=within,
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be measured, how it goes with the whole fleet, and what must be kept for fuel then."""

    proposal: Proposal
    plan: Plan
    schedule: Schedule
    fuel_on_the_way: int
    kept_for_fuel: int

    @property
    def needed(self) -> float:
        """The most credits that can be away at once, with the fuel that is kept."""
        return self.plan.worst_case + self.kept_for_fuel


def choose(known: Situation) -> Choice:
    """What fits beside the money for fuel; raises UserError when nothing does."""
    tanks = fuel_money(ship.fuel_capacity for ship in known.ships)
    proposal = _proposed(known, tanks)
    if not proposal.pairs:
        raise UserError(_why_nothing(known, proposal, tanks))
    choice = _priced(known, proposal)
    if known.command.design.name is DesignName.GRID or choice.needed <= known.available:
        return choice
    return _by_halving(known, tanks, choice.kept_for_fuel)


def _by_halving(known: Situation, too_little: int, left: int) -> Choice:
    """What fits when more is left for fuel, `left` to begin with; raises UserError when nothing does.

    Long ways, and the readings of a recovery run, take more of it the more is chosen: with too little left the choice
    does not fit, with too much less is chosen than could be.
    """
    fitting: list[Choice] = []
    enough: int | None = None
    for _ in range(_TRIES):
        proposal = _proposed(known, left)
        choice = _priced(known, proposal) if proposal.pairs else None
        if choice is not None and choice.needed > known.available:
            too_little, left = left, choice.kept_for_fuel if enough is None else (left + enough) // 2
            continue
        if choice is not None:
            fitting.append(choice)
            if choice.kept_for_fuel == left:
                break  # nothing of it is left unused
        enough, left = left, (too_little + left) // 2
    if not fitting:
        raise UserError(_beyond_the_money(known, enough or left))
    return max(fitting, key=lambda choice: len(choice.proposal.pairs))


def _proposed(known: Situation, left_for_fuel: int) -> Proposal:
    """What is to be measured beside so much that is left for fuel."""
    command = known.command
    return propose(
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


def _priced(known: Situation, proposal: Proposal) -> Choice:
    """How a proposal would go, and what must be kept for fuel then."""
    plan = known.price(proposal.pairs, proposal.to_trade)
    schedule = schedule_with(known, plan, len(known.ships))
    on_the_way = known.fuel_on_the_way(proposal.pairs)
    for_ways = fuel_money((ship.fuel_capacity for ship in known.ships), on_the_way)
    for_readings = math.ceil(schedule.watch_fuel * known.fuel_price * WORST_CASE)
    return Choice(proposal, plan, schedule, on_the_way, for_ways + for_readings)


def schedule_with(known: Situation, plan: Plan, ships: int) -> Schedule:
    """How the plan would go with the first so many ships."""
    return make_schedule(
        plan.pairs,
        known.command.design,
        known.ways,
        [ship.waypoint for ship in known.ships[:ships]],
        fuel_capacity=min(ship.fuel_capacity for ship in known.ships),
        probes=[ship.waypoint for ship in known.probes],
        probe_ways=known.probe_ways,
        limits=known.command.limits,
    )


def _why_nothing(known: Situation, proposal: Proposal, left_for_fuel: int) -> str:
    reasons = {omission.reason for omission in proposal.omissions}
    if LeftOut.BUDGET in reasons:
        return _beyond_the_money(known, left_for_fuel)
    if LeftOut.UNPROFITABLE in reasons:
        return (
            "every pair loses money at the quotes as they stand; name the most that may be lost with --budget, "
            "or scout again later"
        )
    return f"no good is traded at two markets of {known.command.system_symbol}: nothing can be bought and sold"


def _beyond_the_money(known: Situation, left_for_fuel: int) -> str:
    command, money = known.command, f"purse of {known.purse:,}"
    remedies = ["choose cheaper --goods"]
    if command.budget is not None and command.budget < known.in_purse:
        money, remedies = f"budget of {command.budget:,}", ["allow more with --budget", *remedies]
    elif command.credit_floor:
        money = f"{money}, of which {command.credit_floor:,} are to be left,"
        remedies = ["lower --credit-floor", *remedies]
    if len(command.ship_symbols) > 1:
        remedies.append("send fewer --ships (fuel is kept for each)")
    kept = f"{left_for_fuel:,} credits that are kept for fuel"
    return f"not one pair fits the {money} beside {kept}; {', or '.join(remedies)}"

"""One replication of a study: a world made from a seed, a design played in it, rows out. Pure: same seed, same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import permutations
from random import Random

from spacetraders_lab.analysis.allocation import allocate, feasible_pairs
from spacetraders_lab.core.allocation import Allocate, Allocation, AllocationPlan
from spacetraders_lab.core.experiment import Design, DesignName, MarketPair, Menu, TradeRecord
from spacetraders_lab.core.legs import leg_table
from spacetraders_lab.core.limits import NO_LIMITS, Limits
from spacetraders_lab.core.market import Listing, quotes_of
from spacetraders_lab.core.planning import Plan, Way, Ways, make_plan
from spacetraders_lab.core.proposal import Price, Proposal, propose
from spacetraders_lab.core.routing import find_route
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.run.feed import PAIRS_A_SHIP
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.sandbox.observed import observed_system
from spacetraders_lab.sandbox.universe import Universe
from spacetraders_lab.study.assignments import Assignment, Director
from spacetraders_lab.study.fleet import Fleet, Played
from spacetraders_lab.study.virtual import START
from spacetraders_lab.study.worlds import World


class Allocator(StrEnum):
    """Who names the pairs of an adaptive design."""

    PRECISION = "precision"  # the allocation that a run uses
    RANDOM = "random"  # any feasible pair: what the allocation is held against


@dataclass(frozen=True, slots=True)
class ObservedSystem:
    """A real system as it was last seen: the worlds of a study are made like it."""

    symbol: str
    places: tuple[Waypoint, ...]
    listings: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """A design in a world. No pair is begun after so many transactions or game hours, or once the budget is lost.

    Nor is one once a limit is reached, and with `may_lose` False an adaptive design begins none that loses money.
    Without an observed system the world plays in the sandbox's own, which the seed makes. Without named goods all but
    FUEL are measured. At the end all markets are read again, so many minutes after the last trade as `watched` says.
    """

    world: World
    design: Design
    transactions: int | None = None
    hours: float | None = None
    budget: int = 1_000_000_000
    allocator: Allocator = Allocator.PRECISION
    observed: ObservedSystem | None = None
    goods: tuple[str, ...] = ()
    watched: tuple[float, ...] = ()
    limits: Limits = NO_LIMITS
    may_lose: bool = True


def replicate(study: Study, seed: int) -> Played:
    """Play the study's design once in its world as the seed makes it."""
    system = _system(study, seed)
    fleet = Fleet(study.world, system)
    wanted = set(study.goods) or {good for _, good in fleet.markets.latest} - {FUEL}
    listings = [x for x in fleet.markets.latest.values() if x.good.symbol in wanted]
    if study.design.name is DesignName.ADAPTIVE:
        director = _director(study, seed, system, listings)
        return fleet.play(study.design, director=director, transactions=study.transactions, limits=study.limits)
    proposal = _propose(study, seed, system, listings)
    assignments = [
        Assignment(number, pair, proposal.menus.get(pair.pair_id), proposal.skips.get(pair.pair_id, ()))
        for number, pair in enumerate(proposal.pairs, 1)
    ]
    played = fleet.play(study.design, assignments, transactions=study.transactions, limits=study.limits)
    fleet.watch(study.watched)
    return played


def _system(study: Study, seed: int) -> System:
    settings, observed = study.world.settings_of(seed), study.observed
    if observed is None:
        return Universe.create(settings, START).home
    return observed_system(observed.symbol, observed.places, observed.listings, settings)


def _director(study: Study, seed: int, system: System, listings: Sequence[Listing]) -> Director:
    chosen: Allocate = allocate if study.allocator is Allocator.PRECISION else allocate_at_random
    way, markets = _ways(study.world, system), sorted({system.headquarters, *(x.waypoint for x in listings)})
    return Director(
        chosen,
        study.design,
        quotes_of(listings),
        study.world.hold,
        seed,
        study.budget,
        PAIRS_A_SHIP * study.world.ships,
        {(start, end): way(start, end) for start, end in permutations(markets, 2)},
        study.world.ships,
        None if study.hours is None else 3600 * study.hours,
        study.may_lose,
    )


def allocate_at_random(rows: Sequence[TradeRecord], plan: AllocationPlan) -> Allocation:
    """Feasible pairs at random, each listing once, whatever is known of their cells."""
    if plan.until is not None and plan.now >= plan.until:
        return Allocation(ended="the time of the run is over")
    pairs = feasible_pairs(plan)
    Random(f"random allocation:{plan.seed}:{plan.turn}").shuffle(pairs)
    chosen: list[MarketPair] = []
    taken: set[tuple[str, str]] = set()
    for pair in pairs:
        if len(chosen) < plan.wanted and taken.isdisjoint(pair.listings):
            chosen.append(pair)
            taken.update(pair.listings)
    return Allocation(tuple(chosen))


def _propose(study: Study, seed: int, system: System, listings: Sequence[Listing]) -> Proposal:
    """What a run would propose after scouting the system."""
    by_good: dict[str, list[Listing]] = {}
    for listing in sorted(listings, key=lambda x: (x.good.symbol, x.waypoint)):
        by_good.setdefault(listing.good.symbol, []).append(listing)
    return propose(
        study.design,
        {good: found for good, found in by_good.items() if len(found) > 1},
        _pricer(study.world, study.design, system, listings),
        ways=_ways(study.world, system),
        seed=seed,
        hold=study.world.hold,
        ships=study.world.ships,
        max_pairs=None,
        budget=study.budget,
        purse=study.world.credits,
    )


def _pricer(world: World, design: Design, system: System, listings: Sequence[Listing]) -> Price:
    quotes = quotes_of(listings)
    ways = _ways(world, system)
    fuel_price = max((m.quote(FUEL).ask for m in system.markets.values() if FUEL in m.listings), default=0)

    def price(pairs: Sequence[MarketPair], menus: Mapping[str, Menu], within: float) -> Plan:
        return make_plan(
            pairs,
            quotes,
            menus or design.menu,
            ways,
            ships=world.ships,
            hold=world.hold,
            fuel_price=fuel_price,
            washout_hours=design.washout_seconds / 3600,
            within=within,
        )

    return price


def _ways(world: World, system: System) -> Ways:
    stations = frozenset(symbol for symbol, market in system.markets.items() if FUEL in market.listings)
    return _ways_on(tuple(system.waypoints.values()), stations, world.speed, world.fuel)


@lru_cache(maxsize=1)  # every replication in an observed system flies on the same map
def _ways_on(places: tuple[Waypoint, ...], stations: frozenset[str], speed: int, fuel: int) -> Ways:
    table = leg_table(places, speed)

    @cache
    def way(start: str, end: str) -> Way:
        route = find_route(table, start, end, fuel=fuel, fuel_capacity=fuel, fuel_stations=stations, docked=True)
        return Way(route.seconds, len(route.legs), route.requests + 1, route.fuel, route.bought)

    return way

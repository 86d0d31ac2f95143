"""How long a run takes beside the least that it can, by two bounds.

The first: its requests at the game's pace, or its flights over all ships, whichever is more. The second also counts
that a ship does not fly while it waits for its own requests, of which the steady pool grants two at once and then two
a second: a stay at a market with n requests, of which the burst pool grants b, takes (n - 2 - b) / 2 seconds or more,
and in T seconds that pool grants T / 2 + 30 to all. With F the flights and N the requests of all ships, in J stays,
ships x T >= F + (N - 2 J - T / 2 - 30) / 2.

The real worker, client and store in virtual time, in the sandbox with the real limit. Which of two ships asks first in
the same moment decides how later pairs fall: a run's ratio differs by a hundredth or two for that alone, so the figures
are means over systems of several seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from bench.figures import Figure
from bench.laboratory import laboratory, queue
from spacetraders_lab.core.experiment import Design
from spacetraders_lab.core.selection import queue_order
from spacetraders_lab.study.rig import Exchange, Rig

REQUESTS_PER_SECOND = 2.5  # 2 a second and 30 more a minute
PAIRS_PER_SHIP = 20
FLEETS = {1: "≤ 1.15×", 3: "≤ 1.15×", 6: "≤ 1.15×", 12: "≤ 1.3×"}
SEEDS = (3, 4, 5, 6)
PROFILES = ("lab", "home")  # home: a system like the real ones, where flights are long and most goods have few markets


@dataclass(slots=True)
class Flights:
    """Counts the flights of all ships and adds up how long they take, as they begin."""

    rig: Rig
    count: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.rig.wire.after = self._note

    def _note(self, exchange: Exchange) -> None:
        if exchange.status == 200 and exchange.path.endswith("/navigate"):
            flight = self.rig.universe.ships[exchange.path.split("/")[-2]].flight
            self.count += 1
            self.seconds += (flight.arrival - flight.departure).total_seconds()


def measure(full: bool = False) -> list[Figure]:
    """1, 3, 6 and 12 ships with 20 pairs each on the lab system, and on a home system."""
    fleets = ((profile, *fleet) for profile in PROFILES for fleet in FLEETS.items())
    return [figure for fleet in fleets for figure in _figures(*fleet)]


class Flown(NamedTuple):
    """How long a run took and the least by either bound, in seconds, and whether the requests were that bound."""

    makespan: float
    least: float
    closer: float
    by_requests: bool


def _figures(profile: str, ships: int, target: str) -> list[Figure]:
    flown = [_fly(profile, ships, seed) for seed in SEEDS]
    which = "requests" if all(run.by_requests for run in flown) else "flights"
    name = f"{PAIRS_PER_SHIP * ships} pairs, {ships} ship{'s' if ships > 1 else ''}, {profile} system"
    return [
        _figure(name, flown, [run.least for run in flown], f"of {which}", target),
        _figure(f"{name}, by the closer bound", flown, [run.closer for run in flown], "of flights and waits"),
    ]


def _fly(profile: str, ships: int, seed: int) -> Flown:
    with laboratory(ships=ships, profile=profile, seed=seed) as rig:
        run = queue(rig, queue_order(rig.pairs(PAIRS_PER_SHIP * ships), ships, rig.ways()), Design(iterations=1))
        flights = Flights(rig)
        began, before = rig.clock.elapsed, rig.requests().total()
        rig.fly(run)
        assert rig.counts(run) == {"COMPLETED": PAIRS_PER_SHIP * ships}
        makespan, requests = rig.clock.elapsed - began, rig.requests().total() - before
    api, flying, stays = requests / REQUESTS_PER_SECOND, flights.seconds / ships, flights.count + ships + 1
    waiting = (flights.seconds + (requests - 2 * stays - 30) / 2) / (ships + 1 / 4)
    least = max(api, flying)
    return Flown(makespan, least, max(least, waiting), api > flying)


def _figure(name: str, flown: Sequence[Flown], least: Sequence[float], of: str, target: str = "") -> Figure:
    ratios = [run.makespan / bound for run, bound in zip(flown, least, strict=True)]
    hours, bound = fmean(run.makespan for run in flown) / 3600, fmean(least) / 3600
    ratio = f"{fmean(ratios):.2f}× ({min(ratios):.2f} to {max(ratios):.2f})"
    return Figure(f"makespan of {name}", f"{hours:.2f} h", f"{bound:.2f} h {of}", ratio, target)

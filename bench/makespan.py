"""How long a run takes beside the least that it can: requests at the game's pace, or flights, whichever is more.

The real worker, client and store in virtual time on the lab system, whose sandbox keeps the real limit.
"""

from dataclasses import dataclass

from bench.figures import Figure
from bench.laboratory import laboratory, queue
from spacetraders_lab.core.experiment import Design
from spacetraders_lab.core.selection import queue_order
from spacetraders_lab.study.rig import Exchange, Rig

REQUESTS_PER_SECOND = 2.5  # 2 a second and 30 more a minute
PAIRS_PER_SHIP = 20
FLEETS = {1: "≤ 1.15×", 3: "≤ 1.15×", 6: "≤ 1.15×", 12: "≤ 1.3×"}


@dataclass(slots=True)
class Flights:
    """Adds up how long the flights of all ships take, as they begin."""

    rig: Rig
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.rig.wire.after = self._note

    def _note(self, exchange: Exchange) -> None:
        if exchange.status == 200 and exchange.path.endswith("/navigate"):
            flight = self.rig.universe.ships[exchange.path.split("/")[-2]].flight
            self.seconds += (flight.arrival - flight.departure).total_seconds()


def measure(full: bool = False) -> list[Figure]:
    """1, 3, 6 and 12 ships with 20 pairs each."""
    return [_figure(ships, target) for ships, target in FLEETS.items()]


def _figure(ships: int, target: str) -> Figure:
    with laboratory(ships=ships) as rig:
        run = queue(rig, queue_order(rig.pairs(PAIRS_PER_SHIP * ships)), Design(iterations=1))
        flights = Flights(rig)
        began, before = rig.clock.elapsed, rig.requests().total()
        rig.fly(run)
        assert rig.counts(run) == {"COMPLETED": PAIRS_PER_SHIP * ships}
        makespan = rig.clock.elapsed - began
        api = (rig.requests().total() - before) / REQUESTS_PER_SECOND
        flying = flights.seconds / ships
        least = max(api, flying)
        which = "requests" if api > flying else "flights"
        return Figure(
            f"makespan of {PAIRS_PER_SHIP * ships} pairs, {ships} ship{'s' if ships > 1 else ''}",
            f"{makespan / 3600:.2f} h",
            f"{least / 3600:.2f} h of {which}",
            f"{makespan / least:.2f}×",
            target,
        )

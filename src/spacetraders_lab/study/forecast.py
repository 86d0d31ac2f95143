"""What an adaptive run would come to, by playing it in worlds like the system that was scouted: no plan knows it.

What the run finds decides where it goes on, so that each play ends elsewhere: the forecast says how far apart they end.
Where a limit of requests or hours ends them they hardly differ.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from statistics import median

from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.coordinator import Prepared
from spacetraders_lab.store.world import World as Known
from spacetraders_lab.study.replicate import ObservedSystem, Study, replicate
from spacetraders_lab.study.worlds import LAW

PLAYS = 5
MOST_TRANSACTIONS = 1_000  # of a play: what goes on beyond is not told, for it would take many minutes to find out


@dataclass(frozen=True, slots=True)
class Range:
    """The median of the plays, the least and the most: two of three further plays end between these."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Transactions, requests and game hours of a run from its beginning to its end, or to MOST_TRANSACTIONS."""

    transactions: Range
    requests: Range
    hours: Range


async def system_as_seen(lab: Lab, symbol: str) -> ObservedSystem:
    """The system as it was last seen, which a forecast plays in."""
    places = await lab.game.map(symbol)
    listings = await lab.read(lambda c: Known(c).latest_listings(lab.universe_id, symbol))
    return ObservedSystem(symbol, places, tuple(listings))


def forecast(prepared: Prepared, observed: ObservedSystem, on_play: Callable[[], object] = lambda: None) -> Forecast:
    """Play the run `PLAYS` times by the game's law, from its own seed on; all its ships are like the slowest.

    `on_play` is called after each.
    """
    run = prepared.run
    slowest = min(prepared.known.ships, key=lambda ship: (ship.cargo_capacity, ship.speed))
    world = replace(
        LAW,
        ships=len(run.ships),
        hold=slowest.cargo_capacity,
        speed=slowest.speed,
        fuel=slowest.fuel_capacity,
        credits=prepared.purse,
        probe_minutes=0.0,
    )
    study = Study(
        world,
        run.design,
        transactions=MOST_TRANSACTIONS,
        budget=run.budget - run.kept_for_fuel,
        observed=observed,
        goods=tuple(prepared.markets),
        limits=run.limits,
        may_lose=prepared.command.budget is not None,
    )
    plays = []
    for seed in range(run.seed, run.seed + PLAYS):
        plays.append(replicate(study, seed))
        on_play()
    return Forecast(
        _range(len(play.rows) for play in plays),
        _range(play.requests for play in plays),
        _range(play.hours for play in plays),
    )


def _range(values: Iterable[float]) -> Range:
    found = sorted(values)
    return Range(median(found), found[0], found[-1])

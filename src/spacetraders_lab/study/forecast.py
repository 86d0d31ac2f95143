"""What an adaptive run would come to, by playing it once in a world like the system that was scouted: no plan knows it.

Requests are foretold well; hours only where a limit ends the run, for else it waits for states to come back.
"""

from dataclasses import dataclass, replace

from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.coordinator import Prepared
from spacetraders_lab.store.world import World as Known
from spacetraders_lab.study.replicate import ObservedSystem, Study, replicate
from spacetraders_lab.study.worlds import LAW


@dataclass(frozen=True, slots=True)
class Forecast:
    """Transactions, requests and game hours of a run from its beginning to its end."""

    transactions: int
    requests: int
    hours: float


async def fleet_and_system(lab: Lab, prepared: Prepared) -> tuple[Ship, ObservedSystem]:
    """The slowest of the run's ships, and the system as it was last seen: what a forecast is made from."""
    symbol, named = prepared.run.system_symbol, prepared.run.ships
    ships = [ship for ship in await reads.list_ships(lab.game.client) if ship.symbol in named]
    places, listings = await lab.read(
        lambda c: (Known(c).waypoints(lab.universe_id, symbol), Known(c).latest_listings(lab.universe_id, symbol))
    )
    slowest = min(ships, key=lambda ship: (ship.cargo_capacity, ship.speed))
    return slowest, ObservedSystem(symbol, places, tuple(listings))


def forecast(prepared: Prepared, slowest: Ship, observed: ObservedSystem) -> Forecast:
    """Play the run once, by the game's law and with its own seed; all its ships are like the slowest."""
    run = prepared.run
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
        budget=run.budget - prepared.kept_for_fuel,
        observed=observed,
        goods=tuple(prepared.markets),
        limits=run.limits,
        may_lose=prepared.command.budget is not None,
    )
    played = replicate(study, run.seed)
    return Forecast(len(played.rows), played.requests, played.hours)

"""Buying ships. Every check raises the game's refusal before anything changes."""

from datetime import datetime
from typing import Any

from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.refusals import stamp
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe, system_of


def buy_ship(
    universe: Universe, agent: Agent, kind: str, waypoint: str, now: datetime
) -> tuple[ShipState, dict[str, Any]]:
    """Buy a ship on offer; returns it with the transaction as the game shows it.

    Raises 404 for a place that is none, 4605 when the type is not on offer there, 4245 without an own ship there,
    4216 without the credits.
    """
    place = universe.waypoint(waypoint)
    if place is None:
        raise refusals.not_found(f"Waypoint {waypoint}")
    yard = universe.systems[system_of(waypoint)].shipyards.get(waypoint)
    if yard is None or kind not in yard.prices:
        raise refusals.ship_not_on_offer(kind, waypoint)
    if not universe.is_watched(agent, waypoint, now):
        raise refusals.no_ship_at_yard(waypoint)
    price = yard.prices[kind]
    if price > agent.credits:
        raise refusals.no_credits_for_ship(agent.credits, price)
    agent.credits -= price
    ship = universe.add_ship(agent, kind, place, now)
    universe.note("SHIP_PURCHASE", ship, now, good=kind, units=1, price=price)
    bought = {
        "waypointSymbol": waypoint,
        "shipSymbol": ship.symbol,
        "shipType": kind,
        "price": price,
        "agentSymbol": agent.symbol,
        "timestamp": stamp(now),
    }
    yard.sold(bought, universe.settings.ship_price_growth, universe.settings.transactions_kept)
    return ship, bought

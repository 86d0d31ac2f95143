"""The universe as the game shows it: plain dictionaries in the shapes of the official API description, no decisions."""

import functools
from datetime import datetime
from typing import Any

from spacetraders_lab.core.market import Activity, ListingType, Supply
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.goods import good_name
from spacetraders_lab.sandbox.hulls import CARGO_OF_MODULE, ENGINE_SPEED, HULLS, REACTOR_POWER, Hull
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.refusals import cooldown as shown_cooldown
from spacetraders_lab.sandbox.refusals import stamp, unshowable
from spacetraders_lab.sandbox.shipyard import Shipyard
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe, system_of

Json = dict[str, Any]

_COLUMNS = {ListingType.EXPORT: "exports", ListingType.IMPORT: "imports", ListingType.EXCHANGE: "exchange"}


@functools.cache
def named(symbol: str) -> Json:
    """A symbol with a name and a description, as goods and traits are shown; shared, so not to be changed."""
    name = good_name(symbol)
    return {"symbol": symbol, "name": name, "description": f"{name}."}


def agent(universe: Universe, who: Agent, *, private: bool = True) -> Json:
    shown = {"accountId": who.account_id} if private else {}
    return shown | {
        "symbol": who.symbol,
        "headquarters": who.headquarters,
        "credits": who.credits,
        "startingFaction": who.faction,
        "shipCount": len(universe.fleets[who.symbol]),
    }


def system(found: System) -> Json:
    return {
        "symbol": found.symbol,
        "sectorSymbol": found.symbol.partition("-")[0],
        "type": found.type,
        "x": found.x,
        "y": found.y,
        "waypoints": [_place(found, place) for place in found.waypoints.values()],
        "factions": [{"symbol": found.faction}],
    }


def _place(found: System, place: Waypoint) -> Json:
    orbits = {"orbits": place.orbits} if place.orbits else {}
    orbitals = [{"symbol": symbol} for symbol in found.orbitals[place.symbol]]
    return {"symbol": place.symbol, "type": place.type, "x": place.x, "y": place.y, "orbitals": orbitals} | orbits


def waypoint(found: System, place: Waypoint, charted: datetime) -> Json:
    return _place(found, place) | {
        "systemSymbol": found.symbol,
        "faction": {"symbol": found.faction},
        "traits": [named(trait) for trait in sorted(place.traits)],
        "modifiers": [],
        "chart": {"waypointSymbol": place.symbol, "submittedBy": found.faction, "submittedOn": stamp(charted)},
        "isUnderConstruction": place.is_under_construction,
    }


def market(found: Market, *, watched: bool) -> Json:
    """What a market shows: prices and transactions only to those who have a ship there."""
    shown: Json = {"symbol": found.waypoint, "exports": [], "imports": [], "exchange": []}
    for listing in found.listings.values():
        shown[_COLUMNS[listing.kind]].append(named(listing.good))
    if watched:
        shown["transactions"] = list(found.transactions)
        shown["tradeGoods"] = [_trade_good(found, good) for good in found.listings]
    return shown


def _trade_good(found: Market, good: str) -> Json:
    listing, quote, activity = found.listings[good], found.quote(good), found.activity(good)
    shown: Json = {
        "symbol": good,
        "tradeVolume": listing.trade_volume,
        "type": listing.kind,
        "supply": listing.supply,
        "purchasePrice": quote.ask,
        "sellPrice": quote.bid,
    }
    if activity is not None:
        shown["activity"] = activity
    return shown


def shipyard(yard: Shipyard, fee: int, *, watched: bool) -> Json:
    """What a shipyard shows: prices and transactions only to those who have a ship there."""
    shown: Json = {
        "symbol": yard.waypoint,
        "shipTypes": [{"type": kind} for kind in yard.prices],
        "modificationsFee": fee,
    }
    if watched:
        shown["transactions"] = list(yard.transactions)
        shown["ships"] = [_offered_ship(kind, price) for kind, price in yard.prices.items()]
    return shown


def _offered_ship(kind: str, price: int) -> Json:
    hull = HULLS[kind]
    offer = {"type": kind, "supply": Supply.HIGH, "activity": Activity.GROWING, "purchasePrice": price}
    crew = {"required": hull.crew, "capacity": _berths(hull)}
    return named(kind) | offer | {"crew": crew} | equipment(hull)


def construction(waypoint: str) -> Json:
    """A jump gate being built; nobody has brought anything yet."""
    needs = {"FAB_MATS": 1600, "ADVANCED_CIRCUITRY": 400}
    materials = [{"tradeSymbol": good, "required": units, "fulfilled": 0} for good, units in needs.items()]
    return {"symbol": waypoint, "materials": materials, "isComplete": False}


def cargo(ship: ShipState) -> Json:
    """The hold; raises 3000 for one with negative units in it, which the game's own races have brought about."""
    if any(units < 0 for units in ship.hold.values()):
        raise unshowable()
    return {
        "capacity": ship.capacity,
        "units": ship.cargo_units,
        "inventory": [named(good) | {"units": units} for good, units in ship.hold.items()],
    }


def fuel(ship: ShipState) -> Json:
    shown: Json = {"current": ship.fuel, "capacity": ship.hull.fuel}
    if ship.burned_at is not None:
        shown["consumed"] = {"amount": ship.burned, "timestamp": stamp(ship.burned_at)}
    return shown


def nav(ship: ShipState) -> Json:
    flight = ship.flight
    origin = _route_end(flight.origin)
    return {
        "systemSymbol": ship.system,
        "waypointSymbol": ship.waypoint,
        "route": {
            "destination": _route_end(flight.destination),
            "origin": origin,
            "departure": origin,  # the name that older clients know
            "departureTime": stamp(flight.departure),
            "arrival": stamp(flight.arrival),
        },
        "status": ship.status,
        "flightMode": ship.mode,
    }


def _route_end(place: Waypoint) -> Json:
    at = {"systemSymbol": system_of(place.symbol), "x": place.x, "y": place.y}
    return {"symbol": place.symbol, "type": place.type} | at


def cooldown(ship: ShipState, now: datetime) -> Json:
    return shown_cooldown(ship.symbol, ship.cooldown_seconds, ship.cooldown_until, now)


def ship(who: ShipState, faction: str, now: datetime) -> Json:
    hull = who.hull
    shown = {
        "symbol": who.symbol,
        "nav": nav(who),
        "crew": {
            "current": hull.crew,
            "required": hull.crew,
            "capacity": _berths(hull),
            "rotation": "STRICT",
            "morale": 100,
            "wages": 0,
        },
        "fuel": fuel(who),
        "cooldown": cooldown(who, now),
        "cargo": cargo(who),
        "registration": {"name": who.symbol, "factionSymbol": faction, "role": hull.role},
    }
    return shown | equipment(hull)


def _berths(hull: Hull) -> int:
    return round(hull.crew * 1.4)


@functools.cache
def equipment(hull: Hull) -> Json:
    """Frame, reactor, engine, modules and mounts of a hull; the same for all ships of it, so not to be changed."""
    frame, reactor, engine = (
        named(part) | {"condition": 1, "integrity": 1, "quality": 1} for part in (hull.frame, hull.reactor, hull.engine)
    )
    frame |= {
        "moduleSlots": len(hull.modules) + 1,
        "mountingPoints": len(hull.mounts),
        "fuelCapacity": hull.fuel,
        "requirements": {"power": 1, "crew": hull.crew},
    }
    reactor |= {"powerOutput": REACTOR_POWER[hull.reactor], "requirements": {"crew": 0}}
    engine |= {"speed": ENGINE_SPEED[hull.engine], "requirements": {"power": 1, "crew": 0}}
    modules = [_module(symbol) for symbol in hull.modules]
    mounts = [named(symbol) | {"strength": 10, "requirements": {"power": 1, "crew": 0}} for symbol in hull.mounts]
    return {"frame": frame, "reactor": reactor, "engine": engine, "modules": modules, "mounts": mounts}


def _module(symbol: str) -> Json:
    capacity = {"capacity": CARGO_OF_MODULE[symbol]} if symbol in CARGO_OF_MODULE else {}
    return named(symbol) | capacity | {"requirements": {"power": 1, "crew": 0, "slots": 1}}

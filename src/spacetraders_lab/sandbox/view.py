"""The universe as the game shows it: plain dictionaries in the shapes of the official API description, no decisions."""

import math
from datetime import datetime, timedelta
from typing import Any

from spacetraders_lab.core.market import ListingType
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox.generate import Offer, System
from spacetraders_lab.sandbox.goods import good_name
from spacetraders_lab.sandbox.hulls import CARGO_OF_MODULE, ENGINE_SPEED, HULLS, REACTOR_POWER, Hull
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.refusals import stamp
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe

Json = dict[str, Any]


def named(symbol: str) -> Json:
    """A symbol with a name and a description, as goods and traits are shown."""
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
        column = "exchange" if listing.kind is ListingType.EXCHANGE else f"{listing.kind.lower()}s"
        shown[column].append(named(listing.good))
    if watched:
        shown["transactions"] = list(found.transactions)
        shown["tradeGoods"] = [_trade_good(found, good) for good in found.listings]
    return shown


def _trade_good(found: Market, good: str) -> Json:
    listing, quote, activity = found.listings[good], found.quote(good), found.activity(good)
    shown = {
        "symbol": good,
        "tradeVolume": listing.trade_volume,
        "type": listing.kind,
        "supply": listing.supply,
        "purchasePrice": quote.ask,
        "sellPrice": quote.bid,
    }
    return shown if activity is None else shown | {"activity": activity}


def shipyard(symbol: str, offers: dict[str, Offer], fee: int, *, watched: bool) -> Json:
    shown: Json = {"symbol": symbol, "shipTypes": [{"type": kind} for kind in offers], "modificationsFee": fee}
    if watched:
        shown["transactions"] = []
        shown["ships"] = [_offered_ship(offer) for offer in offers.values()]
    return shown


def _offered_ship(offer: Offer) -> Json:
    hull = HULLS[offer.type]
    name = good_name(offer.type)
    return {
        "type": offer.type,
        "name": name,
        "description": f"{name}.",
        "supply": "HIGH",
        "activity": "GROWING",
        "purchasePrice": offer.price,
        "crew": {"required": hull.crew, "capacity": round(hull.crew * 1.4)},
    } | _equipment(hull)


def cargo(ship: ShipState) -> Json:
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
    system_symbol = place.symbol.rpartition("-")[0]
    return {"symbol": place.symbol, "type": place.type, "systemSymbol": system_symbol, "x": place.x, "y": place.y}


def cooldown(ship: ShipState, now: datetime) -> Json:
    shown: Json = {"shipSymbol": ship.symbol, "totalSeconds": 0, "remainingSeconds": 0}
    if ship.cooldown_until is not None and ship.cooldown_until > now:
        left = math.ceil((ship.cooldown_until - now) / timedelta(seconds=1))
        shown |= {"totalSeconds": max(left, ship.cooldown_seconds), "remainingSeconds": left}
        shown["expiration"] = stamp(ship.cooldown_until)
    return shown


def ship(who: ShipState, faction: str, now: datetime) -> Json:
    hull = who.hull
    shown = {
        "symbol": who.symbol,
        "nav": nav(who),
        "crew": {
            "current": hull.crew,
            "required": hull.crew,
            "capacity": round(hull.crew * 1.4),
            "rotation": "STRICT",
            "morale": 100,
            "wages": 0,
        },
        "fuel": fuel(who),
        "cooldown": cooldown(who, now),
        "cargo": cargo(who),
        "registration": {"name": who.symbol, "factionSymbol": faction, "role": hull.role},
    }
    return shown | _equipment(hull)


def _equipment(hull: Hull) -> Json:
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

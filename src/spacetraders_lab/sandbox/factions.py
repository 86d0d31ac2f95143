"""The factions and the contract every new agent is offered. Read only: contracts are not played here."""

from typing import Any

from spacetraders_lab.sandbox.refusals import stamp
from spacetraders_lab.sandbox.universe import Agent, Universe


def faction(universe: Universe, symbol: str) -> dict[str, Any]:
    """A faction as the game shows it; in a sandbox all have their seat in the home system."""
    return {
        "symbol": symbol,
        "name": f"{symbol.title()} Faction",
        "description": f"The {symbol.title()} faction of the sandbox.",
        "headquarters": universe.home.headquarters,
        "traits": [{"symbol": "WELCOMING", "name": "Welcoming", "description": "Open to newcomers."}],
        "isRecruiting": True,
    }


def contract(universe: Universe, agent: Agent) -> dict[str, Any]:
    """The starter contract: bring some ore to headquarters within a week of registration."""
    begin = agent.registered or universe.start
    accept_until, deadline = (begin + universe.duration(days * 86_400) for days in (1, 7))
    return {
        "id": f"contract-{agent.symbol.lower()}-1",
        "factionSymbol": agent.faction,
        "type": "PROCUREMENT",
        "terms": {
            "deadline": stamp(deadline),
            "payment": {"onAccepted": 1_500, "onFulfilled": 8_500},
            "deliver": [
                {
                    "tradeSymbol": "IRON_ORE",
                    "destinationSymbol": agent.headquarters,
                    "unitsRequired": 60,
                    "unitsFulfilled": 0,
                }
            ],
        },
        "accepted": False,
        "fulfilled": False,
        "expiration": stamp(accept_until),
        "deadlineToAccept": stamp(accept_until),
    }

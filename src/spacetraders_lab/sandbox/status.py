"""What `GET /` tells about the server: version, reset dates, counts, health.

`sandbox` is not the game's: it says that this is one, and which universe it plays.
"""

from datetime import datetime, timedelta
from typing import Any

from spacetraders_lab.sandbox.refusals import stamp
from spacetraders_lab.sandbox.universe import Universe

_RESET_EVERY = timedelta(weeks=2)  # of the clock, however fast the universe is: nothing happens then


def status(universe: Universe, now: datetime) -> dict[str, Any]:
    """The status reply, which has no `data` around it."""
    systems = universe.systems.values()
    elapsed = universe.elapsed(now)
    last = max((market.last_tick(elapsed) for system in systems for market in system.markets.values()), default=0)
    ticked = universe.moment(max(0.0, last))
    richest = sorted(universe.agents.values(), key=lambda agent: -agent.credits)[:10]
    return {
        "status": "SpaceTraders sandbox is online and available to play",
        "version": "v2.3.0",
        "resetDate": universe.reset_date,
        "description": "A local universe with the markets of the game, for development and experiments.",
        "stats": {
            "accounts": len(universe.agents),
            "agents": len(universe.agents),
            "ships": len(universe.ships),
            "systems": len(universe.systems),
            "waypoints": sum(len(system.waypoints) for system in systems),
        },
        "health": {"lastMarketUpdate": stamp(ticked)},
        "leaderboards": {
            "mostCredits": [{"agentSymbol": agent.symbol, "credits": agent.credits} for agent in richest],
            "mostSubmittedCharts": [],
        },
        "serverResets": {"next": stamp(next_reset(universe, now)), "frequency": "fortnightly"},
        "announcements": [],
        "sandbox": {"universe": universe.universe_id},
        "links": [],
    }


def next_reset(universe: Universe, now: datetime) -> datetime:
    """When the game would reset next: always ahead, for a sandbox plays on until somebody resets it."""
    return universe.start + (max(timedelta(0), now - universe.start) // _RESET_EVERY + 1) * _RESET_EVERY

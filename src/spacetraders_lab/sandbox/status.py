"""What `GET /` tells about the server: version, reset dates, counts, health.

`sandbox` is not the game's: it says that this is one, and which universe it plays.
"""

from datetime import datetime, timedelta
from typing import Any

from spacetraders_lab.sandbox.refusals import stamp
from spacetraders_lab.sandbox.universe import Universe

_WEEK = timedelta(weeks=1).total_seconds()  # of the game


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
    """One to two weeks ahead, always: a sandbox plays on until somebody resets it, and no plan need fear an end."""
    return universe.moment((universe.elapsed(now) // _WEEK + 2) * _WEEK)

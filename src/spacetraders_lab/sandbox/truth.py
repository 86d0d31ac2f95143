"""What only the sandbox knows: the hidden state of every listing. No client can see it over the game's API."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from spacetraders_lab.core.market import Operation
from spacetraders_lab.sandbox.universe import Universe


def truth(universe: Universe, now: datetime) -> dict[str, Any]:
    """Every listing's hidden state at `now` by system and market: M (`mid`), f (`factor`), stock, rest, rate, phase.

    `moves` says by how much a trade of a full tradeVolume would move the log of its quote, for each side.
    Values are plain (numbers, texts, datetimes), ready for JSON.
    """
    systems: dict[str, Any] = {}
    for system in universe.systems.values():
        markets = systems[system.symbol] = {}
        for symbol in system.markets:
            market = universe.market(symbol, now)
            markets[symbol] = {
                good: asdict(listing)
                | {
                    "tranches": listing.tranches,
                    "supply": listing.supply,
                    "activity": market.activity(good),
                    "rate": market.rate(good),
                    "quote": market.quote(good)._asdict(),
                    "moves": {side: market.expected_move(good, side, listing.trade_volume) for side in Operation},
                }
                for good, listing in market.listings.items()
            }
    return {
        "settings": asdict(universe.settings),
        "start": universe.start,
        "at": now,
        "game_seconds": universe.elapsed(now),
        "systems": systems,
    }


def dump_truth(universe: Universe, now: datetime, path: Path) -> None:
    """Write the truth at `now` into a JSON file."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(truth(universe, now))) + b"\n")

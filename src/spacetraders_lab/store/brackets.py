"""Placebo brackets: two readings of a market in one docking with no trade of ours between. Writes and reads only."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select

from spacetraders_lab.core.experiment import ClaimedPair, PlaceboBracket
from spacetraders_lab.core.waypoint import system_of
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import market_observations as observations
from spacetraders_lab.store.schema import placebo_brackets as brackets
from spacetraders_lab.store.world import trade_good


def record_bracket(
    connection: Connection, claim: ClaimedPair, market: str, *, before_at: datetime, after_at: datetime
) -> None:
    """Write down that the two readings of the market, which are in the observations, make a bracket."""
    connection.execute(
        insert(brackets),
        {
            "run_id": claim.run_id,
            "queue_id": claim.queue_id,
            "take": claim.take,
            "ship_symbol": claim.ship_symbol,
            "market_symbol": market,
            "before_at": before_at,
            "after_at": after_at,
        },
    )


def brackets_of(connection: Connection, claim: ClaimedPair) -> Counter[str]:
    """How many brackets the claim's take has taken at each market."""
    rows = connection.execute(
        select(brackets.c.market_symbol, func.count().label("brackets"))
        .where(brackets.c.queue_id == claim.queue_id, brackets.c.take == claim.take)
        .group_by(brackets.c.market_symbol)
    )
    return Counter({row.market_symbol: row.brackets for row in rows})


def placebo_brackets(connection: Connection, run_id: str) -> list[PlaceboBracket]:
    """Every listing of every bracket of the run, oldest first: the traded good's, and untouched ones as controls."""
    universe = connection.execute(select(runs.c.universe_id).where(runs.c.run_id == run_id)).scalar_one_or_none()
    rows = connection.execute(
        select(brackets).where(brackets.c.run_id == run_id).order_by(brackets.c.after_at, brackets.c.bracket_id)
    ).all()
    result = []
    for row in rows:
        before = _quotes(connection, universe, row, row.before_at)
        after = _quotes(connection, universe, row, row.after_at)
        result += [
            PlaceboBracket(
                run_id, row.ship_symbol, row.market_symbol, before[good], row.before_at, after[good], row.after_at
            )
            for good in sorted(before.keys() & after.keys())
        ]
    return result


def _quotes(connection: Connection, universe: int | None, bracket: Row[Any], at: datetime) -> dict[str, Any]:
    """What the bracket's own ship read then: it makes one request at a time, so its name and the time say which.

    Readings of earlier versions do not tell who made them; the ship's own count before them.
    """
    market, reader = bracket.market_symbol, observations.c.ship_symbol
    rows = connection.execute(
        select(observations)
        .where(
            observations.c.universe_id == universe,
            observations.c.system_symbol == system_of(market),
            observations.c.waypoint_symbol == market,
            observations.c.observed_at == at,
            or_(reader.is_(None), reader == bracket.ship_symbol),
        )
        .order_by(reader.is_not(None))
    )
    return {row.good_symbol: trade_good(row) for row in rows}

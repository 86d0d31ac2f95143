"""Placebo brackets: two readings of a market with no trade of ours between. Writes and reads only."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import CTE, ColumnElement, Connection, and_, bindparam, func, insert, or_, select

from spacetraders_lab.core.experiment import ClaimedPair, PlaceboBracket
from spacetraders_lab.core.market import TradeGood
from spacetraders_lab.core.waypoint import system_of
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import market_observations as observations
from spacetraders_lab.store.schema import placebo_brackets as brackets

# as `TradeGood` has them
_QUOTE = ("good_symbol", "type", "trade_volume", "supply", "activity", "purchase_price", "sell_price")


_OF_TAKE = Prepared(  # executed for every pair, so built once
    select(brackets.c.market_symbol, func.count().label("brackets"))
    .where(brackets.c.queue_id == bindparam("of_pair"), brackets.c.take == bindparam("of_take"))
    .group_by(brackets.c.market_symbol)
)


class Reading(NamedTuple):
    """When a ship read a market."""

    ship_symbol: str
    observed_at: datetime


def newest_reading(
    connection: Connection, universe_id: int, market: str, *, since: datetime, until: datetime
) -> Reading | None:
    """The last reading of the market in that time, by whichever ship; None when there was none."""
    found = connection.execute(
        select(observations.c.ship_symbol, observations.c.observed_at)
        .where(
            observations.c.universe_id == universe_id,
            observations.c.system_symbol == system_of(market),
            observations.c.waypoint_symbol == market,
            observations.c.observed_at.between(since, until),
            observations.c.ship_symbol.is_not(None),
        )
        .order_by(observations.c.observed_at.desc())
        .limit(1)
    ).first()
    return Reading(*found) if found else None


def record_bracket(
    connection: Connection,
    claim: ClaimedPair,
    market: str,
    *,
    before_at: datetime,
    after_at: datetime,
    before_by: str | None = None,
) -> None:
    """Write down that the two readings of the market, which are in the observations, make a bracket.

    `before_by` made the first of them, if it was not the claim's own ship.
    """
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
            "before_ship_symbol": before_by,
        },
    )


def brackets_of(connection: Connection, claim: ClaimedPair) -> Counter[str]:
    """How many brackets the claim's take has taken at each market."""
    rows = _OF_TAKE.rows(connection, {"of_pair": claim.queue_id, "of_take": claim.take})
    return Counter({row.market_symbol: row.brackets for row in rows})


def placebo_brackets(connection: Connection, run_id: str) -> list[PlaceboBracket]:
    """Every listing of every bracket of the run, oldest first: the traded good's, and untouched ones as controls."""
    first_reader = func.coalesce(brackets.c.before_ship_symbol, brackets.c.ship_symbol)
    before = _quotes(connection, run_id, brackets.c.before_at, first_reader)
    after = _quotes(connection, run_id, brackets.c.after_at, brackets.c.ship_symbol)
    rows = connection.execute(
        select(brackets).where(brackets.c.run_id == run_id).order_by(brackets.c.after_at, brackets.c.bracket_id)
    )
    return [
        PlaceboBracket(run_id, row.ship_symbol, row.market_symbol, first[good], row.before_at, last[good], row.after_at)
        for row in rows
        for first, last in [(before[row.bracket_id], after[row.bracket_id])]
        for good in sorted(first.keys() & last.keys())
    ]


def _quotes(
    connection: Connection, run_id: str, at: ColumnElement[datetime], by: ColumnElement[str]
) -> dict[int, dict[str, TradeGood]]:
    """What that ship of each of the run's brackets read at that time of it, by bracket_id and good.

    A ship makes one request at a time, so its name and the time say which reading is its own. Readings of earlier
    versions do not tell who made them; the ship's own count before them.
    """
    readings, reader = _readings(run_id, at, by), observations.c.ship_symbol
    its_own = and_(
        observations.c.universe_id == readings.c.universe_id,
        observations.c.system_symbol == readings.c.system_symbol,
        observations.c.waypoint_symbol == readings.c.market_symbol,
        observations.c.observed_at == readings.c.observed_at,
        or_(reader.is_(None), reader == readings.c.ship_symbol),
    )
    rows = connection.execute(
        select(readings.c.bracket_id, *(observations.c[name] for name in _QUOTE))
        .join(observations, its_own)
        .order_by(reader.is_not(None), observations.c.observation_id)
    )
    found: defaultdict[int, dict[str, TradeGood]] = defaultdict(dict)
    for bracket_id, *quote in rows:  # very many: names would take longer to look up than all the rest
        found[bracket_id][quote[0]] = TradeGood(*quote)
    return found


def _readings(run_id: str, at: ColumnElement[datetime], by: ColumnElement[str]) -> CTE:
    """Who read which market when, in every bracket of the run.

    Found before anything is joined to it: PostgreSQL, before it has counted anything, would look at all observations of
    the system instead (measured: 50 times slower with 2,000 brackets).
    """
    return (
        select(
            *(brackets.c[name] for name in ("bracket_id", "market_symbol")),
            by.label("ship_symbol"),
            at.label("observed_at"),
            runs.c.universe_id,
            runs.c.system_symbol,
        )
        .join_from(brackets, runs, runs.c.run_id == brackets.c.run_id)
        .where(brackets.c.run_id == run_id)
        .cte("readings")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )

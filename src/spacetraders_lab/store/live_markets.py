"""What a watcher asks of the markets again and again: listings, their quotes and the trades at them. Writes nothing."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Text, and_, func, or_, select, tuple_, type_coerce

from spacetraders_lab.store.live import Trade, columns
from spacetraders_lab.store.newest import NEWEST_FIRST, newest_observations
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import market_experiments as trades
from spacetraders_lab.store.schema import market_observations as observations
from spacetraders_lab.store.schema import universes

_seen = observations.c


class Quote(NamedTuple):
    """One row of `market_observations`: a listing as quoted at one moment."""

    observation_id: int
    waypoint_symbol: str
    good_symbol: str
    type: str
    trade_volume: int
    supply: str
    activity: str | None
    purchase_price: int
    sell_price: int
    observed_at: datetime


def systems_seen(connection: Connection) -> list[dict[str, Any]]:
    """Every system of which prices are known: universe_id, reset_date, base_url, system; the latest universe first.

    Steps from system to system through the index: the observations between are not looked at.
    """
    key = tuple_(_seen.universe_id, _seen.system_symbol)
    found: list[tuple[int, str]] = []
    step = select(_seen.universe_id, _seen.system_symbol).order_by(_seen.universe_id, _seen.system_symbol).limit(1)
    row = connection.execute(step).first()
    while row is not None:
        found.append((row.universe_id, row.system_symbol))
        row = connection.execute(step.where(key > found[-1])).first()
    known = {row["universe_id"]: dict(row) for row in connection.execute(select(universes)).mappings()}
    return [
        known[universe_id] | {"system": system} for universe_id, system in sorted(found, key=lambda f: (-f[0], f[1]))
    ]


def latest_quotes(connection: Connection, universe_id: int, system: str) -> list[Quote]:
    """The newest observation of every listing of a system, by market and good."""
    found = newest_observations(connection, universe_id, system)
    return [Quote._make(getattr(row, name) for name in Quote._fields) for row in found]


def last_observation_id(connection: Connection) -> int:
    """The highest observation_id of the database, 0 when there is none."""
    return connection.execute(select(func.max(observations.c.observation_id))).scalar() or 0


def read_quotes(connection: Connection, universe_id: int, system: str, after: int, upto: int) -> list[Quote]:
    """The observations of a system with after < observation_id <= upto, by id."""
    key = observations.c.observation_id
    here = type_coerce(observations.c.system_symbol, Text).concat("") == system
    statement = select(*columns(observations, Quote)).where(
        key > after, key <= upto, here, observations.c.universe_id == universe_id
    )
    return [Quote._make(row) for row in connection.execute(statement.order_by(key))]


def quotes_of(
    connection: Connection,
    universe_id: int,
    system: str,
    waypoint: str,
    good: str,
    *,
    since: datetime | None,
    most: int,
) -> list[Quote]:
    """The newest `most` observations of one listing (from a moment on), the oldest of them first."""
    where = _of_listing(universe_id, system, waypoint, good)
    if since is not None:
        where.append(_seen.observed_at >= since)
    statement = select(*columns(observations, Quote)).where(*where).order_by(*NEWEST_FIRST).limit(most)
    return [Quote._make(row) for row in connection.execute(statement)][::-1]


def trades_at(connection: Connection, universe_id: int, waypoint: str, good: str, *, most: int) -> list[Trade]:
    """The newest `most` trades of all runs at one listing, the oldest of them first."""
    statement = (
        select(*columns(trades, Trade))
        .where(_of_universe(universe_id), trades.c.good_symbol == good, _at(waypoint))
        .order_by(trades.c.experiment_id.desc())
        .limit(most)
    )
    return [Trade._make(row) for row in connection.execute(statement)][::-1]


def new_trades_at(
    connection: Connection, universe_id: int, waypoint: str, good: str, after: int, upto: int
) -> list[Trade]:
    """The trades at one listing with after < experiment_id <= upto, by id."""
    key = trades.c.experiment_id
    # An expression, so that the few new rows are found by their ids and not by the good.
    of_good = type_coerce(trades.c.good_symbol, Text).concat("") == good
    statement = select(*columns(trades, Trade)).where(
        key > after, key <= upto, of_good, _at(waypoint), _of_universe(universe_id)
    )
    return [Trade._make(row) for row in connection.execute(statement.order_by(key))]


def market_reads(connection: Connection, universe_id: int, system: str, since: datetime) -> list[datetime]:
    """When the markets of a system were read since a moment, one time for each reply."""
    statement = (
        select(_seen.observed_at, _seen.waypoint_symbol)
        .where(_seen.universe_id == universe_id, _seen.system_symbol == system, _seen.observed_at > since)
        .distinct()
        .order_by(_seen.observed_at)
    )
    return [row.observed_at for row in connection.execute(statement)]


def _of_listing(universe_id: int, system: str, waypoint: str, good: str) -> list[Any]:
    return [
        _seen.universe_id == universe_id,
        _seen.system_symbol == system,
        _seen.waypoint_symbol == waypoint,
        _seen.good_symbol == good,
    ]


def _of_universe(universe_id: int) -> Any:
    return trades.c.run_id.in_(select(runs.c.run_id).where(runs.c.universe_id == universe_id))


def _at(waypoint: str) -> Any:
    operation = type_coerce(trades.c.operation, Text)
    return or_(
        and_(operation == "BUY", trades.c.buy_market == waypoint),
        and_(operation == "SELL", trades.c.sell_market == waypoint),
    )

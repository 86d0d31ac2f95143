"""The newest observation of every listing of a system, found from market to market. Reads only.

The index has the observations of a market by time, so that one reading writes all its rows side by side: a listing's
own are found by looking back from the market's newest.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from spacetraders_lab.store.schema import market_observations as observations

LOOK_BACK = 1_000  # observations of a market: a listing that none of its last 25 to 100 readings quotes is none

_seen = observations.c
_HERE = (_seen.universe_id == bindparam("universe"), _seen.system_symbol == bindparam("system"))
_FIRST_MARKET = select(_seen.waypoint_symbol).where(*_HERE).order_by(_seen.waypoint_symbol).limit(1)
_NEXT_MARKET = _FIRST_MARKET.where(_seen.waypoint_symbol > bindparam("last"))
# the newest first; of two of one moment, the one that was written last
NEWEST_FIRST = (_seen.observed_at.desc(), _seen.observation_id.desc())
_recent = (
    select(observations)
    .where(*_HERE, _seen.waypoint_symbol == bindparam("market"))
    .order_by(*NEWEST_FIRST)
    .limit(LOOK_BACK)
    .subquery()
)
_place = func.row_number().over(
    partition_by=_recent.c.good_symbol, order_by=(_recent.c.observed_at.desc(), _recent.c.observation_id.desc())
)
_ranked = select(_recent, _place.label("place_in_line")).subquery()
_OF_MARKET = select(_ranked).where(_ranked.c.place_in_line == 1).order_by(_ranked.c.good_symbol)


def newest_observations(connection: Connection, universe_id: int, system: str) -> Iterator[Row[Any]]:
    """The newest row of every listing, by market and good; costs the same however often the markets were read.

    A listing is missing when none of the market's last `LOOK_BACK` observations is of it.
    """
    here = {"universe": universe_id, "system": system}
    market = connection.execute(_FIRST_MARKET, here).scalar()
    while market is not None:
        yield from connection.execute(_OF_MARKET, here | {"market": market})
        market = connection.execute(_NEXT_MARKET, here | {"last": market}).scalar()

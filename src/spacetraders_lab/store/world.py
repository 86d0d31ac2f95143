"""What is known of the game's universes: players, waypoints, and every market reply. Two universes never mix."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, bindparam, select, update

from spacetraders_lab.core.market import Listing, ListingType, MarketSnapshot, TradeGood
from spacetraders_lab.core.waypoint import Waypoint, system_of
from spacetraders_lab.store.alike import insert_alike
from spacetraders_lab.store.newest import NEWEST_FIRST, newest_observations
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import market_observations as observations
from spacetraders_lab.store.schema import players, universes
from spacetraders_lab.store.schema import waypoints as places
from spacetraders_lab.store.upsert import insert_into

_KINDS = {ListingType.IMPORT: "imports", ListingType.EXPORT: "exports", ListingType.EXCHANGE: "exchange"}

# executed at every visit, so built once
_LIST = Prepared(
    update(places)
    .where(places.c.universe_id == bindparam("of_universe"), places.c.waypoint_symbol == bindparam("at"))
    .values({name: bindparam(name) for name in _KINDS.values()})
)
# executed whenever a program enters, and whatever it enters is nearly always there
_IDS = {
    table: Prepared(select(*table.primary_key).where(*(table.c[name] == bindparam(name) for name in key)))
    for table, key in ((universes, ("base_url", "reset_date")), (players, ("agent_symbol", "universe_id")))
}


@dataclass(frozen=True, slots=True)
class Universe:
    """One server between two resets."""

    universe_id: int
    base_url: str
    reset_date: str


class World:
    """Universes and what was seen in them; one transaction is the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def universe_id(self, server: str, reset_date: str) -> int:
        """The id of the universe that this server has had since that reset, written down if it is new.

        `server` is the base URL; behind a #, which universe of a sandbox it is.
        """
        return self._id_of(universes, base_url=server, reset_date=reset_date)

    def known_universe(self, server: str, reset_date: str) -> int | None:
        """The id of that universe, None where it was never written down."""
        its = (universes.c.base_url == server, universes.c.reset_date == reset_date)
        found: int | None = self._connection.scalar(select(universes.c.universe_id).where(*its))
        return found

    def universe(self, universe_id: int) -> Universe:
        """The universe of that id."""
        row = self._connection.execute(select(universes).where(universes.c.universe_id == universe_id)).one()
        return Universe(row.universe_id, row.base_url, row.reset_date)

    def player_id(self, agent_symbol: str, universe_id: int) -> int:
        """The id of an agent in a universe, written down if it is new."""
        return self._id_of(players, agent_symbol=agent_symbol, universe_id=universe_id)

    def save_waypoints(self, universe_id: int, waypoints: Iterable[Waypoint]) -> None:
        """Write down waypoints, replacing what was known of them (what their markets trade is kept)."""
        rows = [
            {
                "universe_id": universe_id,
                "waypoint_symbol": waypoint.symbol,
                "system_symbol": system_of(waypoint.symbol),
                "type": waypoint.type,
                "x": waypoint.x,
                "y": waypoint.y,
                "traits": sorted(waypoint.traits),
                "orbits": waypoint.orbits,
                "is_under_construction": waypoint.is_under_construction,
            }
            for waypoint in waypoints
        ]
        if rows:
            statement = insert_into(self._connection, places)
            replaced = {name: statement.excluded[name] for name in rows[0]}
            self._connection.execute(
                statement.on_conflict_do_update(index_elements=places.primary_key, set_=replaced), rows
            )

    def waypoints(self, universe_id: int, system: str) -> tuple[Waypoint, ...]:
        """The waypoints of a system, by symbol; empty when the system has not been charted."""
        rows = self._connection.execute(
            select(places).where(*_in_system(places, universe_id, system)).order_by("waypoint_symbol")
        )
        return tuple(
            Waypoint(
                symbol=row.waypoint_symbol,
                type=row.type,
                x=row.x,
                y=row.y,
                traits=frozenset(row.traits),
                orbits=row.orbits,
                is_under_construction=row.is_under_construction,
            )
            for row in rows
        )

    def save_snapshot(
        self, universe_id: int, snapshot: MarketSnapshot, source: str, *, ship: str | None = None
    ) -> None:
        """Write down a market's reply: a row for every good quoted, and what the market trades.

        `source` says what the market was read for, `ship` which of the ships there asked. What a market trades is kept
        only for a waypoint that is known.
        """
        self.save_quotes(universe_id, snapshot, source, ship=ship)
        lists = {"imports": snapshot.imports, "exports": snapshot.exports, "exchange": snapshot.exchange}
        _LIST.change(self._connection, {"of_universe": universe_id, "at": snapshot.waypoint} | lists)

    def save_quotes(self, universe_id: int, snapshot: MarketSnapshot, source: str, *, ship: str | None = None) -> None:
        """Write down a row for every good quoted, at a market of which `save_snapshot` has kept what it trades."""
        reading = {
            "universe_id": universe_id,
            "system_symbol": system_of(snapshot.waypoint),
            "waypoint_symbol": snapshot.waypoint,
            "observed_at": snapshot.observed_at,
            "source": source,
            "ship_symbol": ship,
        }
        quotes = [
            {
                "good_symbol": good.symbol,
                "type": good.type,
                "trade_volume": good.trade_volume,
                "supply": good.supply,
                "activity": good.activity,
                "purchase_price": good.purchase_price,
                "sell_price": good.sell_price,
            }
            for good in snapshot.goods.values()
        ]
        insert_alike(self._connection, observations, reading, quotes)

    def latest_listings(self, universe_id: int, system: str, *, newer_than: datetime | None = None) -> list[Listing]:
        """The newest observation of each listing of a system, by waypoint and good.

        Listings last seen at or before `newer_than` are left out.
        """
        found = newest_observations(self._connection, universe_id, system)
        return [_listing(row) for row in found if newer_than is None or row.observed_at > newer_than]

    def last_universe(self, base_url: str, system: str) -> int | None:
        """The universe played there in which the system's prices were seen last; None if they never were.

        With sandboxes, of all that were served at the address.
        """
        newest = (
            select(observations.c.universe_id)
            .join(universes, universes.c.universe_id == observations.c.universe_id)
            .where(_played_at(base_url), observations.c.system_symbol == system)
            .order_by(observations.c.observed_at.desc())
            .limit(1)
        )
        found: int | None = self._connection.execute(newest).scalar()
        return found

    def successor(self, universe_id: int) -> Universe | None:
        """The newest universe known at the same address, where it was written down after this one; None for the last.

        With sandboxes, of all that were served at the address.
        """
        base_url, _, _ = self.universe(universe_id).base_url.partition("#")
        later = select(universes).where(_played_at(base_url), universes.c.universe_id > universe_id)
        row = self._connection.execute(later.order_by(universes.c.universe_id.desc()).limit(1)).first()
        return Universe(row.universe_id, row.base_url, row.reset_date) if row else None

    def history(self, universe_id: int, waypoint: str, good: str, *, most: int) -> list[Listing]:
        """The newest `most` observations of one listing, the oldest of them first."""
        newest = (
            select(observations)
            .where(
                *_in_system(observations, universe_id, system_of(waypoint)),
                observations.c.waypoint_symbol == waypoint,
                observations.c.good_symbol == good,
            )
            .order_by(*NEWEST_FIRST)
            .limit(most)
        )
        return [_listing(row) for row in self._connection.execute(newest)][::-1]

    def market_lists(self, universe_id: int, system: str) -> dict[str, dict[str, ListingType]]:
        """What each market of a system trades, known without a visit: waypoint to good to type. Unread ones lack."""
        rows = self._connection.execute(
            select(places)
            .where(*_in_system(places, universe_id, system), places.c.imports.is_not(None))
            .order_by("waypoint_symbol")
        )
        return {
            row.waypoint_symbol: {good: kind for kind, column in _KINDS.items() for good in row._mapping[column]}
            for row in rows
        }

    def _id_of(self, table: Table, **key: str | int) -> int:
        row = _IDS[table].first(self._connection, key)
        if row is None:
            self._connection.execute(insert_into(self._connection, table).values(key).on_conflict_do_nothing())
            row = _IDS[table].first(self._connection, key)
        (found,) = row
        return int(found)


def _played_at(base_url: str) -> ColumnElement[bool]:
    """Universes of the address, of a sandbox's those that are named behind a #."""
    return (universes.c.base_url == base_url) | universes.c.base_url.startswith(f"{base_url}#", autoescape=True)


def _in_system(table: Table, universe_id: int, system: str) -> list[ColumnElement[bool]]:
    return [table.c.universe_id == universe_id, table.c.system_symbol == system]


def trade_good(row: Row[Any]) -> TradeGood:
    """What an observation's row quotes."""
    return TradeGood(
        symbol=row.good_symbol,
        type=row.type,
        trade_volume=row.trade_volume,
        supply=row.supply,
        activity=row.activity,
        purchase_price=row.purchase_price,
        sell_price=row.sell_price,
    )


def _listing(row: Row[Any]) -> Listing:
    return Listing(row.waypoint_symbol, trade_good(row), row.observed_at)

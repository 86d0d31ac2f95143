"""Care of what was recorded: back it up, look it over, thin what nobody needs, put runs away, delete them whole.

Nothing here is done by itself, and nothing that a run has measured goes but with the whole run.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select, update

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.doctor import ledger_gaps, missing_cells, ships_at_work
from spacetraders_lab.store.failures import unknown_run
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import market_observations as observations
from spacetraders_lab.store.schema import metadata

BESIDE_A_RUN = timedelta(days=1)  # before it begins and after it ends, what was seen of its system belongs to it
KEEP_ONE_IN = timedelta(hours=1)
_AT_ONCE = 500  # rows a statement

_Window = tuple[datetime, datetime]
_System = tuple[int, str]  # universe, system
_Listing = tuple[int, str, str]  # universe, market, good


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that cannot be right in what is recorded."""

    where: str
    what: str


def back_up(database: Database, target: Path) -> int:
    """Copy the whole of a SQLite database, as it is now, into a new file; returns its bytes.

    Programs at work go on meanwhile. Raises UserError where there is a file already, and for PostgreSQL, naming the
    command that does it there.
    """
    if not database.is_sqlite:
        command = f'pg_dump --format=custom --file="{target}" "$SPACETRADERS_DATABASE_URL"'
        raise UserError(f"PostgreSQL brings its own backup: {command}")
    draft = target.with_name(f"{target.name}.part")
    try:
        if target.exists():
            raise UserError(f"{target} exists; name a file that does not")
        draft.unlink(missing_ok=True)
        with database.reading() as connection, closing(sqlite3.connect(draft)) as copy:
            connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
        draft.rename(target)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):  # what cannot be written often cannot be removed either
            draft.unlink(missing_ok=True)
        raise UserError(f"cannot write {target}: {error}; name a file where there is room and leave") from error
    return target.stat().st_size


def look_over(database: Database) -> list[Flaw]:
    """What cannot be right in the database; raises DatabaseDamaged for a file that is not whole."""
    database.check()
    with database.reading() as connection:
        found = _broken_references(connection) if database.is_sqlite else []
        for run_id in connection.execute(select(runs.c.run_id).order_by(runs.c.created_at)).scalars().all():
            found += _flaws_of(connection, run_id)
    return found


def _broken_references(connection: Connection) -> list[Flaw]:
    """Rows that name others which are not there; PostgreSQL has none."""
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check")
    return [Flaw(f"{table} {row}", f"belongs to a row of {parent} that is not there") for table, row, parent, _ in rows]


def _flaws_of(connection: Connection, run_id: str) -> Iterator[Flaw]:
    for lacking in missing_cells(connection, run_id):
        bought = f"{lacking.cells_bought} of {lacking.cells_wanted} cells"
        units = f"{lacking.units_bought} units bought and {lacking.units_sold} sold"
        yield Flaw(f"run {run_id}", f"{lacking.pair_id} is COMPLETED with {bought}, {units}")
    for gap in ledger_gaps(connection, run_id):
        counts = f"{gap.trades_happened} trades that happened and {gap.rows_recorded} rows"
        yield Flaw(f"run {run_id}", f"{gap.pair_id} (take {gap.take}) has {counts}")


def superfluous(connection: Connection, older_than: datetime) -> list[int]:
    """Observations that may go: older than that, used by no run, and not the first of their listing in their hour."""
    used = _windows(connection)
    rows = connection.execute(
        select(
            observations.c.observation_id,
            observations.c.universe_id,
            observations.c.system_symbol,
            observations.c.waypoint_symbol,
            observations.c.good_symbol,
            observations.c.observed_at,
        )
        .where(observations.c.observed_at < older_than)
        .order_by(observations.c.observed_at, observations.c.observation_id)
    )
    kept: set[tuple[_Listing, int]] = set()
    found = []
    for number, universe, system, market, good, seen in rows:
        hour = ((universe, market, good), int(seen.timestamp() // KEEP_ONE_IN.total_seconds()))
        if hour in kept and not any(begins <= seen <= ends for begins, ends in used.get((universe, system), ())):
            found.append(number)
        kept.add(hour)
    return found


def thin(connection: Connection, numbers: Sequence[int]) -> None:
    """Delete these observations."""
    for start in range(0, len(numbers), _AT_ONCE):
        chosen = numbers[start : start + _AT_ONCE]
        connection.execute(delete(observations).where(observations.c.observation_id.in_(chosen)))


def _windows(connection: Connection) -> Mapping[_System, list[_Window]]:
    """When the observations of each system belong to a run.

    All of them, not only of what the run trades: goods that nobody touches are the controls of its placebo brackets,
    and tell the drift.
    """
    rows = connection.execute(select(runs.c.universe_id, runs.c.system_symbol, runs.c.created_at, runs.c.finished_at))
    found: dict[_System, list[_Window]] = {}
    for universe, system, begun, ended in rows:
        ends = datetime.max.replace(tzinfo=UTC) if ended is None else ended + BESIDE_A_RUN
        found.setdefault((universe, system), []).append((begun - BESIDE_A_RUN, ends))
    return found


def archive(connection: Connection, run_id: str, *, now: datetime | None) -> None:
    """Put a run away from the list of runs, or (None) take it back; raises UserError when there is none of that id."""
    changed = connection.execute(update(runs).where(runs.c.run_id == run_id).values(archived_at=now))
    if changed.rowcount != 1:
        raise unknown_run(run_id)


def rows_of(connection: Connection, run_id: str) -> dict[str, int]:
    """How many rows of each table go with a run, those without any left out; raises UserError for an unknown run."""
    counts = {
        table.name: connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one()
        for table, condition in _owned(run_id)
    }
    if not counts[runs.name]:
        raise unknown_run(run_id)
    return {name: count for name, count in counts.items() if count}


def delete_run(connection: Connection, run_id: str, *, now: datetime) -> None:
    """Delete a run with all that it recorded; what was seen of markets stays, for it belongs to the universe.

    Raises UserError for a run that ships are working on, and for an unknown one.
    """
    rows_of(connection, run_id)
    if busy := ships_at_work(connection, run_id, now=now):
        raise UserError(f"{', '.join(busy)} are at work on {run_id}; stop them first")
    # The one thing that the trigger over measured rows looks at. It goes with the run, in this transaction.
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(is_going=True))
    for table, condition in _owned(run_id):
        connection.execute(delete(table).where(condition))


def _owned(run_id: str) -> list[tuple[Table, ColumnElement[bool]]]:
    """Every table with rows that belong to a run, directly or through another, and which rows; children first."""
    conditions: dict[Table, ColumnElement[bool]] = {}
    for table in metadata.sorted_tables:
        if table is runs:
            conditions[table] = runs.c.run_id == run_id
            continue
        belongs: list[Any] = [
            key.parent.in_(select(key.column).where(conditions[key.column.table]))
            for key in table.foreign_keys
            if key.column.table in conditions
        ]
        if belongs:
            conditions[table] = or_(*belongs)
    return list(reversed(conditions.items()))

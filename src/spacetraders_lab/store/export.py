"""Takes recorded data out: as files in constant memory, and as a DataFrame. Reads only, in short reads.

A table is read in stretches of its primary key, each in a read of its own: on SQLite without WAL a long read would
hold up every commit. Rows are only ever added, so the highest key at the start bounds one consistent picture.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import polars as pl
from polars.io.plugins import register_io_source
from sqlalchemy import JSON, Boolean, Column, ColumnElement, Double, Text, cast, func, select, type_coerce
from sqlalchemy.types import NullType, TypeEngine

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.attrition import was_executed
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.dictionary import TABLES
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.schema import experiment_skips as skips
from spacetraders_lab.store.schema import market_observations as observations
from spacetraders_lab.store.types import UtcDateTime, Word
from spacetraders_lab.store.world import World

FORMATS = ("csv", "jsonl", "parquet")
_STRETCH = 10_000  # keys a read
_ROW_GROUP = 100_000
_TRADED = ("operation", "buy_market", "sell_market", "good_symbol", "timestamp")
_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"

Progress = Callable[[int], None]  # told how many rows are written so far


@dataclass(frozen=True, slots=True)
class Export:
    """Some rows of one table: those of a run. `rows` of them lie between the keys `first` and `last`."""

    database: Database
    table: str
    where: tuple[ColumnElement[bool], ...]
    rows: int
    first: int
    last: int

    def frames(self, *names: str) -> Iterator[pl.DataFrame]:
        """The rows in the order of their keys, a stretch of them at a time; of the columns named, or of all."""
        columns = [TABLES[self.table].columns[name] for name in names or schema(self.table)]
        (key,) = TABLES[self.table].primary_key
        chosen = [_plain(column).label(column.name) for column in columns]
        types = {column.name: _polars_type(column.type) for column in columns}
        for start in range(self.first, self.last + 1, _STRETCH):
            stretch = key.between(start, min(start + _STRETCH - 1, self.last))
            with self.database.reading() as connection:
                rows = connection.execute(select(*chosen).where(stretch, *self.where).order_by(key)).all()
            if rows:
                yield _typed([tuple(row) for row in rows], types)


def select_run(database: Database, run_id: str, table: str) -> Export:
    """The rows of a run in one of TABLES; raises UserError for a run that is not there."""
    with database.reading() as connection:
        run = ExperimentRepository(connection).get_run(run_id)
        source = TABLES[table]
        (key,) = source.primary_key
        where: tuple[ColumnElement[bool], ...]
        if source is skips:
            where = (_walked(source.c.run_id) == run_id, ~was_executed)
        elif source is observations:
            where = (source.c.universe_id == run.universe_id, _walked(source.c.system_symbol) == run.system_symbol)
        else:
            where = (_walked(source.c.run_id) == run_id,)
        rows, first, last = connection.execute(
            select(func.count(), func.coalesce(func.min(key), 1), func.coalesce(func.max(key), 0)).where(*where)
        ).one()
    return Export(database, table, where, rows, first, last)


def write(export: Export, kind: str, to: Path | TextIO, progress: Progress = lambda rows: None) -> None:
    """Write the rows as `kind` (of FORMATS); a file appears under its name only when it is whole.

    Raises UserError where the file cannot be written, and for Parquet, which is no text, to a stream.
    """
    frames = _counted(export.frames(), progress)
    if not isinstance(to, Path):
        _write_text(frames, export.table, kind, to)
        return
    with _whole(to) as part:
        if kind == "parquet":
            source = register_io_source(lambda *_: frames, schema=schema(export.table))
            source.sink_parquet(part, row_group_size=_ROW_GROUP)
        else:
            with part.open("w", encoding="utf-8", newline="") as stream:
                _write_text(frames, export.table, kind, stream)


def schema(table: str) -> dict[str, Any]:
    """The columns of a table as polars types."""
    return {column.name: _polars_type(column.type) for column in TABLES[table].columns}


def load_runs(database: Database, run_ids: Sequence[str], table: str = "transactions") -> pl.DataFrame:
    """The rows of one run or of several comparable ones, with the universe's `reset_date` in front.

    Raises UserError for runs that must not be pooled, and says why.
    """
    resets = _comparable(database, run_ids)
    frames = [
        frame.insert_column(0, pl.lit(reset, pl.String).alias("reset_date"))
        for run_id, reset in zip(run_ids, resets, strict=True)
        for frame in select_run(database, run_id, table).frames()
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema={"reset_date": pl.String} | schema(table))


def load_other_trades(database: Database, run_ids: Sequence[str]) -> pl.DataFrame:
    """Which listing (waypoint_symbol, good_symbol) every other run in the same universe and system traded when."""
    with database.reading() as connection:
        runs = ExperimentRepository(connection).list_runs()
    places = {(run.universe_id, run.system_symbol) for run in runs if run.run_id in run_ids}
    frames = [
        frame.select(
            pl.when(pl.col("operation") == Operation.BUY.value)
            .then(pl.col("buy_market"))
            .otherwise(pl.col("sell_market"))
            .alias("waypoint_symbol"),
            "good_symbol",
            "timestamp",
        )
        for run in runs
        if run.run_id not in run_ids and (run.universe_id, run.system_symbol) in places
        for frame in select_run(database, run.run_id, "transactions").frames(*_TRADED)
    ]
    nowhere: dict[str, Any] = {
        "waypoint_symbol": pl.String,
        "good_symbol": pl.String,
        "timestamp": pl.Datetime("us", "UTC"),
    }
    return pl.concat(frames) if frames else pl.DataFrame(schema=nowhere)


def as_columns(frame: pl.DataFrame) -> dict[str, Any]:
    """A frame as the analysis takes it: arrays of numbers and times (nulls as NaN and NaT), lists of everything else.

    Columns of nothing but nulls are lists of None.
    """
    return {
        column.name: column.to_numpy() if _is_array(column.dtype) else column.to_list()
        for column in frame.iter_columns()
    }


def _is_array(kind: Any) -> bool:
    return bool(kind.is_numeric() or kind.is_temporal())


def _comparable(database: Database, run_ids: Sequence[str]) -> list[str]:
    """The reset dates of the runs' universes; raises UserError where the runs are not of one game."""
    if not run_ids:
        raise UserError("name at least one run; `spacetraders experiment list` shows them")
    if len(set(run_ids)) < len(run_ids):
        raise UserError("the same run is named twice; its transactions would count double")
    with database.reading() as connection:
        runs = [ExperimentRepository(connection).get_run(run_id) for run_id in run_ids]
        played = [World(connection).universe(run.universe_id) for run in runs]
    for run, universe in zip(runs, played, strict=True):
        if universe.base_url != played[0].base_url:
            raise UserError(
                f"runs {runs[0].run_id} and {run.run_id} cannot be pooled: one was played at {played[0].base_url},"
                f" the other at {universe.base_url}, and two games need not have one law of prices"
            )
    return [universe.reset_date for universe in played]


def _walked(column: Column[Any]) -> ColumnElement[Any]:
    """The column, hidden from the planner: with its index each stretch would search the whole run."""
    return column.concat("")


def _plain(column: Column[Any]) -> ColumnElement[Any]:
    """The column without the conversions that a row of objects would need: polars makes the types, and faster."""
    if isinstance(column.type, JSON):
        return cast(column, Text)
    if isinstance(column.type, Word):
        return type_coerce(column, Text)
    if isinstance(column.type, UtcDateTime):
        return type_coerce(column, NullType())
    return column


def _polars_type(kind: TypeEngine[Any]) -> Any:
    match kind:
        case Word():
            return pl.Enum([word.value for word in kind.vocabulary])
        case UtcDateTime():
            return pl.Datetime("us", "UTC")
        case Boolean():
            return pl.Boolean
        case Double():
            return pl.Float64
        case JSON() | Text():
            return pl.String
    return pl.Int64


def _typed(rows: list[tuple[Any, ...]], types: dict[str, Any]) -> pl.DataFrame:
    """Rows as a frame; SQLite hands times over as text of fixed width."""
    as_text = {
        name: pl.String
        for index, (name, kind) in enumerate(types.items())
        if isinstance(kind, pl.Datetime) and any(isinstance(row[index], str) for row in rows)
    }
    frame = pl.DataFrame(rows, schema=types | as_text, orient="row")
    return frame.with_columns(pl.col(name).str.to_datetime("%+", time_unit="us", time_zone="UTC") for name in as_text)


def _write_text(frames: Iterator[pl.DataFrame], table: str, kind: str, stream: TextIO) -> None:
    if kind == "csv":
        stream.write(pl.DataFrame(schema=schema(table)).write_csv())
        for frame in frames:
            stream.write(frame.write_csv(include_header=False, datetime_format=_TIME))
    elif kind == "jsonl":
        for frame in frames:
            stream.write(frame.with_columns(pl.col(pl.Datetime).dt.strftime(_TIME)).write_ndjson())
    else:
        raise UserError(f"{kind} is no text: name a file with --out")


def _counted(frames: Iterator[pl.DataFrame], progress: Progress) -> Iterator[pl.DataFrame]:
    rows = 0
    for frame in frames:
        yield frame
        rows += frame.height
        progress(rows)


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """A name beside the file's to write under; it becomes the file when the block ends well.

    A link stays one, and the file that it leads to is written; a pipe or a device is written straight into.
    """
    try:
        if file.exists() and not file.is_file():
            yield file
            return
        target = Path(os.path.realpath(file))
        part = target.with_name(target.name + ".part")
        try:
            yield part
            part.replace(target)
        finally:
            with suppress(OSError):  # what cannot be written often cannot be removed either
                part.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror or error}") from error

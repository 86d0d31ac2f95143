"""Data out: what is exported is what was recorded, whole or not at all, and runs are pooled only when comparable."""

import io
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC
from pathlib import Path

import polars as pl
import pytest

import spacetraders_lab
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Skip, SkipReason, TradeRecord
from spacetraders_lab.core.market import Activity, Operation, Supply
from spacetraders_lab.store import export as exporting
from spacetraders_lab.store.attrition import record_skips
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.dictionary import ABOUT, MEANINGS, TABLES, as_markdown, dictionary
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.export import FORMATS, load_other_trades, load_runs, select_run, write
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.world import World
from tests.factories import NOON, make_good, make_record, make_snapshot
from tests.store.memory import Queue, after, apart, enter_run, make_step

ODD = 'ODD "NAME",\n=1+1'  # quotes, commas, a line feed, and what a spreadsheet would compute


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few rows are several reads."""
    monkeypatch.setattr(exporting, "_STRETCH", 3)


@pytest.fixture
def records(database: Database) -> list[TradeRecord]:
    """Seven rows of run-1 in the order of recording, between rows of another run."""
    enter_run(database, apart(2))
    enter_run(database, run_id="other")
    mine = [
        make_record(iteration=i, timestamp=after(-i), activity_before=Activity.STRONG if i % 2 else None)
        for i in range(1, 7)
    ]
    mine.append(make_record(Operation.SELL, None, 0, good_symbol=ODD, price_after=None, supply_after=None))
    with database.transaction() as connection:
        for number, record in enumerate(mine):
            ExperimentRepository(connection).record_transaction(record)
            ExperimentRepository(connection).record_transaction(replace(record, run_id="other", iteration=number))
    return mine


def rows(frame: pl.DataFrame) -> list[TradeRecord]:
    names = [field.name for field in fields(TradeRecord)]
    return [TradeRecord(**{name: row[name] for name in names}) for row in frame.iter_rows(named=True)]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_holds_what_was_recorded(
    database: Database, records: list[TradeRecord], tmp_path: Path, kind: str
) -> None:
    file, seen = tmp_path / f"out.{kind}", []
    chosen = select_run(database, "run-1", "transactions")
    write(chosen, kind, file, seen.append)
    types = exporting.schema("transactions")
    match kind:
        case "csv":
            frame = pl.read_csv(file, schema=types | {"timestamp": pl.String})
        case "jsonl":
            frame = pl.read_ndjson(file, schema=types | {"timestamp": pl.String})
        case _:
            frame = pl.read_parquet(file)
            assert dict(frame.schema) == types
    if kind != "parquet":
        assert frame["timestamp"][0] == "2026-03-01T11:59:59.000000Z"
        frame = frame.with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC", time_unit="us"))
    assert rows(frame) == records
    assert (seen[-1], chosen.rows) == (7, 7)
    assert list(tmp_path.glob("*.part")) == []


def test_what_other_runs_traded_is_known_by_listing_and_time(database: Database, records: list[TradeRecord]) -> None:
    enter_run(database, run_id="far away", system_symbol="X1-ELSE")
    far = make_record(run_id="far away", buy_market="X1-ELSE-A1", sell_market="X1-ELSE-B2")
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(far)
    traded = {
        (r.buy_market if r.operation is Operation.BUY else r.sell_market, r.good_symbol, r.timestamp) for r in records
    }
    assert set(load_other_trades(database, ["run-1"]).iter_rows()) == traded  # the other run made the same trades
    nothing = load_other_trades(database, ["run-1", "other"])
    assert (nothing.height, nothing.columns) == (0, ["waypoint_symbol", "good_symbol", "timestamp"])


def test_a_run_without_rows_has_columns(database: Database, tmp_path: Path) -> None:
    enter_run(database)
    for kind in FORMATS:
        write(select_run(database, "run-1", "transactions"), kind, tmp_path / kind)
    assert (tmp_path / "csv").read_text().startswith("experiment_id,run_id,")
    assert (tmp_path / "jsonl").read_text() == ""
    assert pl.read_parquet(tmp_path / "parquet").shape == (0, len(TABLES["transactions"].columns))


def test_every_table_comes_out(database: Database, records: list[TradeRecord]) -> None:
    claim = Queue(database).must_claim()
    with database.transaction() as connection:
        IntentRepository(connection).open(
            claim, make_step(), units_before=0, price_limit=50, quote_before={"seen": "→"}, now=NOON
        )
        ExperimentRepository(connection).record_deviation("run-1", "goods", "none on sale", now=NOON)
        record_skips(connection, claim, [Skip(Operation.BUY, (0.1, 1), SkipReason.GUARD)], now=NOON)
        world = World(connection)
        world.save_snapshot(1, make_snapshot(goods=[make_good(), make_good("GOLD", supply=Supply.SCARCE)]), "scout")
        world.save_snapshot(1, make_snapshot("X1-OTHER-A1"), "scout")
    tables = {name: list(lines(database, name)) for name in ABOUT}
    assert {name: len(found) for name, found in tables.items()} == {
        "transactions": 7,
        "observations": 2,
        "queue": 2,
        "intents": 1,
        "skips": 1,
        "placebos": 0,
        "deviations": 1,
    }
    assert json.loads(tables["intents"][0]["quote_before"]) == {"seen": "→"}
    assert tables["observations"][1]["supply"] == "SCARCE"
    assert tables["queue"][0]["claimed_at"] == "2026-03-01T12:00:00.000000Z"
    assert all(set(row) == set(TABLES[name].columns.keys()) for name, found in tables.items() for row in found)


def lines(database: Database, table: str) -> Iterator[dict[str, str]]:
    stream = io.StringIO()
    write(select_run(database, "run-1", table), "jsonl", stream)
    return map(json.loads, stream.getvalue().splitlines())


def test_a_file_is_whole_or_as_it_was(database: Database, records: list[TradeRecord], tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("older")

    def power_cut(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(select_run(database, "run-1", "transactions"), "csv", file, power_cut)
    assert [(found.name, found.read_text()) for found in tmp_path.glob("out*")] == [("out.csv", "older")]


def test_a_place_that_cannot_be_written_is_the_users_error(database: Database, tmp_path: Path) -> None:
    enter_run(database)
    with pytest.raises(UserError, match="cannot write"):
        write(select_run(database, "run-1", "transactions"), "csv", tmp_path / "nowhere" / "out.csv")


def test_rows_that_come_while_it_is_read_are_left_for_the_next_time(
    database: Database, records: list[TradeRecord]
) -> None:
    chosen = select_run(database, "run-1", "transactions")
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record(iteration=99))
    assert sum(frame.height for frame in chosen.frames()) == chosen.rows == 7


class TestFrames:
    def test_a_run_in_a_notebook(self, database_url: str, database: Database, records: list[TradeRecord]) -> None:
        frame = spacetraders_lab.load_run("run-1", database_url)
        assert rows(frame) == records
        assert frame["reset_date"].unique().to_list() == ["2026-02-28"]
        assert frame["timestamp"][0].tzinfo is not None and frame["timestamp"][0].astimezone(UTC) == after(-1)
        by_supply = frame.filter(pl.col("supply_before") >= "MODERATE")  # supply is ordered, from SCARCE to ABUNDANT
        assert by_supply.height == 7

    def test_runs_of_one_universe_are_pooled(self, database: Database, records: list[TradeRecord]) -> None:
        assert load_runs(database, ["other", "run-1"])["run_id"].to_list() == ["other"] * 7 + ["run-1"] * 7

    def test_a_later_reset_of_the_same_game_is_pooled_and_told_apart(self, database: Database) -> None:
        enter_run(database)
        with database.transaction() as connection:
            later = World(connection).universe_id("https://game.example/v2", "2026-03-14")
        enter_run(database, run_id="later", universe_id=later)
        with database.transaction() as connection:
            for run in ("run-1", "later"):
                ExperimentRepository(connection).record_transaction(make_record(run_id=run))
        pooled = load_runs(database, ["run-1", "later"])
        assert pooled["reset_date"].to_list() == ["2026-02-28", "2026-03-14"]

    def test_runs_of_two_games_are_refused(self, database: Database) -> None:
        with database.transaction() as connection:
            sandbox = World(connection).universe_id("http://127.0.0.1:8080/v2", "2026-02-28")
        enter_run(database)
        enter_run(database, run_id="toy", universe_id=sandbox)
        with pytest.raises(UserError, match=r"run-1 and toy .*//127\.0\.0\.1.* one law"):
            load_runs(database, ["run-1", "toy"])

    def test_a_run_counts_once(self, database: Database) -> None:
        enter_run(database)
        with pytest.raises(UserError, match="twice"):
            load_runs(database, ["run-1", "run-1"])

    @pytest.mark.parametrize("run_ids", [["nonsense"], []])
    def test_unknown_runs_are_the_users_error(self, database: Database, run_ids: list[str]) -> None:
        with pytest.raises(UserError, match="experiment list"):
            load_runs(database, run_ids)


class TestDictionary:
    @pytest.mark.parametrize("name", TABLES)
    def test_every_column_has_a_meaning_and_nothing_else_has(self, name: str) -> None:
        entries = list(dictionary(name))
        assert [entry.column for entry in entries] == list(TABLES[name].columns.keys())
        assert set(MEANINGS[name]) == set(TABLES[name].columns.keys())
        assert all(entry.meaning.endswith(".") for entry in entries)

    def test_vocabularies_are_said(self) -> None:
        kinds = {entry.column: entry.kind for entry in dictionary("transactions")}
        assert kinds["supply_before"] == "SCARCE LIMITED MODERATE HIGH ABUNDANT"
        assert kinds["timestamp"] == "time"

    def test_the_docs_are_made_from_it(self) -> None:
        page = Path(__file__).parents[2] / "docs" / "data-dictionary.md"
        assert page.read_text() == as_markdown(), "remake it: spacetraders experiment export --dictionary"

    def test_every_table_says_what_a_row_is(self) -> None:
        assert list(ABOUT) == list(TABLES)

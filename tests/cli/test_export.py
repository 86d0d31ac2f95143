"""`spacetraders experiment export`: to a file or down a pipe, and what is said to a request that makes no sense."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from tests.factories import make_record
from tests.store.memory import enter_run
from tests.terminal import Terminal

ROWS = 300  # more than a pipe holds


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A user whose database has a run in it, and who has no token and no network."""
    user = Terminal(tmp_path)
    database = open_database(path=user.database, durable=False)
    enter_run(database)
    with database.transaction() as connection:
        for number in range(ROWS):
            ExperimentRepository(connection).record_transaction(make_record(iteration=number))
    database.close()
    return user


def test_csv_goes_to_standard_output(terminal: Terminal) -> None:
    answer = terminal.type("experiment export --run-id run-1")
    found = list(csv.DictReader(io.StringIO(answer.out)))
    assert (answer.code, answer.err, len(found)) == (0, "", ROWS)
    assert found[2]["iteration"] == "2"
    assert found[2]["timestamp"] == "2026-03-01T12:00:00.000000Z"


def test_a_file_is_announced(terminal: Terminal, tmp_path: Path) -> None:
    answer = terminal.type(f"experiment export --run-id run-1 --format parquet --out {tmp_path}/trades.parquet")
    assert (answer.code, answer.out) == (0, f"{ROWS} rows of transactions in {tmp_path}/trades.parquet\n")
    assert pl.read_parquet(tmp_path / "trades.parquet").height == ROWS


def test_the_dictionary_needs_no_run(terminal: Terminal) -> None:
    answer = terminal.type("experiment export --dictionary")
    assert answer.out.startswith("# Data dictionary")
    assert "| `purchase_price_before` | whole number | The ask before the trade" in answer.out


def test_a_reader_that_has_seen_enough_is_no_error(terminal: Terminal) -> None:
    script = "from spacetraders_lab.cli.main import main; main(['experiment', 'export', '--run-id', 'run-1'])"
    command = subprocess.Popen(
        [sys.executable, "-c", script], env=terminal.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert command.stdout is not None and command.stderr is not None
    assert command.stdout.readline().startswith(b"experiment_id,")
    command.stdout.close()
    complaints = command.stderr.read()
    command.stderr.close()
    assert (command.wait(), complaints) == (0, b"")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("", "name a run with --run-id"),
        ("--run-id nonsense", "there is no experiment nonsense"),
        ("--run-id run-1 --format parquet", "name a file with --out"),
        ("--run-id run-1 --format xlsx", "xlsx"),
        ("--run-id run-1 --table tokens", "tokens"),
        ("--run-id run-1 --out no/such/folder/x.csv", "cannot write no/such/folder/x.csv"),
    ],
)
def test_nonsense_is_refused_in_a_line(terminal: Terminal, options: str, complaint: str) -> None:
    answer = terminal.type(f"experiment export {options}")
    assert (answer.code, answer.out) == (2, "")
    assert complaint in answer.complaint

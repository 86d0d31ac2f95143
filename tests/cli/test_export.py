"""`spacetraders experiment export`: to a file or down a pipe, and what is said to a request that makes no sense."""

import csv
import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from spacetraders_lab.core.halt import Halt
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from tests.factories import NOON, make_record
from tests.store.memory import enter_run
from tests.terminal import Terminal

ROWS = 300  # more than a pipe holds


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a run in it."""
    file = tmp_path_factory.mktemp("recorded") / "lab.db"
    with closing(open_database(path=file, durable=False)) as database:
        enter_run(database)
        with database.transaction() as connection:
            for number in range(ROWS):
                ExperimentRepository(connection).record_transaction(make_record(iteration=number))
    return file


@pytest.fixture
def terminal(tmp_path: Path, recorded: Path) -> Terminal:
    """A user whose database has a run in it, and who has no token and no network."""
    user = Terminal(tmp_path)
    user.keep(recorded)
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("line", ["experiment export --run-id run-1", "experiment list", "experiment list --json"])
def test_a_full_disk_is_said_in_a_line(terminal: Terminal, line: str) -> None:
    script = f"from spacetraders_lab.cli.main import main; main({line.split()!r})"
    with Path("/dev/full").open("w") as full:
        command = subprocess.run(
            [sys.executable, "-c", script], env=terminal.environment, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert command.returncode == 1
    assert command.stderr == "spacetraders: cannot read or write: No space left on device\n"


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_pipe_is_written_into_and_stays_one(terminal: Terminal, tmp_path: Path, kind: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(pipe.read_text)
        assert terminal.type(f"experiment export --run-id run-1 --format {kind} --out {pipe}").code == 0
        assert len(read.result(timeout=60).splitlines()) == ROWS + (kind == "csv")
    assert pipe.is_fifo()
    assert list(tmp_path.glob("*.part")) == []


def test_a_device_stays_one(terminal: Terminal) -> None:
    assert terminal.type(f"experiment export --run-id run-1 --out {os.devnull}").code == 0
    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no such name for standard output here")
def test_standard_output_may_be_named_as_a_file(terminal: Terminal) -> None:
    script = "from spacetraders_lab.cli.main import main; main()"
    command = [sys.executable, "-c", script, "experiment", "export", "--run-id", "run-1", "--out", "/dev/stdout"]
    answer = subprocess.run(command, env=terminal.environment, capture_output=True, text=True)
    assert (answer.returncode, answer.stderr, len(answer.stdout.splitlines())) == (0, "", 1 + ROWS + 1)
    assert answer.stdout.splitlines()[-1] == f"{ROWS} rows of transactions in /dev/stdout"


def test_a_link_stays_one_and_its_file_is_written(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "elsewhere" / "trades.csv")  # not there yet, then there
    for _ in range(2):
        assert terminal.type(f"experiment export --run-id run-1 --out {link}").code == 0
        assert link.is_symlink()
        assert len((tmp_path / "elsewhere" / "trades.csv").read_text().splitlines()) == ROWS + 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_can_be_neither_written_nor_removed_is_said_in_a_line(
    terminal: Terminal, tmp_path: Path, kind: str
) -> None:
    """As on a file system that is read only."""
    (tmp_path / "x.part").mkdir()
    answer = terminal.type(f"experiment export --run-id run-1 --format {kind} --out {tmp_path}/x")
    assert (answer.code, answer.complaint.startswith(f"spacetraders: cannot write {tmp_path}/x: ")) == (2, True)


def test_a_run_without_a_trade_is_only_to_be_gone_on_with_where_that_can_be(terminal: Terminal) -> None:
    with closing(open_database(path=terminal.database)) as database:
        for run_id in ("running", "paused", "over"):
            enter_run(database, run_id=run_id)
        with database.transaction() as connection:
            ExperimentRepository(connection).suspend("paused", Halt.PAUSED, "by the user")
            ExperimentRepository(connection).cancel("over", "cancelled: by the user", now=NOON)
    said = {run_id: terminal.type(f"experiment analyze --run-id {run_id}") for run_id in ("running", "paused", "over")}
    assert {answer.code for answer in said.values()} == {2}
    assert said["running"].complaint.endswith("`spacetraders experiment status` shows how far a run is")
    assert said["paused"].complaint.endswith("go on with: spacetraders experiment resume --run-id paused")
    assert "nothing will be: CANCELLED; begin another" in said["over"].complaint


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("", "name a run with --run-id"),
        ("--run-id nonsense", "there is no experiment nonsense"),
        ("--run-id run-1 --format parquet", "name a file with --out"),
        ("--run-id run-1 --format xlsx", "xlsx"),
        ("--run-id run-1 --table tokens", "tokens"),
        ("--run-id run-1 --out .", "cannot write ."),
        ("--run-id run-1 --out no/such/folder/x.csv", "cannot write no/such/folder/x.csv"),
    ],
)
def test_nonsense_is_refused_in_a_line(terminal: Terminal, options: str, complaint: str) -> None:
    answer = terminal.type(f"experiment export {options}")
    assert (answer.code, answer.out) == (2, "")
    assert complaint in answer.complaint

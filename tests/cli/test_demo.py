"""`spacetraders demo`: from nothing to a first table of impact, and a database that answers the original's SQL."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.docs.shell_blocks import ROOT, blocks, matched
from tests.store.test_original_sql import PROGRESS, RUNS, SHIPS, TRANSACTIONS
from tests.terminal import Answer, Terminal


def test_the_demo_plays_a_whole_experiment(tmp_path: Path) -> None:
    """One demo, looked at from all sides: it takes a quarter of a minute."""
    terminal = Terminal(tmp_path)
    database = tmp_path / "demo" / "lab.db"
    answer = terminal.type(f"demo --directory {database.parent}")
    assert answer.code == 0
    assert not terminal.tokens.exists()
    assert not terminal.database.exists()
    found = re.search(r"^Work queue populated: (\d+) pairs", answer.out, re.MULTILINE)
    assert found is not None
    pairs = int(found[1])
    _shows_plan_status_and_table(answer, pairs)
    _needs_few_requests(answer)
    _is_shown_in_the_readme(answer)
    run_id = _names_commands_that_work(answer, terminal, database)
    _answers_the_original_sql(database, run_id, pairs)


def _shows_plan_status_and_table(answer: Answer, pairs: int) -> None:
    parts = [
        r"Scouted 8 markets of X1-\w+\.",
        r"Starting multi-ship liquidity experiment\.\.\.",
        r"Fleet: 3 ships \(DEMO-1, DEMO-2, DEMO-3\)",
        r"Plan:",
        rf"Work queue populated: {pairs} pairs \(PENDING\)",
        rf"Progress: {pairs}/{pairs} pairs \(100\.0%\)",
        r"State: COMPLETED",
        r"- DEMO-\d: \d+ pairs █+░* \(\d+%\)",
        r"- Failed: 0",
        r"side +type +supply +activity +transactions +% per tradeVolume",
        r"BUY +\w+ +\w+ +[\w-]+ +\d+ +[+-]\d+\.\d",
        r"SELL +\w+ +\w+ +[\w-]+ +\d+ +[+-]\d+\.\d",
    ]
    lines = iter(answer.out.splitlines())
    for part in parts:
        assert any(re.fullmatch(part, line.rstrip()) for line in lines), part  # in this order


def _is_shown_in_the_readme(answer: Answer) -> None:
    (block,) = (block for block in blocks(ROOT / "README.md") if block.script.startswith("make demo"))
    assert block.shown
    matched(block.shown, answer.out)


def _needs_few_requests(answer: Answer) -> None:
    found = re.search(r"^Requests: [\d,]+ for \d+ transactions = \d\.\d\d each.*\(([+-]\d+\.\d)%\)$", answer.out, re.M)
    assert found is not None
    assert abs(float(found[1])) <= 5.0


def _names_commands_that_work(answer: Answer, terminal: Terminal, database: Path) -> str:
    found = re.search(r"SPACETRADERS_DATABASE_URL=(\S+) spacetraders (experiment status --run-id (\S+))", answer.out)
    assert found is not None
    assert str(database) in answer.out
    terminal.set(DATABASE_URL=found[1])
    status = terminal.type(found[2])
    assert status.code == 0
    assert "(100.0%)\nState: COMPLETED" in status.out
    return found[3]


def _answers_the_original_sql(database: Path, run_id: str, pairs: int) -> None:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute(PROGRESS, (run_id,)).fetchall() == [(0, 0, pairs, 0)]
        ships = dict(connection.execute(SHIPS, (run_id,)).fetchall())
        assert set(ships) == {"DEMO-1", "DEMO-2", "DEMO-3"}
        assert sum(ships.values()) == pairs
        rows = connection.execute(TRANSACTIONS, (run_id,)).fetchall()
        ((found, transactions, started, last),) = connection.execute(RUNS).fetchall()
    assert (found, transactions) == (run_id, len(rows))
    assert started < last
    assert len(rows) >= 24 * pairs


@pytest.mark.parametrize("line", ["demo --directory", "demo --pairs x"])
def test_a_demo_that_is_asked_for_wrongly_is_not_begun(tmp_path: Path, line: str) -> None:
    answer = Terminal(tmp_path).type(line)
    assert answer.code == 2
    assert "Try --help" in answer.complaint
    assert list(tmp_path.iterdir()) == []

"""Care of the database from the shell: it says what goes, asks, and can be told beforehand."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.store.database import open_database
from tests.factories import NOON, PAIR
from tests.store.memory import Queue, enter_run
from tests.store.test_care import observe, rows
from tests.store.test_doctor import trade
from tests.terminal import Answer, Terminal


@pytest.fixture
def terminal(tmp_path: Path, sqlite_template: Path) -> Terminal:
    """A user whose database holds one run, and a market seen twice in a minute two months ago."""
    terminal = Terminal(tmp_path)
    terminal.keep(sqlite_template)
    with closing(open_database(path=terminal.database, durable=False)) as database:
        enter_run(database, [PAIR])
        long_ago = SystemClock().now().replace(minute=0) - timedelta(days=60)
        observe(database, long_ago, long_ago + timedelta(minutes=1), market="X1-ELSE-A1")
    return terminal


def count(terminal: Terminal, table: str) -> int:
    with closing(open_database(path=terminal.database)) as database:
        return rows(database, table)


def test_a_backup_is_a_database_that_can_be_used(terminal: Terminal) -> None:
    copy = terminal.home / "copy.db"
    answer = terminal.type(f"db backup {copy}")
    assert (answer.code, answer.err) == (0, "")
    terminal.set(DATABASE_URL=f"sqlite:///{copy}")
    assert terminal.type("db check").out == f"{copy} is in order.\n"
    assert terminal.type("experiment list --json").json[0]["run_id"] == "run-1"


def test_a_flaw_is_shown_and_is_a_failure(terminal: Terminal) -> None:
    with closing(open_database(path=terminal.database)) as database:
        Queue(database).do("mark_complete", Queue(database).must_claim(), now=NOON)
    answer = terminal.type("db check")
    assert answer.code == 1
    assert "COMPLETED with 0 of 12 cells" in answer.out
    assert len(terminal.type("db check --json").json) == 1


def test_a_damaged_file_is_said_to_be_one(terminal: Terminal) -> None:
    terminal.database.write_bytes(b"no database at all, and long enough to be taken for one" * 100)
    answer = terminal.type("db check")
    assert answer.code == 2
    assert "is damaged" in answer.complaint


class TestCompact:
    def test_it_says_what_it_would_do_and_does_it_when_told(self, terminal: Terminal) -> None:
        answer = terminal.type("db compact --older-than 30")
        assert answer.code == 2
        assert answer.out.startswith("1 observations from before")
        assert "--yes" in answer.err
        assert count(terminal, "market_observations") == 2
        assert terminal.type("db compact --older-than 30 --yes").code == 0
        assert count(terminal, "market_observations") == 1

    def test_nothing_to_do_asks_nothing(self, terminal: Terminal) -> None:
        answer = terminal.type("db compact --older-than 90")
        assert (answer.code, answer.err) == (0, "")

    def test_a_day_is_the_least_and_a_hundred_years_the_most(self, terminal: Terminal) -> None:
        for days, complaint in ((0, "at least 1"), (99999999999, "at most 36,500")):
            assert (
                f"--older-than must be {complaint}" in terminal.type(f"db compact --older-than {days} --yes").complaint
            )


class TestArchive:
    def test_a_run_is_put_away_and_taken_back(self, terminal: Terminal) -> None:
        def listed(options: str = "") -> int:
            return len(terminal.type(f"experiment list --json {options}").json)

        assert terminal.type("experiment archive --run-id run-1").code == 0
        assert (listed(), listed("--all")) == (0, 1)
        assert terminal.type("experiment archive --run-id run-1 --undo").code == 0
        assert listed() == 1

    def test_an_unknown_run_is_refused(self, terminal: Terminal) -> None:
        assert "there is no experiment run-9" in terminal.type("experiment archive --run-id run-9").complaint


class TestDelete:
    def delete(self, terminal: Terminal, options: str = "", answer: str = "") -> Answer:
        return terminal.type(f"experiment delete --run-id run-1 {options}", answer)

    @pytest.mark.parametrize("answer", ["n\n", "\n", "perhaps\n"])
    def test_only_a_yes_deletes(self, terminal: Terminal, answer: str) -> None:
        said = self.delete(terminal, answer=answer)
        assert (said.code, said.err) == (0, "")
        assert "Nothing was deleted" in said.out
        assert count(terminal, "experiment_runs") == 1

    def test_where_nobody_can_answer_nothing_is_deleted(self, terminal: Terminal) -> None:
        said = self.delete(terminal)
        assert (said.code, count(terminal, "experiment_runs")) == (2, 1)
        assert "--yes" in said.err

    @pytest.mark.parametrize(("options", "answer"), [("--yes", ""), ("", "y\n")])
    def test_it_says_what_goes_and_lets_it_go(self, terminal: Terminal, options: str, answer: str) -> None:
        said = self.delete(terminal, options, answer)
        assert said.code == 0
        assert "experiment_work_queue" in said.out
        assert count(terminal, "experiment_runs") == 0
        assert count(terminal, "market_observations") == 2
        assert "there is no experiment run-1" in self.delete(terminal, "--yes").complaint

    def test_of_cargo_that_nobody_would_know_of_it_warns(self, terminal: Terminal) -> None:
        with closing(open_database(path=terminal.database)) as database:
            trade(database)  # a purchase
        assert "Cargo of the run is aboard HAULER-1" in self.delete(terminal, answer="n\n").out
        assert count(terminal, "experiment_runs") == 1

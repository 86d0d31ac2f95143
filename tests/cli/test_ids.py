"""Ids of runs and containers may be cut short, in every command that takes one, as long as one alone is meant."""

from contextlib import closing
from pathlib import Path
from typing import get_args
from unittest.mock import patch

import pytest

from spacetraders_lab.cli.main import build_app
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.database import open_database
from tests.cli.test_complaints import commands
from tests.factories import NOON
from tests.store.memory import enter_run
from tests.terminal import Terminal

RUN = "8e914a2b-c110-4835-a050-e901ac98c123"
ALIKE = [f"77777777-c110-4835-a050-00000000000{number}" for number in range(6)]


@pytest.fixture
def terminal(tmp_path: Path, sqlite_template: Path) -> Terminal:
    """A user with a run that begins like no other, and some that begin alike."""
    terminal = Terminal(tmp_path)
    terminal.keep(sqlite_template)
    with closing(open_database(path=terminal.database, durable=False)) as database:
        run = enter_run(database, run_id=RUN)
        for run_id in ALIKE:
            enter_run(database, run_id=run_id)
        with database.transaction() as connection:
            ContainerRepository(connection).start(run, ["SHIP-1", "SHIP-2"], now=NOON)
    return terminal


def test_every_command_that_takes_an_id_takes_its_beginning(terminal: Terminal) -> None:
    container = terminal.type("daemon list --json").json[0]["container_id"]
    whole = {"run-id": RUN, "container": container}
    app, taken = build_app(), 0
    for path, arguments in commands(app):
        required = {a.name: next(iter(get_args(a.hint)), "1") for a in arguments if a.required and not a.children}
        for name in (argument.name for argument in arguments):
            if id_ := whole.get(name.strip("-").lower()):
                line = [*path, *(f"{n}={value}" for n, value in (required | {name: id_[:20]}).items())]
                with patch.dict("os.environ", terminal.environment, clear=True):
                    _, bound, _ = app.parse_args(line, exit_on_error=False, print_error=False)
                assert id_ in [*bound.args, *bound.kwargs.values()], path
                taken += 1
    assert taken >= 17


@pytest.mark.parametrize("beginning", [RUN[:6], RUN[:20], RUN])
def test_the_beginning_of_an_id_is_enough(terminal: Terminal, beginning: str) -> None:
    assert terminal.type(f"experiment status --run-id {beginning}").out.startswith(f"Experiment: {RUN}\n")
    assert len(terminal.type(f"daemon list --run-id {beginning} --json").json) == 2


def test_a_beginning_that_several_have_is_refused_and_they_are_named(terminal: Terminal) -> None:
    answer = terminal.type("experiment cancel --run-id 777777")
    assert (answer.code, answer.out) == (2, "")
    assert answer.complaint == (
        f"spacetraders: 6 runs begin with 777777: {', '.join(ALIKE[:4])} and 2 more; give more of the one that you mean"
    )
    answer = terminal.type("daemon inspect container_")
    assert (answer.code, "2 containers begin with container_" in answer.complaint) == (2, True)


@pytest.mark.parametrize("typed", ["8e914", "8E914A2B", "123456", "8e914%", f"{RUN}0"])
def test_what_begins_no_id_or_is_too_short_is_refused(terminal: Terminal, typed: str) -> None:
    answer = terminal.type(f"experiment status --run-id {typed}")
    assert (answer.code, answer.complaint) == (
        2,
        f"spacetraders: there is no experiment {typed}; `spacetraders experiment list` shows them",
    )


@pytest.mark.parametrize(("columns", "is_whole"), [(None, True), (200, True), (80, False)])
def test_ids_are_whole_in_a_pipe_and_only_broken_where_columns_says_so(
    terminal: Terminal, columns: int | None, is_whole: bool
) -> None:
    if columns is not None:
        terminal.environment["COLUMNS"] = str(columns)
    answer = terminal.type("experiment list")
    assert (RUN in answer.out) is is_whole
    assert "".join(line.split()[0] for line in answer.out.splitlines()[1:]).count(RUN) == 1
    assert max(map(len, answer.out.splitlines())) <= (columns or 100)

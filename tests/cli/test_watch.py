"""`experiment status --watch`: it follows a run to its end, in a terminal of any width and without one."""

import io
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from rich.console import Console

from spacetraders_lab.cli.watch import View, plain_line, watch
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design, DesignName, RunStatus
from spacetraders_lab.dashboard.run_feed import RunFeed
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.study.virtual import VirtualClock
from tests.cli.conftest import Player
from tests.factories import NOON, make_record
from tests.store.memory import Queue, after, apart, attend, enter_run
from tests.terminal import Terminal

Step = Callable[[], None]


class StepClock(VirtualClock):
    """A clock that does the next step at each pause; after the last one the watch must have ended."""

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self._steps = list(steps)

    async def sleep(self, seconds: float) -> None:
        self._steps.pop(0)()
        await super().sleep(seconds)


def watched(database: Database, console: Console, *steps: Step) -> View:
    clock = StepClock(*steps)
    return clock.run(watch(database, "run-1", clock, console))


def trade(database: Database, number: int = 1) -> None:
    with database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record(iteration=number))


def end(database: Database, status: RunStatus = RunStatus.COMPLETED) -> None:
    with database.transaction() as connection:
        ExperimentRepository(connection).set_status("run-1", status, None, now=NOON)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """A database with a run of two pairs and one ship."""
    with closing(open_database(sqlite_url, durable=False)) as opened:
        attend(opened, enter_run(opened, apart(2), ships=("S-1",)))
        yield opened


def test_without_a_terminal_every_change_is_a_plain_line(database: Database) -> None:
    queue, out = Queue(database), io.StringIO()

    def finish() -> None:
        queue.do("mark_complete", queue.must_claim("S-1"), now=NOON)
        queue.do("mark_failed", queue.must_claim("S-1"), "why", now=NOON)

    watched(database, Console(file=out, width=40), lambda: None, lambda: trade(database), finish, lambda: end(database))
    lines = out.getvalue().splitlines()
    assert "\x1b" not in out.getvalue()
    assert [line.split("  ")[1:6] for line in lines] == [
        ["RUNNING", "0.0% done, 0/2 pairs", "0 in progress", "0 failed", "0 trades"],
        ["RUNNING", "0.0% done, 0/2 pairs", "0 in progress", "0 failed", "1 trades"],
        ["RUNNING", "100.0% done, 2/2 pairs", "0 in progress", "1 failed", "1 trades"],
        ["COMPLETED", "100.0% done, 2/2 pairs", "0 in progress", "1 failed", "1 trades"],
    ]
    assert [line[:8] for line in lines] == ["12:00:00", "12:00:02", "12:00:03", "12:00:04"]


def test_a_terminal_is_redrawn_at_the_width_it_has(database: Database) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=30, color_system=None)
    queue, widths = Queue(database), []

    def narrow() -> None:
        widths.append(longest(console))
        queue.must_claim("S-1")
        console.size = (60, 20)  # type: ignore[assignment]

    def finish() -> None:
        widths.append(longest(console))
        end(database, RunStatus.CANCELLED)

    view = watched(database, console, narrow, finish)
    assert widths[0] > 90
    assert widths[1] <= 60
    assert view["run"]["status"] is RunStatus.CANCELLED
    assert isinstance(console.file, io.StringIO) and "Not measured 1 " in console.file.getvalue()


def longest(console: Console) -> int:
    """The longest line that was drawn since the last look."""
    out = console.file
    assert isinstance(out, io.StringIO)
    drawn = out.getvalue()
    out.seek(0)
    out.truncate()
    assert "S-1" in drawn and "0/2 pairs" in drawn
    return max(len(line.rpartition("\x1b[2K")[2].replace("\x1b[?25l", "")) for line in drawn.splitlines())


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_run_whose_daemon_dies_under_the_watch_is_told_with_the_remedy(sqlite_url: str, is_terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=120, height=40, color_system=None)
    with closing(open_database(sqlite_url, durable=False)) as opened:
        attend(opened, enter_run(opened, apart(2), ships=("S-1",)), lease_seconds=1.5)
        said: list[bool] = []

        def look() -> None:
            said.append("spacetraders experiment resume --run-id run-1" in console.file.getvalue())  # type: ignore[attr-defined]

        watched(opened, console, look, look, look, lambda: end(opened))
    assert said == [False, False, True]


def test_what_a_ship_does_and_why_a_pair_failed_are_never_cut(database: Database) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=40, color_system=None)
    queue, why = Queue(database), "the market sells none of it, " * 4 + "and never will"

    def fail() -> None:
        queue.do("mark_failed", queue.must_claim("S-1"), why, now=NOON)
        queue.must_claim("S-1")

    watched(database, console, fail, lambda: end(database, RunStatus.CANCELLED))
    assert isinstance(console.file, io.StringIO)
    drawn = console.file.getvalue()
    assert "never will" in drawn and "…" not in drawn


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0s"), (59, "59s"), (65, "1m 05s"), (3600, "1h 00m"), (90_061, "1d 1h")],
)
def test_how_long_it_still_takes_is_written_short(database: Database, seconds: float, text: str) -> None:
    with database.reading() as connection:
        view = RunFeed("run-1").refresh(connection, NOON)
    view["progress"]["seconds_left"] = seconds
    assert plain_line(view, NOON).endswith(f"  {text} left")


def test_of_a_run_that_goes_on_choosing_nobody_says_how_much_is_left(terminal: Terminal) -> None:
    with closing(open_database(path=terminal.database, durable=False)) as opened:
        attend(opened, enter_run(opened, apart(2), ships=("S-1",), design=Design(name=DesignName.ADAPTIVE)))
        queue = Queue(opened)
        queue.do("mark_complete", queue.must_claim("S-1"), now=NOON)
        with opened.reading() as connection:
            line = plain_line(RunFeed("run-1").refresh(connection, after(60)), after(60))
    assert "  1 pairs  " in line and "%" not in line and not line.endswith("left")
    assert "Progress: 1 pairs; more are chosen as the run goes" in terminal.type("experiment status --run-id run-1").out


def test_a_run_that_is_not_there(database: Database) -> None:
    clock = StepClock()
    with pytest.raises(UserError, match="there is no experiment nope"):
        clock.run(watch(database, "nope", clock, Console(file=io.StringIO())))


def test_the_command_ends_with_the_run(player: Player) -> None:
    player.scout()
    assert player.experiment("--goods IRON --max-pairs 1 --batch-sizes 1 --iterations-per-batch 1").code == 0
    (run,) = player.type("experiment list --json").json
    answer = player.type(f"experiment status --run-id {run['run_id']} --watch")
    assert answer.code == 0
    assert "COMPLETED  100.0% done, 1/1 pairs" in answer.out


def test_watching_is_not_for_programs(terminal: Terminal) -> None:
    answer = terminal.type("experiment status --run-id x --watch --json")
    assert (answer.code, "one of them" in answer.complaint) == (2, True)

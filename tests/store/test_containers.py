"""Containers in the database: who is given one, who keeps it, and what becomes of one that is put down."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from spacetraders_lab.core.container import HEALTHY_SECONDS, Container, ContainerState, Restart, WantedState
from spacetraders_lab.core.errors import LeaseLost, UserError
from spacetraders_lab.core.experiment import ExperimentRun
from spacetraders_lab.core.halt import Halt
from spacetraders_lab.store.containers import LOST_DAEMON, ContainerRepository
from spacetraders_lab.store.daemons import Daemon, DaemonRepository
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.logs import LogLine, LogRepository
from tests.factories import NOON
from tests.store.memory import LEASE, after, enter_run
from tests.waiting import until_blocked

PLAYER = 1


@dataclass(frozen=True)
class Yard:
    """The containers of a database, each call in a transaction of its own."""

    database: Database

    def do(self, verb: str, *arguments: Any, **how: Any) -> Any:
        with self.database.transaction() as connection:
            return getattr(ContainerRepository(connection), verb)(*arguments, **how)

    def start(self, run: ExperimentRun, *ships: str, at: datetime = NOON, **how: Any) -> list[Container]:
        started: list[Container] = self.do("start", run, ships, now=at, **how)
        return started

    def adopt(self, owner: str = "D-1", at: datetime = NOON, **how: Any) -> Container | None:
        how.setdefault("player_ids", [PLAYER])
        adopted: Container | None = self.do("adopt", owner, now=at, lease_seconds=LEASE, **how)
        return adopted

    def must_adopt(self, owner: str = "D-1", at: datetime = NOON, **how: Any) -> Container:
        container = self.adopt(owner, at, **how)
        assert container is not None, "nothing to adopt"
        return container

    def get(self, container: Container) -> Container:
        found: Container = self.do("get", container.container_id)
        return found

    def held_by(self, owner: str, at: datetime) -> list[tuple[str, bool]]:
        return [(d.container.ship_symbol, d.goes_on) for d in self.do("driven_by", owner, now=at)]

    def run_is(self, run: ExperimentRun, verb: str, *arguments: Any, **how: Any) -> None:
        with self.database.transaction() as connection:
            getattr(ExperimentRepository(connection), verb)(run.run_id, *arguments, **how)


@pytest.fixture
def yard(database: Database) -> Yard:
    return Yard(database)


@pytest.fixture
def run(database: Database) -> ExperimentRun:
    return enter_run(database)


# --- wanting ----------------------------------------------------------------------------------------------------------


def test_a_container_is_made_for_each_ship_and_waits(yard: Yard, run: ExperimentRun) -> None:
    first, second = yard.start(run, "S-1", "S-2")
    assert first.container_id.startswith("container_")
    assert first.container_id != second.container_id
    assert (first.state, first.wanted_state) == (ContainerState.PENDING, WantedState.RUNNING)
    assert first.command == {"type": "ShipExperimentWorkerCommand", "run_id": run.run_id, "ship_symbol": "S-1"}
    assert yard.do("list_containers", run.run_id) == [first, second]


def test_starting_again_keeps_the_container_and_forgets_its_restarts(yard: Yard, run: ExperimentRun) -> None:
    (made,) = yard.start(run, "S-1")
    yard.must_adopt()
    yard.do("broke_off", made.container_id, "D-1", "why", Restart(3, 60.0), now=after(1))
    (again,) = yard.start(run, "S-1", at=after(2))
    assert again.container_id == made.container_id
    assert (again.restarts, again.not_before, again.exit_reason) == (0, after(2), None)


def test_starting_one_that_runs_leaves_it_to_its_driver(yard: Yard, run: ExperimentRun) -> None:
    yard.start(run, "S-1")
    yard.must_adopt()
    (again,) = yard.start(run, "S-1", keep_for="somebody", keep_seconds=LEASE)
    assert (again.state, again.owner) == (ContainerState.RUNNING, "D-1")


def test_one_that_is_kept_is_for_that_owner_alone_until_its_lease_ends(yard: Yard, run: ExperimentRun) -> None:
    yard.start(run, "S-1", "S-2", keep_for="command", keep_seconds=LEASE)
    assert yard.adopt("D-1") is None
    assert yard.must_adopt("command").ship_symbol == "S-1"
    yard.do("renew", "command", now=after(30), lease_seconds=LEASE)
    assert yard.adopt("D-1", after(LEASE)) is None
    assert yard.must_adopt("D-1", after(30 + LEASE)).ship_symbol == "S-2"


def test_stopping_is_at_once_where_nobody_drives_and_asked_for_where_somebody_does(
    yard: Yard, run: ExperimentRun
) -> None:
    driven, waiting = yard.start(run, "S-1", "S-2")
    yard.must_adopt()
    assert yard.do("stop", driven.container_id, now=NOON).state is ContainerState.RUNNING
    assert yard.do("stop", waiting.container_id, now=NOON).state is ContainerState.STOPPED
    assert yard.held_by("D-1", NOON) == [("S-1", False)]
    assert yard.adopt("D-2") is None
    yard.do("release", driven.container_id, "D-1", now=after(1))
    assert yard.get(driven).state is ContainerState.STOPPED


def test_only_what_has_ended_is_removed_and_its_log_with_it(yard: Yard, run: ExperimentRun) -> None:
    (made,) = yard.start(run, "S-1")
    with yard.database.transaction() as connection:
        LogRepository(connection).append([LogLine(made.container_id, "INFO", "hello", NOON)] * 3)
    for _ in range(2):
        with pytest.raises(UserError, match="stop it first: spacetraders daemon stop-container"):
            yard.do("remove", made.container_id)
        yard.adopt()
    yard.do("complete", made.container_id, "D-1", now=after(1))
    assert yard.do("remove", made.container_id) == 3
    with pytest.raises(UserError, match="no container"):
        yard.get(made)


# --- adopting ---------------------------------------------------------------------------------------------------------


def test_the_one_that_waits_longest_goes_first(yard: Yard, run: ExperimentRun) -> None:
    yard.start(run, "S-2", at=after(0))
    yard.start(run, "S-1", at=after(5))
    assert [yard.must_adopt(at=after(6)).ship_symbol for _ in range(2)] == ["S-2", "S-1"]
    assert yard.adopt(at=after(6)) is None


def test_it_is_leased_to_its_driver(yard: Yard, run: ExperimentRun) -> None:
    yard.start(run, "S-1")
    adopted = yard.must_adopt()
    assert (adopted.state, adopted.owner) == (ContainerState.RUNNING, "D-1")
    assert adopted.lease_until == after(LEASE)
    yard.do("renew", "D-1", now=after(50), lease_seconds=LEASE)
    assert yard.held_by("D-1", after(LEASE + 49)) == [("S-1", True)]
    assert yard.held_by("D-1", after(LEASE + 50)) == []


@pytest.mark.parametrize(
    "why",
    ["another's player", "besides", "another run", "paused", "cancelled", "not yet", "stopped"],
)
def test_what_must_not_run_is_not_adopted(yard: Yard, run: ExperimentRun, why: str) -> None:
    (made,) = yard.start(run, "S-1")
    how: dict[str, Any] = {}
    match why:
        case "another's player":
            how["player_ids"] = [PLAYER + 1]
        case "besides":
            how["besides"] = [made.container_id]
        case "another run":
            how["run_id"] = "run-2"
        case "paused":
            yard.run_is(run, "suspend", Halt.PAUSED, "by the user")
        case "cancelled":
            yard.run_is(run, "cancel", "cancelled: by the user", now=NOON)
        case "not yet":
            yard.must_adopt()
            yard.do("broke_off", made.container_id, "D-1", "why", Restart(1, 30.0), now=NOON)
            assert yard.adopt(at=after(29)) is None
        case "stopped":
            yard.do("stop", made.container_id, now=NOON)
    assert yard.adopt(**how) is None
    assert yard.get(made).owner is None


def test_a_run_under_maintenance_is_flown_by_whoever_is_left(yard: Yard, run: ExperimentRun) -> None:
    yard.start(run, "S-1")
    yard.run_is(run, "suspend", Halt.MAINTENANCE, "back soon")
    assert yard.must_adopt().ship_symbol == "S-1"
    assert yard.held_by("D-1", NOON) == [("S-1", True)]


def test_a_ship_has_one_driver_whatever_runs_it_is_in(yard: Yard, database: Database, run: ExperimentRun) -> None:
    other = enter_run(database, run_id="run-2")
    (first,) = yard.start(run, "S-1")
    second, _ = yard.start(other, "S-1", "S-2", at=after(1))
    assert yard.must_adopt("D-1", after(2)).run_id == run.run_id
    assert yard.must_adopt("D-2", after(2)).ship_symbol == "S-2"  # the one that waits keeps nobody else waiting
    assert yard.adopt("D-2", after(2)) is None
    yard.do("complete", first.container_id, "D-1", now=after(3))
    assert yard.must_adopt("D-2", after(3)).container_id == second.container_id


@pytest.mark.postgres
def test_two_daemons_in_the_same_instant_do_not_both_get_the_ship(postgres_url: str) -> None:
    """SKIP LOCKED passes over the locked container and finds the same ship's in another run: the index decides."""
    with closing(open_database(postgres_url)) as database, ThreadPoolExecutor(1) as pool:
        yard = Yard(database)
        for run_id in ("run-1", "run-2"):
            yard.start(enter_run(database, run_id=run_id), "S-1")
        with database.transaction() as connection:
            mine = ContainerRepository(connection).adopt("D-1", [PLAYER], now=NOON, lease_seconds=LEASE)
            late = pool.submit(yard.adopt, "D-2")
            until_blocked(database, late)
        assert mine is not None
        assert late.result() is None


def test_eight_daemons_share_forty_containers_without_one_twice(database_url: str, database: Database) -> None:
    run = enter_run(database)
    Yard(database).start(run, *(f"S-{number}" for number in range(40)))
    adopted: list[str] = []  # appending is atomic
    barrier = threading.Barrier(8)

    def daemon(number: int) -> None:
        with closing(open_database(database_url, durable=False)) as mine:
            barrier.wait()
            while container := Yard(mine).adopt(f"D-{number}"):
                adopted.append(container.container_id)

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(daemon, number) for number in range(8)]:
            future.result()
    assert len(adopted) == len(set(adopted))
    # a daemon may find nothing while another's choice is not committed yet; what it missed is still there
    while container := Yard(database).adopt("the last"):
        adopted.append(container.container_id)
    assert len(adopted) == 40


def test_who_waits_is_counted_by_player(yard: Yard, run: ExperimentRun) -> None:
    yard.start(run, "S-1", "S-2")
    (waiting,) = yard.do("waiting", "D-1", now=NOON)
    assert (waiting.player_id, waiting.containers) == (PLAYER, 2)
    assert yard.do("waiting", "D-1", now=NOON, run_id="run-2") == []
    yard.must_adopt()
    yard.must_adopt()
    assert yard.do("waiting", "D-1", now=NOON) == []


# --- leases and ends --------------------------------------------------------------------------------------------------

ENDS: list[tuple[str, tuple[Any, ...]]] = [
    ("release", ()),
    ("complete", ()),
    ("broke_off", ("why", Restart(1, 1.0))),
    ("broke_off", ("why", None)),
]


def test_a_driver_that_lost_its_lease_changes_nothing(yard: Yard, run: ExperimentRun) -> None:
    """Its lease is over, another has the container, or it has ended."""
    (made,) = yard.start(run, "S-1")
    running = yard.must_adopt()
    for verb, more in ENDS:
        for owner, at in (("D-1", after(LEASE)), ("D-2", after(1))):
            with pytest.raises(LeaseLost):
                yard.do(verb, made.container_id, owner, *more, now=at)
    assert yard.get(made) == running
    yard.do("complete", made.container_id, "D-1", now=after(1))
    ended = yard.get(made)
    for verb, more in ENDS:
        with pytest.raises(LeaseLost):
            yard.do(verb, made.container_id, "D-1", *more, now=after(2))
    assert yard.get(made) == ended


def test_a_dead_daemons_containers_are_another_ones_after_the_lease(yard: Yard, run: ExperimentRun) -> None:
    made, stopped = yard.start(run, "S-1", "S-2")
    for _ in range(2):
        yard.must_adopt()
    yard.do("stop", stopped.container_id, now=NOON)
    assert (yard.do("sweep", now=after(LEASE - 1)), yard.do("abandoned", now=after(LEASE - 1))) == (0, False)
    assert yard.adopt("D-2", after(LEASE - 1)) is None
    assert yard.do("abandoned", now=after(LEASE))
    assert yard.do("sweep", now=after(LEASE)) == 2
    assert yard.get(stopped).state is ContainerState.STOPPED
    assert (yard.get(made).exit_reason, yard.get(made).restarts) == (LOST_DAEMON, 1)
    assert yard.must_adopt("D-2", after(LEASE)).container_id == made.container_id


@pytest.mark.parametrize(("lasted", "restarts"), [(HEALTHY_SECONDS - 1, 4), (HEALTHY_SECONDS, 1)])
def test_a_daemon_that_died_after_long_work_begins_to_count_anew(
    yard: Yard, run: ExperimentRun, lasted: float, restarts: int
) -> None:
    """It is taken to have worked to the end of its lease, however long nobody was there to notice."""
    (made,) = yard.start(run, "S-1")
    yard.must_adopt()
    yard.do("broke_off", made.container_id, "D-1", "ship lost", Restart(3, 0.0), now=NOON)
    yard.must_adopt()
    yard.do("renew", "D-1", now=NOON, lease_seconds=lasted)
    assert yard.do("sweep", now=after(24 * 3600)) == 1
    assert yard.get(made).restarts == restarts


def test_how_a_container_ends(yard: Yard, run: ExperimentRun) -> None:
    made = yard.start(run, "S-1", "S-2", "S-3", "S-4")
    for _ in made:
        yard.must_adopt()
    done, again, given_up, put_down = (container.container_id for container in made)
    yard.do("complete", done, "D-1", now=after(1))
    yard.do("broke_off", again, "D-1", "ship lost", Restart(2, 4.0), now=after(1))
    yard.do("broke_off", given_up, "D-1", "ship lost", None, now=after(1))
    yard.do("release", put_down, "D-1", now=after(1), reason="no credits")
    ended = [yard.get(container) for container in made]
    assert [(c.state, c.exit_reason, c.restarts) for c in ended] == [
        (ContainerState.COMPLETED, None, 0),
        (ContainerState.PENDING, "ship lost", 2),
        (ContainerState.FAILED, "ship lost", 0),
        (ContainerState.PENDING, "no credits", 0),
    ]
    assert ended[1].not_before == after(5)
    assert {(c.owner, c.lease_until, c.stopped_at) for c in ended} == {(None, None, after(1))}
    assert yard.do("ships_wanted", run.run_id) == ["S-2", "S-4"]


# --- daemons and logs -------------------------------------------------------------------------------------------------


def _daemon(daemon_id: str, until: datetime, *keys: str, host: str = "here") -> Daemon:
    return Daemon(daemon_id, host, 42, keys, WantedState.RUNNING, NOON, until)


def test_a_daemon_is_heard_of_until_its_lease_ends(database: Database) -> None:
    with database.transaction() as connection:
        daemons = DaemonRepository(connection)
        daemons.beat(_daemon("D-1", after(60)))
        daemons.beat(_daemon("D-2", after(60), host="there"))
        daemons.beat(_daemon("D-1", after(90), "key"))
        assert [d.daemon_id for d in daemons.live(now=after(59))] == ["D-1", "D-2"]
        assert daemons.live(now=after(60)) == [_daemon("D-1", after(90), "key")]
        assert [d.daemon_id for d in daemons.live(now=NOON, host="there")] == ["D-2"]
        daemons.forget(now=after(60))
        assert [d.daemon_id for d in daemons.live(now=NOON)] == ["D-1"]
        daemons.leave("D-1")
        assert daemons.live(now=NOON) == []


def test_a_beat_does_not_take_back_that_it_is_asked_to_stop(database: Database) -> None:
    with database.transaction() as connection:
        daemons = DaemonRepository(connection)
        daemons.beat(_daemon("D-1", after(60)))
        daemons.ask_to_stop("D-1")
        daemons.beat(_daemon("D-1", after(90)))
        assert daemons.live(now=NOON)[0].wanted_state is WantedState.STOPPED


def test_logs_are_read_by_level_from_a_line_on_or_only_the_last(yard: Yard, run: ExperimentRun) -> None:
    made, other = yard.start(run, "S-1", "S-2")
    lines = [
        LogLine(made.container_id, level, f"line {number}", NOON + timedelta(seconds=number), {"pair_id": "P"})
        for number, level in enumerate(["INFO", "WARNING", "INFO", "ERROR"])
    ]
    gone = LogLine("container_gone", "INFO", "nobody reads this", NOON)
    with yard.database.transaction() as connection:
        logs = LogRepository(connection)
        assert logs.append([*lines, gone, LogLine(other.container_id, "INFO", "other", NOON)]) == 5
        read = logs.read(made.container_id)
        assert [(x.level, x.message, x.fields, x.logged_at) for x in read] == [
            (x.level, x.message, x.fields, x.logged_at) for x in lines
        ]
        assert [x.message for x in logs.read(made.container_id, levels=("WARNING", "ERROR"))] == ["line 1", "line 3"]
        assert [x.message for x in logs.read(made.container_id, after=read[1].log_id)] == ["line 2", "line 3"]
        assert [x.message for x in logs.read(made.container_id, last=2)] == ["line 2", "line 3"]

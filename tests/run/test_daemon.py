"""Daemons in virtual time: they share the containers of a database, die, are told to stop, and lose the database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from sqlalchemy import Connection

from spacetraders_lab.core.container import MOST_RESTARTS, ContainerState
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import RunStatus
from spacetraders_lab.run import changes
from spacetraders_lab.run.app import Lab
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.daemons import DaemonRepository
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.logs import LogRepository
from spacetraders_lab.study.rig import BASE_URL, Exchange, Rig
from tests.factories import NOON
from tests.guarantees.judge import violations
from tests.run.yard import TIMES, Yard
from tests.store.memory import enter_run
from tests.waiting import until_blocked

MakeRig = Callable[..., Rig]


@pytest.fixture
def make_yard(make_rig: MakeRig, tmp_path: Path) -> Callable[..., Yard]:
    return lambda **settings: Yard(make_rig(**settings), tmp_path)


@pytest.fixture
def yard(make_yard: Callable[..., Yard]) -> Yard:
    """Two frigates."""
    return make_yard()


def _when(rig: Rig, ending: str, act: Callable[[], Any], nth: int = 1) -> None:
    """Do something as soon as the nth such request has been answered."""
    seen = 0

    def look(exchange: Exchange) -> None:
        nonlocal seen
        seen += exchange.fits("POST", ending)
        if seen == nth and exchange.fits("POST", ending):
            act()

    rig.wire.after = look


# --- alone ------------------------------------------------------------------------------------------------------------


def test_a_daemon_flies_what_it_finds_and_what_comes_later(yard: Yard) -> None:
    first = yard.run(3)
    stop = asyncio.Event()

    async def story() -> None:
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: yard.is_over(first))
        second = yard.run(2, run_id="run-2")
        await yard.until(lambda: yard.is_over(second))
        stop.set()
        await serving

    yard.play(story)
    assert [container.state for container in yard.all_containers()] == [ContainerState.COMPLETED] * 4
    assert yard.rig.read(lambda c: DaemonRepository(c).live(now=yard.clock.now())) == []


def test_all_that_a_container_said_can_be_read_when_it_ends(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who follows its log stops reading then; after every transaction, nothing is missing of one that has ended."""
    last_words: list[str] = []
    really = Database.transaction

    @contextmanager
    def transaction(database: Database) -> Iterator[Connection]:
        with really(database) as connection:
            yield connection
            for container in ContainerRepository(connection).list_containers():
                if container.state is ContainerState.COMPLETED:
                    last_words.append(LogRepository(connection).read(container.container_id)[-1].message)

    monkeypatch.setattr(Database, "transaction", transaction)
    yard.run(2)

    async def story() -> None:
        stop = asyncio.Event()
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: set(yard.states().values()) == {"COMPLETED"})
        stop.set()
        await serving

    yard.play(story)
    assert last_words
    assert all("has ended" in words for words in last_words)


def test_a_ship_begins_within_seconds(yard: Yard) -> None:
    run = yard.run(1)
    begun: list[float] = []

    async def story() -> None:
        serving = yard.serve(yard.daemon())
        await yard.until(lambda: "CLAIMED" in yard.rig.counts(run), step=1.0)
        begun.append(yard.clock.elapsed - came)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    came = yard.clock.elapsed
    yard.play(story)
    assert begun[0] <= 5.0


def test_a_player_without_a_token_here_is_left_to_others(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    """Why nothing flies is said once; so is that the game is being asked, which may take long when it is in trouble."""
    caplog.set_level(logging.INFO)
    run = yard.run(1)
    yard.forget_token()

    async def story() -> None:
        serving = yard.serve(yard.daemon())
        await asyncio.sleep(120)
        assert set(yard.states().values()) == {"PENDING"}
        yard.keep(yard.rig.token)
        await yard.until(lambda: yard.is_over(run))
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    yard.play(story)
    of_accounts = [r.message for r in caplog.records if r.name.endswith("run.accounts")]
    assert [message.split(" ", 1)[0] for message in of_accounts] == ["ships", "asking", "LAB"]
    assert of_accounts[0].endswith("this machine has none: spacetraders player add")
    assert of_accounts[2].startswith(f"LAB can play at {BASE_URL}")


def test_a_token_given_by_the_environment_is_tried(yard: Yard) -> None:
    run = yard.run(1)
    yard.forget_token()

    async def story() -> None:
        serving = yard.serve(yard.daemon(given={BASE_URL: yard.rig.token}))
        await yard.until(lambda: yard.is_over(run))
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    yard.play(story)


def test_several_agents_fly_side_by_side_each_with_a_line_and_a_limiter_of_its_own(yard: Yard) -> None:
    stop, runs = asyncio.Event(), [yard.run(2)]
    yard.rig.become("OTHER")
    yard.keep(yard.rig.token)
    runs.append(yard.run(2, run_id="run-2"))
    labs: list[Lab] = []

    async def story() -> None:
        daemon = yard.daemon()
        serving = yard.serve(daemon, stop)
        await yard.until(lambda: all(yard.is_over(run) for run in runs))
        labs.extend(daemon.accounts.labs)
        stop.set()
        await serving

    yard.play(story)
    assert {lab.player_id for lab in labs} == {run.player_id for run in runs}
    assert len({id(lab.game.client.limiter) for lab in labs}) == 2
    for run, agent in zip(runs, ("LAB", "OTHER"), strict=True):
        assert {record.ship_symbol.partition("-")[0] for record in yard.rig.records(run)} == {agent}


# --- two --------------------------------------------------------------------------------------------------------------


def test_two_daemons_share_the_ships_and_drive_none_twice(make_yard: Callable[..., Yard]) -> None:
    yard = make_yard(ships=4)
    stop = asyncio.Event()
    owners: set[str | None] = set()

    async def story() -> None:
        daemons = [yard.daemon(), yard.daemon()]
        serving = [yard.serve(daemon, stop) for daemon in daemons]
        await asyncio.sleep(10.0)
        run = yard.run(4)

        def is_over() -> bool:
            driven = [c.container_id for d in daemons for c in d.supervisor.driven]
            assert len(driven) == len(set(driven))
            owners.update(yard.owners().values())
            return yard.is_over(run)

        await yard.until(is_over)
        stop.set()
        await asyncio.gather(*serving)
        assert violations(yard.rig, run) == []
        assert owners - {None} == {daemon.daemon_id for daemon in daemons}

    yard.play(story)


def test_the_only_ship_of_a_run_is_flown_however_many_daemons_share(make_yard: Callable[..., Yard]) -> None:
    yard, stop = make_yard(ships=1), asyncio.Event()

    async def story() -> None:
        serving = [yard.serve(yard.daemon(), stop) for _ in range(3)]
        await asyncio.sleep(60.0)  # they know of each other
        run = yard.run(1)
        await yard.until(lambda: yard.is_over(run))
        stop.set()
        await asyncio.gather(*serving)

    yard.play(story)


def test_when_one_dies_the_other_adopts_within_the_lease_time(yard: Yard) -> None:
    run = yard.run(5)
    stop = asyncio.Event()

    async def story() -> None:
        dying = yard.daemon()
        death = yard.serve(dying)
        await yard.until(lambda: set(yard.owners().values()) == {dying.daemon_id})
        heir = yard.daemon()
        serving = yard.serve(heir, stop)
        await yard.until(lambda: yard.rig.ledger("PURCHASE"))
        death.cancel()
        await asyncio.gather(death, return_exceptions=True)
        died = yard.clock.elapsed
        assert set(yard.owners().values()) == {dying.daemon_id}  # nothing was put down
        await yard.until(lambda: set(yard.owners().values()) == {heir.daemon_id}, step=1.0)
        assert yard.clock.elapsed - died <= TIMES.lease + 5.0
        await yard.until(lambda: yard.is_over(run))
        stop.set()
        await serving

    yard.play(story)
    assert violations(yard.rig, run) == []


# --- what breaks off --------------------------------------------------------------------------------------------------


def test_a_worker_that_breaks_off_is_started_again_and_at_last_given_up(yard: Yard) -> None:
    """The first ship cannot be read any more; the other does the work."""
    run = yard.run(14)
    tried: list[float] = []
    lost = f"/my/ships/{yard.rig.fleet[0]}"

    def gone(request: httpx2.Request) -> httpx2.Response | None:
        if not request.url.path.endswith(lost):
            return None
        tried.append(yard.clock.elapsed)
        return httpx2.Response(404, json={"error": {"message": "no such ship", "code": 404}})

    yard.rig.wire.before = gone

    async def story() -> None:
        serving = yard.serve(yard.daemon())
        await yard.until(lambda: "FAILED" in yard.states().values())
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    yard.play(story)
    container = yard.containers()[yard.rig.fleet[0]]
    assert (container.state, container.restarts) == (ContainerState.FAILED, MOST_RESTARTS)
    assert "no such ship" in str(container.exit_reason)
    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert len(tried) == MOST_RESTARTS + 1
    assert max(waits) < 60 + 5
    assert waits == sorted(waits, key=lambda wait: min(wait, 30.0))
    assert yard.rig.counts(run)["COMPLETED"] > 0
    assert "FAILED" not in yard.rig.counts(run)


# --- told to stop -----------------------------------------------------------------------------------------------------


def test_a_daemon_that_is_asked_in_the_database_puts_everything_down_in_time(yard: Yard) -> None:
    run = yard.run(6)
    asked: list[float] = []

    async def story() -> None:
        daemon = yard.daemon()

        def ask() -> None:
            yard.write(lambda c: DaemonRepository(c).ask_to_stop(daemon.daemon_id))
            asked.append(yard.clock.elapsed)

        _when(yard.rig, "/purchase", ask, nth=3)
        await daemon.serve(asyncio.Event())

    yard.play(story)
    assert yard.clock.elapsed - asked[0] <= 20.0
    assert set(yard.states().values()) == {"PENDING"}
    assert set(yard.owners().values()) == {None}
    assert "CLAIMED" not in yard.rig.counts(run)
    assert yard.rig.rows("SELECT 1 FROM experiment_intents WHERE state = 'OPEN'") == []


def test_started_and_stopped_again_and_again_the_run_ends_as_if_undisturbed(yard: Yard) -> None:
    run, chance = yard.run(4), Random(5)

    async def story() -> None:
        for _ in range(8):
            stop = asyncio.Event()
            serving = yard.serve(yard.daemon(), stop)
            await asyncio.sleep(chance.uniform(0.0, 60.0))
            stopped = yard.clock.elapsed
            stop.set()
            await serving
            assert yard.clock.elapsed - stopped <= 20.0
            assert "CLAIMED" not in yard.rig.counts(run)
        serving = yard.serve(yard.daemon())
        await yard.until(lambda: yard.is_over(run))
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    yard.play(story)
    assert violations(yard.rig, run) == []


# --- the world and the database ---------------------------------------------------------------------------------------


class Outage(Database):
    """The same database, which is out of reach between `begin` and `end`."""

    is_out = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self._complain()
        with super().transaction() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._complain()
        with super().reading() as connection:
            yield connection

    def _complain(self) -> None:
        if self.is_out:
            raise DatabaseUnavailable("no connection to the server")


@pytest.mark.parametrize("seconds", [20.0, 130.0])
def test_a_database_that_goes_away_costs_time_and_nothing_else(yard: Yard, seconds: float) -> None:
    """For less than a lease, and for so long that every lease has ended and every worker has left: two of them."""
    run, stop = yard.run(4), asyncio.Event()
    database = Outage(yard.rig.database._engine, "lab")

    async def story() -> None:
        daemon = yard.daemon()
        serving = yard.serve(daemon, stop)
        await yard.until(lambda: yard.rig.ledger("PURCHASE"))
        database.is_out = True
        trades = len(yard.rig.ledger("PURCHASE", "SELL"))
        await asyncio.sleep(seconds)
        assert len(yard.rig.ledger("PURCHASE", "SELL")) <= trades + 2  # what was on its way
        assert bool(daemon.supervisor.driven) == (seconds < TIMES.lease)  # later another daemon may have them
        database.is_out = False
        await yard.until(lambda: yard.is_over(run))
        stop.set()
        await serving

    yard.play(story, database)
    assert violations(yard.rig, run) == []


def test_a_run_whose_end_nobody_wrote_down_is_marked_by_the_next_daemon(yard: Yard) -> None:
    """The daemon was killed between the end of the last container and that of the run."""
    run = yard.run(1)
    yard.fly_to_the_end(run)
    yard.write(lambda c: c.exec_driver_sql("UPDATE experiment_runs SET status = 'RUNNING', finished_at = NULL"))
    yard.fly_to_the_end(run)
    assert yard.rig.run(run).finished_at is not None


def test_maintenance_is_waited_for_even_by_the_heir_of_the_daemon_that_saw_it(yard: Yard) -> None:
    run, stop = yard.run(4), asyncio.Event()
    over: list[float] = []

    def answer(_: httpx2.Request) -> httpx2.Response | None:
        if over and yard.clock.elapsed < over[0]:
            return httpx2.Response(503, json={"error": {"message": "maintenance", "code": 3100}})
        return None

    yard.rig.wire.before = answer
    _when(yard.rig, "/purchase", lambda: over.append(yard.clock.elapsed + 300))

    async def story() -> None:
        heir = yard.daemon()
        first = yard.serve(yard.daemon())
        await yard.until(lambda: yard.rig.run(run).status is RunStatus.SUSPENDED)
        assert str(yard.rig.run(run).status_reason).startswith("maintenance: ")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        serving = yard.serve(heir, stop)
        await yard.until(lambda: yard.is_over(run))
        stop.set()
        await serving

    yard.play(story)
    assert yard.clock.elapsed > over[0]
    assert violations(yard.rig, run) == []


def test_a_token_that_is_refused_suspends_the_players_runs_until_there_is_a_new_one(yard: Yard) -> None:
    run, stop = yard.run(2), asyncio.Event()
    yard.keep("an-old-token")

    async def story() -> None:
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: yard.rig.run(run).status is RunStatus.SUSPENDED)
        assert str(yard.rig.run(run).status_reason).startswith("token_refused: ")
        assert set(yard.states().values()) == {"PENDING"}
        yard.keep(yard.rig.token)
        yard.write(lambda c: ExperimentRepository(c).set_status("run-1", RunStatus.RUNNING, None, now=_now(yard)))
        await yard.until(lambda: yard.is_over(run))
        stop.set()
        await serving

    yard.play(story)


def _now(yard: Yard) -> datetime:
    return yard.clock.now()


# --- changes to a run under way ---------------------------------------------------------------------------------------


def test_resuming_a_run_under_way_sends_no_ship_away(yard: Yard) -> None:
    run, stop = yard.run(3), asyncio.Event()
    first, second = yard.rig.fleet

    async def story() -> None:
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: set(yard.states().values()) == {"RUNNING"})
        with pytest.raises(UserError, match=f"{second}.* would have to leave.*add-ships"):
            await _in_lab(yard, lambda lab: changes.reopen(lab, run.run_id, [first]))
        assert yard.rig.run(run).ships == run.ships
        yard.write(lambda c: changes.pause(c, run.run_id))
        await _in_lab(yard, lambda lab: changes.reopen(lab, run.run_id, [first]))
        assert yard.rig.run(run).ships == (first,)
        await yard.until(lambda: yard.is_over(run))
        stop.set()
        await serving

    yard.play(story)


def test_a_run_is_paused_and_goes_on_exactly_where_it_was(yard: Yard) -> None:
    run, stop = yard.run(3), asyncio.Event()

    async def story() -> None:
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: len(yard.rig.records(run)) > 5)
        yard.write(lambda c: changes.pause(c, run.run_id))
        paused = yard.clock.elapsed
        await yard.until(lambda: "CLAIMED" not in yard.rig.counts(run), step=2.0)
        assert yard.clock.elapsed - paused <= 20.0
        await yard.until(lambda: set(yard.states().values()) == {"PENDING"})
        rows = yard.rig.records(run)
        await asyncio.sleep(600)
        assert yard.rig.records(run) == rows
        assert yard.rig.run(run).status_reason == "paused: by the user"
        await _in_lab(yard, lambda lab: changes.reopen(lab, run.run_id))
        await yard.until(lambda: yard.is_over(run))
        assert yard.rig.records(run)[: len(rows)] == rows
        stop.set()
        await serving

    yard.play(story)
    assert violations(yard.rig, run) == []
    assert {record.take for record in yard.rig.records(run)} == {1}


async def _in_lab(yard: Yard, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """What a command does that needs the game."""
    from spacetraders_lab.run.app import open_game, open_lab

    async with (
        open_game(BASE_URL, yard.rig.token, yard.clock, transport=yard.rig.wire) as game,
        open_lab(game, yard.rig.database, TIMES) as lab,
    ):
        return await work(lab)


def test_a_ship_that_is_added_claims_at_once_and_one_that_is_removed_leaves_its_pair_to_others(yard: Yard) -> None:
    one, two = yard.rig.fleet
    run, stop = yard.run(6, one), asyncio.Event()
    yard.write(lambda c: ExperimentRepository(c).set_ships(run.run_id, [one]))

    async def story() -> None:
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: yard.rig.records(run))
        added = yard.clock.elapsed
        await _in_lab(yard, lambda lab: changes.add_ships(lab, run.run_id, [two]))
        await yard.until(lambda: two in _claimants(yard), step=2.0)
        assert yard.clock.elapsed - added <= 10.0
        assert yard.rig.run(run).ships == (one, two)
        await yard.until(lambda: yard.rig.ship(1).hold == {} and one in _claimants(yard))
        assert yard.write(lambda c: changes.remove_ship(c, run.run_id, one, now=_now(yard))) == [two]
        await yard.until(lambda: yard.states()[one] == "STOPPED", within=20.0, step=2.0)
        assert one not in _claimants(yard)
        await yard.until(lambda: yard.is_over(run))
        stop.set()
        await serving

    yard.play(story)
    assert yard.rig.counts(run) == {"COMPLETED": 6}
    assert yard.rig.run(run).ships == (two,)


def _claimants(yard: Yard) -> set[str]:
    rows = yard.rig.rows("SELECT claimed_by FROM experiment_work_queue WHERE status = 'CLAIMED'")
    return {row["claimed_by"] for row in rows}


def test_a_cancelled_run_ends_for_good(yard: Yard) -> None:
    run, stop = yard.run(6), asyncio.Event()

    async def story() -> None:
        serving = yard.serve(yard.daemon(), stop)
        await yard.until(lambda: yard.rig.records(run))
        yard.write(lambda c: changes.cancel(c, run.run_id, now=_now(yard)))
        await yard.until(lambda: set(yard.states().values()) == {"STOPPED"}, within=20.0, step=2.0)
        rows = len(yard.rig.records(run))
        with pytest.raises(UserError, match="CANCELLED"):
            await _in_lab(yard, lambda lab: changes.reopen(lab, run.run_id))
        await asyncio.sleep(300)
        assert len(yard.rig.records(run)) == rows
        stop.set()
        await serving

    yard.play(story)
    assert yard.rig.run(run).status is RunStatus.CANCELLED
    assert "CLAIMED" not in yard.rig.counts(run)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("change", "stay"),
    [
        (lambda c: changes.remove_ship(c, "run-1", "S-3", now=NOON), ("S-1",)),
        (lambda c: changes.resume(c, "run-1", now=NOON), ("S-1", "S-3")),
    ],
    ids=["remove_ship", "resume"],
)
def test_two_changes_of_a_fleet_in_the_same_moment_are_both_made(
    postgres_url: str, change: Callable[[Connection], object], stay: tuple[str, ...]
) -> None:
    with closing(open_database(postgres_url)) as database, ThreadPoolExecutor(1) as pool:
        run = enter_run(database, ships=("S-1", "S-2", "S-3"))

        def make_the_change() -> None:
            with database.transaction() as connection:
                change(connection)

        with database.transaction() as connection:
            changes.remove_ship(connection, run.run_id, "S-2", now=NOON)
            late = pool.submit(make_the_change)
            until_blocked(database, late)
        late.result()
        with database.reading() as connection:
            assert ExperimentRepository(connection).get_run(run.run_id).ships == stay


def test_what_cannot_be_changed_is_refused(yard: Yard) -> None:
    one, two = yard.rig.fleet
    run = yard.run(1)
    with pytest.raises(UserError, match="is not in run"):
        yard.write(lambda c: changes.remove_ship(c, run.run_id, "NOBODY-1", now=_now(yard)))
    yard.write(lambda c: changes.remove_ship(c, run.run_id, one, now=_now(yard)))
    with pytest.raises(UserError, match="is the last ship"):
        yard.write(lambda c: changes.remove_ship(c, run.run_id, two, now=_now(yard)))
    yard.write(lambda c: changes.pause(c, run.run_id))
    with pytest.raises(UserError, match=r"is SUSPENDED already \(paused: by the user\)"):
        yard.write(lambda c: changes.pause(c, run.run_id))
    yard.write(lambda c: changes.cancel(c, run.run_id, now=_now(yard)))
    for change in (changes.cancel, changes.remove_ship):
        more = {"ship": two} if change is changes.remove_ship else {}
        with pytest.raises(UserError, match="is CANCELLED already"):
            yard.write(lambda c, change=change, more=more: change(c, run.run_id, now=_now(yard), **more))

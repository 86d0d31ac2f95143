"""Machines whose clocks differ mean the same by "now": the hour of the database's machine."""

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.clock import AGREE_SECONDS, DRIFT, DatabaseClock, SystemClock, clock_of, error_of
from spacetraders_lab.store.database import Database, hour_of, open_database
from spacetraders_lab.study.rig import Rig
from tests.store.memory import Queue, apart, enter_run


@dataclass
class Machine:
    """A machine's clock: its hour is wrong by `wrong`, and its steady clock has gone on by `passed` seconds more."""

    wrong: timedelta
    passed: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.wrong

    def monotonic(self) -> float:
        return SystemClock().monotonic() + self.passed

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    with closing(open_database(postgres_url, durable=False)) as database:
        yield database


def keep(clock: DatabaseClock, database: Database) -> DatabaseClock:
    with database.reading() as connection:
        clock.keep(connection)
    return clock


def seconds_off(clock: DatabaseClock, database: Database) -> float:
    with database.reading() as connection:
        before, hour, after = clock.now(), hour_of(connection), clock.now()
    return max(0.0, (before - hour).total_seconds(), (hour - after).total_seconds())


@pytest.mark.postgres
class TestDatabaseClock:
    @pytest.mark.parametrize("wrong", [-3600.0, -3.0, 0.0, 3.0, 86_400.0])
    def test_however_wrong_a_machine_is_it_has_the_databases_hour(self, postgres: Database, wrong: float) -> None:
        clock = keep(DatabaseClock(Machine(timedelta(seconds=wrong))), postgres)
        assert seconds_off(clock, postgres) <= clock.error < 1.0

    def test_setting_the_machines_hour_changes_nothing(self, postgres: Database) -> None:
        machine = Machine(timedelta(0))
        clock = keep(DatabaseClock(machine), postgres)
        machine.wrong = timedelta(hours=2)
        assert seconds_off(clock, postgres) <= clock.error

    def test_a_steady_clock_that_drifts_is_put_right_every_minute(self, postgres: Database) -> None:
        machine = Machine(timedelta(0))
        clock = keep(DatabaseClock(machine), postgres)
        machine.passed = AGREE_SECONDS - 1  # a clock that is much too fast, so that the test sees what happens
        assert seconds_off(keep(clock, postgres), postgres) > AGREE_SECONDS / 2
        machine.passed = AGREE_SECONDS + 1
        assert seconds_off(keep(clock, postgres), postgres) <= clock.error

    def test_the_longer_ago_the_last_look_the_less_it_is_sure(self, postgres: Database) -> None:
        machine = Machine(timedelta(0))
        clock = keep(DatabaseClock(machine), postgres)
        fresh = clock.error
        machine.passed = 3600.0
        assert clock.error >= fresh + 3600 * DRIFT

    @pytest.mark.parametrize(("wrong", "says"), [(-37.2, "-37.2 s off"), (1.0, None)])
    def test_a_machine_that_is_more_than_two_seconds_off_is_told_once(
        self, postgres: Database, caplog: pytest.LogCaptureFixture, wrong: float, says: str | None
    ) -> None:
        machine = Machine(timedelta(seconds=wrong))
        with caplog.at_level(logging.WARNING):
            clock = keep(DatabaseClock(machine), postgres)
            machine.passed = 2 * AGREE_SECONDS
            keep(clock, postgres)
        assert [says in message for message in caplog.messages] == ([True] if says else [])

    def test_a_machine_that_is_fast_does_not_take_over_a_lease_that_is_alive(self, postgres: Database) -> None:
        enter_run(postgres, apart(1))
        queue, fast = Queue(postgres), Machine(timedelta(minutes=10))
        queue.must_claim("S-1", keep(DatabaseClock(Machine(timedelta(0))), postgres).now())
        assert queue.claim("S-2", keep(DatabaseClock(fast), postgres).now()) is None
        assert queue.claim("S-2", fast.now()) is not None, "by its own clock it would"

    def test_a_lab_looks_at_the_clock_with_what_it_writes(self, postgres: Database) -> None:
        machine = Machine(timedelta(hours=3))
        clock = DatabaseClock(machine)
        rig = Rig(postgres)
        rig.play(lambda lab: written(lab, clock))
        assert seconds_off(clock, postgres) <= clock.error


async def written(lab: Lab, clock: DatabaseClock) -> None:
    await replace(lab, clock=clock).write(lambda _: None)


def test_a_file_goes_by_this_machines_clock(database: Database) -> None:
    clock = clock_of(database)
    assert isinstance(clock, SystemClock if database.is_sqlite else DatabaseClock)
    assert error_of(clock) == 0.0 or not database.is_sqlite

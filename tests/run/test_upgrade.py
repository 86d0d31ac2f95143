"""A run that an older release left in the middle is finished by this one, and what was measured is as it was.

`tests/store/frozen/` holds a database of every release that changed the schema, as SQL: two pairs of four cells by one
frigate, the process killed in the second after three purchases, with the intent of the first sale open. To freeze one
more, play the same with the release, delete the observations of other goods, and dump the database (on PostgreSQL with
`pg_dump --inserts`, without the lines that only psql or only that version understands).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from spacetraders_lab.core.ship import NavStatus
from spacetraders_lab.store import care
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.migrations import HEAD
from spacetraders_lab.study.rig import BASE_URL, Rig
from tests.postgres import Server

FROZEN = Path(__file__).parents[1] / "store" / "frozen"
RELEASES = sorted(path.name.partition(".")[0] for path in FROZEN.glob("*.sqlite.sql"))
GOOD, MARKET, ABOARD = "ALUMINUM", "X1-NA24-E5", 32


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def sqlite_release(release: str, tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection:
        connection.executescript((FROZEN / f"{release}.sqlite.sql").read_text())
    return f"sqlite:///{tmp_path / 'old.db'}"


@pytest.fixture
def postgres_release(release: str, postgres_server: Server) -> Iterator[str]:
    with postgres_server.database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((FROZEN / f"{release}.postgresql.sql").read_bytes())
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def frozen(request: pytest.FixtureRequest, release: str) -> str:
    """The URL of a release's database."""
    url: str = request.getfixturevalue(f"{request.param}_release")
    return url


def measured(database: Database) -> list[dict[str, Any]]:
    with database.reading() as connection:
        rows = connection.execute(text("SELECT * FROM market_experiments ORDER BY experiment_id")).mappings()
        return [dict(row) for row in rows]


def rig_as_it_was(database: Database) -> Rig:
    """The universe in which the run was interrupted, an hour later: the ship where it was, with its cargo."""
    rig = Rig(database, ships=1)
    with database.transaction() as connection:  # the stand-in for the game has its own name by now; the game has not
        connection.execute(
            text("UPDATE universes SET base_url = :name"), {"name": f"{BASE_URL}#{rig.universe.universe_id}"}
        )
    rig.clock.elapsed += 3600
    ship = rig.ship()
    ship.waypoint, ship.status, ship.hold = MARKET, NavStatus.DOCKED, {GOOD: ABOARD}
    return rig


def test_an_interrupted_run_of_an_older_release_is_upgraded_and_finished(frozen: str) -> None:
    with closing(open_database(frozen, durable=False)) as database:
        with database.reading() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == HEAD
            run = ExperimentRepository(connection).get_run("run-1")
        before = measured(database)
        assert len(before) == 11
        rig = rig_as_it_was(database)
        (report,) = rig.resume(run)
        assert (report.pairs_completed, report.error) == (1, None)
        assert rig.counts(run) == {"COMPLETED": 2}
        assert measured(database)[: len(before)] == before
        assert len(measured(database)) == 2 * 2 * 4
        assert care.look_over(database) == []
        assert rig.ship().hold == {}


def test_there_is_a_frozen_database_of_the_first_release() -> None:
    assert "0001" in RELEASES

"""A database server that goes away and comes back: the page and the watch say so, wait, and go on."""

import io
from contextlib import closing

import pytest
from rich.console import Console

from spacetraders_lab.cli.watch import watch
from spacetraders_lab.core.experiment import RunStatus
from spacetraders_lab.store.database import open_database, open_reading
from spacetraders_lab.store.experiments import ExperimentRepository
from tests.cli.test_watch import StepClock
from tests.dashboard.conftest import served
from tests.dashboard.events import follow
from tests.factories import NOON
from tests.postgres import Server
from tests.store.memory import Queue, apart, enter_run

pytestmark = pytest.mark.postgres


def test_the_page_says_so_and_goes_on_by_itself(own_server: Server) -> None:
    with own_server.database() as url:
        with closing(open_database(url)) as database:  # durable: what is written now must be there after the restart
            enter_run(database, apart(1))
        with served(url) as page, follow(page.url, "runs/run-1") as events:
            assert next(events).json["progress"]["pairs"]["CLAIMED"] == 0
            own_server.stop()
            trouble = next(events)
            assert (trouble.name, "no connection to the server" in trouble.data) == ("trouble", True)
            assert page.get("/api/views/runs").status_code == 503
            assert page.get("/api/logs").status_code == 503
            own_server.start()
            Queue(page.database).must_claim("S-1")
            troubles, claimed = [trouble.data], 0
            while troubles[-1] or not claimed:  # the page may look before the claim as well
                event = next(events)
                if event.name == "trouble":
                    troubles.append(event.data)
                else:
                    claimed = event.json["progress"]["pairs"]["CLAIMED"]
    assert (troubles[1:], claimed) == ([""], 1)


def test_the_watch_says_so_and_goes_on_by_itself(own_server: Server) -> None:
    with own_server.database() as url:
        writing = open_database(url)
        enter_run(writing, apart(1))
        reading, out = open_reading(url), io.StringIO()

        def end() -> None:
            own_server.start()
            with writing.transaction() as connection:
                ExperimentRepository(connection).set_status("run-1", RunStatus.COMPLETED, None, now=NOON)

        clock = StepClock(own_server.stop, lambda: None, end)
        view = clock.run(watch(reading, "run-1", clock, Console(file=out)))
        reading.close()
        writing.close()
    lines = out.getvalue().splitlines()
    assert [line.partition("  ")[2].split(":")[0].split("  ")[0] for line in lines] == [
        "RUNNING",
        "waiting for the database",
        "COMPLETED",
    ]
    assert view["run"]["status"] is RunStatus.COMPLETED

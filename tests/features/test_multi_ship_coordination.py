"""Steps of multi_ship_coordination.feature: a fleet on one queue, on both databases, in virtual time."""

from dataclasses import dataclass, field

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from spacetraders_lab.core.experiment import ExperimentRun
from spacetraders_lab.run.worker import WorkerReport
from spacetraders_lab.store.database import Database
from spacetraders_lab.study.rig import ONE_CELL, Rig

scenarios("multi_ship_coordination.feature")
pytestmark = pytest.mark.usefixtures("story")  # steps ask too late for a fixture that comes in two kinds


@dataclass
class Story:
    """What the steps of one scenario share."""

    database: Database
    run_id: str = "test-123"
    count: int = 0
    ships: int = 0
    reports: list[WorkerReport] = field(default_factory=list)
    _played: tuple[Rig, ExperimentRun] | None = None

    def play(self) -> None:
        rig = Rig(self.database, ships=self.ships, agent="HAULER")
        run = rig.queue(rig.pairs(self.count), ONE_CELL, run_id=self.run_id)
        self.reports = rig.fly(run)
        self._played = rig, run

    @property
    def rig(self) -> Rig:
        assert self._played is not None
        return self._played[0]

    @property
    def run(self) -> ExperimentRun:
        assert self._played is not None
        return self._played[1]


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)


@given(parsers.parse('an experiment run "{run_id}"'))
def _(story: Story, run_id: str) -> None:
    story.run_id = run_id


@given(parsers.parse("a work queue with {count:d} pairs"))
def _(story: Story, count: int) -> None:
    story.count = count


@given(parsers.parse("{ships:d} worker ships"))
def _(story: Story, ships: int) -> None:
    story.ships = ships


@when("all workers start simultaneously")
def _(story: Story) -> None:
    story.play()


@then("each ship should claim different pairs")
def _(story: Story) -> None:
    progress = story.rig.rows("SELECT claimed_by, COUNT(*) AS pairs FROM experiment_work_queue GROUP BY claimed_by")
    assert {row["claimed_by"] for row in progress} == set(story.rig.fleet)
    assert {row["claimed_by"]: row["pairs"] for row in progress} == {
        report.ship_symbol: report.pairs_completed for report in story.reports
    }


@then(parsers.parse("all {count:d} pairs should eventually be COMPLETED"))
def _(story: Story, count: int) -> None:
    assert story.rig.counts(story.run) == {"COMPLETED": count}


@then("no pair should be claimed by multiple ships")
def _(story: Story) -> None:
    assert story.rig.rows("SELECT DISTINCT take FROM experiment_work_queue") == [{"take": 1}]  # grows with each ship
    ships: dict[str, set[str]] = {}
    for record in story.rig.records(story.run):
        ships.setdefault(record.pair_id, set()).add(record.ship_symbol)
    assert len(ships) == story.count
    assert all(len(traders) == 1 for traders in ships.values())

"""Steps of ship_worker_loop.feature: one worker against the real sandbox, on both databases, in virtual time."""

from dataclasses import dataclass, field, replace

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from spacetraders_lab.core.experiment import ExperimentRun, MarketPair, RunStatus
from spacetraders_lab.run.worker import WorkerReport
from spacetraders_lab.store.database import Database
from spacetraders_lab.study.rig import FOUR_CELLS, Rig

scenarios("ship_worker_loop.feature")
pytestmark = pytest.mark.usefixtures("story")  # steps ask too late for a fixture that comes in two kinds


@dataclass
class Story:
    """What the steps of one scenario share."""

    rig: Rig
    run_id: str = "test-123"
    pairs: list[MarketPair] = field(default_factory=list)
    run: ExperimentRun | None = None
    report: WorkerReport | None = None

    def status_of(self, pair: MarketPair) -> str:
        statement = "SELECT status FROM experiment_work_queue WHERE run_id = :run AND pair_id = :pair"
        (row,) = self.rig.rows(statement, run=self.run_id, pair=pair.pair_id)
        return str(row["status"])


@pytest.fixture
def story(database: Database) -> Story:
    return Story(Rig(database, ships=1, agent="HAULER"))


@given(parsers.parse('an experiment run "{run_id}"'))
def _(story: Story, run_id: str) -> None:
    story.run_id = run_id


@given(parsers.re(r"a work queue with (?P<count>\d+) (PENDING )?pairs"), converters={"count": int})
def _(story: Story, count: int) -> None:
    story.pairs = story.rig.pairs(count)


@given(parsers.parse("pair {number:d} will cause an error"))
def _(story: Story, number: int) -> None:
    """Its sell market does not trade the good."""
    pair = story.pairs[number - 1]
    traders = story.rig.markets_of(pair.good_symbol)
    stranger = next(market for market in story.rig.universe.home.markets if market not in traders)
    story.pairs[number - 1] = replace(pair, sell_market=stranger)


@given(parsers.parse('a worker ship "{ship}"'))
def _(story: Story, ship: str) -> None:
    assert story.rig.fleet == (ship,)


@when("the worker starts")
@when("the worker processes pairs")
def _(story: Story) -> None:
    story.run = story.rig.queue(story.pairs, FOUR_CELLS, run_id=story.run_id)
    (story.report,) = story.rig.fly(story.run)


@then(parsers.parse("it should claim and complete all {count:d} pairs"))
def _(story: Story, count: int) -> None:
    assert [story.status_of(pair) for pair in story.pairs] == ["COMPLETED"] * count
    assert story.report == WorkerReport("HAULER-1", pairs_completed=count)


@then("it should stop when queue is empty")
def _(story: Story) -> None:
    assert story.run is not None
    assert story.rig.run(story.run).status is RunStatus.COMPLETED


@then(parsers.re(r"pairs (?P<numbers>[\d, ]+) should be COMPLETED"))
def _(story: Story, numbers: str) -> None:
    for number in numbers.split(","):
        assert story.status_of(story.pairs[int(number) - 1]) == "COMPLETED"


@then(parsers.parse("pair {number:d} should be FAILED with error message"))
def _(story: Story, number: int) -> None:
    assert story.run is not None
    pair = story.pairs[number - 1]
    assert story.status_of(pair) == "FAILED"
    assert story.rig.errors(story.run) == {
        pair.pair_id: f"{pair.good_symbol} is not traded at {pair.sell_market}",
    }

"""Steps of work_queue_operations.feature, on both databases; ships that claim at once have connections of their own."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Barrier

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import text

from spacetraders_lab.core.experiment import ClaimedPair, Design, ExperimentRun, MarketPair, RunStatus
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.store.world import World
from tests.factories import NOON

scenarios("work_queue_operations.feature")
pytestmark = pytest.mark.usefixtures("story")  # steps ask too late for a fixture that comes in two kinds


@dataclass
class Story:
    """What the steps of one scenario share."""

    database: Database
    run_id: str = "test-123"
    pairs: list[MarketPair] = field(default_factory=list)
    claims: dict[str, ClaimedPair | None] = field(default_factory=dict)

    def begin(self) -> None:
        with self.database.transaction() as connection:
            world = World(connection)
            universe = world.universe_id("http://sandbox/v2", "2026-03-01")
            player = world.player_id("HAULER", universe)
            run = ExperimentRun(
                self.run_id, player, universe, "X1-GZ7", Design(), (), 0, 1_000, RunStatus.RUNNING, None, NOON
            )
            ExperimentRepository(connection).create_run(run, {})

    def enqueue(self) -> None:
        with self.database.transaction() as connection:
            player = ExperimentRepository(connection).get_run(self.run_id).player_id
            WorkQueueRepository(connection).enqueue_pairs(self.run_id, player, self.pairs, now=NOON)

    def claim(self, ship: str) -> None:
        with self.database.transaction() as connection:
            self.claims[ship] = WorkQueueRepository(connection).claim_next_pair(
                self.run_id, ship, owner=f"owner of {ship}", now=NOON + timedelta(seconds=1), lease_seconds=60
            )

    def status(self) -> dict[str, int]:
        with self.database.reading() as connection:
            return WorkQueueRepository(connection).get_queue_status(self.run_id)

    def row(self) -> tuple[str, str]:
        """Status and owner of the claimed pair, as the original design's own columns tell."""
        (claim,) = [claim for claim in self.claims.values() if claim is not None]
        with self.database.reading() as connection:
            statement = text("SELECT status, claimed_by FROM experiment_work_queue WHERE queue_id = :queue_id")
            status, ship = connection.execute(statement, {"queue_id": claim.queue_id}).one()
            return status, ship


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)


@given(parsers.parse('an experiment run with run_id "{run_id}"'))
def _(story: Story, run_id: str) -> None:
    story.run_id = run_id
    story.begin()


@given(parsers.parse("{count:d} market pairs"))
def _(story: Story, count: int) -> None:
    # no two share a listing, so that every one of them is free to be claimed
    story.pairs = [MarketPair.of("IRON_ORE", f"X1-GZ7-A{n}", f"X1-GZ7-B{n}") for n in range(count)]


@given(parsers.re(r"a work queue with (?P<count>\d+) PENDING pairs?"), converters={"count": int})
def _(story: Story, count: int) -> None:
    story.pairs = [MarketPair.of("IRON_ORE", f"X1-GZ7-A{n}", f"X1-GZ7-B{n}") for n in range(count)]
    story.begin()
    story.enqueue()


@when("I enqueue all pairs")
def _(story: Story) -> None:
    story.enqueue()


@when(parsers.parse('ship "{ship}" claims next pair'))
def _(story: Story, ship: str) -> None:
    story.claim(ship)


@when(parsers.parse('ship "{one}" and ship "{other}" claim simultaneously'))
def _(story: Story, one: str, other: str) -> None:
    ready = Barrier(2)

    def claim(ship: str) -> None:
        ready.wait(timeout=30)
        story.claim(ship)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(claim, (one, other)))


@then(parsers.parse("all {count:d} pairs should be PENDING"))
def _(story: Story, count: int) -> None:
    assert story.status() == {"PENDING": count, "CLAIMED": 0, "COMPLETED": 0, "FAILED": 0}


@then("the pair status should be CLAIMED")
def _(story: Story) -> None:
    assert story.row()[0] == "CLAIMED"


@then(parsers.parse('the pair claimed_by should be "{ship}"'))
def _(story: Story, ship: str) -> None:
    assert story.row()[1] == ship
    claim = story.claims[ship]
    assert claim is not None
    assert claim.pair == story.pairs[0]  # first in, first out


@then(parsers.parse("{count:d} pairs should remain PENDING"))
def _(story: Story, count: int) -> None:
    assert story.status()["PENDING"] == count


@then("only one ship should successfully claim the pair")
def _(story: Story) -> None:
    winners = [ship for ship, claim in story.claims.items() if claim is not None]
    assert len(story.claims) == 2
    assert len(winners) == 1
    assert story.row() == ("CLAIMED", winners[0])


@then("the other ship should receive None")
def _(story: Story) -> None:
    assert list(story.claims.values()).count(None) == 1

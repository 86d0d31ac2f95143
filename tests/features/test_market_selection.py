"""Steps of market_selection.feature: a scouted system in a real database, and the selector on what it remembers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.core.market import Activity, Listing, Supply, TradeGood
from spacetraders_lab.core.selection import MarketSelector
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.world import World
from tests.factories import make_good, make_snapshot, make_waypoint

scenarios("market_selection.feature")
pytestmark = pytest.mark.usefixtures("story")  # steps ask too late for a fixture that comes in two kinds

_ALIKE = make_good("IRON_ORE", supply=Supply.MODERATE, activity=Activity.WEAK, trade_volume=180)
_MIXED = [make_good("IRON_ORE", supply=s, activity=a) for s, a in islice(zip(cycle(Supply), cycle(Activity)), 20)]


@dataclass
class Story:
    """What the steps of one scenario share; `markets` are the waypoints of the system."""

    database: Database
    system: str = ""
    markets: list[str] = field(default_factory=list)
    offered: list[Listing] = field(default_factory=list)
    chosen: list[Listing] = field(default_factory=list)
    pairs: list[MarketPair] = field(default_factory=list)

    def put_on_sale(self, goods: Sequence[TradeGood]) -> None:
        """Each of the first markets quotes one of these; the others trade something else."""
        others = [make_good("COPPER_ORE")] * (len(self.markets) - len(goods))
        with self.database.transaction() as connection:
            world = World(connection)
            universe = world.universe_id("http://sandbox/v2", "2026-03-01")
            world.save_waypoints(universe, map(make_waypoint, self.markets))
            for market, good in zip(self.markets, [*goods, *others], strict=True):
                world.save_snapshot(universe, make_snapshot(market, [good]), "scout")

    def listings(self, good: str) -> list[Listing]:
        with self.database.transaction() as connection:
            world = World(connection)
            universe = world.universe_id("http://sandbox/v2", "2026-03-01")
            return [x for x in world.latest_listings(universe, self.system) if x.good.symbol == good]


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)


@given(parsers.parse('a system "{system}" with {count:d} markets'))
def _(story: Story, system: str, count: int) -> None:
    story.system = system
    story.markets = [f"{system}-A{number}" for number in range(1, count + 1)]


@given(parsers.parse('{count:d} markets sell "IRON_ORE" with various supply and activity levels'))
def _(story: Story, count: int) -> None:
    story.put_on_sale(_MIXED[:count])


@given(parsers.parse('{count:d} markets sell "IRON_ORE", the largest of them all alike'))
def _(story: Story, count: int) -> None:
    small = _MIXED[: len(Supply)]
    story.put_on_sale([*[_ALIKE] * (count - len(small)), *small])


@given(parsers.parse("{count:d} representative markets"))
def _(story: Story, count: int) -> None:
    story.markets = [f"X1-GZ7-A{number}" for number in range(1, count + 1)]


@when(parsers.parse('I select representative markets for "{good}"'))
def _(story: Story, good: str) -> None:
    story.offered = story.listings(good)
    story.chosen = MarketSelector().select_representative_markets(story.offered)


@when("I generate market pairs")
def _(story: Story) -> None:
    story.pairs = MarketSelector().generate_market_pairs(story.markets, "IRON_ORE")


@then("I should get 4-8 markets")
def _(story: Story) -> None:
    assert 4 <= len(story.chosen) <= 8
    assert len({listing.waypoint for listing in story.chosen}) == len(story.chosen)


@then("the markets should have diverse supply levels")
def _(story: Story) -> None:
    assert len({listing.good.supply for listing in story.chosen}) >= 3


@then("the markets should have diverse activity levels")
def _(story: Story) -> None:
    assert len({listing.good.activity for listing in story.chosen}) >= 3


@then("every supply level on offer should be among them")
def _(story: Story) -> None:
    assert {x.good.supply for x in story.chosen} == {x.good.supply for x in story.offered} == set(Supply)


@then("every activity level on offer should be among them")
def _(story: Story) -> None:
    assert {x.good.activity for x in story.chosen} == {x.good.activity for x in story.offered} == set(Activity)


@then("I should get 20 pairs (5 × 4)")
def _(story: Story) -> None:
    assert len(story.pairs) == 20
    assert len({pair.pair_id for pair in story.pairs}) == 20


@then("each pair should have different buy and sell markets")
def _(story: Story) -> None:
    for pair in story.pairs:
        assert pair.buy_market != pair.sell_market
        assert pair.pair_id == f"IRON_ORE:{pair.buy_market}:{pair.sell_market}"

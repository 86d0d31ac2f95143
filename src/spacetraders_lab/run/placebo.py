"""Takes placebo brackets: two readings of a market with no trade of ours between. Trades nothing."""

from datetime import timedelta

from sqlalchemy import Connection

from spacetraders_lab.core.experiment import BRACKET_SECONDS, PLACEBO_SECONDS
from spacetraders_lab.core.market import MarketSnapshot
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.heartbeat import Lease
from spacetraders_lab.store.brackets import newest_reading, record_bracket
from spacetraders_lab.store.world import World

_FUEL = "FUEL"  # ships refuel between readings; where fuel is not what is measured, that is no trade


async def take_bracket(lab: Lab, lease: Lease, market: MarketSnapshot) -> MarketSnapshot:
    """Make a bracket at a market that the claim's ship has just read, and return its last reading there.

    A reading of shortly before, by whichever ship, saves the ship a second one. Raises what a reading raises, and
    LeaseLost.
    """
    if await _end_bracket(lab, lease, market):
        return market
    ship = lease.claim.ship_symbol
    await lab.clock.sleep(PLACEBO_SECONDS / lab.game.client.speed)
    after = await reads.get_market(lab.game.client, market.waypoint, ship=ship)

    def work(connection: Connection) -> None:
        World(connection).save_quotes(lab.universe_id, after, "placebo", ship=ship)
        began, ended = market.observed_at, after.observed_at
        record_bracket(connection, lease.claim, market.waypoint, before_at=began, after_at=ended)

    await lease.write(work)
    return after


async def _end_bracket(lab: Lab, lease: Lease, market: MarketSnapshot) -> bool:
    """Whether the reading ends a bracket that an earlier one began: not too long ago, and nothing of ours traded since.

    What others have traded since is what a bracket is to show.
    """
    ship, good = lease.claim.ship_symbol, lease.claim.pair.good_symbol
    since, until = (
        market.observed_at - timedelta(seconds=seconds / lab.game.client.speed)
        for seconds in (BRACKET_SECONDS, PLACEBO_SECONDS)
    )
    before = await lab.read(
        lambda c: newest_reading(c, lab.universe_id, market.waypoint, since=since, until=until),
    )
    agent, but_for = ship.rpartition("-")[0], None if good == _FUEL else _FUEL
    if before is None or not market.is_untouched_since(before.observed_at, agent, but_for=but_for):
        return False
    await lease.write(
        lambda c: record_bracket(
            c,
            lease.claim,
            market.waypoint,
            before_at=before.observed_at,
            after_at=market.observed_at,
            before_by=before.ship_symbol,
        )
    )
    return True

"""Takes placebo brackets: two readings of a market with no trade of ours between. Trades nothing."""

from datetime import timedelta

from spacetraders_lab.core.experiment import BRACKET_SECONDS, PLACEBO_SECONDS, ClaimedPair
from spacetraders_lab.core.market import MarketSnapshot
from spacetraders_lab.run import effects
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.heartbeat import Lease
from spacetraders_lab.store.brackets import Reading, newest_reading, record_bracket

_FUEL = "FUEL"  # ships refuel between readings; where fuel is not what is measured, that is no trade


async def take_bracket(lab: Lab, lease: Lease, market: MarketSnapshot) -> MarketSnapshot:
    """Make a bracket at a market that the claim's ship has just read, and return its last reading there.

    A reading of shortly before, by whichever ship, saves the ship a second one. What others have traded since is what a
    bracket is to show; a trade of ours, of whichever good, spoils it. Raises what a reading raises, and LeaseLost.
    """
    claim = lease.claim
    before = await _reading_before(lab, market)
    while before is None or not _is_untouched(market, before, claim):
        await lab.clock.sleep(PLACEBO_SECONDS / lab.game.client.speed)
        before = Reading(claim.ship_symbol, market.observed_at)
        market = await effects.read_market(lab, market.waypoint, "placebo", ship=claim.ship_symbol)
    by, began = before
    other = None if by == claim.ship_symbol else by
    ended, where = market.observed_at, market.waypoint
    await lease.write(
        lambda c: record_bracket(c, claim, where, before_at=began, after_at=ended, before_by=other),
    )
    return market


async def _reading_before(lab: Lab, market: MarketSnapshot) -> Reading | None:
    """The last reading that is as long before this one as a bracket may be."""
    since, until = (
        market.observed_at - timedelta(seconds=seconds / lab.game.client.speed)
        for seconds in (BRACKET_SECONDS, PLACEBO_SECONDS)
    )
    return await lab.read(lambda c: newest_reading(c, lab.universe_id, market.waypoint, since=since, until=until))


def _is_untouched(market: MarketSnapshot, before: Reading, claim: ClaimedPair) -> bool:
    agent, but_for = claim.ship_symbol.rpartition("-")[0], None if claim.pair.good_symbol == _FUEL else _FUEL
    return market.is_untouched_since(before.observed_at, agent, but_for=but_for)

"""How far own trades had moved a listing when it was read last, and how much of that has gone back since.

Displacements are in tradeVolumes bought; what was sold counts as negative. Prices are the curve's affair.
"""

from dataclasses import dataclass

import numpy as np

from spacetraders_lab.analysis.arrays import Floats
from spacetraders_lab.analysis.dataset import Dataset
from spacetraders_lab.analysis.quiet import CLOCKS
from spacetraders_lab.analysis.resilience import Resilience

# Minutes in which a move may halve where nobody measured it: from within a tick of the game's markets to, as good as,
# never. The half-lives told of this game lie all over the middle of it.
_FASTEST, _SLOWEST = 5.0, 30 * 24 * 60.0


@dataclass(frozen=True, slots=True)
class OwnTrades:
    """Own trades at a listing in time order: minutes from each to the newest reading, and tradeVolumes bought."""

    minutes: Floats
    bought: Floats


NO_TRADES = OwnTrades(np.zeros(0), np.zeros(0))


def own_trades(data: Dataset, listing: tuple[str, str], read_at: float) -> OwnTrades:
    """Those at (market, good) before it was read, in seconds since 1970; the reading may be of a clock that is slow."""
    if listing not in data.unit_names:
        return NO_TRADES
    at_listing = (data.unit == data.unit_names.index(listing)) & (data.time <= read_at + CLOCKS)
    rows = data.take(np.flatnonzero(at_listing))
    rows = rows.take(np.lexsort((rows.sequence, rows.time)))
    return OwnTrades(np.maximum(0.0, read_at - rows.time) / 60, rows.sign * rows.x)


def gone_back(trades: OwnTrades, since: Floats, bought: Resilience, sold: Resilience) -> tuple[Floats, Floats]:
    """How much of the displacement at the reading has gone back `since`, minutes in each draw, and how much still will.

    Purchases and sales of one listing move the same stock, so what one undid of the other has nothing to go back.
    """
    passing, stays = np.zeros_like(since), np.zeros_like(since)
    apart = -np.diff(trades.minutes, append=0.0)
    for moved, minutes in zip(trades.bought, apart, strict=True):
        lasting = bought.lasting if moved > 0 else sold.lasting
        stays = stays + lasting * moved
        passing = _later(passing + (1 - lasting) * moved, minutes, bought, sold)
    left = _later(passing, since, bought, sold)
    return passing - left, left


def anything(draws: int, chance: np.random.Generator) -> Resilience:
    """Of a listing of which it was not measured: half-lives evenly spread over their logs."""
    return Resilience.halving(chance.permutation(np.geomspace(_FASTEST, _SLOWEST, draws)))


def by_whole_ticks(minutes: float, period: float, draws: int, chance: np.random.Generator) -> Floats:
    """The time that ticks make of these minutes, the phase being anything: one tick more or less."""
    begun = chance.permutation((np.arange(draws) + 0.5) / draws)
    return np.asarray(period * np.floor(minutes / period + begun))


def _later(passing: Floats, minutes: Floats | float, bought: Resilience, sold: Resilience) -> Floats:
    up, down = np.maximum(0.0, passing), np.maximum(0.0, -passing)
    return bought.gone_back(up, minutes) - sold.gone_back(down, minutes)

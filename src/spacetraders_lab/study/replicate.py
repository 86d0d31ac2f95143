"""One replication of a study: a world made from a seed, a design played in it, rows out. Pure: same seed, same rows."""

from dataclasses import dataclass
from random import Random

from spacetraders_lab.core.experiment import Design, MarketPair
from spacetraders_lab.core.selection import MarketSelector, queue_order
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.goods import FUEL
from spacetraders_lab.sandbox.universe import Universe
from spacetraders_lab.study.fleet import Fleet, Played
from spacetraders_lab.study.virtual import START
from spacetraders_lab.study.worlds import World


@dataclass(frozen=True, slots=True)
class Study:
    """A design in a world, with at most so many transactions; pairs in queue order, or shuffled by the seed."""

    world: World
    design: Design
    transactions: int | None = None
    shuffled: bool = False


def replicate(study: Study, seed: int) -> Played:
    """Play the study's design once in its world as the seed makes it."""
    system = Universe.create(study.world.settings_of(seed), START).home
    pairs = all_pairs(system)
    if study.shuffled:
        Random(seed).shuffle(pairs)
    return Fleet(study.world, system).play(pairs, study.design, transactions=study.transactions)


def all_pairs(system: System) -> list[MarketPair]:
    """Every ordered pair of markets for every good of the system but FUEL, as a run queues them."""
    goods = sorted({good for market in system.markets.values() for good in market.listings} - {FUEL})
    places = {good: [symbol for symbol, market in system.markets.items() if good in market.listings] for good in goods}
    selector = MarketSelector()
    return queue_order(pair for good in goods for pair in selector.generate_market_pairs(places[good], good))

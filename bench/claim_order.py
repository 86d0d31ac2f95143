"""Compares claim orders and queue orders on the lab system in virtual time: makespan, flights, requests.

    python -m bench.claim_order [PAIRS]

Every figure is of one whole run with the real worker, client and store; the same pairs are flown in every row.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.guarantees.simulation import fresh_databases

from spacetraders_lab.core.experiment import ClaimOrder, Design, MarketPair
from spacetraders_lab.core.selection import MarketSelector, balanced_order
from spacetraders_lab.study.rig import Rig

DESIGN = Design(iterations=1)
SHIPS = (1, 3, 6)

Order = Callable[[Sequence[Sequence[MarketPair]]], list[MarketPair]]


def good_by_good(walks: Sequence[Sequence[MarketPair]]) -> list[MarketPair]:
    """Each good's closed walk as a whole, one good after the other."""
    return [pair for walk in walks for pair in balanced_order([walk])]


QUEUES: dict[str, Order] = {"goods in turn": balanced_order, "good by good": good_by_good}


def main() -> None:
    """Print the table."""
    logging.disable(logging.CRITICAL)
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    print(f"{pairs} pairs, {len(DESIGN.cells)} cells each, lab system")
    print("| ships | queue | claim | makespan h | flights | requests | net loss |")
    print("|---|---|---|---|---|---|---|")
    with fresh_databases() as make:
        for ships in SHIPS:
            for queue, order in QUEUES.items():
                for claim in ClaimOrder:
                    database = make()
                    print(_row(Rig(database, ships=ships, seed=3), ships, queue, order, claim, pairs))
                    database.close()


def _row(rig: Rig, ships: int, queue: str, order: Order, claim: ClaimOrder, pairs: int) -> str:
    selector = MarketSelector()
    walks = [selector.generate_market_pairs(rig.markets_of(good), good) for good in rig.goods()]
    # the same set of pairs for every order: the first of the balanced one
    chosen = set(balanced_order(walks)[:pairs])
    kept = [[pair for pair in walk if pair in chosen] for walk in walks]
    run = rig.queue(order(kept), replace(DESIGN, claim_order=claim), budget=10**9)
    begun, before = rig.clock.now(), rig.requests().total()
    purse = rig.agent.credits
    rig.fly(run)
    assert rig.counts(run) == {"COMPLETED": pairs}
    hours = (rig.clock.now() - begun).total_seconds() / 3600
    flights = len(rig.ledger("NAVIGATE"))
    requests = rig.requests().total() - before
    return f"| {ships} | {queue} | {claim} | {hours:.2f} | {flights} | {requests} | {purse - rig.agent.credits:,} |"


if __name__ == "__main__":
    main()

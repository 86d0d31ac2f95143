"""What a transaction costs, in counts that no machine's load can change: requests, SQL statements, commits.

A figure that rises was bought on purpose or by mistake: in the first case raise it here, and say why.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from spacetraders_lab.core.experiment import Design
from spacetraders_lab.study.rig import Rig

MakeRig = Callable[..., Rig]

REQUESTS, STATEMENTS, COMMITS = 9, 99, 9


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Counts what is executed on every database until the block ends."""
    counts: Counter[str] = Counter()

    def execute(*_: Any) -> None:
        counts["statements"] += 1

    def commit(_: Any) -> None:
        counts["commits"] += 1

    event.listen(Engine, "before_cursor_execute", execute)
    event.listen(Engine, "commit", commit)
    try:
        yield counts
    finally:
        event.remove(Engine, "before_cursor_execute", execute)
        event.remove(Engine, "commit", commit)


def costs(rig: Rig, pairs: int) -> dict[str, float]:
    """What each transaction of a run with so many pairs took."""
    run = rig.queue(rig.pairs(pairs), Design(), run_id=f"run-{pairs}")
    before = rig.requests().total()
    with counting() as counts:
        rig.fly(run)
    transactions = len(rig.records(run))
    assert transactions >= 24 * pairs
    counts["requests"] = rig.requests().total() - before
    return {what: count / transactions for what, count in counts.items()}


def test_a_transaction_costs_no_more_than_it_did(make_rig: MakeRig) -> None:
    few, many = costs(make_rig(ships=1), 4), costs(make_rig(ships=1, seed=2), 12)

    assert many["requests"] <= REQUESTS
    assert many["statements"] <= STATEMENTS
    assert many["commits"] <= COMMITS
    assert few["statements"] * 1.01 >= many["statements"], "the longer a run is, the more a transaction costs"

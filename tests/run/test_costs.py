"""What a transaction costs, in counts that no machine's load can change: requests, SQL statements, commits.

A figure that rises was bought on purpose or by mistake: in the first case raise it here, and say why.
"""

import re
from collections.abc import Callable

from spacetraders_lab.core.experiment import Design
from spacetraders_lab.core.schedule import POLL_SECONDS
from spacetraders_lab.study.rig import Rig
from tests.counting import counting
from tests.plans import plans

MakeRig = Callable[..., Rig]

REQUESTS, STATEMENTS, COMMITS = 2.95, 14.0, 3.15  # every BEGIN is a statement


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


def test_no_statement_of_a_ship_at_work_walks_a_table_that_grows(make_rig: MakeRig) -> None:
    """A walk hides in a short run: it cost a third of the time only after 50,000 transactions."""
    rig = make_rig(ships=2)
    run = rig.queue(rig.pairs(3), Design())
    with plans() as found:
        rig.fly(run)
    assert len(found) > 30
    # of the intents' index of open ones: it holds one for each ship at most
    walk = re.compile(r"SCAN (?:market|experiment|placebo)_\w+(?! USING INDEX uq_intents_open)\b")
    assert {statement: plan for statement, plan in found.items() if walk.search(plan)} == {}


def test_a_ship_that_waits_commits_once_a_look(make_rig: MakeRig) -> None:
    """One pair, and a second ship with nothing to do: it looks at the queue until the pair has ended."""
    rig = make_rig(ships=2)

    def commits(*ships: str) -> tuple[int, float]:
        run, began = rig.queue(rig.pairs(1), Design(), run_id=f"{len(ships)} at work"), rig.clock.elapsed
        with counting() as counts:
            rig.fly(run, *ships)
        return counts["commits"], rig.clock.elapsed - began

    (alone, _), (with_another, seconds) = commits(rig.fleet[0]), commits(*rig.fleet)
    looks = seconds / POLL_SECONDS
    assert looks > 10
    assert looks / 2 < with_another - alone < 1.3 * looks

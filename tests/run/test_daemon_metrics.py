"""What Prometheus reads from a daemon: the same figures as the game's own and the database's."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.metrics import LOOPBACK, LabCollector, served_on
from spacetraders_lab.sandbox.faults import Fault, FaultRule
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.study.rig import Rig
from tests.run.yard import Yard


@pytest.fixture
def yard(make_rig: Callable[..., Rig], tmp_path: Path) -> Yard:
    return Yard(make_rig(), tmp_path)


def _figures(yard: Yard, labs: list[Lab]) -> dict[str, float]:
    """Every figure by its name and labels, as it is written to Prometheus."""
    registry = CollectorRegistry()
    registry.register(LabCollector(yard.rig.database, yard.clock, lambda: labs))
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_the_figures_are_those_of_the_game_and_of_the_database(yard: Yard) -> None:
    run, stop = yard.run(6), asyncio.Event()
    yard.rig.app.state.faults.set([FaultRule(Fault.LOST_REPLY, path="/my/ships/{ship}/purchase", count=1)])
    found: dict[str, float] = {}
    labs: list[Lab] = []

    async def story() -> None:
        daemon = yard.daemon()
        serving = yard.serve(daemon, stop)
        await yard.until(lambda: yard.rig.counts(run).get("COMPLETED", 0) >= 2)
        labs.extend(daemon.accounts.labs)
        found.update(_figures(yard, labs))
        stop.set()
        await serving

    yard.play(story)
    (lab,) = labs
    player = f'player="{lab.player_id}"'
    answered = Counter[str]()
    for name, value in found.items():
        if endpoint := re.match(r'spacetraders_requests_total\{endpoint="([^"]+)",outcome="\d+",', name):
            answered[endpoint[1]] += int(value)
    assert answered["POST /my/ships/{ship}/purchase"] > 0
    lost = f'{{endpoint="POST /my/ships/{{ship}}/purchase",outcome="NO_ANSWER",{player}}}'
    assert found[f"spacetraders_requests_total{lost}"] == 1
    assert found[f"spacetraders_reconciliations_total{{{player}}}"] == 1
    assert found[f"spacetraders_lease_renewals_total{{{player}}}"] > 20
    assert found[f"spacetraders_limiter_granted_total{{{player}}}"] == sum(answered.values()) + 1
    assert found[f"spacetraders_limiter_wait_seconds_total{{{player}}}"] > 0
    assert found[f"spacetraders_credits{{{player}}}"] > 0
    assert found['spacetraders_containers{state="RUNNING"}'] == 2
    assert found["spacetraders_database_up"] == 1


def test_runs_are_told_with_their_pairs_transactions_and_budget(yard: Yard) -> None:
    run = yard.rig.queue(yard.rig.pairs(3), budget=1234)
    yard.write(lambda c: Budget(c, run.run_id).add_fuel(100))
    found = _figures(yard, [])
    of_the_run = f'run="{run.run_id}"'
    assert found[f'spacetraders_pairs{{{of_the_run},status="PENDING"}}'] == 3
    assert found[f"spacetraders_transactions_total{{{of_the_run}}}"] == 0
    assert found[f"spacetraders_budget_credits{{{of_the_run}}}"] == 1234
    assert found[f"spacetraders_budget_used_credits{{{of_the_run}}}"] == 100


def test_they_are_served_on_the_loopback_address_alone(yard: Yard) -> None:
    collector = LabCollector(yard.rig.database, yard.clock, list)
    with served_on(0, collector) as port:
        answer = httpx2.get(f"http://{LOOPBACK}:{port}/metrics", trust_env=False)
        assert answer.status_code == 200
        assert "spacetraders_database_up 1.0" in answer.text
        with pytest.raises(UserError, match=f"port {port} cannot be opened"), served_on(port, collector):
            pass

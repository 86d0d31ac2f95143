"""What a daemon counts, as Prometheus reads it: from its accounts, and from the runs in its database. Changes nothing.

Served on the loopback address only: who may see it from elsewhere is for a proxy to say.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.port import checked_port
from spacetraders_lab.run.app import Lab
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.status import RunSummary, money_of_open_runs, summarise_run

LOOPBACK = "127.0.0.1"
_PREFIX = "spacetraders_"

Figure = Callable[[Lab], float | None]


class LabCollector(Collector):
    """Everything that is told, gathered anew at each question. It is asked in a thread of its own."""

    def __init__(self, database: Database, clock: Clock, labs: Callable[[], Sequence[Lab]]) -> None:
        self._database, self._clock, self._labs = database, clock, labs

    def collect(self) -> Iterator[Metric]:
        labs = {str(lab.player_id): lab for lab in self._labs()}
        yield from _of_players(labs)
        told: list[Metric] = []
        with suppress(DatabaseUnavailable), self._database.reading() as connection:
            told = list(_of_the_database(connection, self._clock.now()))
        yield GaugeMetricFamily(f"{_PREFIX}database_up", "Whether the database answers.", value=bool(told))
        yield from told


# kind, name, what it is, and the figure (None while it is not known)
_PER_PLAYER: tuple[tuple[type[CounterMetricFamily] | type[GaugeMetricFamily], str, str, Figure], ...] = (
    (
        CounterMetricFamily,
        "limiter_granted",
        "Requests let through by the limiter.",
        lambda lab: lab.game.client.limiter.granted,
    ),
    (
        CounterMetricFamily,
        "limiter_wait_seconds",
        "Seconds that requests have waited for their turn.",
        lambda lab: lab.game.client.limiter.waited_seconds,
    ),
    (GaugeMetricFamily, "credits", "Credits in the purse, as last told.", lambda lab: lab.purse.credits),
    (CounterMetricFamily, "lease_renewals", "Renewed leases of pairs.", lambda lab: lab.tally["lease_renewals"]),
    (
        CounterMetricFamily,
        "reconciliations",
        "Trades of unknown outcome that were cleared up.",
        lambda lab: lab.tally["reconciliations"],
    ),
)


def _of_players(labs: dict[str, Lab]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        f"{_PREFIX}requests", "Requests sent, by what came of them.", labels=["player", "endpoint", "outcome"]
    )
    for player, lab in labs.items():
        for (endpoint, outcome), count in dict(lab.game.client.outcomes).items():
            requests.add_metric([player, endpoint, outcome], count)
    yield requests
    for kind, name, what, figure in _PER_PLAYER:
        family = kind(_PREFIX + name, what, labels=["player"])
        for player, lab in labs.items():
            value = figure(lab)
            if value is not None:
                family.add_metric([player], value)
        yield family


def _of_the_database(connection: Connection, now: datetime) -> Iterator[Metric]:
    found = money_of_open_runs(connection)
    yield from _of_runs([summarise_run(connection, run_id) for run_id in found])
    used = GaugeMetricFamily(f"{_PREFIX}budget_used_credits", "Credits of the budget that are away.", labels=["run"])
    budget = GaugeMetricFamily(f"{_PREFIX}budget_credits", "The most credits that the run may lose.", labels=["run"])
    for run_id, (away, allowed) in found.items():
        used.add_metric([run_id], away)
        budget.add_metric([run_id], allowed)
    yield used
    yield budget
    containers = GaugeMetricFamily(f"{_PREFIX}containers", "Containers by state.", labels=["state"])
    for state, count in ContainerRepository(connection).count_by_state().items():
        containers.add_metric([state], count)
    yield containers


def _of_runs(summaries: Sequence[RunSummary]) -> Iterator[Metric]:
    pairs = GaugeMetricFamily(f"{_PREFIX}pairs", "Pairs of the open runs by state.", labels=["run", "status"])
    trades = CounterMetricFamily(f"{_PREFIX}transactions", "Transactions that the open runs recorded.", labels=["run"])
    for summary in summaries:
        for status, count in summary.pairs.items():
            pairs.add_metric([summary.run_id, status.value], count)
        trades.add_metric([summary.run_id], summary.transactions)
    yield pairs
    yield trades


@contextmanager
def served_on(port: int, collector: Collector) -> Iterator[int]:
    """Serve /metrics on the loopback address for the length of the block; port 0 takes any free one.

    Raises UserError when the port is taken, or is none.
    """
    checked_port(port)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    try:
        server, thread = start_http_server(port, addr=LOOPBACK, registry=registry)
    except OSError as error:
        raise UserError(f"port {port} cannot be opened for metrics: {error.strerror}") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

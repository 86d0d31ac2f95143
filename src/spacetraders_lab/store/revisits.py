"""What a recovery run has traded and what was read since. Reads only; what is due `core.revisits` says."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, func, select

from spacetraders_lab.core.experiment import QueueStatus
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.revisits import Shock, Watch, watched
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import experiment_work_queue as queue
from spacetraders_lab.store.schema import market_experiments as trades
from spacetraders_lab.store.schema import market_observations as observations
from spacetraders_lab.store.types import UtcDateTime


def watch_of(connection: Connection, run_id: str, now: datetime, *, speed: float) -> Watch:
    """What of a run's watching is done, missed and to come; the game plays `speed` times faster than the clock."""
    found = shocks(connection, run_id)
    since = min((shock.at for shock in found), default=now)
    return watched(found, readings_since(connection, run_id, since), now, speed=speed)


def shocks(connection: Connection, run_id: str) -> list[Shock]:
    """Every listing that a pair of the run has traded, once the pair has ended, with the last trade there."""
    return [Shock(row.market, row.good_symbol, row.at) for row in connection.execute(_SHOCKS, {"in_run": run_id})]


def readings_since(connection: Connection, run_id: str, since: datetime) -> dict[str, list[datetime]]:
    """When each market of the run's system was read from then on, ascending, whatever it was read for."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for row in connection.execute(_READINGS, {"in_run": run_id, "since": since}):
        found[row.waypoint_symbol].append(row.observed_at)
    return dict(found)


# --- what every ship of a recovery run asks again and again is built once: to build it costs more than to execute it --

_MARKET = case((trades.c.operation == Operation.BUY, trades.c.buy_market), else_=trades.c.sell_market)
_SHOCKS = (
    select(_MARKET.label("market"), trades.c.good_symbol, func.max(trades.c.timestamp).label("at"))
    .join(queue, (queue.c.run_id == trades.c.run_id) & (queue.c.pair_id == trades.c.pair_id))
    .where(trades.c.run_id == bindparam("in_run"), queue.c.status.in_((QueueStatus.COMPLETED, QueueStatus.FAILED)))
    .group_by(_MARKET, trades.c.good_symbol)
    .order_by(_MARKET, trades.c.good_symbol)
)
_READINGS = (
    select(observations.c.waypoint_symbol, observations.c.observed_at)
    .join(
        runs,
        (runs.c.universe_id == observations.c.universe_id) & (runs.c.system_symbol == observations.c.system_symbol),
    )
    .where(runs.c.run_id == bindparam("in_run"), observations.c.observed_at >= bindparam("since", type_=UtcDateTime))
    .distinct()
    .order_by(observations.c.observed_at)
)

"""Every table of the lab, in one place. The migrations create the same (a test holds them together).

Names of the original design's columns stay as they are, so that its SQL runs unchanged. Triggers, which SQLAlchemy
does not model, live in the migrations: `market_experiments` refuses UPDATE, and DELETE but with the whole run.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from spacetraders_lab.core.container import ContainerState, WantedState
from spacetraders_lab.core.experiment import IntentState, QueueStatus, RunStatus, SkipReason
from spacetraders_lab.core.halt import Halt
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from spacetraders_lab.store.types import UtcDateTime, Word

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows for which the condition holds, as the migrations make it on both databases.

    SQLAlchemy would import all that it knows of PostgreSQL for an option of that dialect, with every command.
    """
    return Index(name, *columns, unique=unique, info={"where": where})


universes = Table(
    "universes",
    metadata,
    Column("universe_id", Integer, primary_key=True),
    Column("reset_date", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    UniqueConstraint("reset_date", "base_url"),
)

players = Table(
    "players",
    metadata,
    Column("player_id", Integer, primary_key=True),
    Column("agent_symbol", Text, nullable=False),
    Column("universe_id", ForeignKey("universes.universe_id"), nullable=False),
    UniqueConstraint("agent_symbol", "universe_id"),
)

waypoints = Table(
    "waypoints",
    metadata,
    Column("universe_id", ForeignKey("universes.universe_id"), primary_key=True),
    Column("waypoint_symbol", Text, primary_key=True),
    Column("system_symbol", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("x", Integer, nullable=False),
    Column("y", Integer, nullable=False),
    Column("traits", JSON, nullable=False),
    Column("orbits", Text),
    Column("is_under_construction", Boolean, nullable=False),
    # What the market trades, known without a visit; NULL until the market has been read.
    Column("imports", JSON(none_as_null=True)),
    Column("exports", JSON(none_as_null=True)),
    Column("exchange", JSON(none_as_null=True)),
    Index(None, "universe_id", "system_symbol"),
)

experiment_runs = Table(
    "experiment_runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("player_id", ForeignKey("players.player_id"), nullable=False),
    Column("universe_id", ForeignKey("universes.universe_id"), nullable=False),
    Column("system_symbol", Text, nullable=False),
    Column("design", JSON, nullable=False),
    Column("ships", JSON, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("plan_hash", Text, nullable=False),
    Column("budget", BigInteger, nullable=False),
    Column("credit_floor", BigInteger, nullable=False, server_default=text("0")),
    # of the budget, what no goods are bought with: the fuel that the run's ships may need
    Column("kept_for_fuel", BigInteger, nullable=False, server_default=text("0")),
    Column("fuel_credits", BigInteger, nullable=False, server_default=text("0")),
    # purchases (from their intent on) less sales, fuel included: a running sum, so that a trade costs the same
    # after a million others
    Column("outlay", BigInteger, nullable=False, server_default=text("0")),
    # beyond these no pair is begun; NULL: no such limit. `requests` grows when a ship looks for its next pair
    Column("max_hours", Double),
    Column("max_requests", BigInteger),
    Column("requests", BigInteger, nullable=False, server_default=text("0")),
    Column("status", Word(RunStatus), nullable=False),
    Column("status_reason", Text),
    Column("halted_by", Word(Halt)),  # NULL unless SUSPENDED
    # why a run that chooses its pairs or readings as it goes on asks for no more; NULL: it may ask
    Column("ended_because", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("resumed_at", UtcDateTime),  # NULL: never
    Column("finished_at", UtcDateTime),
    Column("archived_at", UtcDateTime),
    # true only inside the transaction that deletes the run: what lets its measured rows go
    Column("is_going", Boolean, nullable=False, server_default=text("false")),
)

# all but the plan, which takes longest to decode where it has thousands of pairs; who wants it asks for it
RUN_COLUMNS = tuple(column for column in experiment_runs.c if column.name != "plan")

experiment_work_queue = Table(
    "experiment_work_queue",
    metadata,
    Column("queue_id", Integer, primary_key=True),
    Column("run_id", ForeignKey("experiment_runs.run_id"), nullable=False),
    Column("player_id", ForeignKey("players.player_id"), nullable=False),
    Column("pair_id", Text, nullable=False),
    Column("good_symbol", Text, nullable=False),
    Column("buy_market", Text, nullable=False),
    Column("sell_market", Text, nullable=False),
    Column("status", Word(QueueStatus), nullable=False),
    Column("claimed_by", Text),
    Column("claimed_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("error_message", Text),
    Column("failed_for", Word(SkipReason)),  # NULL unless FAILED
    Column("created_at", UtcDateTime, nullable=False),
    Column("position", Integer, nullable=False),
    Column("owner", Text),
    Column("lease_until", UtcDateTime),
    Column("not_before", UtcDateTime, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("take", Integer, nullable=False, server_default=text("0")),
    Column("menu", JSON(none_as_null=True)),  # NULL: as the run's design says
    UniqueConstraint("run_id", "pair_id"),
    CheckConstraint("status IN ('PENDING', 'CLAIMED', 'COMPLETED', 'FAILED')", name="status"),
    CheckConstraint("status <> 'CLAIMED' OR (claimed_by IS NOT NULL AND lease_until IS NOT NULL)", name="leased"),
    # One index for each probe of a claim. FIFO must not be served by the primary key: PostgreSQL would walk it.
    _partial("ix_work_queue_pending", "run_id", "position", "queue_id", where="status = 'PENDING'"),
    _partial("ix_work_queue_claimed", "run_id", "lease_until", where="status = 'CLAIMED'"),
    _partial(
        "ix_work_queue_ship",
        "run_id",
        "claimed_by",
        where="claimed_by IS NOT NULL AND status IN ('PENDING', 'CLAIMED')",
    ),
    # A ship has one pair in its hands at a time, whoever drives it.
    _partial("uq_work_queue_ship", "claimed_by", "run_id", where="status = 'CLAIMED'", unique=True),
)

listing_locks = Table(
    "listing_locks",
    metadata,
    Column("universe_id", ForeignKey("universes.universe_id"), primary_key=True),
    Column("market_symbol", Text, primary_key=True),
    Column("good_symbol", Text, primary_key=True),
    Column("queue_id", ForeignKey("experiment_work_queue.queue_id"), nullable=False, index=True),
    Column("held_until", UtcDateTime, nullable=False),
)

market_experiments = Table(
    "market_experiments",
    metadata,
    Column("experiment_id", Integer, primary_key=True),
    Column("run_id", ForeignKey("experiment_runs.run_id"), nullable=False),
    Column("player_id", ForeignKey("players.player_id"), nullable=False),
    Column("ship_symbol", Text, nullable=False),
    Column("good_symbol", Text, nullable=False),
    Column("pair_id", Text, nullable=False),
    Column("buy_market", Text, nullable=False),
    Column("sell_market", Text, nullable=False),
    Column("operation", Word(Operation), nullable=False),
    Column("iteration", Integer, nullable=False),
    Column("batch_size_fraction", Double),
    Column("units", Integer, nullable=False),
    Column("price_per_unit", Integer, nullable=False),
    Column("total_credits", BigInteger, nullable=False),
    Column("listing_type", Word(ListingType), nullable=False),
    Column("supply_before", Word(Supply), nullable=False),
    Column("activity_before", Word(Activity)),
    Column("trade_volume_before", Integer, nullable=False),
    Column("price_before", Integer, nullable=False),
    Column("purchase_price_before", Integer, nullable=False),
    Column("sell_price_before", Integer, nullable=False),
    Column("supply_after", Word(Supply)),
    Column("activity_after", Word(Activity)),
    Column("trade_volume_after", Integer),
    Column("price_after", Integer),
    Column("purchase_price_after", Integer),
    Column("sell_price_after", Integer),
    Column("supply_change", Text),
    Column("price_impact_percent", Double),
    Column("visit_id", Text, nullable=False),
    Column("sequence_in_visit", Integer, nullable=False),
    Column("cumulative_units", Integer, nullable=False),
    Column("seconds_since_before", Double, nullable=False),
    Column("foreign_units", Integer, nullable=False),
    Column("cargo_units", Integer, nullable=False),
    Column("cargo_capacity", Integer, nullable=False),
    Column("take", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("recovered", Boolean, nullable=False),
    Column("timestamp", UtcDateTime, nullable=False),
    # One measurement a cell and part. A leftover has no fraction, and NULLs are distinct on both databases.
    UniqueConstraint(
        "run_id", "pair_id", "take", "operation", "batch_size_fraction", "iteration", "part", name="uq_experiments_cell"
    ),
    Index("idx_experiments_run", "run_id", "timestamp"),
    Index("idx_experiments_ship", "run_id", "ship_symbol"),
    Index("idx_experiments_good", "run_id", "good_symbol"),
    # What begins no cell: left over, or the later part of a sale. Few rows, and counting them reads nothing else.
    _partial(
        "ix_experiments_no_cell",
        *("run_id", "part", "batch_size_fraction"),
        where="batch_size_fraction IS NULL OR part > 1",
    ),
)

# Planned trades that will not take place; take 0: decided when the pair was planned. With the executed cells of the
# pair's last take they make up its menu.
experiment_skips = Table(
    "experiment_skips",
    metadata,
    Column("skip_id", Integer, primary_key=True),
    Column("run_id", ForeignKey("experiment_runs.run_id"), nullable=False, index=True),
    Column("queue_id", ForeignKey("experiment_work_queue.queue_id"), nullable=False),
    Column("take", Integer, nullable=False),
    Column("operation", Word(Operation), nullable=False),
    Column("batch_size_fraction", Double, nullable=False),
    Column("iteration", Integer, nullable=False),
    Column("reason", Word(SkipReason), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint(
        "queue_id", "take", "operation", "batch_size_fraction", "iteration", name="uq_experiment_skips_cell"
    ),
)

# Two readings of a market without a trade between; what they quoted is in market_observations.
placebo_brackets = Table(
    "placebo_brackets",
    metadata,
    Column("bracket_id", Integer, primary_key=True),
    Column("run_id", ForeignKey("experiment_runs.run_id"), nullable=False, index=True),
    Column("queue_id", ForeignKey("experiment_work_queue.queue_id"), nullable=False, index=True),
    Column("take", Integer, nullable=False),
    Column("ship_symbol", Text, nullable=False),
    Column("market_symbol", Text, nullable=False),
    Column("before_at", UtcDateTime, nullable=False),
    Column("after_at", UtcDateTime, nullable=False),
    Column("before_ship_symbol", Text),  # who read it first; NULL: the ship itself
)

# What did not go as the analysis plan says and shows nowhere else; each kind of thing once.
experiment_deviations = Table(
    "experiment_deviations",
    metadata,
    Column("deviation_id", Integer, primary_key=True),
    Column("run_id", ForeignKey("experiment_runs.run_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    UniqueConstraint("run_id", "kind", "what", name="uq_experiment_deviations_run_id"),
)

market_observations = Table(
    "market_observations",
    metadata,
    Column("observation_id", Integer, primary_key=True),
    Column("universe_id", ForeignKey("universes.universe_id"), nullable=False),
    Column("system_symbol", Text, nullable=False),
    Column("waypoint_symbol", Text, nullable=False),
    Column("good_symbol", Text, nullable=False),
    Column("type", Word(ListingType), nullable=False),
    Column("trade_volume", Integer, nullable=False),
    Column("supply", Word(Supply), nullable=False),
    Column("activity", Word(Activity)),
    Column("purchase_price", Integer, nullable=False),
    Column("sell_price", Integer, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("source", Text, nullable=False),
    Column("ship_symbol", Text),  # who was there; NULL: nobody is known to have been
    # Time before good: what one reading writes lies side by side, and not on as many pages as the market has goods.
    # With the id, for SQLite takes the index below for what is asked for by time and id.
    Index(
        "ix_observations_market",
        *("universe_id", "system_symbol", "waypoint_symbol", "observed_at", "observation_id", "good_symbol"),
    ),
    Index("ix_observations_time", "universe_id", "system_symbol", "observed_at"),
)

experiment_intents = Table(
    "experiment_intents",
    metadata,
    Column("intent_id", Integer, primary_key=True),
    Column("run_id", ForeignKey("experiment_runs.run_id"), nullable=False),
    Column("queue_id", ForeignKey("experiment_work_queue.queue_id"), nullable=False),
    Column("ship_symbol", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("take", Integer, nullable=False),
    Column("operation", Word(Operation), nullable=False),
    Column("good_symbol", Text, nullable=False),
    Column("market", Text, nullable=False),
    Column("fraction", Double),
    Column("iteration", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("units", Integer, nullable=False),
    Column("units_before", Integer, nullable=False),
    Column("units_found", Integer),  # in the hold, where that was neither before nor after: a CONFLICT
    Column("price_limit", Integer, nullable=False),
    Column("quote_before", JSON, nullable=False),
    Column("state", Word(IntentState), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    Index("ix_intents_run", "run_id", "state"),
    Index("ix_intents_hold", "run_id", "ship_symbol", "good_symbol", "intent_id"),
    # A ship trades one thing at a time: nothing may be sent while the outcome of the last trade is not known.
    _partial("uq_intents_open", "run_id", "ship_symbol", where="state = 'OPEN'", unique=True),
)

containers = Table(
    "containers",
    metadata,
    Column("container_id", Text, primary_key=True),
    Column("run_id", ForeignKey("experiment_runs.run_id"), nullable=False, index=True),
    Column("player_id", ForeignKey("players.player_id"), nullable=False),
    Column("ship_symbol", Text, nullable=False),
    Column("command", JSON, nullable=False),
    Column("wanted_state", Word(WantedState), nullable=False),
    Column("state", Word(ContainerState), nullable=False),
    Column("owner", Text),
    Column("lease_until", UtcDateTime),
    Column("restarts", Integer, nullable=False, server_default=text("0")),
    Column("not_before", UtcDateTime, nullable=False),
    Column("exit_reason", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("stopped_at", UtcDateTime),
    Index("uq_containers_run_ship", "run_id", "ship_symbol", unique=True),
    # One driver for a ship, whatever runs it is in.
    _partial("uq_containers_driver", "player_id", "ship_symbol", where="state = 'RUNNING'", unique=True),
    # All that a daemon looks at every few seconds, however many containers have ended.
    _partial("ix_containers_open", "created_at", where="state IN ('PENDING', 'RUNNING')"),
)

daemons = Table(
    "daemons",
    metadata,
    Column("daemon_id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("keys", JSON, nullable=False),  # salted fingerprints of the tokens it holds
    Column("wanted_state", Word(WantedState), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
)

container_logs = Table(
    "container_logs",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("container_id", ForeignKey("containers.container_id"), nullable=False),
    Column("level", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("logged_at", UtcDateTime, nullable=False),
    Index("ix_container_logs_container", "container_id", "log_id"),
)

rate_limit = Table(
    "rate_limit",
    metadata,
    Column("account", Text, primary_key=True),
    Column("budget", JSON, nullable=False),
)

"""The first schema: every table, and the triggers that keep recorded trades as they were made."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")

INSERT_ONLY_SQLITE = (
    """
    CREATE TRIGGER market_experiments_no_update BEFORE UPDATE ON market_experiments
    BEGIN SELECT RAISE(ABORT, 'market_experiments is insert-only'); END
    """,
    """
    CREATE TRIGGER market_experiments_no_delete BEFORE DELETE ON market_experiments
    BEGIN SELECT RAISE(ABORT, 'market_experiments is insert-only'); END
    """,
)
INSERT_ONLY_POSTGRESQL = (
    """
    CREATE FUNCTION market_experiments_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'market_experiments is insert-only'; END $$
    """,
    """
    CREATE TRIGGER market_experiments_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON market_experiments
    FOR EACH STATEMENT EXECUTE FUNCTION market_experiments_refuse()
    """,
)


def upgrade() -> None:
    _create_universes()
    _create_players()
    _create_waypoints()
    _create_experiment_runs()
    _create_experiment_work_queue()
    _create_listing_locks()
    _create_market_experiments()
    _create_market_observations()
    _create_experiment_intents()
    _create_containers()
    _create_container_logs()
    _create_rate_limit()
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in INSERT_ONLY_SQLITE if is_sqlite else INSERT_ONLY_POSTGRESQL:
        op.execute(statement)


def _create_universes() -> None:
    op.create_table(
        "universes",
        sa.Column("universe_id", sa.Integer(), nullable=False),
        sa.Column("reset_date", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("universe_id", name="pk_universes"),
        sa.UniqueConstraint("reset_date", "base_url", name="uq_universes_reset_date_base_url"),
    )


def _create_players() -> None:
    op.create_table(
        "players",
        sa.Column("player_id", sa.Integer(), nullable=False),
        sa.Column("agent_symbol", sa.Text(), nullable=False),
        sa.Column("universe_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["universe_id"], ["universes.universe_id"], name="fk_players_universe_id"),
        sa.PrimaryKeyConstraint("player_id", name="pk_players"),
        sa.UniqueConstraint("agent_symbol", "universe_id", name="uq_players_agent_symbol_universe_id"),
    )


def _create_waypoints() -> None:
    op.create_table(
        "waypoints",
        sa.Column("universe_id", sa.Integer(), nullable=False),
        sa.Column("waypoint_symbol", sa.Text(), nullable=False),
        sa.Column("system_symbol", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("x", sa.Integer(), nullable=False),
        sa.Column("y", sa.Integer(), nullable=False),
        sa.Column("traits", sa.JSON(), nullable=False),
        sa.Column("orbits", sa.Text(), nullable=True),
        sa.Column("is_under_construction", sa.Boolean(), nullable=False),
        sa.Column("imports", sa.JSON(), nullable=True),
        sa.Column("exports", sa.JSON(), nullable=True),
        sa.Column("exchange", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["universe_id"], ["universes.universe_id"], name="fk_waypoints_universe_id"),
        sa.PrimaryKeyConstraint("universe_id", "waypoint_symbol", name="pk_waypoints"),
    )
    op.create_index("ix_waypoints_universe_id_system_symbol", "waypoints", ["universe_id", "system_symbol"])


def _create_experiment_runs() -> None:
    op.create_table(
        "experiment_runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Integer(), nullable=False),
        sa.Column("universe_id", sa.Integer(), nullable=False),
        sa.Column("system_symbol", sa.Text(), nullable=False),
        sa.Column("design", sa.JSON(), nullable=False),
        sa.Column("ships", sa.JSON(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("budget", sa.BigInteger(), nullable=False),
        sa.Column("credit_floor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fuel_credits", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("outlay", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["player_id"], ["players.player_id"], name="fk_experiment_runs_player_id"),
        sa.ForeignKeyConstraint(["universe_id"], ["universes.universe_id"], name="fk_experiment_runs_universe_id"),
        sa.PrimaryKeyConstraint("run_id", name="pk_experiment_runs"),
    )


def _create_experiment_work_queue() -> None:
    op.create_table(
        "experiment_work_queue",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Text(), nullable=False),
        sa.Column("good_symbol", sa.Text(), nullable=False),
        sa.Column("buy_market", sa.Text(), nullable=False),
        sa.Column("sell_market", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_at", MOMENT, nullable=True),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("take", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "status <> 'CLAIMED' OR (claimed_by IS NOT NULL AND lease_until IS NOT NULL)",
            name="ck_experiment_work_queue_leased",
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'CLAIMED', 'COMPLETED', 'FAILED')", name="ck_experiment_work_queue_status"
        ),
        sa.ForeignKeyConstraint(["player_id"], ["players.player_id"], name="fk_experiment_work_queue_player_id"),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.run_id"], name="fk_experiment_work_queue_run_id"),
        sa.PrimaryKeyConstraint("queue_id", name="pk_experiment_work_queue"),
        sa.UniqueConstraint("run_id", "pair_id", name="uq_experiment_work_queue_run_id_pair_id"),
    )
    op.create_index(
        "ix_work_queue_claimed",
        "experiment_work_queue",
        ["run_id", "lease_until"],
        sqlite_where=sa.text("status = 'CLAIMED'"),
        postgresql_where=sa.text("status = 'CLAIMED'"),
    )
    op.create_index(
        "ix_work_queue_pending",
        "experiment_work_queue",
        ["run_id", "position", "queue_id"],
        sqlite_where=sa.text("status = 'PENDING'"),
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_index(
        "ix_work_queue_ship",
        "experiment_work_queue",
        ["run_id", "claimed_by"],
        sqlite_where=sa.text("claimed_by IS NOT NULL AND status IN ('PENDING', 'CLAIMED')"),
        postgresql_where=sa.text("claimed_by IS NOT NULL AND status IN ('PENDING', 'CLAIMED')"),
    )


def _create_listing_locks() -> None:
    op.create_table(
        "listing_locks",
        sa.Column("universe_id", sa.Integer(), nullable=False),
        sa.Column("market_symbol", sa.Text(), nullable=False),
        sa.Column("good_symbol", sa.Text(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("held_until", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["experiment_work_queue.queue_id"], name="fk_listing_locks_queue_id"),
        sa.ForeignKeyConstraint(["universe_id"], ["universes.universe_id"], name="fk_listing_locks_universe_id"),
        sa.PrimaryKeyConstraint("universe_id", "market_symbol", "good_symbol", name="pk_listing_locks"),
    )
    op.create_index("ix_listing_locks_queue_id", "listing_locks", ["queue_id"])


def _create_market_experiments() -> None:
    op.create_table(
        "market_experiments",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Integer(), nullable=False),
        sa.Column("ship_symbol", sa.Text(), nullable=False),
        sa.Column("good_symbol", sa.Text(), nullable=False),
        sa.Column("pair_id", sa.Text(), nullable=False),
        sa.Column("buy_market", sa.Text(), nullable=False),
        sa.Column("sell_market", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("batch_size_fraction", sa.Double(), nullable=True),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("price_per_unit", sa.Integer(), nullable=False),
        sa.Column("total_credits", sa.BigInteger(), nullable=False),
        sa.Column("listing_type", sa.Text(), nullable=False),
        sa.Column("supply_before", sa.Text(), nullable=False),
        sa.Column("activity_before", sa.Text(), nullable=True),
        sa.Column("trade_volume_before", sa.Integer(), nullable=False),
        sa.Column("price_before", sa.Integer(), nullable=False),
        sa.Column("purchase_price_before", sa.Integer(), nullable=False),
        sa.Column("sell_price_before", sa.Integer(), nullable=False),
        sa.Column("supply_after", sa.Text(), nullable=True),
        sa.Column("activity_after", sa.Text(), nullable=True),
        sa.Column("trade_volume_after", sa.Integer(), nullable=True),
        sa.Column("price_after", sa.Integer(), nullable=True),
        sa.Column("purchase_price_after", sa.Integer(), nullable=True),
        sa.Column("sell_price_after", sa.Integer(), nullable=True),
        sa.Column("supply_change", sa.Text(), nullable=True),
        sa.Column("price_impact_percent", sa.Double(), nullable=True),
        sa.Column("visit_id", sa.Text(), nullable=False),
        sa.Column("sequence_in_visit", sa.Integer(), nullable=False),
        sa.Column("cumulative_units", sa.Integer(), nullable=False),
        sa.Column("seconds_since_before", sa.Double(), nullable=False),
        sa.Column("foreign_units", sa.Integer(), nullable=False),
        sa.Column("cargo_units", sa.Integer(), nullable=False),
        sa.Column("cargo_capacity", sa.Integer(), nullable=False),
        sa.Column("take", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("recovered", sa.Boolean(), nullable=False),
        sa.Column("timestamp", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["player_id"], ["players.player_id"], name="fk_market_experiments_player_id"),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.run_id"], name="fk_market_experiments_run_id"),
        sa.PrimaryKeyConstraint("experiment_id", name="pk_market_experiments"),
        sa.UniqueConstraint(
            "run_id",
            "pair_id",
            "take",
            "operation",
            "batch_size_fraction",
            "iteration",
            "part",
            name="uq_experiments_cell",
        ),
    )
    op.create_index("idx_experiments_good", "market_experiments", ["run_id", "good_symbol"])
    op.create_index("idx_experiments_run", "market_experiments", ["run_id", "timestamp"])
    op.create_index("idx_experiments_ship", "market_experiments", ["run_id", "ship_symbol"])


def _create_market_observations() -> None:
    op.create_table(
        "market_observations",
        sa.Column("observation_id", sa.Integer(), nullable=False),
        sa.Column("universe_id", sa.Integer(), nullable=False),
        sa.Column("system_symbol", sa.Text(), nullable=False),
        sa.Column("waypoint_symbol", sa.Text(), nullable=False),
        sa.Column("good_symbol", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("trade_volume", sa.Integer(), nullable=False),
        sa.Column("supply", sa.Text(), nullable=False),
        sa.Column("activity", sa.Text(), nullable=True),
        sa.Column("purchase_price", sa.Integer(), nullable=False),
        sa.Column("sell_price", sa.Integer(), nullable=False),
        sa.Column("observed_at", MOMENT, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["universe_id"], ["universes.universe_id"], name="fk_market_observations_universe_id"),
        sa.PrimaryKeyConstraint("observation_id", name="pk_market_observations"),
    )
    op.create_index(
        "ix_observations_listing",
        "market_observations",
        ["universe_id", "system_symbol", "waypoint_symbol", "good_symbol", "observed_at"],
    )
    op.create_index("ix_observations_time", "market_observations", ["universe_id", "system_symbol", "observed_at"])


def _create_experiment_intents() -> None:
    op.create_table(
        "experiment_intents",
        sa.Column("intent_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("ship_symbol", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("take", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("good_symbol", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("fraction", sa.Double(), nullable=True),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("units_before", sa.Integer(), nullable=False),
        sa.Column("units_found", sa.Integer(), nullable=True),
        sa.Column("price_limit", sa.Integer(), nullable=False),
        sa.Column("quote_before", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("resolved_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["experiment_work_queue.queue_id"], name="fk_experiment_intents_queue_id"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.run_id"], name="fk_experiment_intents_run_id"),
        sa.PrimaryKeyConstraint("intent_id", name="pk_experiment_intents"),
    )
    op.create_index("ix_intents_hold", "experiment_intents", ["run_id", "ship_symbol", "good_symbol", "intent_id"])
    op.create_index("ix_intents_run", "experiment_intents", ["run_id", "state"])
    op.create_index(
        "uq_intents_open",
        "experiment_intents",
        ["run_id", "ship_symbol"],
        unique=True,
        sqlite_where=sa.text("state = 'OPEN'"),
        postgresql_where=sa.text("state = 'OPEN'"),
    )


def _create_containers() -> None:
    op.create_table(
        "containers",
        sa.Column("container_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Integer(), nullable=False),
        sa.Column("ship_symbol", sa.Text(), nullable=False),
        sa.Column("command", sa.JSON(), nullable=False),
        sa.Column("wanted_state", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("restarts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("exit_reason", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("stopped_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["player_id"], ["players.player_id"], name="fk_containers_player_id"),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.run_id"], name="fk_containers_run_id"),
        sa.PrimaryKeyConstraint("container_id", name="pk_containers"),
    )
    op.create_index("ix_containers_run_id", "containers", ["run_id"])


def _create_container_logs() -> None:
    op.create_table(
        "container_logs",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("container_id", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("logged_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["container_id"], ["containers.container_id"], name="fk_container_logs_container_id"),
        sa.PrimaryKeyConstraint("log_id", name="pk_container_logs"),
    )
    op.create_index("ix_container_logs_container", "container_logs", ["container_id", "log_id"])


def _create_rate_limit() -> None:
    op.create_table(
        "rate_limit",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("window_started_at", MOMENT, nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "pool", name="pk_rate_limit"),
    )

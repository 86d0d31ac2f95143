"""Menus of visits, placebo brackets, planned trades that were skipped, and deviations from the plan."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.add_column("experiment_work_queue", sa.Column("menu", sa.JSON(), nullable=True))
    _create_experiment_skips()
    _create_placebo_brackets()
    _create_experiment_deviations()


def _create_experiment_skips() -> None:
    op.create_table(
        "experiment_skips",
        sa.Column("skip_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("take", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("batch_size_fraction", sa.Double(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["experiment_work_queue.queue_id"], name="fk_experiment_skips_queue_id"),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.run_id"], name="fk_experiment_skips_run_id"),
        sa.PrimaryKeyConstraint("skip_id", name="pk_experiment_skips"),
        sa.UniqueConstraint(
            "queue_id", "take", "operation", "batch_size_fraction", "iteration", name="uq_experiment_skips_cell"
        ),
    )
    op.create_index("ix_experiment_skips_run_id", "experiment_skips", ["run_id"])


def _create_placebo_brackets() -> None:
    op.create_table(
        "placebo_brackets",
        sa.Column("bracket_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("take", sa.Integer(), nullable=False),
        sa.Column("ship_symbol", sa.Text(), nullable=False),
        sa.Column("market_symbol", sa.Text(), nullable=False),
        sa.Column("before_at", MOMENT, nullable=False),
        sa.Column("after_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["experiment_work_queue.queue_id"], name="fk_placebo_brackets_queue_id"),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.run_id"], name="fk_placebo_brackets_run_id"),
        sa.PrimaryKeyConstraint("bracket_id", name="pk_placebo_brackets"),
    )
    op.create_index("ix_placebo_brackets_run_id", "placebo_brackets", ["run_id"])
    op.create_index("ix_placebo_brackets_queue_id", "placebo_brackets", ["queue_id"])


def _create_experiment_deviations() -> None:
    op.create_table(
        "experiment_deviations",
        sa.Column("deviation_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.run_id"], name="fk_experiment_deviations_run_id"),
        sa.PrimaryKeyConstraint("deviation_id", name="pk_experiment_deviations"),
        sa.UniqueConstraint("run_id", "kind", "what", name="uq_experiment_deviations_run_id"),
    )

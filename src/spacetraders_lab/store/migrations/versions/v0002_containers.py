"""Containers that daemons share: one for a run and ship, one driver for a ship, and the daemons that are at work."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")

# A ship that holds several pairs (owners that died one after the other) keeps the last; the others are free again.
RELEASE_ALL_BUT_THE_LAST = """
    UPDATE experiment_work_queue SET status = 'PENDING', owner = NULL, lease_until = NULL
    WHERE status = 'CLAIMED' AND EXISTS (
        SELECT 1 FROM experiment_work_queue AS later
        WHERE later.run_id = experiment_work_queue.run_id AND later.claimed_by = experiment_work_queue.claimed_by
          AND later.status = 'CLAIMED'
          AND (later.lease_until > experiment_work_queue.lease_until
               OR (later.lease_until = experiment_work_queue.lease_until
                   AND later.queue_id > experiment_work_queue.queue_id)))
"""


def upgrade() -> None:
    op.execute(RELEASE_ALL_BUT_THE_LAST)
    _unique_where("uq_work_queue_ship", "experiment_work_queue", ["claimed_by", "run_id"], "status = 'CLAIMED'")
    op.create_index("uq_containers_run_ship", "containers", ["run_id", "ship_symbol"], unique=True)
    _unique_where("uq_containers_driver", "containers", ["player_id", "ship_symbol"], "state = 'RUNNING'")
    is_open = sa.text("state IN ('PENDING', 'RUNNING')")
    op.create_index("ix_containers_open", "containers", ["created_at"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "daemons",
        sa.Column("daemon_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("wanted_state", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("daemon_id", name="pk_daemons"),
    )


def _unique_where(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)

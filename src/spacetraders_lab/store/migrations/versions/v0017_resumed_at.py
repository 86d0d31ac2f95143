"""When a run was last resumed: what a process met before, and says only now because it was frozen, stops nobody."""

import sqlalchemy as sa
from alembic import op

from spacetraders_lab.store.types import UtcDateTime

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("experiment_runs", sa.Column("resumed_at", UtcDateTime(), nullable=True))

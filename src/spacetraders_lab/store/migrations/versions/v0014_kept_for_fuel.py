"""What a run keeps of its budget for its ships' fuel, wherever they fly."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column(
        "experiment_runs", sa.Column("kept_for_fuel", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )

"""How long a run may go on and how many requests it may make; which ship was at the market that was read."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("experiment_runs", sa.Column("max_hours", sa.Double(), nullable=True))
    op.add_column("experiment_runs", sa.Column("max_requests", sa.BigInteger(), nullable=True))
    op.add_column(
        "experiment_runs", sa.Column("requests", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    op.add_column("market_observations", sa.Column("ship_symbol", sa.Text(), nullable=True))

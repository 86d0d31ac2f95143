"""One row for all that is promised of an account's rate limit, in place of counters that nothing ever used."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_table("rate_limit")  # no program has ever written to it
    op.create_table(
        "rate_limit",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("budget", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_rate_limit"),
    )

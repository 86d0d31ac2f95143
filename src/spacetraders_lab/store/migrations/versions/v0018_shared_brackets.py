"""Who made the first reading of a placebo bracket: another ship may have been at the market shortly before."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("placebo_brackets", sa.Column("before_ship_symbol", sa.Text(), nullable=True))

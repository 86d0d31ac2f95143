"""The few rows that begin no cell have an index: the cells of a long run are its rows less those."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    begins_none = sa.text("batch_size_fraction IS NULL OR part > 1")
    op.create_index(
        "ix_experiments_no_cell",
        "market_experiments",
        ["run_id", "part", "batch_size_fraction"],
        sqlite_where=begins_none,
        postgresql_where=begins_none,
    )

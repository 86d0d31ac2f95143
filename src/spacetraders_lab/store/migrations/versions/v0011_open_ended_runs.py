"""Why a run that chooses its pairs or readings as it goes on asks for no more."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("experiment_runs", sa.Column("ended_because", sa.Text(), nullable=True))

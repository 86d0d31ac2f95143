"""Observations are found by market and time: what one reading of a market writes lies side by side in the index."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_index(
        "ix_observations_market",
        "market_observations",
        ["universe_id", "system_symbol", "waypoint_symbol", "observed_at", "observation_id", "good_symbol"],
    )
    op.drop_index("ix_observations_listing", "market_observations")

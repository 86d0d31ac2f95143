"""Why a run is suspended and why a pair failed, in one word each: what is decided by them was read out of the texts.

Rows of older releases get their words from the texts as those wrote them, and pairs from the trades that they left out.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

HALTS = (
    "maintenance",
    "token_refused",
    "out_of_credits",
    "credit_floor",
    "budget_reached",
    "no_ship_left",
    "paused",
)
FAILED = """
    UPDATE experiment_work_queue SET failed_for = coalesce(
        (
            SELECT reason FROM experiment_skips
            WHERE experiment_skips.queue_id = experiment_work_queue.queue_id AND reason IN {words}
            ORDER BY skip_id DESC LIMIT 1
        ),
        '{otherwise}'
    )
    WHERE status = 'FAILED' AND {where}
"""
DONE_WITHOUT = "(attempts = 0 OR error_message LIKE 'not measured: %')"


def upgrade() -> None:
    op.add_column("experiment_runs", sa.Column("halted_by", sa.Text(), nullable=True))
    op.add_column("experiment_work_queue", sa.Column("failed_for", sa.Text(), nullable=True))
    for word in HALTS:
        op.execute(
            f"UPDATE experiment_runs SET halted_by = '{word}'"
            f" WHERE status = 'SUSPENDED' AND status_reason LIKE '{word}:%'"
        )
    op.execute(FAILED.format(words="('limit', 'credits')", otherwise="limit", where=DONE_WITHOUT))
    words = "('api_error', 'gave_up', 'tv_limit', 'pair_failed')"
    op.execute(FAILED.format(words=words, otherwise="pair_failed", where=f"NOT {DONE_WITHOUT}"))

"""Runs can be put away, and deleted as a whole: the only way in which measured rows may ever go."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")

SQLITE = (
    "DROP TRIGGER market_experiments_no_delete",
    """
    CREATE TRIGGER market_experiments_no_delete BEFORE DELETE ON market_experiments
    WHEN NOT coalesce((SELECT is_going FROM experiment_runs WHERE run_id = OLD.run_id), false)
    BEGIN SELECT RAISE(ABORT, 'market_experiments is insert-only'); END
    """,
)
POSTGRESQL = (
    "DROP TRIGGER market_experiments_insert_only ON market_experiments",
    """
    CREATE TRIGGER market_experiments_insert_only BEFORE UPDATE OR TRUNCATE ON market_experiments
    FOR EACH STATEMENT EXECUTE FUNCTION market_experiments_refuse()
    """,
    """
    CREATE FUNCTION market_experiments_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF NOT coalesce((SELECT is_going FROM experiment_runs WHERE run_id = OLD.run_id), false) THEN
            RAISE EXCEPTION 'market_experiments is insert-only';
        END IF;
        RETURN OLD;
    END $$
    """,
    """
    CREATE TRIGGER market_experiments_no_delete BEFORE DELETE ON market_experiments
    FOR EACH ROW EXECUTE FUNCTION market_experiments_refuse_delete()
    """,
)


def upgrade() -> None:
    op.add_column("experiment_runs", sa.Column("archived_at", MOMENT, nullable=True))
    # true only inside the transaction that deletes the run
    op.add_column(
        "experiment_runs", sa.Column("is_going", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)

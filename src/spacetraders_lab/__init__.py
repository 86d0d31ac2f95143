"""SpaceTraders Liquidity Lab: measure price impact, market depth and recovery with your own ships.

For notebooks: `load_run` and `load_runs` give what was recorded as a polars DataFrame.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polars import DataFrame

__version__ = "0.1.0"


def load_run(run_id: str, database_url: str | None = None) -> "DataFrame":
    """Every transaction of a run; columns as in docs/data-dictionary.md, with the universe's `reset_date` in front.

    The database is the one of SPACETRADERS_DATABASE_URL, or the user's own file, unless it is named.
    """
    return load_runs([run_id], database_url)


def load_runs(run_ids: Sequence[str], database_url: str | None = None) -> "DataFrame":
    """The transactions of several runs together; raises UserError for runs that must not be pooled, and says why.

    A listing is (`reset_date`, market, good): symbols of one universe mean nothing in another.
    """
    import os  # heavy rooms are opened when they are asked for: the command's --help imports this module

    from spacetraders_lab.store.database import open_database
    from spacetraders_lab.store.export import load_runs as load

    database = open_database(database_url or os.environ.get("SPACETRADERS_DATABASE_URL") or None)
    try:
        return load(database, run_ids)
    finally:
        database.close()

"""Results of replications in a small file, one for each (study, seed).

So an interrupted study goes on where it stopped.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from spacetraders_lab.core.errors import UserError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
    study TEXT NOT NULL, seed INTEGER NOT NULL, result BLOB NOT NULL, PRIMARY KEY (study, seed)
)
"""


class Results:
    """Results by study and seed; what is there stays as it is."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, study: str, seed: int, result: bytes) -> None:
        """Keep a result for good; one that is there already wins."""
        with self._connection:
            self._connection.execute("INSERT OR IGNORE INTO results VALUES (?, ?, ?)", (study, seed, result))

    def missing(self, study: str, seeds: Collection[int]) -> list[int]:
        """The seeds that have no result yet, in their order."""
        rows = self._connection.execute("SELECT seed FROM results WHERE study = ?", (study,))
        known = {seed for (seed,) in rows}
        return [seed for seed in seeds if seed not in known]

    def of(self, study: str, seeds: Collection[int]) -> list[bytes]:
        """The results of these seeds, by seed; those that are missing are left out."""
        rows = self._connection.execute("SELECT seed, result FROM results WHERE study = ? ORDER BY seed", (study,))
        wanted = set(seeds)
        return [result for seed, result in rows if seed in wanted]


@contextmanager
def open_results(path: Path | None) -> Iterator[Results]:
    """The file of results, made if need be; without a path they are kept in memory only.

    Raises UserError for a file that is something else or cannot be written.
    """
    try:
        with closing(sqlite3.connect(path or ":memory:", timeout=60)) as connection:
            connection.execute(_SCHEMA)
            yield Results(connection)
    except sqlite3.DatabaseError as error:
        raise UserError(f"{path} cannot keep the results ({error}); name another file with --results") from None

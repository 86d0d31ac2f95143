"""How much of the game's limit is used when there is always something to ask, alone and by four processes together."""

from bench.figures import Figure
from bench.rate_budget import ALLOWED
from bench.rate_budget import measure as share

SECONDS = 300.0
TARGETS = dict.fromkeys(("alone", "shared, SQLite", "shared, PostgreSQL"), "≥ 2.40/s, no 429")


def measure(full: bool = False) -> list[Figure]:
    """Each way of sharing, all at once, for five minutes of real time."""
    return [
        Figure(
            f"the limit, {row.way}: {row.processes} process{'es' if row.processes > 1 else ''}, 16 tasks",
            f"{row.answered / row.seconds:.2f} requests/s",
            f"{ALLOWED}/s that the game allows",
            f"{row.answered / row.seconds / ALLOWED:.1%}, {row.refused} × 429",
            TARGETS.get(row.way, ""),
        )
        for row in share(SECONDS)
    ]

"""Runs the benchmarks and keeps their figures in docs/performance.md.

    python -m bench [--full] [TOPIC ...]

Each topic is measured in a process of its own, one after the other; without topics all of them. With --full the run
at scale goes on to 500,000 transactions. Figures of topics that were not measured stay as they are.
"""

import argparse
import multiprocessing
import platform
import re
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, measure, table

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
TOPICS = ("scale", "requests", "limit", "claims", "makespan", "startup", "analyses", "routes", "server")


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("topics", nargs="*", choices=[*TOPICS, []], metavar="TOPIC", help=", ".join(TOPICS))
    parser.add_argument("--full", action="store_true", help="go on to 500,000 transactions")
    wanted = parser.parse_args()
    measured: list[Figure] = []
    for topic in wanted.topics or TOPICS:
        print(f"{topic} ...", flush=True)
        figures = _alone(topic, wanted.full)
        _keep(topic, figures)
        measured += figures
    print(table(measured))


def _alone(topic: str, full: bool) -> list[Figure]:
    """Measure a topic in a fresh process, so that no other topic's memory or imports count."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, topic, full).result()


def _keep(topic: str, figures: list[Figure]) -> None:
    """Put the figures between the topic's marks on the page, with when and where they were measured."""
    where = f"{platform.machine()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    text = f"{table(figures)}\n\nMeasured {datetime.now(UTC):%Y-%m-%d} on {where}.\n"
    begin, end = f"<!-- {topic} -->\n", f"<!-- end of {topic} -->"
    page, found = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: begin + text + end, PAGE.read_text(), flags=re.DOTALL
    )
    if not found:
        raise SystemExit(f"{PAGE} has no place for {topic}: the marks {begin.strip()} and {end} are missing")
    PAGE.write_text(page)


if __name__ == "__main__":
    main()

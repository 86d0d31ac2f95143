"""How long the command line makes its user wait, and what each room costs to import. CPU of fresh processes, the best
of several; beside them a Python that does nothing, and what nobody can do without.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.figures import Figure
from bench.long_run import long_run

TRIES = 7
ROWS = 1_000_000
COMMAND = Path(sys.executable).with_name("spacetraders")
ROOMS = {  # the module of each room that imports most of it
    "core": "core.protocol",
    "game": "game.navigate",
    "store": "store.work_queue",
    "run": "run.fleet",
    "analysis": "analysis.analyse",
    "report": "report.document",
    "sandbox": "sandbox.server",
}
COUNT = (
    "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM market_experiments').fetchone()"
)


def measure(full: bool = False) -> list[Figure]:
    """Help, status of a long run, imports."""
    nothing = _python("pass")
    empty = _python("import cyclopts; cyclopts.App(name='x', help_format='plaintext')(['--help'])")
    figures = [
        Figure(
            f"`spacetraders {words}`",
            f"{(spent := _cpu([str(COMMAND), *words.split()])):.0f} ms CPU",
            f"{empty:.0f} ms: an empty cyclopts command",
            f"{spent / empty:.2f}×",
            "< 200 ms",
        )
        for words in ("--help", "experiment --help", "market --help")
    ]
    figures.append(_status())
    for room, module in ROOMS.items():
        spent = _python(f"import spacetraders_lab.{module}")
        beside = f"{nothing:.0f} ms: Python alone"
        figures.append(Figure(f"import of {room}", f"{spent:.0f} ms CPU", beside, f"{spent / nothing:.1f}×"))
    return figures


def _status() -> Figure:
    with long_run(ROWS) as (rig, run_id, rows):
        path = Path(rig.database.name)
        environment = os.environ | {"SPACETRADERS_DATABASE_URL": f"sqlite:///{path}"}
        spent = _cpu([str(COMMAND), "experiment", "status", "--run-id", run_id], environment)
        bare = _cpu([sys.executable, "-c", COUNT, str(path)])
        beside = f"{bare:.0f} ms: sqlite3 counts the rows"
        return Figure(
            f"`experiment status` of a run of {rows:,} rows",
            f"{spent:.0f} ms CPU",
            beside,
            f"{spent / bare:.1f}×",
            "≤ 600 ms",
        )


def _python(code: str) -> float:
    return _cpu([sys.executable, "-c", code])


def _cpu(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Milliseconds of CPU that a command takes, the best of several tries."""
    spent = []
    for _ in range(TRIES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return 1000 * min(spent)

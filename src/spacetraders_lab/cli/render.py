"""How what was asked for looks: tables, JSON, and how a run stands. Prints; asks nothing, and draws without rich."""

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spacetraders_lab.cli.layout import lines
from spacetraders_lab.core.experiment import ExperimentRun, QueueStatus, RunStatus
from spacetraders_lab.core.limits import Limits
from spacetraders_lab.core.sayable import sayable
from spacetraders_lab.store.attrition import Attrition
from spacetraders_lab.store.experiments import Deviation
from spacetraders_lab.store.status import FailedPair, PairsSummary

BAR_CELLS = 20
UNBOUNDED = 10_000  # columns of what is no terminal: more than any line has


def width() -> int:
    """Columns of standard output: the terminal's, or as COLUMNS says; without either nothing is folded."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and 0 < int(columns) < UNBOUNDED:
        return int(columns)
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBOUNDED


def print_json(value: Any) -> None:
    """Print a value as JSON, times as ISO text, and null for a number that the data do not give."""
    print(json.dumps(sayable(value), indent=2, default=str, ensure_ascii=False, allow_nan=False))


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = (), if_empty: str = ""
) -> None:
    """Print a table, of which nothing is cut; columns named in `right` are of numbers.

    Where there are no rows, `if_empty` says on standard error what makes some.
    """
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    if not cells and if_empty:
        print(if_empty, file=sys.stderr)
    is_bold = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    for is_heading, line in lines(headings, cells, right, width()):
        print(f"\x1b[1m{line}\x1b[0m" if is_heading and is_bold else line)


def print_status(run: ExperimentRun, pairs: PairsSummary, *, is_open: bool = False, is_left: bool = False) -> None:
    """The status table of a run; `is_open` where it goes on choosing pairs, `is_left` where nobody flies for it."""
    done = pairs.by_status[QueueStatus.COMPLETED]
    print(f"Experiment: {run.run_id}")
    if is_open:
        print(f"Progress: {done} pairs; more are chosen as the run goes")
    else:
        print(f"Progress: {done}/{pairs.total} pairs ({100 * done / pairs.total if pairs.total else 0:.1f}%)")
    if run.status is not RunStatus.RUNNING:
        print(f"State: {run.status}" + (f" ({run.status_reason})" if run.status_reason else ""))
    elif is_left:
        print("State: RUNNING, but no ship is working on it")
        print(f"Resume it with: spacetraders experiment resume --run-id {run.run_id}")
    print("\nShip Performance:")
    most = max(pairs.completed.values(), default=0)
    for ship, completed in pairs.completed.items():
        share = completed / done if done else 0.0
        print(f"- {ship}: {completed} pairs {_bar(completed / most if most else 0.0)} ({100 * share:.0f}%)")
    if not pairs.completed:
        print("- no ship has claimed a pair yet")
    print("\nQueue Status:")
    print(f"- Completed: {done}")
    print(f"- In Progress: {pairs.by_status[QueueStatus.CLAIMED]}")
    print(f"- {pending_word(run.status)}: {pairs.by_status[QueueStatus.PENDING]}")
    print(f"- Failed: {pairs.by_status[QueueStatus.FAILED]}")


def pending_word(status: RunStatus) -> str:
    """What a run's PENDING pairs are: of one that was cancelled nobody is going to measure them."""
    return "Not measured" if status is RunStatus.CANCELLED else "Pending"


def print_limits(limits: Limits, *, hours: float, requests: int) -> None:
    """How much of its limits a run has used; nothing where it has none."""
    used = []
    if limits.max_hours is not None:
        used.append(f"{hours:.1f} of {limits.max_hours:g} hours")
    if limits.max_requests is not None:
        used.append(f"{requests:,} of {limits.max_requests:,} requests")
    if used:
        print(f"\nLimits: {', '.join(used)}")


def print_readings(readings: Mapping[str, int]) -> None:
    """How far a recovery run is with what it reads again, as it has traded it so far; nothing for other runs."""
    if readings:
        print(f"\nReadings: {readings['made']:,} made, {readings['missed']:,} missed, {readings['to_come']:,} to come")


def print_failures(failed: Sequence[FailedPair]) -> None:
    """Why pairs failed, one by one; those that the run did without, by reason."""
    for end in failed:
        if not end.was_done_without:
            print(f"  {end.pair.pair_id}: {end.error_message}")
    for reason, pairs in Counter(end.error_message for end in failed if end.was_done_without).items():
        print(f"  {pairs:,} pairs: {reason}")


def print_plan_kept(planned: Attrition | None, deviations: Sequence[Deviation], ended_because: str | None) -> None:
    """What became of the plan, where not everything went as `planned`; nothing else."""
    if planned is not None:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in planned.skipped.items())
        pending = f", pending {planned.pending:,}" if planned.pending else ""
        print(f"\nPlanned trades: {planned.planned:,}, executed {planned.executed:,}{pending}, skipped: {reasons}")
    for deviation in deviations:
        print(f"Deviation ({deviation.kind}): {deviation.what}")
    if ended_because is not None:
        print(f"\nEnded: {ended_because}")


def _bar(share: float) -> str:
    filled = round(share * BAR_CELLS)
    return "█" * filled + "░" * (BAR_CELLS - filled)

"""How much of a run is done and how long the rest takes, as far as anything tells. Pure.

A run whose pairs were all known before is done when they are. An adaptive run asks for more until its intervals are
narrow enough, which nobody can foretell: only its limits say how far it is. A recovery run lasts as long as its plan.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from spacetraders_lab.core.experiment import DesignName, RunStatus, goes_on_choosing


class Progress(NamedTuple):
    """The share that is done, 0 to 1, and seconds of the clock for the rest; None where nothing tells."""

    share: float | None
    seconds_left: float | None


def progress_of(
    run: Mapping[str, Any], pairs: Mapping[str, int], trades: int, active_seconds: float, now: datetime
) -> Progress:
    """How far a run is by its own row; `active_seconds` is how long its ships were at work, pauses left out."""
    elapsed = ((run["finished_at"] or now) - run["created_at"]).total_seconds()
    reckoned = [*_by_work(run, pairs, trades, active_seconds), *_by_time(run, elapsed)]
    if run["max_requests"] is not None:
        reckoned.append((run["requests"] / run["max_requests"], active_seconds))
    if run["status"] is RunStatus.COMPLETED:
        return Progress(1.0, None)
    if not reckoned:
        return Progress(None, None)
    left = [seconds for share, took in reckoned if (seconds := seconds_left(share, took)) is not None]
    return Progress(
        min(1.0, max(share for share, _ in reckoned)),
        min(left, default=None) if run["status"] is RunStatus.RUNNING else None,
    )


def seconds_left(share_done: float, seconds: float) -> float | None:
    """How long the rest takes at the pace so far; None before there is a pace."""
    if share_done <= 0 or seconds <= 0:
        return None
    return seconds * max(0.0, 1 - share_done) / share_done


def is_open(run: Mapping[str, Any]) -> bool:
    """Whether the run goes on choosing pairs."""
    return goes_on_choosing(DesignName(run["design"]["name"]), run["ended_because"], run["finished_at"])


def planned_trades(run: Mapping[str, Any]) -> int:
    """How many trades the plan foresees; 0 where it cannot: an adaptive run's plan is of one survey only."""
    return 0 if run["design"]["name"] == DesignName.ADAPTIVE else int(run["plan"].get("transactions", 0))


def _by_work(
    run: Mapping[str, Any], pairs: Mapping[str, int], trades: int, seconds: float
) -> Iterator[tuple[float, float]]:
    """By what is known to be done: pairs, and planned trades while pairs are left."""
    total, ended = sum(pairs.values()), pairs["COMPLETED"] + pairs["FAILED"]
    if is_open(run) or run["design"]["name"] == DesignName.RECOVERY:
        return
    yield ended / total if total else 0.0, seconds
    if (planned := planned_trades(run)) and ended < total:
        yield min(1.0, trades / planned), seconds


def _by_time(run: Mapping[str, Any], elapsed: float) -> Iterator[tuple[float, float]]:
    """By what the whole takes in game hours: a limit, or the plan of a recovery run."""
    hours = elapsed / 3600 * run["plan"].get("speed", 1.0)
    if run["max_hours"] is not None:
        yield hours / run["max_hours"], elapsed
    if run["design"]["name"] == DesignName.RECOVERY and run["plan"].get("hours"):
        yield hours / run["plan"]["hours"], elapsed
